package datastore

import (
	"context"
	"io"
	"time"

	"moongate/runtime/datastore/query"
	"moongate/runtime/datastore/statement"
	"moongate/runtime/structure"
)

// Aggregate is one value of many rows.
type Aggregate = statement.Aggregate

// The aggregates. Null counts in none of them.
const (
	Sum     = statement.Sum
	Average = statement.Average
	Min     = statement.Min
	Max     = statement.Max
	Counted = statement.Counted // how many rows have a value
)

const (
	// firstRows is how many rows a query reads at once. If there are no more, it is the only statement that is run.
	firstRows = 32
	// freshFor is how long those rows may be given as the rows that they were found as.
	freshFor = 100 * time.Millisecond
)

// Selection is what a query found: the keys of rows, in order, as they were then. It does not change, but its rows
// may. It belongs to one context.
type Selection struct {
	context *Context
	table   *statement.Table
	keys    []any
	firsts
}

// firsts are the first rows of a selection, which were read when it was found. Each is given once.
type firsts struct {
	rows   []*Record
	found  time.Time
	writes int64 // of the context, when they were found
}

// take gives a row, if it was read a moment ago and the context has written nothing since.
func (f *firsts) take(i int, writes int64) *Record {
	if f.rows == nil || f.writes != writes || time.Since(f.found) > freshFor {
		f.rows = nil
		return nil
	}
	if i >= len(f.rows) {
		return nil
	}
	r := f.rows[i]
	f.rows[i] = nil
	return r
}

// fit forgets the rows that are no longer in the places where their keys are.
func (f *firsts) fit(keys []any) {
	for i, r := range f.rows {
		if i >= len(keys) || r.key != keys[i] {
			f.rows = f.rows[:i]
			return
		}
	}
}

// Select runs a query; nil is one for all rows. Values are those of its placeholders; they are compared, and never
// become part of a statement. What is wrong with the query is an error of kind Value or Unknown.
func (c *Context) Select(ctx context.Context, table string, q *query.Query, values []any) (Rows, error) {
	found, err := c.find(ctx, table, q, values)
	if err != nil {
		return nil, err
	}
	return found, nil
}

// find is Select.
func (c *Context) find(ctx context.Context, table string, q *query.Query, values []any) (*Selection, error) {
	t, err := c.begin(table)
	if err != nil {
		return nil, err
	}
	found := &Selection{context: c, table: t, firsts: firsts{writes: c.writes}}
	s, err := t.Select(q, values, firstRows+1)
	if err != nil {
		return nil, of(table, err)
	}
	err = c.read(ctx, table, s, func(row []any) error {
		if len(found.rows) == firstRows {
			found.keys = append(found.keys, nil) // there are more
			return io.EOF
		}
		r, err := decodeRecord(t, row)
		if err != nil {
			return err
		}
		found.rows, found.keys = append(found.rows, r), append(found.keys, r.key)
		return nil
	})
	if err != nil {
		return nil, err
	}
	found.found = time.Now()
	if len(found.keys) > firstRows {
		if err := found.readKeys(ctx, func() (statement.Statement, error) { return t.Keys(q, values) }); err != nil {
			return nil, err
		}
		found.fit(found.keys)
	}
	return found, nil
}

// readKeys replaces the keys by what a statement gives.
func (s *Selection) readKeys(ctx context.Context, make func() (statement.Statement, error)) error {
	s.keys = nil
	text, err := make()
	if err != nil {
		return of(s.table.Name, err)
	}
	d, t := s.table.Dialect, s.table.Columns[s.table.PrimaryIndex()].Type
	return s.context.read(ctx, s.table.Name, text, func(row []any) error {
		key, err := d.Decode(t, row[0])
		s.keys = append(s.keys, key)
		return err
	})
}

// Table is the table that the rows are of.
func (s *Selection) Table() *structure.Table { return s.table.Table }

// Len is how many rows were found.
func (s *Selection) Len() int { return len(s.keys) }

// Key is the key of a row, from 0.
func (s *Selection) Key(i int) any { return s.keys[i] }

