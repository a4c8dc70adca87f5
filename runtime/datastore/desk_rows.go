package datastore

import (
	"context"
	"errors"
	"fmt"

	"moongate/runtime/datastore/query"
	"moongate/runtime/datastore/statement"
)

// deskGet is get: shape, table, key. It answers with the row, or none.
func deskGet(ctx context.Context, q *request) (any, error) {
	shape := q.next()
	t, err := q.table()
	if err != nil {
		return nil, err
	}
	key, err := q.key(t)
	if err != nil {
		return nil, err
	}
	rows := newWireRows(t, shape)
	r, err := q.context.get(ctx, t, key)
	if err == nil && r != nil {
		_, err = rows.add(r)
	}
	return rows.list, err
}

// deskQuery is query: shape, table, text or nil, values. It answers with the first page of the keys, and with the first rows.
func deskQuery(ctx context.Context, q *request) (any, error) {
	shape := q.next()
	t, err := q.table()
	if err != nil {
		return nil, err
	}
	parsed, values, err := q.query(t)
	if err != nil {
		return nil, err
	}
	found, err := q.context.find(ctx, t.Name, parsed, values)
	if err != nil {
		return nil, err
	}
	rows := newWireRows(t, shape)
	for _, r := range found.rows {
		if took, err := rows.add(r); err != nil || !took {
			break // who wants the row asks for it
		}
	}
	if len(rows.list)-1 == len(found.keys) {
		return []any{int64(len(found.keys)), nil, nil, rows.list}, nil
	}
	return append(q.context.desk.deal(found.keys), any(rows.list)), nil
}

// deal begins a list of keys: how many there are, the number by which the others are fetched, and the first page.
func (d *desk) deal(keys []any) []any {
	n := page(keys)
	d.rest, d.number = keys[n:], d.number+1
	if len(d.rest) == 0 {
		d.rest = nil
		return []any{int64(len(keys)), nil, keys}
	}
	return []any{int64(len(keys)), d.number, keys[:n]}
}

// deskKeys is keys: the number of the list. It answers with the next page of it.
func deskKeys(_ context.Context, q *request) (any, error) {
	number, err := q.integer()
	if err != nil {
		return nil, err
	}
	d := &q.context.desk
	if number != d.number || d.rest == nil {
		return nil, &Error{Kind: State, Message: "there is no such list of keys any more; query again"}
	}
	n := page(d.rest)
	keys := d.rest[:n]
	if d.rest = d.rest[n:]; len(d.rest) == 0 {
		d.rest = nil
	}
	return keys, nil
}

func deskCount(ctx context.Context, q *request) (any, error) {
	t, err := q.table()
	if err != nil {
		return nil, err
	}
	parsed, values, err := q.query(t)
	if err != nil {
		return nil, err
	}
	return q.context.Count(ctx, t.Name, parsed, values)
}

// rowsAtOnce is how many rows the server reads by one statement.
const rowsAtOnce = 100

// deskRows is rows: shape, table, keys. It answers with how many of the keys it has looked for, and their rows.
func deskRows(ctx context.Context, q *request) (any, error) {
	shape := q.next()
	t, err := q.table()
	if err != nil {
		return nil, err
	}
	keys, err := q.keys(t)
	if err != nil {
		return nil, err
	}
	s, rows := &Selection{context: q.context, table: t, keys: keys}, newWireRows(t, shape)
	for from := 0; from < len(keys); from += rowsAtOnce {
		records, err := s.Records(ctx, from, from+rowsAtOnce)
		if err != nil {
			return nil, err
		}
		looked := from
		for _, r := range records {
			took, err := rows.add(r)
			if err != nil {
				return nil, err
			}
			if !took {
				return []any{int64(looked), rows.list}, nil
			}
			for keys[looked] != r.key {
				looked++
			}
			looked++
		}
	}
	return []any{int64(len(keys)), rows.list}, nil
}

