package datastore

import (
	"context"
	"time"

	"moongate/runtime/datastore/query"
	"moongate/runtime/datastore/statement"
	"moongate/runtime/structure"
)

// distantRows are what a query found on the server: all keys are here, and the first rows.
type distantRows struct {
	data  *Distant
	table *statement.Table
	keys  []any
	firsts
}

// Select runs a query, as Context.Select does. The answer brings the first rows along: one round trip, unless there are more
// than ten thousand.
func (d *Distant) Select(ctx context.Context, table string, q *query.Query, values []any) (Rows, error) {
	t, err := d.begin(table)
	if err != nil {
		return nil, err
	}
	text, given := asked(q, values)
	answer, err := d.ask(ctx, "query", t.Shape(), t.Name, text, given)
	if err != nil {
		return nil, err
	}
	list, _ := answer.([]any)
	if len(list) != 4 {
		return nil, nonsense("keys and rows were expected")
	}
	found := &distantRows{data: d, table: t, firsts: firsts{found: time.Now(), writes: d.writes}}
	rows, _ := list[3].([]any)
	if found.rows, err = readRows(t, rows); err != nil {
		return nil, err
	}
	if list[2] == nil && list[0] == any(int64(len(found.rows))) {
		for _, r := range found.rows {
			found.keys = append(found.keys, r.key)
		}
		return found, nil
	}
	if err := found.fetch(ctx, list); err != nil {
		return nil, err
	}
	found.fit(found.keys)
	return found, nil
}

// fetch reads the keys of an answer, and fetches those that are not in it.
func (s *distantRows) fetch(ctx context.Context, answer []any) error {
	total, _ := answer[0].(int64)
	page, _ := answer[2].([]any)
	for {
		if err := s.add(page); err != nil {
			return err
		}
		switch {
		case int64(len(s.keys)) == total:
			return nil
		case int64(len(s.keys)) > total || len(page) == 0:
			return nonsense("%d keys were expected, not %d", total, len(s.keys))
		}
		more, err := s.data.ask(ctx, "keys", answer[1])
		if err != nil {
			return err
		}
		page, _ = more.([]any)
	}
}

// add adds keys that came over the wire.
func (s *distantRows) add(page []any) error {
	kind := s.table.Columns[s.table.PrimaryIndex()].Type
	for _, v := range page {
		key, err := columnFromWire(kind, v)
		if err != nil || key == nil {
			return nonsense("a key of %s was expected", s.table.Name)
		}
		s.keys = append(s.keys, key)
	}
	return nil
}

// Table is the table that the rows are of.
func (s *distantRows) Table() *structure.Table { return s.table.Table }

// Len is how many rows were found.
func (s *distantRows) Len() int { return len(s.keys) }

// Key is the key of a row, from 0.
func (s *distantRows) Key(i int) any { return s.keys[i] }

// open says why nothing can be asked any more.
func (s *distantRows) open() error {
	if s.data.closed {
		return errClosed()
	}
	return nil
}

// Record reads a row, from 0, as Selection.Record does.
func (s *distantRows) Record(ctx context.Context, i int) (*Record, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	if i < 0 || i >= len(s.keys) {
		return nil, nil
	}
	if r := s.firsts.take(i, s.data.writes); r != nil {
		return r, nil
	}
	return s.data.get(ctx, s.table, s.keys[i])
}

// Records reads the rows from one up to another, as Selection.Records does. Those that came with the query a moment ago need
// no round trip.
func (s *distantRows) Records(ctx context.Context, from, to int) ([]*Record, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	from, to = max(from, 0), min(to, len(s.keys))
	var records []*Record
	for from < to {
		r := s.firsts.take(from, s.data.writes)
		if r == nil {
			break
		}
		records = append(records, r)
		from++
	}
	for from < to {
		n, err := s.read(ctx, s.keys[from:to], &records)
		if err != nil {
			return nil, err
		}
		from += n
	}
	return records, nil
}

