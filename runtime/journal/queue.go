package journal

import (
	"net/netip"
	"sync"
	"time"
)

// blockRows is how many entries a block of the queue holds, about 190 KB. The queue grows and shrinks by blocks:
// growing never copies what waits already, so no connection at the door waits for a copy of megabytes.
const blockRows = 512

// spareBlocks is how many empty blocks are kept for the next rows; more go back to the garbage collector after a
// storm.
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
	gate, upstream, facts, shadow              string
	line, fault, reads                         string
	began, took, steps                         int64 // microseconds after opened; microseconds
	recorded                                   bool  // there is something in began, took, steps, local, line, fault and reads
	address, local                             netip.AddrPort
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
	e.shadow = clip(r.Shadow)
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
	if r.Began.IsZero() || len(r.Reads) > ReadsLimit {
		return
	}
	e.recorded = true
	e.local, e.line, e.fault, e.reads, e.steps, e.took = r.Local, clip(r.Line), clip(r.Fault), r.Reads, r.Steps, r.Took.Microseconds()
	e.began = r.Began.Sub(opened).Microseconds()
}

// inherit takes over what the entry of the beginning has and the one of the end may leave out.
func (e *entry) inherit(from *entry) {
	if e.shadow == "" {
		e.shadow = from.shadow
	}
	if !e.recorded {
		e.local, e.line, e.fault, e.reads, e.recorded = from.local, from.line, from.fault, from.reads, from.recorded
		e.began, e.took, e.steps = from.began, from.took, from.steps
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
	room     int           // bytes of reads
	ripe     int           // so many rows wake the writer at once
	wake     chan struct{} // holds one: the first row waits, or enough for a batch

	mu      sync.Mutex
	blocks  []*block // the last one is filled
	spare   []*block
	waiting int // rows in blocks
	taken   int // rows that the writer has and has not written
	held    int // bytes of their reads
	dropped int64
	reads   int    // bytes of reads in blocks, and of those that the writer has
	omitted int64  // rows whose reads found no room
	debts   []debt // at most capacity
	closed  bool   // everything is dropped from now on
}

func newQueue(capacity, ripe int) *queue {
	return &queue{capacity: capacity, room: readsRoom, ripe: min(ripe, capacity), wake: make(chan struct{}, 1)}
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
	q.weighLocked(&b.rows[b.n])
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

// readsRoom is how many bytes of reads may wait. It is far more than a batch of usual ones, and bounds what policies
// that read much can make the queue hold.
const readsRoom = 32 << 20

// weighLocked counts the reads of an entry, or leaves them out when too many bytes wait: the row is worth more.
func (q *queue) weighLocked(e *entry) {
	n := len(e.reads)
	if n == 0 {
		return
	}
	if q.reads+n > q.room {
		e.recorded, e.reads = false, ""
		q.omitted++
		return
	}
	q.reads += n
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
	q.held = q.reads
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
	q.reads -= q.held
	q.held = 0
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
	q.blocks, q.spare, q.debts, q.waiting, q.taken, q.reads, q.held = nil, nil, nil, 0, 0, 0, 0
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

// leftOut says how many rows there were whose reads found no room.
func (q *queue) leftOut() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.omitted
}

// owes reports whether ends wait that are not rows.
func (q *queue) owes() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.debts) > 0
}

// micro is the moment of so many microseconds since 1970, in the local zone.
func micro(us int64) time.Time { return time.UnixMicro(us) }