// Record reads a row, from 0; nil without an error when it is no longer there, or i is no row.
func (s *Selection) Record(ctx context.Context, i int) (*Record, error) {
	if err := s.context.open(); err != nil {
		return nil, err
	}
	if i < 0 || i >= len(s.keys) {
		return nil, nil
	}
	if r := s.take(i, s.context.writes); r != nil {
		return r, nil
	}
	return s.context.get(ctx, s.table, s.keys[i])
}

// Records reads the rows from one up to another, from 0, the latter not included, by one statement; those that are no
// longer there are left out. Somebody who walks through many takes a hundred or so at a time.
func (s *Selection) Records(ctx context.Context, from, to int) ([]*Record, error) {
	if err := s.context.open(); err != nil {
		return nil, err
	}
	from, to = max(from, 0), min(to, len(s.keys))
	if from >= to {
		return nil, nil
	}
	text, err := s.table.Rows(s.keys[from:to])
	if err != nil {
		return nil, of(s.table.Name, err)
	}
	byKey := make(map[any]*Record, to-from)
	err = s.context.read(ctx, s.table.Name, text, func(row []any) error {
		r, err := decodeRecord(s.table, row)
		if err == nil {
			byKey[r.key] = r
		}
		return err
	})
	records := make([]*Record, 0, len(byKey))
	for _, key := range s.keys[from:to] {
		if r := byKey[key]; r != nil {
			records = append(records, r)
		}
	}
	return records, err
}

// OrderBy gives the rows in another order; those that are no longer there are left out. Rows that are equal in it are
// in the order of their keys.
func (s *Selection) OrderBy(ctx context.Context, order []query.Order) (Rows, error) {
	sorted, err := s.sort(ctx, order)
	if err != nil {
		return nil, err
	}
	return sorted, nil
}

// sort is OrderBy.
func (s *Selection) sort(ctx context.Context, order []query.Order) (*Selection, error) {
	if err := s.context.open(); err != nil {
		return nil, err
	}
	sorted := &Selection{context: s.context, table: s.table}
	return sorted, sorted.readKeys(ctx, func() (statement.Statement, error) { return s.table.Sorted(s.keys, order) })
}

// Slice gives the rows from one up to another, from 0, the latter not included.
func (s *Selection) Slice(from, to int) Rows {
	from = min(max(from, 0), len(s.keys))
	to = min(max(to, from), len(s.keys))
	return &Selection{context: s.context, table: s.table, keys: s.keys[from:to:to]}
}

// Aggregate is one value of a column of all rows, as they are now: of the column's type, a float64 for an average, an
// int64 for how many have one. It is nil when no row has a value, but the sum and the number are 0 then.
func (s *Selection) Aggregate(ctx context.Context, a Aggregate, path query.Path) (any, error) {
	if err := s.context.open(); err != nil {
		return nil, err
	}
	text, t, err := s.table.Aggregate(a, path, s.keys)
	if err != nil {
		return nil, of(s.table.Name, err)
	}
	var value any
	err = s.context.read(ctx, s.table.Name, text, func(row []any) error {
		value, err = s.table.Dialect.Decode(t, row[0])
		return err
	})
	if err == nil && value == nil && a == Sum {
		return t.Check(int64(0))
	}
	return value, err
}

// Drop drops all rows, each by itself: in a transaction all of them go or none, without one those that nobody has
// changed or locked meanwhile. It gives how many were dropped; the error is the first one, after which the others
// were tried all the same, unless ctx has ended or the database is gone.
func (s *Selection) Drop(ctx context.Context) (dropped int, err error) {
	dropped, _, err = s.dropAll(ctx)
	return dropped, err
}

// dropAll is Drop, and says whether rows are left that were not tried. The records are nobody else's, so that nothing of
// them is remembered for when the transaction is cancelled.
func (s *Selection) dropAll(ctx context.Context) (dropped int, last bool, err error) {
	const batch = 100
	for from := 0; from < len(s.keys); from += batch {
		records, e := s.Records(ctx, from, from+batch)
		if e != nil {
			return dropped, true, firstError(err, e)
		}
		for _, r := range records {
			r.stub = true
			e := s.context.Drop(ctx, r)
			switch KindOf(e) {
			case Stamp, Locked, Missing:
				err = firstError(err, e)
				continue
			}
			if e != nil {
				return dropped, true, firstError(err, e)
			}
			dropped++
		}
	}
	return dropped, false, err
}
