package replay

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"moongate/runtime/journal"
	"moongate/runtime/journal/archive"
	"moongate/runtime/recording"
)

// Progress is how far a replay is. Its methods may be called from any goroutine; the zero value is a replay that has
// not begun.
type Progress struct {
	rows, changed atomic.Int64
}

// Rows is how many rows were taken, those without a recording too; Changed is how many verdicts are not the same.
func (p *Progress) Rows() int64    { return p.rows.Load() }
func (p *Progress) Changed() int64 { return p.changed.Load() }

// batchRows is how many rows a goroutine decides about before it takes the next.
const batchRows = 128

// batch is rows on their way.
type batch struct {
	rows    []journal.Row
	results []result
	done    chan struct{} // closed when the results are there
}

// result is what came of a row.
type result struct {
	kind    kind
	was, is recording.Outcome
}

// kind is what could be done with a row.
type kind uint8

const (
	notAsked kind = iota
	notRecorded
	damaged
	decided
)

// Run has the rehearsals, at least one, which are of the same scripts, decide about rows. It blocks until there are
// no more rows, one is an error, or ctx ends. The report is then about those before, and the error says why there are
// not more. A row with an archive.LineError is counted as damaged and does not end it.
func Run(ctx context.Context, rows iter.Seq2[journal.Row, error], rehearsals []recording.Rehearsal, p *Progress) (*Report, error) {
	begun := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	t := newTally(rehearsals[0].Version())
	work, queue := make(chan *batch), make(chan *batch, 4*len(rehearsals))
	var failed error
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() { // ends with the rows, or ctx
		defer close(queue)
		defer close(work)
		failed = t.feed(ctx, rows, work, queue)
	})
	for _, r := range rehearsals {
		all.Go(func() { // ends with the rows, or ctx
			for b := range work {
				b.decide(r)
			}
		})
	}
	for b := range queue { // in order
		<-b.done
		for i := range b.results {
			t.take(&b.rows[i], b.results[i])
		}
		p.rows.Add(int64(len(b.rows)))
		p.changed.Store(t.report.Changed())
	}
	all.Wait()
	if failed == nil {
		failed = ctx.Err()
	}
	return t.end(time.Since(begun)), failed
}

// feed puts the rows into batches, in order. It belongs to one goroutine, and so do the counts of damaged lines until
// that has ended.
func (t *tally) feed(ctx context.Context, rows iter.Seq2[journal.Row, error], work, queue chan<- *batch) error {
	b := newBatch()
	send := func() bool {
		for _, to := range []chan<- *batch{queue, work} {
			select {
			case to <- b:
			case <-ctx.Done():
				b.abandon(to == work)
				return false
			}
		}
		b = newBatch()
		return true
	}
	for row, err := range rows {
		var line *archive.LineError
		switch {
		case errors.As(err, &line):
			t.damaged++
			continue
		case err != nil:
			send()
			return err
		}
		if b.rows = append(b.rows, row); len(b.rows) == batchRows && !send() {
			return ctx.Err()
		}
	}
	send()
	return nil
}

func newBatch() *batch {
	return &batch{rows: make([]journal.Row, 0, batchRows), done: make(chan struct{})}
}

// abandon is the end of a batch about which nobody decides. queued says that somebody waits for it.
func (b *batch) abandon(queued bool) {
	if queued {
		close(b.done)
	}
}

// decide decides about the rows.
func (b *batch) decide(by recording.Rehearsal) {
	defer close(b.done)
	b.results = make([]result, len(b.rows))
	for i := range b.rows {
		row := &b.rows[i]
		r, recorded, err := archive.Recording(row)
		switch {
		case !recorded && row.Version != "":
			b.results[i].kind = notRecorded
		case !recorded:
		case err != nil:
			b.results[i].kind = damaged
		default:
			is, _ := by.Rehearse(r, recording.RehearseOptions{})
			b.results[i] = result{decided, r.Outcome, is}
		}
	}
}

// take counts a row.
func (t *tally) take(row *journal.Row, r result) {
	switch r.kind {
	case notAsked:
		t.report.NotAsked++
	case notRecorded:
		t.report.NotRecorded++
	case damaged:
		t.report.Damaged++
	case decided:
		t.add(row, r.was, r.is)
	}
}
