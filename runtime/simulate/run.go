package simulate

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Run carries out one plan, once.
type Run struct {
	plan  Plan
	tally *tally

	over   context.Context // ended when no more clients come, and those who are there are to leave
	finish context.CancelCauseFunc
	hard   context.Context    // ended when everything is to be broken off
	abort  context.CancelFunc // Abort, but for the clients that are yet to come

	began   atomic.Int64   // when, in nanoseconds since 1970; 0: not yet
	clients sync.WaitGroup // their goroutines end when they have left, at the latest Plan.Timeout after the end, or with Abort
	living  atomic.Int64   // of them
	last    atomic.Int64   // number given to a client
}

// Why a run was over.
var (
	errCompleted   = errors.New("completed")
	errInterrupted = errors.New("interrupted")
	errGone        = errors.New("server gone")
)

// New makes a run. Nothing is connected yet. The error is that of Plan.Check.
func New(p Plan) (*Run, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	r := &Run{plan: p.withDefaults(), tally: newTally()}
	if r.plan.Behaviour == nil {
		r.plan.Behaviour = ordinary{&r.plan}
	}
	r.hard, r.abort = context.WithCancel(context.Background())
	r.over, r.finish = context.WithCancelCause(context.Background())
	return r, nil
}

// Go lets the clients come, and blocks until all have gone. The end of ctx ends the time of the run: who is there
// leaves, and who waits for a verdict gets it. It is called once.
func (r *Run) Go(ctx context.Context) *Report {
	defer r.abort()
	defer context.AfterFunc(ctx, func() { r.finish(errInterrupted) })()
	start := time.Now()
	r.began.Store(start.UnixNano())
	end := time.AfterFunc(r.plan.Duration, func() { r.finish(errCompleted) })
	defer end.Stop()
	if r.plan.Clients > 0 {
		r.atOnce()
	} else {
		r.byRate(start)
	}
	<-r.over.Done()
	elapsed := time.Since(start)
	r.clients.Wait()
	return r.report(start, elapsed, context.Cause(r.over))
}

// Abort breaks off what is under way, so that Go returns at once. It may be called from any goroutine, and again.
func (r *Run) Abort() {
	r.finish(errInterrupted)
	r.abort()
}

// byRate starts clients by the timetable.
func (r *Run) byRate(start time.Time) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := range r.plan.arrivals() {
		due := start.Add(r.plan.arrival(i))
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-r.over.Done():
			}
		}
		if r.over.Err() != nil {
			return
		}
		if most := r.plan.MostOpen; most > 0 && r.living.Load() >= int64(most) {
			r.tally.omits()
			continue
		}
		r.living.Add(1)
		r.clients.Go(func() { r.life(due) })
	}
}

// betweenFailures is how long a place stays empty whose client got no verdict, so that a server that is gone is not
// hammered.
const betweenFailures = 100 * time.Millisecond

// atOnce starts so many clients, and has each of them followed by another.
func (r *Run) atOnce() {
	for range r.plan.Clients {
		r.clients.Go(func() {
			for r.over.Err() == nil {
				r.living.Add(1)
				if r.life(time.Now()) {
					continue
				}
				select {
				case <-time.After(betweenFailures):
				case <-r.over.Done():
				}
			}
		})
	}
}

// life is one client, from coming to going. It reports whether the client got a verdict.
func (r *Run) life(due time.Time) bool {
	defer r.living.Add(-1)
	number := r.last.Add(1)
	c := &Client{Number: number, Random: r.plan.random(number), run: r, scheduled: due}
	if n := int64(len(r.plan.Users)); n > 0 {
		c.User = r.plan.Users[(number-1)%n]
	}
	if n := int64(r.plan.Addresses); n > 0 {
		c.Address = SourceAddress(int((number - 1) % n))
	}
	r.tally.comes(time.Since(due))
	err := r.plan.Behaviour.Live(c)
	c.Close()
	r.tally.ended(err)
	return c.decided
}

// failed counts a failure to get a verdict, and ends the run if there is nobody at the other end any more.
func (r *Run) failed(err error) error {
	if r.hard.Err() != nil {
		r.tally.brokeOff()
		return ErrBrokenOff
	}
	f := failed(err, "")
	if r.tally.fails(f, r.plan.Patience) {
		r.finish(errGone)
	}
	return f
}

// Progress is how far a run is.
type Progress struct {
	Elapsed, Duration                        time.Duration
	Started, Accepted, Refused, Failed, Lost int64
	Open                                     int
}

// Progress tells how far the run is. It may be called from any goroutine and does not block.
func (r *Run) Progress() Progress {
	p := Progress{Duration: r.plan.Duration}
	if began := r.began.Load(); began != 0 {
		p.Elapsed = time.Since(time.Unix(0, began))
	}
	t := r.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	p.Started, p.Accepted, p.Refused, p.Failed, p.Lost, p.Open = t.started, t.accepted, t.refused, t.failed, t.wasLost, t.open
	return p
}
