package sqlite

import (
	"context"
	"sync"
	"time"

	"moongate/runtime/datastore/failure"
)

// turn is the right to use the connection that writes. A transaction has it from its first write to its end; saves by
// themselves share it: those that came while somebody had it become one batch, and the first of them commits it.
type turn struct {
	wait time.Duration // how long anybody waits for it
	free sync.Pool     // of waiters

	mu      sync.Mutex // guards what follows; held for moments
	taken   bool
	holder  string // who has it for a transaction; empty: nobody, or a batch
	waiting []*waiter
	closed  bool

	batch []*waiter // the last one; of who has the turn
}

// maxBatch is how many saves are committed together at most.
const maxBatch = 256

// gather is how long a batch waits for more saves, where several come at the same time.
const gather = 300 * time.Microsecond

// waiter is one who wants the turn, or has a save to be written in somebody's turn.
type waiter struct {
	owner    string
	text     string // empty: wants the turn for itself
	args     []any
	returned *[]any // gets the first row of RETURNING; may be nil

	// What comes of it; to be read after ready has spoken.
	leads    bool // it has the turn, and must write what waits
	affected int64
	err      error

	ready chan struct{} // has room for one
	timer *time.Timer
}

// waiter is one of those that were freed, or a new one. Each turn has its own: their channels and timers must not come from
// one testing/synctest bubble into another.
func (t *turn) waiter() *waiter {
	if w, ok := t.free.Get().(*waiter); ok {
		return w
	}
	return &waiter{ready: make(chan struct{}, 1)}
}

// release gives a waiter back.
func (t *turn) release(w *waiter) {
	*w = waiter{ready: w.ready, timer: w.timer}
	t.free.Put(w)
}

// enter takes the turn, if it is free, or has w wait for it. It reports whether w has the turn at once.
func (t *turn) enter(w *waiter) (now bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return false, failure.New(failure.State, "", "the data store is closed")
	case t.taken:
		t.waiting = append(t.waiting, w)
		return false, nil
	}
	t.taken = true
	t.grant(w)
	return true, nil
}

// await waits until w has the turn or its save was written. When ctx ends or it takes too long before somebody began
// with it, it is an error, and nothing was written.
func (t *turn) await(ctx context.Context, w *waiter) error {
	if w.timer == nil {
		w.timer = time.NewTimer(t.wait)
	} else {
		w.timer.Reset(t.wait)
	}
	defer w.timer.Stop()
	var cause error
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		cause = endedError(ctx)
	case <-w.timer.C:
		cause = t.tooLong()
	}
	if t.leave(w) {
		return cause
	}
	<-w.ready // it has begun, and ends soon
	return nil
}

// tooLong says who has the turn.
func (t *turn) tooLong() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	who := t.holder
	if who == "" {
		who = "other saves"
	}
	return failure.New(failure.Locked, "", "the database was held by the transaction of %s for more than %v; end it, or make it shorter", who, t.wait)
}

// leave takes w out of those who wait. It reports whether it was there.
func (t *turn) leave(w *waiter) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, other := range t.waiting {
		if other == w {
			t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// grant gives w the turn. The caller has locked t.
func (t *turn) grant(w *waiter) {
	t.holder = ""
	if w.text == "" {
		t.holder = w.owner
	} else {
		w.leads = true
	}
}

// pass gives the turn to the first who waits.
func (t *turn) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.holder = ""
	if len(t.waiting) == 0 {
		t.taken = false
		return
	}
	first := t.waiting[0]
	t.drop(1)
	t.grant(first)
	first.ready <- struct{}{}
}

// drop takes the first n out of those who wait. The caller has locked t.
func (t *turn) drop(n int) {
	rest := copy(t.waiting, t.waiting[n:])
	clear(t.waiting[rest:])
	t.waiting = t.waiting[:rest]
}

// collect is the batch of who has the turn: itself, and the saves that wait, up to the first who wants the turn for
// itself. It is valid until the next one. If the last batch was of several, the leader waits a moment for others: a
// commit costs much more than a save in it, and who saves alone waits for nobody.
func (t *turn) collect(leader *waiter) []*waiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.batch) > 1 {
		t.mu.Unlock()
		time.Sleep(gather)
		t.mu.Lock()
	}
	n := 0
	for n < len(t.waiting) && n < maxBatch-1 && t.waiting[n].text != "" {
		n++
	}
	clear(t.batch)
	t.batch = append(append(t.batch[:0], leader), t.waiting[:n]...)
	t.drop(n)
	return t.batch
}

// close waits until nobody has the turn, and then nobody gets it any more.
func (t *turn) close() {
	w := t.waiter()
	if now, err := t.enter(w); err != nil {
		return
	} else if !now {
		<-w.ready
	}
	t.mu.Lock()
	t.closed = true
	rest := t.waiting
	t.waiting = nil
	t.mu.Unlock()
	for _, other := range rest {
		other.err = failure.New(failure.State, "", "the data store is closed")
		other.ready <- struct{}{}
	}
}
