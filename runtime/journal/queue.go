package journal

import (
	"net/netip"
	"sync"
	"time"
)

// blockRows is how many entries a block of the queue holds, about 125 KB. The queue grows and shrinks by blocks: growing
// never copies what waits already, so no connection at the door waits for a copy of megabytes.
const blockRows = 512

// spareBlocks is how many empty blocks are kept for the next rows; more go back to the garbage collector after a storm.
const spareBlocks = 16

// kind is what an entry says of its connection.
type kind uint8

const (
	wasRefused kind = iota
	wasAccepted
	hasClosed // the complete row of an accepted connection
)

// entry is a row that waits, without what every row of the session shares.
type entry struct {
	connection, user, code                     int64
	name, listener, version, reason, by, cause string
	gate, upstream, facts                      string
	address                                    netip.AddrPort
	opened                                     int64 // microseconds since 1970
	decided, closed                            int64 // microseconds after opened
	in, out                                    int64
	kind                                       kind
}

// fill copies the row. It is called with the queue's lock held, so it does nothing dear.
func (e *entry) fill(r *Row, k kind) {
	e.connection, e.user, e.code, e.kind = r.Connection, r.User, r.Code, k
	e.name, e.listener, e.version = clip(r.UserName), clip(r.Listener), clip(r.Version)
	e.reason, e.by, e.cause = clip(r.Reason), clip(r.By), clip(r.Cause)
	e.gate, e.upstream, e.facts = clip(r.Gate), clip(r.Upstream), clip(r.Facts)
	e.address, e.in, e.out = r.Address, r.BytesIn, r.BytesOut
	opened := r.Opened
	if opened.IsZero() {
		opened = r.Decided
	}
	e.opened, e.decided = opened.UnixMicro(), 0
	if !r.Decided.IsZero() {
		e.decided = max(0, r.Decided.Sub(opened).Microseconds())
	}
	e.closed = e.decided
	if !r.Closed.IsZero() {
		e.closed = max(e.decided, r.Closed.Sub(opened).Microseconds())
	}
}

// debt is an end whose row was dropped. Without it the connection would be shown as open until the server's own end.
type debt struct {
	connection int64
	closed     int64 // microseconds since 1970
}

// block is a piece of the queue.
type block struct {
	n    int
	rows [blockRows]entry
}

// queue is what waits to be written: any goroutine puts, the writer takes. It never blocks for longer than another
// goroutine's copy of one row.
type queue struct {
	capacity int           // rows
	ripe     int           // so many rows wake the writer at once
	wake     chan struct{} // holds one: the first row waits, or enough for a batch

	mu      sync.Mutex
	blocks  []*block // the last one is filled
	spare   []*block
	waiting int // rows in blocks
	taken   int // rows that the writer has and has not written
	dropped int64
	debts   []debt // at most capacity
	closed  bool   // everything is dropped from now on
}

func newQueue(capacity, ripe int) *queue {
	return &queue{capacity: capacity, ripe: min(ripe, capacity), wake: make(chan struct{}, 1)}
}

// put copies the row in, or drops and counts it when there is no room.
func (q *queue) put(r *Row, k kind) {
	q.mu.Lock()
	if q.closed || q.waiting+q.taken >= q.capacity {
		q.dropLocked(r, k)
		q.mu.Unlock()
		return
	}
	last := len(q.blocks) - 1
	if last < 0 || q.blocks[last].n == blockRows {
		q.blocks = append(q.blocks, q.blockLocked())
		last++
	}
	b := q.blocks[last]
	b.rows[b.n].fill(r, k)
	b.n++
	q.waiting++
	wake := q.waiting == 1 || q.waiting == q.ripe
	q.mu.Unlock()
	if wake {
		select {
		case q.wake <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// dropLocked counts a row that is not kept, and remembers the end of a connection that is perhaps shown as open. The
// memory is bounded by the capacity: what is beyond is closed when the journal is.
func (q *queue) dropLocked(r *Row, k kind) {
	q.dropped++
	if k == hasClosed && !q.closed && len(q.debts) < q.capacity {
		q.debts = append(q.debts, debt{r.Connection, r.Closed.UnixMicro()})
	}
}

// blockLocked is an empty block.
func (q *queue) blockLocked() *block {
	if n := len(q.spare); n > 0 {
		b := q.spare[n-1]
		q.spare = q.spare[:n-1]
		return b
	}
	return new(block)
}

// take hands all that waits to the writer, which owns it until done.
func (q *queue) take() ([]*block, []debt) {
	q.mu.Lock()
	defer q.mu.Unlock()
	blocks, debts := q.blocks, q.debts
	q.taken += q.waiting
	q.blocks, q.debts, q.waiting = nil, nil, 0
	return blocks, debts
}

// done gives back blocks whose rows have been written.
func (q *queue) done(blocks []*block) {
	for _, b := range blocks {
		clear(b.rows[:b.n]) // the texts
		b.n = 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken = 0
	if room := spareBlocks - len(q.spare); room > 0 {
		q.spare = append(q.spare, blocks[:min(room, len(blocks))]...)
	}
}

// lose counts all that has not been written as dropped, and says how many that were. Nothing is kept from then on.
func (q *queue) lose() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	n := q.waiting + q.taken
	q.dropped += int64(n)
	q.blocks, q.spare, q.debts, q.waiting, q.taken = nil, nil, nil, 0, 0
	return n
}

// close ends the taking in of rows.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// state says how many rows are not written yet, how many of them nobody has taken, and how many were dropped in all.
func (q *queue) state() (queued, waiting int, dropped int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting + q.taken, q.waiting, q.dropped
}

// owes reports whether ends wait that are not rows.
func (q *queue) owes() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.debts) > 0
}

// micro is the moment of so many microseconds since 1970, in the local zone.
func micro(us int64) time.Time { return time.UnixMicro(us) }
