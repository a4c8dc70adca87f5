package datastore

import (
	"context"
	"fmt"
	"time"

	"moongate/runtime/datastore/statement"
)

// Save writes the row: a new one whole, another's columns that were set; with none set it does nothing. It returns
// when that is as durable as the store is, or in a transaction when it is part of that.
//
// Kinds of errors, after which nothing was written: Stamp when somebody else has saved the row since it was read,
// Missing when it was dropped, Locked when another process has its lock, DuplicateKey, and Value when a column lacks
// its value.
func (c *Context) Save(ctx context.Context, r *Record) error {
	if err := c.usable(r); err != nil {
		return err
	}
	if !r.fresh && !r.Touched() {
		return nil
	}
	if err := c.store.locks.check(c, r); err != nil {
		return err
	}
	if r.fresh {
		return c.insert(ctx, r)
	}
	if err := r.complete(); err != nil {
		return err
	}
	var columns []int
	for i, t := range r.touched {
		if t {
			columns = append(columns, i)
		}
	}
	args, err := r.encode(columns)
	if err != nil {
		return err
	}
	stamp := c.store.stamp()
	s := r.table.Update(columns, args, r.key, r.stamp, stamp, !c.holds(r))
	return c.change(ctx, r, s, stamp)
}

// maxNumberings is how often a new row gets another sequence number when it meets one that somebody has put there by
// hand.
const maxNumberings = 3

// insert writes a new row.
func (c *Context) insert(ctx context.Context, r *Record) error {
	numbered := false
	for try := 1; ; try++ {
		if err := c.number(ctx, r, &numbered); err != nil {
			return err
		}
		if err := r.complete(); err != nil {
			return err
		}
		all := make([]int, len(r.values))
		for i := range all {
			all[i] = i
		}
		args, err := r.encode(all)
		if err != nil {
			return err
		}
		stamp := c.store.stamp()
		err = c.change(ctx, r, r.table.Insert(append(args, stamp)), stamp)
		if KindOf(err) != DuplicateKey || !numbered || try == maxNumberings || c.sequenceTaken(ctx, r) != nil {
			return err
		}
	}
}

// number gives the columns that are sequences their numbers. Numbered says that it was not the caller who did.
func (c *Context) number(ctx context.Context, r *Record, numbered *bool) error {
	for i := range r.table.Columns {
		if !r.table.Columns[i].Sequence || r.values[i] != nil {
			continue
		}
		n, err := c.next(ctx, r.table)
		if err != nil {
			return err
		}
		r.values[i], *numbered = n, true
	}
	return nil
}

// sequenceTaken lets the sequence go on after the highest number that is in the table, if one is as high as the
// row's, and takes the numbers from the row; otherwise the error is that there is none.
func (c *Context) sequenceTaken(ctx context.Context, r *Record) error {
	raised := false
	for i := range r.table.Columns {
		if !r.table.Columns[i].Sequence {
			continue
		}
		highest, err := c.highest(ctx, r.table, i)
		if err != nil {
			return err
		}
		if n, _ := r.values[i].(int64); highest >= n {
			c.store.numbers.of(r.table.Name).raise(highest + 1)
			raised = true
		}
		r.values[i] = nil
	}
	if !raised {
		return &Error{Kind: DuplicateKey}
	}
	return nil
}

// Drop takes the row out of the database. Kinds of errors are as Save's; dropping a new row is an error of kind
// State.
func (c *Context) Drop(ctx context.Context, r *Record) error {
	if err := c.usable(r); err != nil {
		return err
	}
	if err := r.saved("drop"); err != nil {
		return err
	}
	if err := c.store.locks.check(c, r); err != nil {
		return err
	}
	return c.change(ctx, r, r.table.Delete(r.key, r.stamp, !c.holds(r)), 0)
}

// retryPause is before another try of a save whose database went away; it doubles.
const retryPause = 50 * time.Millisecond