// deskPut is put: table, from, keys. The keys are kept, after those that were put before; from is how many those are, and 0
// begins anew.
func deskPut(_ context.Context, q *request) (any, error) {
	s, err := q.rows((*request).gathered)
	if err != nil {
		return nil, err
	}
	q.context.desk.table, q.context.desk.put = s.table.Name, s.keys
	return nil, nil
}

// gathered reads from, and keys, and gives all that were put with these.
func (q *request) gathered(t *statement.Table) ([]any, error) {
	d := &q.context.desk
	from, err := q.integer()
	if err != nil {
		return nil, err
	}
	before := d.put
	d.put = nil
	switch {
	case from == 0:
		before, d.putBytes = nil, 0
	case from != int64(len(before)) || d.table != t.Name:
		return nil, &Error{Kind: State, Table: t.Name, Message: fmt.Sprintf("%s: %d keys were to be here before; put them again", q.op, from)}
	}
	keys, err := q.keys(t)
	if err != nil {
		return nil, err
	}
	if d.putBytes += wireSize(keys); d.putBytes > mostPut {
		return nil, &Error{Kind: Value, Table: t.Name, Message: fmt.Sprintf("the selection is too large to be sent to the server (%d bytes at the most); query less", mostPut)}
	}
	return append(before, keys...), nil
}

// rows reads a table and keys of it, which are put here before or in the request, as a selection.
func (q *request) rows(read func(*request, *statement.Table) ([]any, error)) (*Selection, error) {
	t, err := q.table()
	if err != nil {
		return nil, err
	}
	keys, err := read(q, t)
	if err != nil {
		return nil, err
	}
	return &Selection{context: q.context, table: t, keys: keys}, nil
}

// deskOrderBy is order_by: table, from, keys, text. It answers as query does, without rows.
func deskOrderBy(ctx context.Context, q *request) (any, error) {
	s, err := q.rows((*request).gathered)
	if err != nil {
		return nil, err
	}
	text, err := q.text()
	if err != nil {
		return nil, err
	}
	order, err := query.ParseOrder(text)
	if err != nil {
		return nil, &Error{Kind: Value, Table: s.table.Name, Message: err.Error()}
	}
	sorted, err := s.sort(ctx, order)
	if err != nil {
		return nil, err
	}
	return q.context.desk.deal(sorted.keys), nil
}

// aggregates are by their names.
var aggregates = map[string]Aggregate{Sum.String(): Sum, Average.String(): Average, Min.String(): Min, Max.String(): Max, Counted.String(): Counted}

// deskAggregate is aggregate: table, from, keys, name, path. It answers with the value.
func deskAggregate(ctx context.Context, q *request) (any, error) {
	s, err := q.rows((*request).gathered)
	if err != nil {
		return nil, err
	}
	name, err := q.text()
	if err != nil {
		return nil, err
	}
	a, known := aggregates[name]
	if !known {
		return nil, q.wrong("sum, average, min, max or count expected")
	}
	text, err := q.text()
	if err != nil {
		return nil, err
	}
	path, err := query.ParsePath(text)
	if err != nil {
		return nil, &Error{Kind: Value, Table: s.table.Name, Message: err.Error()}
	}
	v, err := s.Aggregate(ctx, a, path)
	return toWire(v), err
}

// deskDropRows is drop_rows: table, keys. It answers with how many rows it has dropped, and for the first that it has not,
// the kind and the text of the error; last says that the others were not tried.
func deskDropRows(ctx context.Context, q *request) (any, error) {
	s, err := q.rows((*request).keys)
	if err != nil {
		return nil, err
	}
	dropped, last, err := s.dropAll(ctx)
	var e *Error
	if err == nil {
		return []any{int64(dropped), nil, nil, false}, nil
	}
	if !errors.As(err, &e) {
		return nil, err
	}
	return []any{int64(dropped), e.Kind.Word(), e.Error(), last}, nil
}
