package datastore

import (
	"context"

	"moongate/runtime/datastore/query"
	"moongate/runtime/datastore/statement"
	"moongate/runtime/structure"
)

// Answers has what a [Notebook] took down: the values of the next note of an act and key, or with again those of the last
// one once more if there are no more. The error says that there is none, and is what the act ends with then.
type Answers interface {
	Answer(act, key string, again bool) ([]any, error)
}

// NewRecorded makes data that is answered from what a Notebook has taken down of another's: nothing is read or written. What
// the process saves and drops is known to its records alone; reads are not answered twice with the same note from then on.
// It belongs to one process, as a Context does.
func NewRecorded(tables *structure.Structure, a Answers) Data {
	return &recorded{Distant: NewDistant(tables, nil), answers: a}
}

type recorded struct {
	*Distant
	answers Answers
	changed bool
}

// answer is the value that was taken down of an act; done reports whether nothing was because it only succeeded.
func (d *recorded) answer(act, key string, again bool) (any, error) {
	if d.closed {
		return nil, errClosed()
	}
	values, err := d.answers.Answer(act, key, again && !d.changed)
	if err != nil {
		return nil, err
	}
	switch {
	case len(values) == 2 && values[0] == any(true):
		return values[1], nil
	case len(values) == 3 && values[0] == any(false):
		word, _ := values[1].(string)
		text, _ := values[2].(string)
		return nil, ErrorOf(word, text)
	}
	return nil, nonsense("an answer was expected")
}

// trouble is the error that was taken down of an act which else succeeds.
func (d *recorded) trouble(act, key string) error {
	if values, err := d.answers.Answer(act, key, false); err == nil && len(values) == 3 {
		word, _ := values[1].(string)
		text, _ := values[2].(string)
		return ErrorOf(word, text)
	}
	return nil
}

// tableOf is the table of an act.
func (d *recorded) tableOf(table, act, key string) (*statement.Table, error) {
	t, err := d.begin(table)
	return t, d.refused(act, key, err)
}

// refused is an error that is known without the recording, and was taken down too: it is not there for the next act.
func (d *recorded) refused(act, key string, err error) error {
	if err != nil {
		d.trouble(act, key)
	}
	return err
}

// rows reads rows. Columns that the recording does not know have their defaults, as a database gives them when they come.
func (d *recorded) rows(table, act, key string) ([]*Record, error) {
	t, err := d.tableOf(table, act, key)
	if err != nil {
		return nil, err
	}
	answer, err := d.answer(act, key, true)
	if err != nil {
		return nil, err
	}
	list, _ := answer.([]any)
	if len(list) == 1 {
		return nil, nil
	}
	records, err := readRows(t, list)
	if err != nil {
		return nil, err
	}
	names, _ := list[0].([]any)
	for _, r := range records {
		r.complement(names)
	}
	return records, nil
}

// complement gives the columns that are not among the names their defaults.
func (r *Record) complement(names []any) {
	if len(names) >= len(r.values) {
		return
	}
	known := map[any]bool{}
	for _, name := range names {
		known[name] = true
	}
	for i := range r.table.Columns {
		if c := &r.table.Columns[i]; c.Default != nil && !known[c.Name] {
			r.values[i], _ = c.Type.Check(c.Default)
		}
	}
}

func first(records []*Record, err error) (*Record, error) {
	if err != nil || len(records) == 0 {
		return nil, err
	}
	return records[0], nil
}

func (d *recorded) Get(_ context.Context, table string, key any) (*Record, error) {
	return first(d.rows(table, actGet, keyed(table, key)))
}

func (d *recorded) Reload(_ context.Context, r *Record) error {
	key := keyed(r.table.Name, r.key)
	err := d.usable(r)
	if err == nil {
		err = r.saved("read")
	}
	if err := d.refused(actReload, key, err); err != nil {
		return err
	}
	now, err := first(d.rows(r.table.Name, actReload, key))
	switch {
	case err != nil:
		return err
	case now == nil:
		return missing(r)
	}
	r.values, r.stamp, r.key = now.values, now.stamp, now.key
	clear(r.touched)
	return nil
}

func (d *recorded) Select(_ context.Context, table string, q *query.Query, values []any) (Rows, error) {
	key := queried(table, q, values)
	t, err := d.tableOf(table, actQuery, key)
	if err != nil {
		return nil, err
	}
	return d.selected(t, actQuery, key)
}

func (d *recorded) selected(t *statement.Table, act, key string) (Rows, error) {
	answer, err := d.answer(act, key, true)
	if err != nil {
		return nil, err
	}
	list, _ := answer.([]any)
	rows := &recordedRows{data: d, table: t, key: key}
	for _, v := range list {
		k, err := columnFromWire(t.Columns[t.PrimaryIndex()].Type, v)
		if err != nil || k == nil {
			return nil, nonsense("a key of %s was expected", t.Name)
		}
		rows.keys = append(rows.keys, k)
	}
	return rows, nil
}

func (d *recorded) Count(_ context.Context, table string, q *query.Query, values []any) (int64, error) {
	key := queried(table, q, values)
	if _, err := d.tableOf(table, actCount, key); err != nil {
		return 0, err
	}
	return integer(d.answer(actCount, key, true))
}

