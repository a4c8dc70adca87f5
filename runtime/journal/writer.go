package journal

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"time"

	"modernc.org/sqlite"
)

// writer is the goroutine that writes, and all that belongs to it alone.
type writer struct {
	j      *Journal
	log    *slog.Logger
	driver *sqlite.Driver // with the batch's source
	batch  batch
	store  *store // nil: to be opened

	blocks    []*block // taken and not yet written
	debts     []debt
	assembled bool // blocks and debts are in the batch

	sign bool // of life: to be written although nothing waits

	known  known
	aside  time.Time // when a broken file was put aside last
	outage outage
}

func newWriter(j *Journal) *writer {
	w := &writer{j: j, log: j.options.Log, driver: new(sqlite.Driver)}
	if err := w.driver.RegisterModule("batch", &w.batch.source); err != nil {
		panic(err) // a new driver has no modules
	}
	return w
}

// run writes until the Journal is closed and nothing waits, or ctx ends.
func (w *writer) run(ctx context.Context) {
	defer w.shut(ctx)
	w.attempt(ctx)
	for w.await() {
		w.attempt(ctx)
	}
	for ctx.Err() == nil {
		err := w.attempt(ctx)
		if queued, _, _ := w.j.queue.state(); err == nil && queued == 0 && !w.j.queue.owes() {
			return
		}
		if err != nil && (!passing(err) || !w.sleep(ctx, w.j.pace.retry)) {
			return
		}
	}
}

// await waits until there is something to do. It reports false when the Journal was closed.
func (w *writer) await() bool {
	p := &w.j.pace
	if w.outage.pause > 0 {
		return w.rest(w.outage.pause)
	}
	_, waiting, _ := w.j.queue.state()
	if waiting == 0 && w.j.queue.owes() {
		return true
	}
	if waiting == 0 {
		var sweep <-chan time.Time // nil: an idle server wakes nobody
		if w.j.keeper.busy() {
			timer := time.NewTimer(p.sweepPause)
			defer timer.Stop()
			sweep = timer.C
		}
		var alive <-chan time.Time // nil: after a crash nothing would be closed at the wrong time
		if len(w.batch.open) > 0 {
			timer := time.NewTimer(p.aliveEvery)
			defer timer.Stop()
			alive = timer.C
		}
		select {
		case <-w.j.stop:
			return false
		case <-alive:
			w.sign = true
			return true
		case <-sweep:
			return true
		case <-w.j.queue.wake:
		}
	}
	return w.gather()
}

// gather waits for more rows after the first.
func (w *writer) gather() bool {
	timer := time.NewTimer(w.j.pace.gather)
	defer timer.Stop()
	for {
		if _, waiting, _ := w.j.queue.state(); waiting >= w.j.queue.ripe {
			return true
		}
		select {
		case <-w.j.stop:
			return false
		case <-timer.C:
			return true
		case <-w.j.queue.wake:
		}
	}
}

// rest waits so long. It reports false when the Journal was closed.
func (w *writer) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-w.j.stop:
		return false
	case <-timer.C:
		return true
	}
}

