package listener

import (
	"sync"
	"time"
)

// halt is a time in which nobody is accepted.
type halt struct {
	parked chan struct{} // closed by the loop when it accepts no more
	once   sync.Once
	over   chan struct{} // closed by Resume
}

// halts are a Listener's. The zero value is ready for use.
type halts struct {
	mu      sync.Mutex
	now     *halt // nil: none
	serving bool
}

func (h *halts) serve() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.serving = true
}

func (h *halts) current() *halt {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// begin makes a halt, nil when there is nothing to halt.
func (h *halts) begin() *halt {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.serving {
		return nil
	}
	if h.now == nil {
		h.now = &halt{parked: make(chan struct{}), over: make(chan struct{})}
	}
	return h.now
}

// end takes the halt away.
func (h *halts) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now != nil {
		close(h.now.over)
		h.now = nil
	}
}

// Pause stops taking connections in until Resume or Close; whoever connects waits in the kernel's queue. It blocks until
// everybody who was accepted has passed the door's first checks, which is moments. Before Serve it does nothing.
func (l *Listener) Pause() {
	h := l.halts.begin()
	if h == nil || l.wait(time.Unix(1, 0)) != nil {
		return
	}
	select {
	case <-h.parked:
	case <-l.closed:
	}
}

// Resume ends a Pause.
func (l *Listener) Resume() {
	l.wait(time.Time{}) // an error is that of a closed listener
	l.halts.end()
}

// park waits for the end of a Pause, if there is one. It reports whether there was.
func (l *Listener) park() bool {
	h := l.halts.current()
	if h == nil {
		return false
	}
	h.once.Do(func() { close(h.parked) })
	select {
	case <-h.over:
	case <-l.closed:
	}
	return true
}
