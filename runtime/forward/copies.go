package forward

import (
	"sync"
	"time"
)

// copies are the flows that goroutines serve, because a side is not a raw socket or the system is not Linux.
type copies struct {
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
	flows  map[*copying]struct{}
}

// forward begins a flow that two goroutines serve until it ends.
func (cs *copies) forward(e *Engine, c, u Socket, t Terms, done Done) *Flow {
	f := newCopying(e, c, u, t, done)
	if !cs.add(f) {
		f.end(EngineClosed)
		f.err = ErrClosed
		f.conclude()
	}
	return &f.Flow
}

// add starts a flow. It reports false when the engine has been closed.
func (cs *copies) add(f *copying) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed {
		return false
	}
	if cs.flows == nil {
		cs.flows = map[*copying]struct{}{}
	}
	cs.flows[f] = struct{}{}
	cs.running.Go(func() { // until the flow has ended
		f.run()
		cs.remove(f)
		f.conclude()
	})
	return true
}

func (cs *copies) remove(f *copying) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.flows, f)
}

// close ends all flows and waits for them.
func (cs *copies) close() {
	cs.mu.Lock()
	cs.closed = true
	left := make([]*copying, 0, len(cs.flows))
	for f := range cs.flows {
		left = append(left, f)
	}
	cs.mu.Unlock()
	for _, f := range left {
		f.end(EngineClosed)
	}
	cs.running.Wait()
}

// Sizes of a direction's buffer. An idle direction has the small one; who fills it gets a large one until there is
// less.
const (
	smallBuffer = 1 << 10
	largeBuffer = 32 << 10
)

var largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}

// drainTime is how long a side whose writing failed may still give what it had said before.
const drainTime = 5 * time.Second
