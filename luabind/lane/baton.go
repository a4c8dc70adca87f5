package lane

import "sync"

// Priority says who gets the baton first.
type Priority uint8

const (
	Door     Priority = iota // open and close methods: somebody waits outside
	Ordinary                 // everything else
)

// doorStreak is how many at the door may go before one other process in a row, so that a busy door never stops the rest.
const doorStreak = 16

// baton is what a goroutine holds while it touches a VM. Those who wait get it in order, the door first. It hands over
// directly: the giver makes the next one the holder. Waiting is on a channel and not on a mutex, because the time of testing/synctest
// stands still while a goroutine waits for a mutex.
type baton struct {
	mu     sync.Mutex // guards what follows; never held while anybody waits
	held   bool
	queue  [2]waiters
	streak int
}

type waiters struct {
	first []chan struct{}
	head  int
}

func (w *waiters) push(c chan struct{}) { w.first = append(w.first, c) }
func (w *waiters) len() int             { return len(w.first) - w.head }
func (w *waiters) pop() chan struct{} {
	c := w.first[w.head]
	w.first[w.head] = nil
	w.head++
	if w.head == len(w.first) {
		w.first, w.head = w.first[:0], 0
	}
	return c
}

var turns = sync.Pool{New: func() any { return make(chan struct{}, 1) }}

// take blocks until the caller holds the baton.
func (b *baton) take(p Priority) {
	b.mu.Lock()
	if !b.held {
		b.held = true
		b.mu.Unlock()
		return
	}
	turn := turns.Get().(chan struct{})
	b.queue[p].push(turn)
	b.mu.Unlock()
	<-turn
	turns.Put(turn)
}

// give hands the baton to the next one who waits.
func (b *baton) give() {
	b.mu.Lock()
	defer b.mu.Unlock()
	door, others := &b.queue[Door], &b.queue[Ordinary]
	switch {
	case door.len() > 0 && (others.len() == 0 || b.streak < doorStreak):
		b.streak++
		door.pop() <- struct{}{}
	case others.len() > 0:
		b.streak = 0
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