// sleep waits so long. It reports false when ctx ended.
func (w *writer) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// attempt does all that is to be done now, and tells how it went.
func (w *writer) attempt(ctx context.Context) error {
	err := w.work(ctx)
	if err == nil {
		w.works()
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	if w.store != nil && !passing(err) {
		w.store.close()
		w.store = nil
	}
	if broken(err) && w.mayPutAside() {
		if err = w.begin(err); err == nil {
			return w.attempt(ctx)
		}
	}
	w.fails(err)
	return err
}

// work opens the file when it must, writes what waits, and looks for old rows.
func (w *writer) work(ctx context.Context) error {
	if w.store != nil && w.store.moved() {
		w.log.Error("journal file gone", "path", w.store.path, "error", errGone)
		w.store.close()
		w.store, w.batch.part = nil, part{}
	}
	if w.store == nil {
		if err := w.open(ctx); err != nil {
			return err
		}
	}
	if err := w.closeLost(ctx, w.store, false); err != nil {
		return err
	}
	if !w.assembled {
		blocks, debts := w.j.queue.take()
		w.blocks, w.debts = blocks, debts
		w.batch.assemble(blocks, debts)
		w.assembled = true
	}
	if len(w.blocks) > 0 || len(w.debts) > 0 || w.sign {
		if err := w.write(ctx); err != nil {
			return err
		}
	}
	w.sign = false
	w.j.wrote(len(w.batch.fresh))
	w.j.queue.done(w.blocks)
	w.blocks, w.debts, w.assembled = nil, nil, false
	for range 1 + 2*len(w.batch.fresh)/keepStep { // deleting keeps up with writing
		if err := w.j.keeper.step(ctx, w.store, w.j.pace); err != nil {
			return err
		}
	}
	w.batch.release()
	return nil
}

// write writes the batch in one transaction.
func (w *writer) write(ctx context.Context) error {
	s, b := w.store, &w.batch
	err := s.transact(ctx, func() error {
		if err := w.follow(ctx); err != nil {
			return err
		}
		alive := w.j.pace.now().UnixMicro()
		if _, err := s.part.ExecContext(ctx, b.part.id, w.j.options.Session, b.part.first, b.part.texts, alive); err != nil {
			return err
		}
		for _, t := range b.texts {
			if _, err := s.text.ExecContext(ctx, t.id, t.text); err != nil {
				return err
			}
		}
		for _, lines := range [][]line{b.ended, b.fresh} {
			if err := w.writeLines(ctx, lines); err != nil {
				return err
			}
		}
		for _, d := range b.debts {
			if _, err := s.debt.ExecContext(ctx, d.entry.closed, d.id); err != nil {
				return err
			}
		}
		for _, m := range b.marks {
			if _, err := s.mark.ExecContext(ctx, m.last, m.low, m.high); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		w.known.lastPart = max(w.known.lastPart, b.part.id)
	}
	return err
}

// writeLines puts lines into the table, with what their verdicts depended on when one of them has that: SQLite asks
// the source for each column, which costs a twentieth of a microsecond.
func (w *writer) writeLines(ctx context.Context, lines []line) error {
	if len(lines) == 0 {
		return nil
	}
	statement := w.store.bare
	if slices.ContainsFunc(lines, func(l line) bool { return l.entry.recorded }) {
		statement = w.store.rows
	}
	w.batch.source.lines = lines
	_, err := statement.ExecContext(ctx)
	return err
}

// open opens the file. When it is not the one that was written to before, what is known of the old one is forgotten:
// rows that wait are numbered anew.
func (w *writer) open(ctx context.Context) (err error) {
	s, err := openStore(ctx, w.j.options.Folder, w.driver, w.j.pace.checkpoints)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := w.closeLost(ctx, s, true); err != nil {
		return err
	}
	if err := w.j.keeper.opened(ctx, s, w.j.pace); err != nil {
		return err
	}
	if err := w.adopt(ctx, s); err != nil {
		return err
	}
	if wal, err := os.Stat(s.path + "-wal"); err == nil {
		s.wal = wal
	}
	w.store = s
	return nil
}

// adopt makes the batch fit the file. What another session has written to it since is for follow to find.
func (w *writer) adopt(ctx context.Context, s *store) error {
	w.known.version = 0 // of a connection that there is no more
	var st *state
	err := s.transact(ctx, func() (err error) {
		if st, err = s.read(ctx, w.j.options.Session); err != nil || w.knows(st) {
			return err
		}
		_, err = s.part.ExecContext(ctx, st.lastPart+1, w.j.options.Session, st.nextID, st.nextText, w.j.pace.now().UnixMicro())
		return err
	})
	if err != nil || w.knows(st) {
		return err
	}
	w.renumber(st)
	w.known.lastPart = w.batch.part.id
	return nil
}

// knows reports whether a file is the same as before: an assembled batch stays right then.
func (w *writer) knows(st *state) bool { return st.part == w.batch.part && st.part.id != 0 }

// mayPutAside reports whether it is time to put a file aside: when every new file is broken at once, the disk is.
func (w *writer) mayPutAside() bool {
	return w.aside.IsZero() || w.j.pace.now().Sub(w.aside) >= w.j.pace.asideEvery
}

// begin puts the broken file aside, so that the next try makes a new one.
func (w *writer) begin(cause error) error {
	path := w.path()
	w.aside = w.j.pace.now()
	to, err := putAside(path, w.aside)
	if to == "" {
		return errors.Join(cause, err)
	}
	w.log.Error("journal file broken; it was put aside and a new one begun", "path", path, "aside", to, "error", cause)
	return err
}

// shut ends the recording: rows that are still open are closed, and the file too.
func (w *writer) shut(ctx context.Context) {
	if w.store == nil {
		return
	}
	if ctx.Err() == nil && w.outage.pause == 0 {
		now := w.j.pace.now().UnixMicro()
		_, err := w.store.conn.ExecContext(ctx, closeOwn, now, w.j.options.Session)
		if err != nil {
			w.log.Warn("journal", "error", explain(w.path(), err))
		}
	}
	if err := w.store.close(); err != nil {
		w.log.Warn("journal", "error", explain(w.path(), err))
	}
	w.store = nil
}
