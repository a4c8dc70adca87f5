package host

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"moongate/runtime/shutdown"
)

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	Accepted         EventKind = "accepted"
	RefusedEvent     EventKind = "refused"
	Closed           EventKind = "closed"
	ProcessEnded     EventKind = "process ended"
	ScriptFailed     EventKind = "script failed"
	ScriptsLoaded    EventKind = "scripts loaded"
	ScriptsNotLoaded EventKind = "scripts not loaded"
	ScriptsTakenBack EventKind = "scripts taken back"
	QuitAsked        EventKind = "quit"
	QuitCanceled     EventKind = "quit canceled"
	Waiting          EventKind = "waiting" // for the clients to leave; about once a second
	StageOver        EventKind = "stage"
	Ended            EventKind = "ended"
)

// Event is one thing that happened. Which fields are set depends on the kind.
type Event struct {
	Time       time.Time
	Kind       EventKind
	Connection int64
	Process    int64
	User       string
	Address    string
	Method     string
	Code       int64
	Text       string
	Stage      *shutdown.Result
	Report     *Report // of the kind Ended
	Err        error   // of the kind Ended: why the server failed
	Lost       int64   // events that this reader missed before this one
}

// events hands events on to those who read them.
type events struct {
	readers atomic.Int32 // how many there are: nothing is made of an event that nobody reads

	mu     sync.Mutex
	all    map[*reader]struct{}
	closed bool
}

// reader is one who reads events.
type reader struct {
	queue chan Event // closed when no more come
	lost  int64      // since the last that it got; guarded by events.mu
}

// waitingEvents is how many events may wait for one reader.
const waitingEvents = 1024

// read reports whether anybody reads events.
func (e *events) read() bool { return e.readers.Load() > 0 }

// publish hands an event to every reader, and does not wait for any.
func (e *events) publish(event Event) {
	if !e.read() {
		return
	}
	if event.Time.IsZero() {
		event.Time = time.Now()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for r := range e.all {
		if event.Kind == Ended && len(r.queue) == cap(r.queue) { // the one that nobody may miss
			select {
			case <-r.queue:
				r.lost++
			default:
			}
		}
		event.Lost = r.lost
		select {
		case r.queue <- event:
			r.lost = 0
		default:
			r.lost++
		}
	}
}

// open adds a reader; nil when there are no more events.
func (e *events) open() *reader {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	r := &reader{queue: make(chan Event, waitingEvents)}
	if e.all == nil {
		e.all = map[*reader]struct{}{}
	}
	e.all[r] = struct{}{}
	e.readers.Add(1)
	return r
}

func (e *events) remove(r *reader) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.all[r]; ok {
		delete(e.all, r)
		e.readers.Add(-1)
	}
}

// close ends all readers, after what waits for them.
func (e *events) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for r := range e.all {
		close(r.queue)
	}
	clear(e.all)
	e.readers.Store(0)
}

// Events gives what happens from the moment of the call on, until ctx ends or the server is over. It never holds the
// server up: a reader that is slow misses events, and the next one says how many.
func (h *Host) Events(ctx context.Context) iter.Seq[Event] {
	r := h.events.open()
	return func(yield func(Event) bool) {
		if r == nil {
			return
		}
		defer h.events.remove(r)
		for {
			select {
			case event, ok := <-r.queue:
				if !ok || !yield(event) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}
