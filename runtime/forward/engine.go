package forward

import (
	"errors"
	"sync/atomic"
	"time"
)

// Options are what an Engine is made with. The zero value is good.
type Options struct {
	Loops int // that wait for sockets, on Linux; 0: as many as processors; below 0: none, goroutines serve all flows
	Pipes int // that may exist at the same time, on Linux, each 2 file descriptors; 0: 256; below 0: none
}

// Engine moves the bytes of all flows. Make it with New. Its methods may be called from any goroutine.
type Engine struct {
	start  time.Time
	loops  loops // the platform's
	copies copies
	clock  func() int64 // in tests: instead of the time since start
}

// New makes an engine, whose goroutines run until Close.
func New(o Options) (*Engine, error) {
	return newEngine(o, nil)
}

func newEngine(o Options, clock func() int64) (*Engine, error) {
	e := &Engine{start: time.Now(), clock: clock}
	if err := e.loops.open(e, o); err != nil {
		return nil, err
	}
	return e, nil
}

// ErrClosed is End.Err of a flow that was begun after Close.
var ErrClosed = errors.New("the engine is closed")

// Close ends all flows with EngineClosed. It waits for the engine's goroutines, those in a Done included. A flow that
// is begun later ends at once.
func (e *Engine) Close() {
	e.loops.close()
	e.copies.close()
}

// now is the engine's clock: nanoseconds since it was made.
func (e *Engine) now() int64 {
	if e.clock != nil {
		return e.clock()
	}
	return int64(time.Since(e.start))
}

// Forward takes both sockets over and moves bytes between them until one of the causes ends that. It does not block.
// The upstream is the engine's to close; the client is done's, see Done, and must be left alone until then. Done may
// be called before Forward returns, by Forward itself. If the cause says so (see Cause.Connecting), the client may be
// given to Forward again.
func (e *Engine) Forward(client, upstream Socket, t Terms, done Done) *Flow {
	if f := e.loops.forward(client, upstream, t, done); f != nil {
		return f
	}
	return e.copies.forward(e, client, upstream, t, done)
}

// Flow is a pair of sockets between which bytes move. Its methods may be called from any goroutine and do not block.
type Flow struct {
	engine  *Engine
	carrier carrier
	bytes   [2]atomic.Int64 // by the side that they came from
	moved   atomic.Int64    // when the last of them came, by the engine's clock
}

// carrier is who moves a flow's bytes.
type carrier interface{ end(Cause) }

// End ends the flow now, unless it has ended, for the cause that is given, most often Asked: nothing moves any more,
// and the upstream is closed when it returns. Done is called by it, unless another goroutine has called it or is
// about to.
func (f *Flow) End(c Cause) { f.carrier.end(c) }

// Bytes is how many bytes have come from the client (in) and from the upstream (out) so far.
func (f *Flow) Bytes() (in, out int64) {
	return f.bytes[clientSide].Load(), f.bytes[upstreamSide].Load()
}

// Idle is how long ago the last byte moved, or the flow began.
func (f *Flow) Idle() time.Duration {
	return time.Duration(max(0, f.engine.now()-f.moved.Load()))
}

// side is one of a flow's two sides, and the direction that begins there.
type side uint8

const (
	clientSide side = iota
	upstreamSide
)

func (s side) other() side { return 1 - s }