// read adds rows of some of the keys, and says of how many.
func (s *distantRows) read(ctx context.Context, keys []any, records *[]*Record) (int, error) {
	keys = keys[:page(keys)]
	answer, err := s.data.ask(ctx, "rows", s.table.Shape(), s.table.Name, keysToWire(keys))
	if err != nil {
		return 0, err
	}
	list, _ := answer.([]any)
	if len(list) != 2 {
		return 0, nonsense("rows were expected")
	}
	looked, _ := list[0].(int64)
	rows, _ := list[1].([]any)
	if looked < 1 || looked > int64(len(keys)) {
		return 0, nonsense("%d keys were looked for, of %d", looked, len(keys))
	}
	read, err := readRows(s.table, rows)
	*records = append(*records, read...)
	return int(looked), err
}

// keysToWire copies keys as they cross the wire, which is as they are.
func keysToWire(keys []any) []any { return append([]any{}, keys...) }

// OrderBy gives the rows in another order, as Selection.OrderBy does.
func (s *distantRows) OrderBy(ctx context.Context, order []query.Order) (Rows, error) {
	answer, err := s.about(ctx, "order_by", query.FormatOrder(order))
	if err != nil {
		return nil, err
	}
	list, _ := answer.([]any)
	if len(list) != 3 {
		return nil, nonsense("keys were expected")
	}
	sorted := &distantRows{data: s.data, table: s.table}
	if err := sorted.fetch(ctx, list); err != nil {
		return nil, err
	}
	return sorted, nil
}

// about asks for something of all rows: the keys that are too many for one message are put there before.
func (s *distantRows) about(ctx context.Context, op string, args ...any) (any, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	from := 0
	for {
		n := page(s.keys[from:])
		if from+n == len(s.keys) {
			break
		}
		if _, err := s.data.ask(ctx, "put", s.table.Name, int64(from), keysToWire(s.keys[from:from+n])); err != nil {
			return nil, err
		}
		from += n
	}
	return s.data.ask(ctx, op, append([]any{s.table.Name, int64(from), keysToWire(s.keys[from:])}, args...)...)
}

// Slice gives the rows from one up to another, as Selection.Slice does.
func (s *distantRows) Slice(from, to int) Rows {
	from = min(max(from, 0), len(s.keys))
	to = min(max(to, from), len(s.keys))
	return &distantRows{data: s.data, table: s.table, keys: s.keys[from:to:to]}
}

// Aggregate is one value of a column of all rows, as Selection.Aggregate does.
func (s *distantRows) Aggregate(ctx context.Context, a Aggregate, path query.Path) (any, error) {
	value, err := s.about(ctx, "aggregate", a.String(), path.String())
	if err != nil {
		return nil, err
	}
	switch value.(type) {
	case nil, bool, int64, float64, string:
		return value, nil
	}
	return nil, nonsense("a value was expected")
}

// dropAtOnce is how many rows are dropped by one act: it should not take long, or the server looks as if it were away.
const dropAtOnce = 1000

// Drop drops all rows, as Selection.Drop does.
func (s *distantRows) Drop(ctx context.Context) (dropped int, err error) {
	if err := s.open(); err != nil {
		return 0, err
	}
	for from := 0; from < len(s.keys); {
		n := min(page(s.keys[from:]), dropAtOnce)
		answer, e := s.data.ask(ctx, "drop_rows", s.table.Name, keysToWire(s.keys[from:from+n]))
		if e != nil {
			return dropped, firstError(err, e)
		}
		list, _ := answer.([]any)
		if len(list) != 4 {
			return dropped, nonsense("a number of rows was expected")
		}
		some, _ := list[0].(int64)
		word, failed := list[1].(string)
		text, _ := list[2].(string)
		dropped += int(some)
		s.data.writes++
		if failed {
			err = firstError(err, ErrorOf(word, text))
		}
		if list[3] != any(false) {
			return dropped, err
		}
		from += n
	}
	return dropped, err
}
