package datastore

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"moongate/runtime/datastore/query"
)

// Notebook takes down what a process reads of the data, and what came of its acts. The values are those of a packed list of
// package wire. Its methods belong to the goroutine that has the data, and do not block.
type Notebook interface {
	// Noting reports whether anything is taken down now.
	Noting() bool
	Note(act, key string, values ...any)
	// Unkept takes down an act whose answer is of a size that cannot be kept.
	Unkept(act, key string)
}

// NewNoted makes data whose acts are taken down in a book, in a form from which [NewRecorded] answers them. Everything else is
// as d has it. What only fails or succeeds, as the acts of transactions, is taken down when it fails.
func NewNoted(d Data, book Notebook) Data { return &noted{d, book} }

type noted struct {
	Data
	book Notebook
}

// mostNoted is how many keys of a selection are kept.
const mostNoted = 2000

// The acts.
const (
	actGet         = "get"
	actReload      = "reload"
	actQuery       = "query"
	actRow         = "row"
	actRows        = "rows"
	actOrderBy     = "order_by"
	actAggregate   = "aggregate"
	actDropRows    = "drop_rows"
	actCount       = "count"
	actSequence    = "sequence"
	actSave        = "save"
	actDrop        = "drop"
	actLock        = "lock"
	actUnlock      = "unlock"
	actStart       = "start_transaction"
	actValidate    = "validate_transaction"
	actCancel      = "cancel_transaction"
	actTransaction = "transaction"
)

// keyed is the key of an act on a row.
func keyed(table string, key any) string { return table + "(" + shown(key) + ")" }

// shown is a value in a key.
func shown(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return fmt.Sprint(v)
}

// queried is the key of a query.
func queried(table string, q *query.Query, values []any) string {
	if q == nil {
		return table
	}
	text := table + " " + q.String()
	for _, v := range values {
		text += ", " + shown(v)
	}
	return text
}

// failed takes down an error, and reports whether it was one.
func (n *noted) failed(act, key string, err error) bool {
	if err == nil {
		return false
	}
	n.book.Note(act, key, false, KindOf(err).Word(), err.Error())
	return true
}

// rows takes down rows.
func (n *noted) rows(act, key string, records ...*Record) {
	var rows *wireRows
	for _, r := range records {
		if r == nil {
			continue
		}
		if rows == nil {
			rows = newWireRows(r.table, nil)
		}
		if took, err := rows.add(r); err != nil || !took {
			n.book.Unkept(act, key)
			return
		}
	}
	if rows == nil {
		rows = &wireRows{list: []any{nil}}
	}
	n.book.Note(act, key, true, rows.list)
}

func (n *noted) Get(ctx context.Context, table string, key any) (*Record, error) {
	r, err := n.Data.Get(ctx, table, key)
	if n.book.Noting() {
		if at := keyed(table, key); !n.failed(actGet, at, err) {
			n.rows(actGet, at, r)
		}
	}
	return r, err
}

func (n *noted) Reload(ctx context.Context, r *Record) error {
	err := n.Data.Reload(ctx, r)
	if n.book.Noting() {
		if at := keyed(r.table.Name, r.key); !n.failed(actReload, at, err) {
			n.rows(actReload, at, r)
		}
	}
	return err
}

func (n *noted) Select(ctx context.Context, table string, q *query.Query, values []any) (Rows, error) {
	rows, err := n.Data.Select(ctx, table, q, values)
	if n.book.Noting() {
		return n.selected(actQuery, queried(table, q, values), rows, err)
	}
	return rows, err
}

// selected takes down the keys of rows.
func (n *noted) selected(act, key string, rows Rows, err error) (Rows, error) {
	switch {
	case n.failed(act, key, err):
		return nil, err
	case rows.Len() > mostNoted:
		n.book.Unkept(act, key)
	default:
		keys := make([]any, rows.Len())
		for i := range keys {
			keys[i] = toWire(rows.Key(i))
		}
		n.book.Note(act, key, true, keys)
	}
	return &notedRows{rows, n, key}, nil
}

func (n *noted) Count(ctx context.Context, table string, q *query.Query, values []any) (int64, error) {
	count, err := n.Data.Count(ctx, table, q, values)
	if n.book.Noting() {
		n.number(actCount, queried(table, q, values), count, err)
	}
	return count, err
}

func (n *noted) number(act, key string, count int64, err error) {
	if !n.failed(act, key, err) {
		n.book.Note(act, key, true, count)
	}
}

func (n *noted) Sequence(ctx context.Context, table string) (int64, error) {
	number, err := n.Data.Sequence(ctx, table)
	if n.book.Noting() {
		n.number(actSequence, table, number, err)
	}
	return number, err
}

