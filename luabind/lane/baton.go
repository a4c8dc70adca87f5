package lane

import (
	"sync"
	"time"
)

// Priority says who gets the baton first.
type Priority uint8

const (
	Door     Priority = iota // open and close methods: somebody waits outside
	Ordinary                 // everything else
)

// baton is what a goroutine holds while it touches a VM. Those who wait get it in order, the door first; but when
// others wait too, the door has it for one slice at the most before it is their turn. It is handed over directly: the
// giver makes the next one the holder. Waiting is on a channel and not on a mutex, because the time of
// testing/synctest stands still while a goroutine waits for a mutex.
//
// Whoever decides about connections one after the other may reserve the baton between two of them. Without that a
// process that loops for ever would get its slice after each connection, and a hundred clients who come together
// would wait a hundred slices.
type baton struct {
	slice time.Duration

	mu       sync.Mutex // guards what follows; never held while anybody waits
	held     bool
	reserved bool // held by nobody, and kept for the door
	queue    [2]waiters
	turns    []chan struct{} // to wait with, not in use
	since    time.Time       // since when the door has had the baton although others wait; zero: it has not
}

// waiters is a queue of those who wait.
type waiters struct {
	turns []chan struct{}
	head  int
}

func (w *waiters) push(turn chan struct{}) { w.turns = append(w.turns, turn) }

func (w *waiters) len() int { return len(w.turns) - w.head }

func (w *waiters) pop() chan struct{} {
	turn := w.turns[w.head]
	w.turns[w.head] = nil
	w.head++
	if w.head == len(w.turns) {
		w.turns, w.head = w.turns[:0], 0
	}
	return turn
}

// take blocks until the caller holds the baton.
func (b *baton) take(p Priority) {
	b.mu.Lock()
	if !b.held || b.reserved && p == Door {
		b.held, b.reserved = true, false
		b.mu.Unlock()
		return
	}
	var turn chan struct{}
	if n := len(b.turns); n > 0 {
		turn, b.turns = b.turns[n-1], b.turns[:n-1]
	} else {
		turn = make(chan struct{}, 1)
	}
	b.queue[p].push(turn)
	b.mu.Unlock()
	<-turn
	b.mu.Lock()
	if len(b.turns) < keptTurns {
		b.turns = append(b.turns, turn)
	}
	b.mu.Unlock()
}

// keptTurns is how many channels a baton keeps for the next who wait.
const keptTurns = 64

// tryTake takes the baton if nobody has it.
func (b *baton) tryTake() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held {
		return false
	}
	b.held = true
	return true
}

// give hands the baton to the next one who waits. now is the time.
func (b *baton) give(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nextLocked(now)
}

// reserve gives the baton back but keeps it for the door, unless the door has had it for long. Who reserves calls
// release when the door has nothing more to do.
func (b *baton) reserve(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queue[Door].len() == 0 && b.doorMayGoOnLocked(now) {
		b.reserved = true
		return
	}
	b.nextLocked(now)
}

// release ends a reservation, if there is one.
func (b *baton) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reserved {
		b.reserved = false
		b.since = time.Time{}
		b.nextLocked(time.Time{})
	}
}

// doorMayGoOnLocked reports whether it is not yet the others' turn.
func (b *baton) doorMayGoOnLocked(now time.Time) bool {
	if b.queue[Ordinary].len() == 0 {
		b.since = time.Time{}
		return true
	}
	if b.since.IsZero() {
		b.since = now
	}
	return now.Sub(b.since) < b.slice
}

func (b *baton) nextLocked(now time.Time) {
	door, others := &b.queue[Door], &b.queue[Ordinary]
	switch {
	case door.len() > 0 && b.doorMayGoOnLocked(now):
		door.pop() <- struct{}{}
	case others.len() > 0:
		b.since = time.Time{}
		others.pop() <- struct{}{}
	default:
		b.held = false
	}
}

// waiting is how many wait for the baton.
func (b *baton) waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queue[Door].len() + b.queue[Ordinary].len()
}
