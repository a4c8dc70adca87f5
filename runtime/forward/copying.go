package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// copying is a flow that two goroutines serve, one for each direction.
type copying struct {
	Flow
	terms  Terms
	given  [2]Socket
	done   Done
	ctx    context.Context // over when the flow must end
	cancel context.CancelFunc
	began  int64
	free   [2]int64 // when each direction may move again, for Terms.BytesPerSecond; of that direction's goroutine

	mu    sync.Mutex
	conns [2]net.Conn // nil: not connected yet
	timer *time.Timer // for the limits; nil: none
	cause Cause
	first Cause // which side ended first
	ended [2]bool
	err   error
}

func newCopying(e *Engine, c, u Socket, t Terms, done Done) *copying {
	f := &copying{terms: t, given: [2]Socket{c, u}, done: done, began: e.now()}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.engine, f.carrier = e, f
	f.moved.Store(f.began)
	return f
}

// run moves bytes until the flow has ended.
func (f *copying) run() {
	if f.watch(); !f.prepare() {
		return
	}
	var second sync.WaitGroup
	second.Go(func() { f.move(upstreamSide, f.terms.ToClient) }) // until the flow ends
	f.move(clientSide, f.terms.ToUpstream)
	second.Wait()
}

// prepare makes both sides connections. It reports false if the flow is over already.
func (f *copying) prepare() bool {
	for _, s := range []side{clientSide, upstreamSide} {
		conn, err := f.given[s].connection(s)
		if f.given[s].kind == absent {
			conn, err = f.dial()
		}
		if err != nil {
			f.stop(connectCause(errno(err)), fmt.Errorf("cannot connect the upstream: %w", err))
			return false
		}
		f.mu.Lock()
		f.conns[s] = conn
		over := f.cause != NoCause
		f.mu.Unlock()
		if over {
			return false
		}
	}
	return true
}

// dial connects the upstream.
func (f *copying) dial() (net.Conn, error) {
	d := net.Dialer{Timeout: f.terms.ConnectTimeout}
	conn, err := d.DialContext(f.ctx, "tcp", f.given[upstreamSide].address.String())
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err // without the address, which the caller knows
	}
	return conn, err
}

// errno is the system's number of an error.
func errno(err error) syscall.Errno {
	var number syscall.Errno
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &number):
		return number
	case errors.As(err, &timeout) && timeout.Timeout():
		return syscall.ETIMEDOUT
	default:
		return 0
	}
}