func (d *recorded) Sequence(_ context.Context, table string) (int64, error) {
	if _, err := d.tableOf(table, actSequence, table); err != nil {
		return 0, err
	}
	return integer(d.answer(actSequence, table, false))
}

func (d *recorded) Save(_ context.Context, r *Record) error {
	if !r.fresh && !r.Touched() {
		return d.usable(r)
	}
	if err := d.refused(actSave, r.table.Name, d.usable(r)); err != nil {
		return err
	}
	answer, err := d.answer(actSave, r.table.Name, false)
	if err != nil {
		return err
	}
	list, _ := answer.([]any)
	if len(list)%2 != 1 {
		return nonsense("a stamp was expected, and what was made")
	}
	made := list[:1:1]
	for i := 1; i < len(list); i += 2 {
		name, _ := list[i].(string)
		if c := r.table.ColumnIndex(name); c >= 0 && r.values[c] == nil { // the rest this save has set itself
			made = append(made, list[i], list[i+1])
		}
	}
	d.remember(r)
	d.changed = true
	return r.took(made)
}

func (d *recorded) Drop(_ context.Context, r *Record) error {
	err := d.usable(r)
	if err == nil {
		err = r.saved("drop")
	}
	if err := d.refused(actDrop, r.table.Name, err); err != nil {
		return err
	}
	if _, err := d.answer(actDrop, r.table.Name, false); err != nil {
		return err
	}
	d.remember(r)
	d.changed = true
	r.written(0, true)
	return nil
}

func (d *recorded) Lock(_ context.Context, r *Record) error {
	key := keyed(r.table.Name, r.key)
	err := d.usable(r)
	if err == nil && r.fresh {
		err = lockedNew(r)
	}
	if err := d.refused(actLock, key, err); err != nil {
		return err
	}
	_, err = d.answer(actLock, key, true)
	return err
}

func (d *recorded) Unlock(_ context.Context, r *Record) error {
	return d.trouble(actUnlock, r.table.Name)
}

func (d *recorded) StartTransaction(context.Context) error {
	err := d.trouble(actStart, actTransaction)
	switch {
	case d.level >= maxLevel:
		return errTooDeep(d.level)
	case err != nil:
		return err
	}
	d.level++
	d.undo = append(d.undo, nil)
	return nil
}

func (d *recorded) ValidateTransaction(context.Context) error {
	if err := d.refused(actValidate, actTransaction, d.inside()); err != nil {
		return err
	}
	if err := d.trouble(actValidate, actTransaction); err != nil {
		d.restoreTo(0)
		return err
	}
	inner := d.level
	if inner > 1 {
		d.undo[inner-2] = append(d.undo[inner-2], d.undo[inner-1]...)
	}
	d.level--
	d.undo = d.undo[:inner-1]
	return nil
}

func (d *recorded) CancelTransaction(context.Context) error {
	if err := d.refused(actCancel, actTransaction, d.inside()); err != nil {
		return err
	}
	if err := d.trouble(actCancel, actTransaction); err != nil {
		d.restoreTo(0)
		return err
	}
	d.restoreTo(d.level - 1)
	return nil
}

func (d *recorded) Release(context.Context) error {
	d.restoreTo(0)
	return nil
}

func (d *recorded) Close(context.Context) error {
	d.closed = true
	return nil
}

// recordedRows are what a query has found, as it was taken down.
type recordedRows struct {
	data  *recorded
	table *statement.Table
	key   string
	keys  []any
}

func (s *recordedRows) Table() *structure.Table { return s.table.Table }
func (s *recordedRows) Len() int                { return len(s.keys) }
func (s *recordedRows) Key(i int) any           { return s.keys[i] }

func (s *recordedRows) Record(_ context.Context, i int) (*Record, error) {
	if i < 0 || i >= len(s.keys) {
		return nil, nil
	}
	return first(s.data.rows(s.table.Name, actRow, keyed(s.table.Name, s.keys[i])))
}

func (s *recordedRows) Records(_ context.Context, from, to int) ([]*Record, error) {
	return s.data.rows(s.table.Name, actRows, between(s.key, from, to))
}

func (s *recordedRows) OrderBy(_ context.Context, order []query.Order) (Rows, error) {
	return s.data.selected(s.table, actOrderBy, ordered(s.key, order))
}

func (s *recordedRows) Slice(from, to int) Rows {
	part := *s
	part.key = between(s.key, from, to)
	from = min(max(from, 0), len(s.keys))
	part.keys = s.keys[from:min(max(to, from), len(s.keys))]
	return &part
}

func (s *recordedRows) Aggregate(_ context.Context, a Aggregate, path query.Path) (any, error) {
	answer, err := s.data.answer(actAggregate, aggregated(s.key, a, path), true)
	if err != nil {
		return nil, err
	}
	return fromWire(answer)
}

func (s *recordedRows) Drop(context.Context) (int, error) {
	n, err := integer(s.data.answer(actDropRows, s.key, false))
	s.data.changed = true
	return int(n), err
}