// change writes a row and takes note of it. Stamp is what the row has afterwards, 0 when it is dropped. When the
// answer was lost, the stamp says whether the row was written; if not, it is written again.
func (c *Context) change(ctx context.Context, r *Record, s statement.Statement, stamp int64) error {
	var before state
	if c.level > 0 {
		before = r.state()
	}
	affected, err := c.write(ctx, s)
	if err != nil && uncertain(err) && c.level == 0 {
		affected, err = c.settle(ctx, r, s, stamp, err)
	}
	if err != nil {
		return of(r.table.Name, c.duplicate(r, err))
	}
	if affected == 0 {
		return c.why(ctx, r)
	}
	if c.level > 0 && !r.stub {
		c.undo[c.level-1] = append(c.undo[c.level-1], before)
	}
	c.writes++
	r.written(stamp, stamp == 0)
	return nil
}

// duplicate says which table's row it is about, in fewer words than the database.
func (c *Context) duplicate(r *Record, err error) error {
	if KindOf(err) != DuplicateKey {
		return err
	}
	return &Error{Kind: DuplicateKey, Table: r.table.Name, Message: "a value that must be unique is in another row already; " + unwrapped(err), Cause: err}
}

// unwrapped is what the database said.
func unwrapped(err error) string {
	if e, ok := err.(*Error); ok && e.Cause != nil {
		return e.Cause.Error()
	}
	return err.Error()
}

func uncertain(err error) bool {
	e, ok := err.(*Error)
	return ok && e.Kind == Unavailable && e.Uncertain
}

// settle finds out whether a change was made whose answer was lost, and makes it if not.
func (c *Context) settle(ctx context.Context, r *Record, s statement.Statement, stamp int64, lost error) (int64, error) {
	deadline := time.Now().Add(c.store.config.RetryFor)
	key := r.Key()
	for pause := retryPause; time.Now().Before(deadline); pause *= 2 {
		if err := rest(ctx, pause); err != nil {
			return 0, err
		}
		now, err := c.get(ctx, r.table, key)
		switch {
		case KindOf(err) == Unavailable && err != nil:
			continue
		case err != nil:
			return 0, err
		case now == nil && stamp == 0, now != nil && now.stamp == stamp && stamp != 0:
			return 1, nil // it was made
		case now == nil && !r.fresh, now != nil && !r.fresh && now.stamp != r.stamp:
			return 0, nil // somebody else was quicker
		}
		affected, err := c.write(ctx, s)
		if err == nil || !uncertain(err) {
			return affected, err
		}
		lost = err
	}
	return 0, lost
}

// insist does again what may be done twice while its answer is lost, for as long as the store may.
func (s *Store) insist(ctx context.Context, write func() error) error {
	deadline := time.Now().Add(s.config.RetryFor)
	for pause := retryPause; ; pause *= 2 {
		err := write()
		if !uncertain(err) || time.Now().Add(pause).After(deadline) {
			return err
		}
		if err := rest(ctx, pause); err != nil {
			return err
		}
	}
}

// rest waits so long, or until ctx ends, which is an error.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ended(ctx)
	case <-timer.C:
		return nil
	}
}

// why says why a row was not changed: it is gone, newer, or locked by another host's process.
func (c *Context) why(ctx context.Context, r *Record) error {
	now, err := c.get(ctx, r.table, r.key)
	switch {
	case err != nil:
		return err
	case now == nil:
		return missing(r)
	case now.stamp != r.stamp:
		return &Error{Kind: Stamp, Table: r.table.Name, Message: fmt.Sprintf("somebody else has saved the row %v since it was read; reload it, and change it again", r.key)}
	}
	return c.lockedElsewhere(ctx, r)
}

// write runs a statement that writes, in the transaction if there is one.
func (c *Context) write(ctx context.Context, s statement.Statement) (int64, error) {
	if err := ended(ctx); err != nil {
		return 0, err
	}
	if c.level == 0 {
		return c.store.engine.Write(ctx, c.name, s.Text, s.Args, nil)
	}
	if err := c.enter(ctx); err != nil {
		return 0, err
	}
	affected, err := c.tx.Write(ctx, s.Text, s.Args, nil)
	return affected, err
}
