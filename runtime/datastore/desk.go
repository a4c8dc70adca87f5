package datastore

import (
	"context"
	"fmt"
	"slices"

	"moongate/runtime/datastore/query"
	"moongate/runtime/datastore/statement"
	"moongate/runtime/structure"
)

// desk is what the server remembers of a client's context from one act to the next, besides the transaction and the locks:
// lists of keys that are too long for one message.
type desk struct {
	number int64 // of the list of which pages are left
	rest   []any // its keys that have not been fetched

	table    string // of the keys that were put
	put      []any
	putBytes int
}

// mostPut is how much a client may put, in bytes on the wire: some three million integers.
const mostPut = 96 << 20

// request is one act of a client, whose arguments are read one after the other. The first that is wrong is an error.
type request struct {
	context *Context
	op      string
	args    []any
	at      int
}

// acts are the acts of data, by their names. How many arguments there are, besides the level, is the first thing to be
// looked at.
var acts = map[string]struct {
	arity int
	free  bool // whatever the level is
	run   func(ctx context.Context, r *request) (any, error)
}{
	"get":       {3, false, deskGet},
	"query":     {4, false, deskQuery},
	"count":     {3, false, deskCount},
	"keys":      {1, true, deskKeys},
	"rows":      {3, false, deskRows},
	"put":       {3, true, deskPut},
	"order_by":  {4, false, deskOrderBy},
	"aggregate": {5, false, deskAggregate},
	"drop_rows": {2, false, deskDropRows},
	"sequence":  {1, false, deskSequence},
	"save":      {5, false, deskSave},
	"drop":      {3, false, deskDrop},
	"lock":      {2, false, deskLock},
	"unlock":    {2, false, deskUnlock},
	"start":     {0, false, deskStart},
	"validate":  {0, false, deskValidate},
	"cancel":    {1, true, deskCancel},
	"level":     {0, true, deskLevel},
	"release":   {0, true, deskRelease},
}

// Carry carries out an act of data that a client asks for, in the context that it has on the server, and gives the answer;
// the package's documentation says which acts there are. Nothing of the arguments is trusted: what is wrong with them is an
// error of kind Value, Unknown or Level, and then nothing was done. It keeps the lists among the arguments. All errors
// are *Errors. It belongs to the goroutine that has the context, and blocks for the database until ctx ends.
func Carry(ctx context.Context, c *Context, op string, args []any) (any, error) {
	act, known := acts[op]
	switch {
	case !known:
		return nil, &Error{Kind: Unknown, Message: fmt.Sprintf("there is no act of data %.32q", op)}
	case len(args) != 1+act.arity:
		return nil, &Error{Kind: Value, Message: fmt.Sprintf("%s: %d arguments expected, got %d", op, 1+act.arity, len(args))}
	}
	if err := c.open(); err != nil {
		return nil, err
	}
	level, ok := args[0].(int64)
	if !act.free && (!ok || level != int64(c.level)) {
		return nil, &Error{Kind: Level, Message: fmt.Sprintf("%s: %d transactions are open", op, c.level)}
	}
	answer, err := act.run(ctx, &request{context: c, op: op, args: args, at: 1})
	if err != nil {
		return nil, of("", err)
	}
	return answer, nil
}

// wrong is the error for the argument that was read last.
func (r *request) wrong(what string) error {
	return &Error{Kind: Value, Message: fmt.Sprintf("%s: argument %d: %s", r.op, r.at, what)}
}

func (r *request) next() any {
	r.at++
	return r.args[r.at-1]
}

func (r *request) text() (string, error) {
	if s, ok := r.next().(string); ok {
		return s, nil
	}
	return "", r.wrong("a text expected")
}

func (r *request) integer() (int64, error) {
	if n, ok := r.next().(int64); ok {
		return n, nil
	}
	return 0, r.wrong("an integer expected")
}

func (r *request) list() ([]any, error) {
	if l, ok := r.next().([]any); ok {
		return l, nil
	}
	return nil, r.wrong("a list expected")
}

func (r *request) table() (*statement.Table, error) {
	name, err := r.text()
	if err != nil {
		return nil, err
	}
	return r.context.store.table(name)
}

// key reads the key of a row.
func (r *request) key(t *statement.Table) (any, error) {
	v, err := columnFromWire(t.Columns[t.PrimaryIndex()].Type, r.next())
	switch {
	case err != nil:
		return nil, &Error{Kind: Value, Table: t.Name, Message: err.Error()}
	case v == nil:
		return nil, r.wrong("a key expected")
	}
	return v, nil
}

// keys reads a list of keys.
func (r *request) keys(t *statement.Table) ([]any, error) {
	list, err := r.list()
	if err != nil {
		return nil, err
	}
	kind := t.Columns[t.PrimaryIndex()].Type
	for i := range list {
		v, err := columnFromWire(kind, list[i])
		switch {
		case err != nil:
			return nil, &Error{Kind: Value, Table: t.Name, Message: err.Error()}
		case v == nil:
			return nil, r.wrong("keys expected")
		}
		list[i] = v
	}
	return list, nil
}

