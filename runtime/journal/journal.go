package journal

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// DefaultQueue is how many rows may wait when Options.Queue is 0: more than a second of the busiest door. They take
// about 14 MB when they all wait, and nothing when none does.
const DefaultQueue = 1 << 16

// Options says where and how to record.
type Options struct {
	Folder  string        // the data folder, which exists
	Session string        // the server session that all rows belong to; a UUID
	Keep    time.Duration // connections that ended longer ago are deleted; 0: none
	Queue   int           // rows that may wait; 0: DefaultQueue
	Beside  bool          // servers that this one takes over from still write; see Ended
	Log     *slog.Logger  // nil: slog.Default
}

// Stats is how recording goes.
type Stats struct {
	Rows         int64     // connections written by this Journal
	Dropped      int64     // calls of Refused, Accepted and Closed that were not written and will not be
	Unrecorded   int64     // rows whose Reads were left out, because too many bytes waited
	Queued       int       // calls that wait
	Capacity     int       // how many may
	Failing      error     // why nothing is written now; nil: all is well
	FailingSince time.Time // zero when all is well
}

// Journal records connections. Its methods may be called from any goroutine, Refused, Accepted and Closed also after
// Close: they drop then.
type Journal struct {
	options Options
	pace    pace
	queue   *queue
	keeper  keeper        // the writer's
	stop    chan struct{} // closed by Close: the writer writes what waits and ends
	done    chan struct{} // closed when the writer has ended
	cancel  context.CancelFunc

	living living
	ending sync.Once
	lost   error // of Close

	mu      sync.Mutex
	rows    int64
	failing error
	since   time.Time
}

// pace is how fast the writer does things. Tests have other figures.
type pace struct {
	gather      time.Duration // how long the first row of a batch waits for others
	ripe        int           // rows that are written without waiting longer
	retry       time.Duration // the first pause after a failure; each is twice as long as the one before
	retryMost   time.Duration
	report      time.Duration // least time between two lines of the log about drops
	aliveEvery  time.Duration // between two signs of life while connections are open and nothing else is written
	asideEvery  time.Duration // least time between two broken files put aside
	sweepEvery  time.Duration // time from one look for old rows to the next
	sweepPause  time.Duration // between two steps of a look
	trust       time.Duration // how long old rows are safe after the clock was set
	checkpoints int           // pages of the -wal file that are copied at once
	now         func() time.Time
	uptime      func() time.Duration // of the monotonic clock
}

func defaultPace() pace {
	start := time.Now()
	return pace{
		gather: 200 * time.Millisecond, ripe: 4096, retry: 100 * time.Millisecond, retryMost: 5 * time.Second,
		report: 10 * time.Second, aliveEvery: time.Minute, asideEvery: time.Minute, sweepEvery: time.Minute, sweepPause: 20 * time.Millisecond,
		trust: time.Hour, checkpoints: 4000, now: time.Now,
		uptime: func() time.Duration { return time.Since(start) },
	}
}

// Open begins to record. It returns at once and never fails: what is wrong with the file is in the log and in Stats, and
// tried again until it works. Connections that earlier sessions left open are closed as [Lost] first, unless those may write yet. Close must be
// called. A folder has one server, and those that it takes over from (Options.Beside): they may write at the same time.
func Open(o Options) *Journal { return open(o, defaultPace()) }

func open(o Options, p pace) *Journal {
	if o.Queue <= 0 {
		o.Queue = DefaultQueue
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	ctx, cancel := context.WithCancel(context.Background())
	j := &Journal{
		options: o, pace: p, queue: newQueue(o.Queue, p.ripe),
		stop: make(chan struct{}), done: make(chan struct{}), cancel: cancel,
	}
	j.keeper.keep = o.Keep
	j.living.beside = o.Beside
	w := newWriter(j)
	go func() { // ends after Close has closed stop, at the latest when its budget is over
		defer close(j.done)
		w.run(ctx)
	}()
	return j
}

// Refused records a connection that was not let in. Like Accepted and Closed it copies the row and returns: it never
// waits for the disk, allocates nothing in the steady state, and drops the row when too many wait.
func (j *Journal) Refused(r *Row) { j.queue.put(r, wasRefused) }

// Accepted records a connection that was let in, as open. Closed must follow it, after it has returned.
func (j *Journal) Accepted(r *Row) { j.queue.put(r, wasAccepted) }

// Closed records the end of an accepted connection. The row is complete: when the one of Accepted was dropped, nothing is
// missing. When this one is dropped, the connection is closed as [Lost] as soon as recording works.
func (j *Journal) Closed(r *Row) { j.queue.put(r, hasClosed) }

// Stats tells how recording goes now. It does not wait for the writer.
func (j *Journal) Stats() Stats {
	queued, _, dropped := j.queue.state()
	j.mu.Lock()
	defer j.mu.Unlock()
	return Stats{
		Rows: j.rows, Dropped: dropped, Unrecorded: j.queue.leftOut(), Queued: queued, Capacity: j.queue.capacity, Failing: j.failing, FailingSince: j.since,
	}
}

// grace is how much longer than its budget Close may take: a system call cannot be called back.
const grace = 250 * time.Millisecond

// Close writes what waits, for at most so long, and closes the file. It tries again what fails, except where waiting does
// not help: a full disk at that moment is the end. Connections that are still open are closed as [Lost]. The error says
// how many rows were lost and why. A second Close gives the first one's error.
func (j *Journal) Close(budget time.Duration) error {
	j.ending.Do(func() { j.lost = j.end(budget) })
	return j.lost
}

func (j *Journal) end(budget time.Duration) error {
	j.queue.close()
	close(j.stop)
	timer := time.AfterFunc(budget, j.cancel)
	defer timer.Stop()
	defer j.cancel()
	over := time.NewTimer(budget + grace)
	defer over.Stop()
	select {
	case <-j.done:
	case <-over.C:
	}
	lost := j.queue.lose()
	if lost == 0 {
		return nil
	}
	why := j.Stats().Failing
	if why == nil {
		why = fmt.Errorf("%v was not enough", budget)
	}
	return fmt.Errorf("journal: %d rows lost: %w", lost, why)
}

// wrote tells Stats that so many new rows are in the file.
func (j *Journal) wrote(rows int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.rows += int64(rows)
	j.failing, j.since = nil, time.Time{}
}

// fails tells Stats why nothing is written. It reports whether all was well before.
func (j *Journal) fails(err error) (first bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	first = j.failing == nil
	if first {
		j.since = j.pace.now()
	}
	j.failing = err
	return first
}
