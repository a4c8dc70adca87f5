package interprocess

import "sync"

// The names that a signal has besides those that users give it.
const (
	signaledField    = "signaled"
	descriptionField = "description"
)

// signal is what is different about a Shared that is a Signal.
type signal struct {
	once      sync.Once
	triggered chan struct{} // closed by the trigger
}

// NewSignal makes a signal that has not been triggered, with a description, "" for none. It is a shared object: its
// description and further values are read and changed like those of one.
func (c *Commons) NewSignal(description string) *Shared {
	s := c.newShared(Signal)
	s.signal = &signal{triggered: make(chan struct{})}
	if description != "" {
		s.fields[descriptionField] = description
	}
	return s
}

// Trigger wakes all who wait for the signal. It stays triggered. Nobody needs to use it for that.
func (s *Shared) Trigger() { s.signal.once.Do(func() { close(s.signal.triggered) }) }

// Triggered is closed when the signal is triggered.
func (s *Shared) Triggered() <-chan struct{} { return s.signal.triggered }

// Signaled reports whether the signal was triggered.
func (s *Shared) Signaled() bool {
	select {
	case <-s.signal.triggered:
		return true
	default:
		return false
	}
}