// query reads a query and its values; a nil text is a query for all.
func (r *request) query(t *statement.Table) (*query.Query, []any, error) {
	text, isText := r.next().(string)
	if !isText && r.args[r.at-1] != nil {
		return nil, nil, r.wrong("a query expected")
	}
	values, err := r.list()
	if err != nil {
		return nil, nil, err
	}
	if !isText {
		return nil, nil, nil
	}
	q, err := query.Parse(text)
	if err != nil {
		return nil, nil, &Error{Kind: Value, Table: t.Name, Message: err.Error()}
	}
	if n := q.Placeholders(); n > len(values) {
		return nil, nil, r.wrong(fmt.Sprintf("the query has the placeholders up to :%d", n))
	}
	for i := range values {
		if values[i], err = fromWire(values[i]); err != nil {
			return nil, nil, r.wrong(err.Error())
		}
	}
	return q, values, nil
}

// stub is a row as a client knows it: enough to change, drop or lock it.
func stub(t *statement.Table, key any, stamp int64) *Record {
	r := &Record{table: t, values: make([]any, len(t.Columns)), touched: make([]bool, len(t.Columns)), key: key, stamp: stamp, stub: true}
	r.values[t.PrimaryIndex()] = key
	return r
}

// deskSave is save: table, key or nil, stamp, names, values. It answers with the stamp, and with names and values that the
// server has made.
func deskSave(ctx context.Context, q *request) (any, error) {
	t, err := q.table()
	if err != nil {
		return nil, err
	}
	var r *Record
	fresh := q.args[q.at] == nil
	if fresh {
		r = newRecord(t)
		r.stub = true
		q.next()
	} else {
		key, err := q.key(t)
		if err != nil {
			return nil, err
		}
		r = stub(t, key, 0)
	}
	if r.stamp, err = q.integer(); err != nil {
		return nil, err
	}
	if err := q.assign(r); err != nil {
		return nil, err
	}
	sent := slices.Clone(r.touched)
	if err := q.context.Save(ctx, r); err != nil {
		return nil, err
	}
	answer := []any{r.stamp}
	for i := range t.Columns {
		if fresh && !sent[i] && r.values[i] != nil {
			answer = append(answer, t.Columns[i].Name, toWire(r.values[i]))
		}
	}
	return answer, nil
}

// assign sets the columns of a list of names to the values of another.
func (q *request) assign(r *Record) error {
	names, err := q.list()
	if err != nil {
		return err
	}
	values, err := q.list()
	if err != nil {
		return err
	}
	if len(names) != len(values) {
		return q.wrong("as many values as names expected")
	}
	for i := range names {
		name, _ := names[i].(string)
		column := r.table.ColumnIndex(name)
		if column < 0 {
			return &Error{Kind: Unknown, Table: r.table.Name, Message: fmt.Sprintf("there is no column %.64s%s", name, structure.DidYouMean(name, r.table.Names()))}
		}
		v, err := fromWire(values[i])
		if err != nil {
			return r.wrong(&r.table.Columns[column], err.Error())
		}
		if err := r.Set(column, v); err != nil {
			return err
		}
	}
	return nil
}

// row reads a table, a key and, if there is one, a stamp.
func (q *request) row(stamped bool) (*Record, error) {
	t, err := q.table()
	if err != nil {
		return nil, err
	}
	key, err := q.key(t)
	if err != nil {
		return nil, err
	}
	r := stub(t, key, 0)
	if stamped {
		r.stamp, err = q.integer()
	}
	return r, err
}

func deskDrop(ctx context.Context, q *request) (any, error) {
	r, err := q.row(true)
	if err != nil {
		return nil, err
	}
	return nil, q.context.Drop(ctx, r)
}

func deskLock(ctx context.Context, q *request) (any, error) {
	r, err := q.row(false)
	if err != nil {
		return nil, err
	}
	return nil, q.context.Lock(ctx, r)
}

func deskUnlock(ctx context.Context, q *request) (any, error) {
	r, err := q.row(false)
	if err != nil {
		return nil, err
	}
	return nil, q.context.Unlock(ctx, r)
}

func deskSequence(ctx context.Context, q *request) (any, error) {
	t, err := q.table()
	if err != nil {
		return nil, err
	}
	return q.context.Sequence(ctx, t.Name)
}

func deskStart(ctx context.Context, q *request) (any, error) {
	err := q.context.StartTransaction(ctx)
	return int64(q.context.level), err
}

func deskValidate(ctx context.Context, q *request) (any, error) {
	err := q.context.ValidateTransaction(ctx)
	return int64(q.context.level), err
}

// deskCancel cancels transactions until no more than a number are left.
func deskCancel(ctx context.Context, q *request) (any, error) {
	to, err := q.integer()
	if err != nil {
		return nil, err
	}
	for int64(q.context.level) > max(to, 0) && err == nil {
		err = q.context.CancelTransaction(ctx)
	}
	return int64(q.context.level), err
}

func deskLevel(_ context.Context, q *request) (any, error) { return int64(q.context.level), nil }

func deskRelease(ctx context.Context, q *request) (any, error) { return nil, q.context.Release(ctx) }
