package remote

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"moongate/runtime/wire"
)

// link is the connection of one client process to its twins, over as many transports as it takes. Its goroutine, run,
// reads what comes and makes the transport anew; who asks for something puts a request down, and writes it if there
// is a transport. A link has one request at a time.
type link struct {
	client  *Client
	process *Process
	ctx     context.Context // ends when run shall
	stop    context.CancelFunc
	over    chan struct{} // closed when nothing can be asked any more
	again   retry         // of run
	ordered int64         // the order that came last, of run: the server gives it again after a lost transport; 0: none

	mu      sync.Mutex
	conn    net.Conn // nil while there is no transport
	pending *request // nil when nothing is asked
	last    *request // QUIT, which follows the pending one
	got     int64    // replies since JOIN or SESSION
	joined  bool
	leaving bool  // nobody asks any more: QUIT, as soon as there is a transport
	err     error // why nothing can be asked any more
}

// request is what waits for its reply.
type request struct {
	frame   frame
	answer  chan any // has room for the reply
	sent    bool     // the server may have begun it
	written bool     // all of it has left
	orphan  bool     // nobody waits: the link gives the process's turn when the reply has come
	quit    bool     // it is QUIT
}

// errOrphaned says that the request goes on without the one who asked.
var errOrphaned = errors.New("the request goes on")

func newLink(p *Process) *link {
	l := &link{client: p.client, process: p, over: make(chan struct{})}
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l
}

// run is the link's goroutine. t is its first transport, nil if it has to join.
func (l *link) run(t *transport) {
	defer l.client.forget(l)
	for done := int64(0); ; t = nil {
		var err error
		if t == nil {
			t, done, err = l.connect()
		}
		if err == nil {
			began := time.Now()
			err = l.converse(t, done)
			l.again.lasted(time.Since(began))
			t.close()
		}
		if l.ctx.Err() != nil || isFinal(err) {
			l.end(err)
			break
		}
		l.client.log.Warn("connection to the server lost, trying again", "process", l.process.number, "error", err)
	}
	if l.process == l.client.application {
		l.client.lose(l.fate())
	}
}

// isFinal reports whether an error says more than that a transport was lost.
func isFinal(err error) bool {
	var known *Error
	var refused *Refused
	return errors.As(err, &known) || errors.As(err, &refused)
}

// converse reads a transport until it ends. done is how many requests the server has begun.
func (l *link) converse(t *transport, done int64) error {
	if err := l.install(t.conn, done); err != nil {
		return err
	}
	defer l.uninstall()
	for {
		reply, err := t.reader.ReadReply()
		if err != nil {
			return l.closing(broken(l.ctx, err))
		}
		switch v := reply.(type) {
		case wire.Push:
			err = l.tell(v)
		case wire.Error:
			if err = parting(v); err == nil {
				err = l.deliver(t.conn, v)
			}
		default:
			err = l.deliver(t.conn, v)
		}
		if err != nil {
			return err
		}
	}
}

// parting is the error that an error of the server's is after which it closes the link; nil for a reply.
func parting(e wire.Error) error {
	switch {
	case e.Code == "CLOSED":
		return lost("%s", e.Message)
	case e.Code == "ERR" && strings.HasPrefix(e.Message, "Protocol error"):
		return lost("the server did not understand: %s", e.Message)
	}
	return nil
}

// install gives the link a transport, and sends the request that waits unless the server has it.
func (l *link) install(conn net.Conn, done int64) error {
	l.mu.Lock()
	r := l.pending
	owed := done - l.got
	send := owed == 0 && r != nil
	var err error
	switch {
	case l.ctx.Err() != nil:
		err = l.err
	case l.leaving:
		err = errProcessEnded
	case owed != 0 && (owed != 1 || r == nil || !r.sent):
		err = nonsense("it has carried out %d requests instead of %d", done, l.got)
	default:
		l.conn, l.joined = conn, true
		if send {
			r.sent, r.written = true, false
		}
	}
	leaving := l.leaving
	l.mu.Unlock()
	switch {
	case leaving:
		part(conn, true)
	case err == nil && send:
		l.write(conn, r)
	}
	return err
}

// partingTime is how long a QUIT may take to leave that nobody waits for.
const partingTime = 100 * time.Millisecond

func (l *link) uninstall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = nil
}

