package datastore

import (
	"context"
	"sync/atomic"

	"moongate/runtime/datastore/query"
)

// Reading is what one process sees of the data that must change nothing: a shadow's. It reads as a [Context] does. A save, a
// drop or a lock gives what a Context's would, as far as that is known without doing it, and changes the record alone: other
// reads do not see it. Uniqueness is looked at for the key only. It belongs to one process, as a Context does.
type Reading struct {
	*Context
	taken   *atomic.Int64 // sequence numbers, of all tables
	changed map[*Record]bool
}

// firstReading is the first sequence number that a Reading gives: numbers that are nobody's, since to know the next real one
// is to take it.
const firstReading = 1 << 40

// NewReading makes the data of a process that changes nothing. taken counts the sequence numbers of those who are to have
// different ones.
func (s *Store) NewReading(o Owner, taken *atomic.Int64) *Reading {
	return &Reading{s.NewContext(o), taken, map[*Record]bool{}}
}

// Select is a Context's.
func (r *Reading) Select(ctx context.Context, table string, q *query.Query, values []any) (Rows, error) {
	return reading(r.Context.Select(ctx, table, q, values))
}

// Sequence gives a number that is nobody's.
func (r *Reading) Sequence(_ context.Context, table string) (int64, error) {
	if _, err := r.begin(table); err != nil {
		return 0, err
	}
	return r.number(), nil
}

func (r *Reading) number() int64 { return firstReading + r.taken.Add(1) - 1 }

// Save looks whether the record could be saved, and has it be as after that.
func (r *Reading) Save(ctx context.Context, record *Record) error {
	if err := r.usable(record); err != nil {
		return err
	}
	if !record.fresh && !record.Touched() {
		return nil
	}
	for i := range record.table.Columns {
		if record.fresh && record.table.Columns[i].Sequence && record.values[i] == nil {
			record.values[i] = r.number()
		}
	}
	if err := record.complete(); err != nil {
		return err
	}
	if _, err := record.encode(record.savedColumns()); err != nil {
		return err
	}
	if err := r.couldChange(ctx, record); err != nil {
		return err
	}
	r.change(record, r.store.stamp(), false)
	return nil
}

// savedColumns are the places of the columns that a save writes.
func (r *Record) savedColumns() []int {
	var columns []int
	for i, touched := range r.touched {
		if r.fresh || touched {
			columns = append(columns, i)
		}
	}
	return columns
}

// couldChange says why the database would not take a record.
func (r *Reading) couldChange(ctx context.Context, record *Record) error {
	if err := r.store.locks.check(r.Context, record); err != nil {
		return err
	}
	if r.changed[record] { // the database does not know it as it is
		return nil
	}
	now, err := r.get(ctx, record.table, record.Key())
	switch {
	case err != nil:
		return err
	case record.fresh && now != nil:
		return &Error{Kind: DuplicateKey, Table: record.table.Name, Message: "a value that must be unique is in another row already"}
	case record.fresh, now != nil && now.stamp == record.stamp:
		return nil
	}
	return r.why(ctx, record)
}

// change has a record be as after a change.
func (r *Reading) change(record *Record, stamp int64, dropped bool) {
	if r.level > 0 {
		r.undo[r.level-1] = append(r.undo[r.level-1], record.state())
	}
	record.written(stamp, dropped)
	r.changed[record] = true
}

// Drop looks whether the record could be dropped, and has it be as after that.
func (r *Reading) Drop(ctx context.Context, record *Record) error {
	if err := r.usable(record); err != nil {
		return err
	}
	if err := record.saved("drop"); err != nil {
		return err
	}
	if err := r.couldChange(ctx, record); err != nil {
		return err
	}
	r.change(record, 0, true)
	return nil
}

// Lock looks whether another process of this host has the record's lock.
func (r *Reading) Lock(_ context.Context, record *Record) error {
	if err := r.usable(record); err != nil {
		return err
	}
	if record.fresh {
		return lockedNew(record)
	}
	return r.store.locks.check(r.Context, record)
}

// Unlock does nothing: no lock was taken.
func (r *Reading) Unlock(context.Context, *Record) error { return r.open() }

// readingRows are rows that are not dropped.
type readingRows struct{ Rows }

func reading(rows Rows, err error) (Rows, error) {
	if err != nil {
		return nil, err
	}
	return readingRows{rows}, nil
}

// OrderBy is a Selection's.
func (r readingRows) OrderBy(ctx context.Context, order []query.Order) (Rows, error) {
	return reading(r.Rows.OrderBy(ctx, order))
}

// Slice is a Selection's.
func (r readingRows) Slice(from, to int) Rows { return readingRows{r.Rows.Slice(from, to)} }

// Drop gives how many rows are there to be dropped.
func (r readingRows) Drop(ctx context.Context) (dropped int, err error) {
	const batch = 100
	for from := 0; from < r.Len(); from += batch {
		records, err := r.Records(ctx, from, from+batch)
		if err != nil {
			return dropped, err
		}
		dropped += len(records)
	}
	return dropped, nil
}

var (
	_ Data = (*Reading)(nil)
	_ Rows = readingRows{}
)