// watch looks after the limits of time, now and whenever the next of them may have come.
func (f *copying) watch() {
	now, next := f.engine.now(), int64(0)
	if d := int64(f.terms.MaxDuration); d > 0 {
		if next = f.began + d; now >= next {
			f.end(MaxDuration)
			return
		}
	}
	if d := int64(f.terms.IdleTimeout); d > 0 {
		idle := f.moved.Load() + d
		if now >= idle {
			f.end(Idle)
			return
		}
		if next == 0 || idle < next {
			next = idle
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if next != 0 && f.cause == NoCause {
		f.timer = time.AfterFunc(time.Duration(next-now), f.watch)
	}
}

// move moves the bytes that come from a side, after those that are to be sent first.
func (f *copying) move(from side, first []byte) {
	a, b := f.conns[from], f.conns[from.other()]
	if len(first) > 0 {
		if _, err := b.Write(first); err != nil {
			f.writeFailed(from.other(), err)
			return
		}
	}
	small := make([]byte, smallBuffer)
	for buffer := small; ; {
		most := f.allowance(from, len(buffer))
		n, err := a.Read(buffer[:most])
		if n > 0 && !f.counted(from, n) {
			return
		}
		if n > 0 {
			if _, err := b.Write(buffer[:n]); err != nil {
				f.writeFailed(from.other(), err)
				return
			}
		}
		if err != nil {
			f.readEnded(from, err)
			return
		}
		buffer = resized(small, buffer, n)
	}
}

// resized is the buffer to read into after a read of n bytes.
func resized(small, buffer []byte, n int) []byte {
	switch {
	case n == smallBuffer && len(buffer) == smallBuffer:
		return largeBuffers.Get().(*[largeBuffer]byte)[:]
	case n <= smallBuffer && len(buffer) == largeBuffer:
		largeBuffers.Put((*[largeBuffer]byte)(buffer))
		return small
	}
	return buffer
}

// counted counts bytes that were read. It reports false if they are over the limit, which ends the flow.
func (f *copying) counted(from side, n int) bool {
	if most := f.terms.MaxBytes; most > 0 {
		if total := f.bytes[from].Add(int64(n)) + f.bytes[from.other()].Load(); total > most {
			f.bytes[from].Add(-int64(n))
			f.end(MaxBytes)
			return false
		}
	} else {
		f.bytes[from].Add(int64(n))
	}
	f.moved.Store(f.engine.now())
	if rate := f.terms.BytesPerSecond; rate > 0 {
		f.free[from] = afterMoving(f.free[from], f.moved.Load(), n, rate)
	}
	return true
}

// allowance is how many bytes may be read from a side; it waits until there may be some, or the flow ends. At the
// limit of all bytes it is one: if it comes, the flow ends, and without it there may be an end of file.
func (f *copying) allowance(from side, most int) int {
	if limit := f.terms.MaxBytes; limit > 0 {
		left := limit - f.bytes[clientSide].Load() - f.bytes[upstreamSide].Load()
		most = int(min(int64(most), max(1, left)))
	}
	rate := f.terms.BytesPerSecond
	if rate <= 0 {
		return most
	}
	if wait := f.free[from] - f.engine.now(); wait > 0 {
		timer := time.NewTimer(time.Duration(wait))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-f.ctx.Done():
		}
	}
	return int(min(int64(most), max(1, rate/ratePieces)))
}

// readEnded is the end of what comes from a side: its end of file, which the other is told, or its loss.
func (f *copying) readEnded(from side, err error) {
	if !errors.Is(err, io.EOF) { // TLS that ends within a record is lost, and without a farewell it has just ended
		f.lost(from, err)
		return
	}
	f.mu.Lock()
	f.ended[from] = true
	if f.first == NoCause {
		f.first = ClientEnded + Cause(from)
	}
	both, first := f.ended[from.other()], f.first
	f.mu.Unlock()
	if both || !closeWrite(f.conns[from.other()]) {
		f.end(first)
	}
}

// writeFailed notes that a side takes nothing any more. What it gave before is read first, by the other direction.
func (f *copying) writeFailed(to side, err error) {
	f.mu.Lock()
	if f.ended[to] || f.cause != NoCause {
		f.mu.Unlock()
		f.lost(to, err)
		return
	}
	defer f.mu.Unlock()
	f.ended[to.other()] = true // the end of file of this side is the end of the flow
	f.first, f.err = ClientLost+Cause(to), lostError(to, err)
	f.conns[to].SetReadDeadline(time.Now().Add(drainTime))
}

// lost ends the flow because of a side.
func (f *copying) lost(s side, err error) { f.stop(ClientLost+Cause(s), lostError(s, err)) }

func lostError(s side, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return fmt.Errorf("the %s was lost: %w", [...]string{"client", "upstream"}[s], err)
}

// end is Flow.End.
func (f *copying) end(cause Cause) { f.stop(cause, nil) }

// stop decides why the flow ends, unless that is decided, and interrupts its goroutines.
func (f *copying) stop(cause Cause, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cause != NoCause {
		return
	}
	f.cause = cause
	if f.err == nil {
		f.err = err
	}
	if f.timer != nil {
		f.timer.Stop()
	}
	f.cancel()
	if c := f.conns[clientSide]; c != nil {
		c.SetDeadline(time.Unix(1, 0))
	}
	if u := f.conns[upstreamSide]; u != nil {
		if cause == ClientLost {
			reset(u)
		}
		u.Close()
	}
}

// conclude tells Done of the end. Nobody uses the sides any more.
func (f *copying) conclude() {
	f.mu.Lock()
	c, u, cause := f.conns[clientSide], f.conns[upstreamSide], f.cause
	f.mu.Unlock()
	if u != nil {
		u.Close()
	} else {
		f.given[upstreamSide].Close()
	}
	if c != nil {
		c.SetDeadline(time.Time{})
		if cause == UpstreamLost {
			reset(c)
		}
		f.given[clientSide].release(c)
	}
	in, out := f.Bytes()
	end := End{Cause: cause, In: in, Out: out}
	if explained(cause, f.err) {
		end.Err = f.err
	}
	f.done(end, func() {})
}