// Save is taken down by the table alone: whatever is saved in a rehearsal, the answer is that of the same table's next save. It
// is the stamp, and names and values of what the database has made.
func (n *noted) Save(ctx context.Context, r *Record) error {
	if !n.book.Noting() || !r.fresh && !r.Touched() {
		return n.Data.Save(ctx, r)
	}
	table, unset := r.table.Name, make([]bool, len(r.values))
	made := 0
	for i, v := range r.values {
		if v == nil {
			unset[i], made = true, made+1
		}
	}
	err := n.Data.Save(ctx, r)
	if n.failed(actSave, table, err) {
		return err
	}
	answer := append(make([]any, 0, 1+2*made), r.stamp)
	for i, v := range r.values {
		if unset[i] && v != nil {
			answer = append(answer, r.table.Columns[i].Name, toWire(v))
		}
	}
	n.book.Note(actSave, table, true, answer)
	return nil
}

func (n *noted) Drop(ctx context.Context, r *Record) error {
	return n.done(actDrop, r.table.Name, n.Data.Drop(ctx, r))
}

func (n *noted) Lock(ctx context.Context, r *Record) error {
	return n.done(actLock, keyed(r.table.Name, r.key), n.Data.Lock(ctx, r))
}

// done takes down what came of an act without an answer.
func (n *noted) done(act, key string, err error) error {
	if n.book.Noting() && !n.failed(act, key, err) {
		n.book.Note(act, key, true, nil)
	}
	return err
}

// wrong takes down an act that has failed.
func (n *noted) wrong(act, key string, err error) error {
	if n.book.Noting() {
		n.failed(act, key, err)
	}
	return err
}

func (n *noted) Unlock(ctx context.Context, r *Record) error {
	return n.wrong(actUnlock, r.table.Name, n.Data.Unlock(ctx, r))
}

func (n *noted) StartTransaction(ctx context.Context) error {
	return n.wrong(actStart, actTransaction, n.Data.StartTransaction(ctx))
}

func (n *noted) ValidateTransaction(ctx context.Context) error {
	return n.wrong(actValidate, actTransaction, n.Data.ValidateTransaction(ctx))
}

func (n *noted) CancelTransaction(ctx context.Context) error {
	return n.wrong(actCancel, actTransaction, n.Data.CancelTransaction(ctx))
}

// notedRows are rows whose reading is taken down, under the key of the query that has found them.
type notedRows struct {
	Rows
	noted *noted
	key   string
}

func (s *notedRows) Record(ctx context.Context, i int) (*Record, error) {
	r, err := s.Rows.Record(ctx, i)
	if s.noted.book.Noting() && i >= 0 && i < s.Len() {
		if at := keyed(s.Table().Name, s.Key(i)); !s.noted.failed(actRow, at, err) {
			s.noted.rows(actRow, at, r)
		}
	}
	return r, err
}

// between is the key of some of the rows.
func between(key string, from, to int) string { return fmt.Sprintf("%s [%d:%d]", key, from, to) }

func (s *notedRows) Records(ctx context.Context, from, to int) ([]*Record, error) {
	records, err := s.Rows.Records(ctx, from, to)
	if s.noted.book.Noting() {
		if at := between(s.key, from, to); !s.noted.failed(actRows, at, err) {
			s.noted.rows(actRows, at, records...)
		}
	}
	return records, err
}

func (s *notedRows) OrderBy(ctx context.Context, order []query.Order) (Rows, error) {
	rows, err := s.Rows.OrderBy(ctx, order)
	if s.noted.book.Noting() {
		return s.noted.selected(actOrderBy, ordered(s.key, order), rows, err)
	}
	return rows, err
}

// ordered is the key of rows in another order.
func ordered(key string, order []query.Order) string {
	return key + " order by " + query.FormatOrder(order)
}

func (s *notedRows) Slice(from, to int) Rows {
	return &notedRows{s.Rows.Slice(from, to), s.noted, between(s.key, from, to)}
}

func (s *notedRows) Aggregate(ctx context.Context, a Aggregate, path query.Path) (any, error) {
	v, err := s.Rows.Aggregate(ctx, a, path)
	if s.noted.book.Noting() {
		if at := aggregated(s.key, a, path); !s.noted.failed(actAggregate, at, err) {
			s.noted.book.Note(actAggregate, at, true, toWire(v))
		}
	}
	return v, err
}

// aggregated is the key of an aggregate.
func aggregated(key string, a Aggregate, path query.Path) string {
	return strings.Join([]string{key, fmt.Sprint(a), path.String()}, " ")
}

func (s *notedRows) Drop(ctx context.Context) (int, error) {
	dropped, err := s.Rows.Drop(ctx)
	if s.noted.book.Noting() {
		s.noted.number(actDropRows, s.key, int64(dropped), err)
	}
	return dropped, err
}
