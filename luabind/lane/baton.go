package lane

import (
	"sync"
	"time"

	"moongate/runtime/measure"
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
	reserved bool     // held by nobody, and kept for the door
	holder   *Program // who took it; of no meaning while it is reserved or not held
	took     time.Time
	queue    [2]waiters
	turns    []chan struct{} // to wait with, not in use
	since    time.Time       // since when the door has had the baton although others wait; zero: it has not

	waits measure.Histogram // how long those who had to wait did
}

// waiter is one who waits.
type waiter struct {
	turn chan struct{}
	who  *Program
}

// waiters is a queue of those who wait.
type waiters struct {
	all  []waiter
	head int
}

func (w *waiters) push(one waiter) { w.all = append(w.all, one) }

func (w *waiters) len() int { return len(w.all) - w.head }

// waiting are those who wait, the next one first.
func (w *waiters) waiting() []waiter { return w.all[w.head:] }

func (w *waiters) pop() waiter {
	one := w.all[w.head]
	w.all[w.head] = waiter{}
	w.head++
	if w.head == len(w.all) {
		w.all, w.head = w.all[:0], 0
	}
	return one
}

// take blocks until the caller holds the baton, and says how long that took. who is the program it is taken for, now the
// time.
func (b *baton) take(p Priority, who *Program, now time.Time) (waited time.Duration) {
	b.mu.Lock()
	if !b.held || b.reserved && p == Door {
		b.held, b.reserved, b.holder, b.took = true, false, who, now
		b.mu.Unlock()
		return 0
	}
	var turn chan struct{}
	if n := len(b.turns); n > 0 {
		turn, b.turns = b.turns[n-1], b.turns[:n-1]
	} else {
		turn = make(chan struct{}, 1)
	}
	b.queue[p].push(waiter{turn, who})
	b.mu.Unlock()
	<-turn
	waited = time.Since(now)
	b.waits.Observe(waited)
	b.mu.Lock()
	if len(b.turns) < keptTurns {
		b.turns = append(b.turns, turn)
	}
	b.mu.Unlock()
	return waited
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
	b.held, b.holder = true, nil
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
		b.nextLocked(time.Now())
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
		b.passLocked(door.pop(), now)
	case others.len() > 0:
		b.since = time.Time{}
		b.passLocked(others.pop(), now)
	default:
		b.held = false
	}
}

// passLocked makes one who waited the holder.
func (b *baton) passLocked(next waiter, now time.Time) {
	b.holder, b.took = next.who, now
	next.turn <- struct{}{}
}

// look is who has the baton, nil when nobody does, since when, and who waits for it, the next one first.
func (b *baton) look() (holder *Program, since time.Time, waiting []*Program) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held && !b.reserved {
		holder, since = b.holder, b.took
	}
	for _, q := range b.queue {
		for _, w := range q.waiting() {
			waiting = append(waiting, w.who)
		}
	}
	return holder, since, waiting
}

// waiting is how many wait for the baton.
func (b *baton) waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queue[Door].len() + b.queue[Ordinary].len()
}