// write sends a request. It does not matter if it fails: then the transport is lost, which run notices.
func (l *link) write(conn net.Conn, r *request) {
	if _, err := conn.Write(r.frame); err != nil {
		conn.Close()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r.written = true
}

// closing is what the end of a transport means: after QUIT, the end that was asked for.
func (l *link) closing(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leaving {
		return errProcessEnded
	}
	return err
}

// deliver gives a reply to who asked, and sends what was to follow.
func (l *link) deliver(conn net.Conn, reply any) error {
	l.mu.Lock()
	r := l.pending
	if r == nil {
		l.mu.Unlock()
		return nonsense("a reply that nobody asked for")
	}
	l.got++
	l.again.reset()
	l.leaving = l.leaving || r.quit
	next := l.last
	l.pending, l.last = next, nil
	if next != nil {
		next.sent = true
	}
	orphan := r.orphan
	l.mu.Unlock()
	r.answer <- reply
	if orphan {
		l.process.give()
	}
	if next != nil {
		l.write(conn, next)
	}
	return nil
}

// tell passes on what the server says by itself.
func (l *link) tell(p wire.Push) error {
	if !isOrder(p) && l.process != l.client.application {
		return nil
	}
	told, err := readPush(p)
	if err != nil || told == nil {
		return err
	}
	if isOrder(p) {
		id, _ := element[int64](p, 1)
		if id == l.ordered {
			return nil
		}
		l.ordered = id
	}
	told(l.client.config.Notices)
	return nil
}

// ask sends a request and waits for its reply, which may be an error of the server's. The caller has the process's
// turn, and keeps it unless the error is errOrphaned.
func (l *link) ask(ctx context.Context, f frame) (any, error) {
	r := &request{frame: f, answer: make(chan any, 1)}
	conn, err := l.put(r)
	if err != nil {
		return nil, err
	}
	if conn != nil {
		unblock := context.AfterFunc(ctx, func() { conn.SetWriteDeadline(time.Unix(1, 0)) })
		l.write(conn, r)
		unblock()
	}
	select {
	case reply := <-r.answer:
		return reply, nil
	case <-l.over:
	case <-l.client.done:
	case <-ctx.Done():
		return nil, l.withdraw(ctx, r)
	}
	select {
	case reply := <-r.answer:
		return reply, nil
	default:
	}
	if err := l.client.ended(); err != nil {
		return nil, err
	}
	return nil, l.fate()
}

// put puts a request down. It gives the transport to write it to; without one run will.
func (l *link) put(r *request) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return nil, l.err
	}
	l.pending = r
	r.sent = l.conn != nil
	return l.conn, nil
}

// withdraw takes a request back whose ctx has ended. What the server may have begun ends with the link, unless the
// session would.
func (l *link) withdraw(ctx context.Context, r *request) error {
	cause := context.Cause(ctx)
	l.mu.Lock()
	var conn net.Conn
	switch {
	case l.pending != r || l.err != nil:
	case !r.sent:
		l.pending = nil
	case l.process == l.client.application:
		r.orphan, cause = true, errOrphaned
	default:
		l.overLocked(errProcessEnded)
		l.leaving, conn = true, l.conn
	}
	whole := r.written
	l.mu.Unlock()
	if conn != nil {
		part(conn, whole)
	}
	return cause
}

// part ends a transport while the server carries out a request. The server is told by QUIT, which it reads when the
// request is over, and by the end of the transport, which it notices before. Where there is no transport run goes on
// until it has one, so that the server keeps nothing.
func part(conn net.Conn, whole bool) {
	if whole {
		conn.SetWriteDeadline(time.Now().Add(partingTime))
		conn.Write(plain("QUIT"))
	}
	conn.Close()
}

// leave ends the link with QUIT and waits until the server has closed it. If something is still asked, which only the
// end of the session does not wait for, the Application process's link waits for that, and any other is cut.
func (l *link) leave(ctx context.Context) error {
	if conn, r := l.putLast(); conn != nil {
		l.write(conn, r)
	}
	select {
	case <-l.over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// putLast puts QUIT down. It gives the transport to write it to; where there is none, run does what is to be done.
func (l *link) putLast() (net.Conn, *request) {
	r := &request{frame: plain("QUIT"), answer: make(chan any, 1), quit: true}
	l.mu.Lock()
	defer l.mu.Unlock()
	busy := l.pending != nil
	switch {
	case l.err != nil, busy && l.pending.quit:
	case !l.joined, busy && l.process != l.client.application:
		l.endLocked(errClosed)
	case busy:
		l.last = r
	default:
		l.pending = r
		r.sent = l.conn != nil
		return l.conn, r
	}
	return nil, nil
}

// end ends the link for good: nothing can be asked any more, and run returns.
func (l *link) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLocked(err)
}

func (l *link) endLocked(err error) {
	l.stop()
	l.overLocked(err)
	if l.conn != nil {
		l.conn.Close()
	}
}

// overLocked makes it known that nothing can be asked any more.
func (l *link) overLocked(err error) {
	if l.err != nil {
		return
	}
	if err == nil {
		err = errClosed
	}
	l.err = err
	close(l.over)
	if r := l.pending; r != nil && r.orphan {
		r.orphan = false
		l.process.give()
	}
}

// fate is why nothing can be asked any more, nil while it can.
func (l *link) fate() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *link) isOver() bool { return l.fate() != nil }

// hadJoined reports whether the server has ever known the link.
func (l *link) hadJoined() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.joined
}
