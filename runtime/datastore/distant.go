package datastore

import (
	"context"
	"errors"
	"strings"

	"moongate/runtime/datastore/query"
	"moongate/runtime/datastore/statement"
	"moongate/runtime/structure"
	"moongate/runtime/wire"
)

// Distant is what one process of a client sees of the server's data. Its records are the client's own, as are the values
// that were set and what a cancelled transaction gives back; the server has the transaction and the locks. It belongs to
// one process, as a [Context] does.
type Distant struct {
	asker  Asker
	tables *structure.Structure
	known  map[string]*statement.Table // of the tables that were used

	closed bool
	level  int       // of transactions
	undo   [][]state // of each level: what its records were before
	writes int64     // changes: what was read before may be old
	locks  map[lockKey]int

	// unsure says why nobody knows what the server has: as after an act that failed without an answer. The transaction, if
	// there was one, may be gone, and if there was none, one may have been begun. nil: it is known.
	unsure error
}

// NewDistant makes the data of a client's process. It asks the server for nothing yet.
func NewDistant(s *structure.Structure, a Asker) *Distant { return &Distant{asker: a, tables: s} }

// Renew has the process see other tables from now on. What it has of the old ones can still be saved. It does nothing when
// they are the same.
func (d *Distant) Renew(s *structure.Structure) {
	if s != d.tables {
		d.tables, d.known = s, nil
	}
}

// begin is the table of an act, if the process has not ended.
func (d *Distant) begin(name string) (*statement.Table, error) {
	if d.closed {
		return nil, errClosed()
	}
	if t := d.known[name]; t != nil {
		return t, nil
	}
	declared := d.tables.Table(name)
	if declared == nil {
		return nil, unknownTable(d.tables, name)
	}
	if d.known == nil {
		d.known = map[string]*statement.Table{}
	}
	t := statement.NewTable(statement.SQLite, declared, "") // for its columns: no statement is made here
	d.known[name] = t
	return t, nil
}

// usable says why a record cannot be used now.
func (d *Distant) usable(r *Record) error {
	if d.closed {
		return errClosed()
	}
	return r.there()
}

// ask carries an act to the server, in the transaction that the process has.
func (d *Distant) ask(ctx context.Context, op string, args ...any) (any, error) {
	if err := d.certain(ctx); err != nil {
		return nil, err
	}
	answer, err := d.send(ctx, op, args)
	if KindOf(err) != Level || err == nil {
		return answer, err
	}
	if err := d.align(ctx); err != nil {
		return nil, err
	}
	return d.send(ctx, op, args)
}

// certain makes sure that the server's transaction is the process's.
func (d *Distant) certain(ctx context.Context) error {
	if err := ended(ctx); err != nil || d.unsure == nil {
		return err
	}
	if d.level > 0 {
		return d.unsure
	}
	if _, err := d.send(ctx, "cancel", []any{int64(0)}); err != nil {
		return err
	}
	d.unsure = nil
	return nil
}

// Why it is not known what the server has.
var (
	errGone     = &Error{Kind: State, Message: "the transaction was cancelled because the server did not answer; cancel it and start again"}
	errEndedFar = &Error{Kind: State, Message: "the transaction was ended by code on the server; cancel it here, too, and reload what was saved in it"}
)

// align learns how many transactions the server has: code of the process that runs there may have started some, which are
// the process's. When there are fewer than there should be, nobody knows what became of those.
func (d *Distant) align(ctx context.Context) error {
	answer, err := d.send(ctx, "level", nil)
	if err != nil {
		return err
	}
	n, ok := answer.(int64)
	switch {
	case !ok || n < 0 || n > maxLevel:
		return nonsense("a number of transactions was expected")
	case int(n) < d.level:
		d.unsure = errEndedFar
		return errEndedFar
	}
	for d.level < int(n) {
		d.level++
		d.undo = append(d.undo, nil)
	}
	d.writes++
	return nil
}

// Refresh asks the server how many transactions the process has, since its code may have run there.
func (d *Distant) Refresh(ctx context.Context) error {
	if d.closed {
		return errClosed()
	}
	if err := d.certain(ctx); err != nil {
		return err
	}
	return d.align(ctx)
}

// Outdate says that code of the process has run on the server, and may have changed rows: what came with a query is read
// again when it is asked for.
func (d *Distant) Outdate() { d.writes++ }

// send carries an act to the server.
func (d *Distant) send(ctx context.Context, op string, args []any) (any, error) {
	all := append(make([]any, 0, 1+len(args)), int64(d.level))
	all = append(all, args...)
	if size := wireSize(all); size > MaxAct {
		return nil, tooLarge(args, size)
	}
	answer, err := d.asker.Data(ctx, op, all)
	if err != nil {
		return nil, d.failed(ctx, err)
	}
	return answer, nil
}

// failed makes an error of the package of one of the Asker's.
func (d *Distant) failed(ctx context.Context, err error) error {
	if e, ok := errors.AsType[wire.Error](err); ok && e.Code == wireCode {
		word, text, _ := strings.Cut(e.Message, " ")
		err = ErrorOf(word, text)
	}
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Kind == Ended && ctx.Err() == nil {
			return &Error{Kind: Unavailable, Message: e.Message, Cause: e}
		}
		return err
	}
	d.unsure = errGone
	d.writes++
	if ended := ended(ctx); ended != nil {
		return ended
	}
	return &Error{Kind: Unavailable, Message: err.Error(), Cause: err}
}

// wireCode begins an error reply that says which of this package's errors it was.
const wireCode = "DATA"

// New makes a row with its defaults, as Context.New does.
func (d *Distant) New(table string) (*Record, error) {
	t, err := d.begin(table)
	if err != nil {
		return nil, err
	}
	return newRecord(t), nil
}

// Get reads the row with a key, as Context.Get does.
func (d *Distant) Get(ctx context.Context, table string, key any) (*Record, error) {
	t, err := d.begin(table)
	if err != nil {
		return nil, err
	}
	key, err = t.Columns[t.PrimaryIndex()].Type.Check(key)
	if err != nil {
		return nil, &Error{Kind: Value, Table: t.Name, Message: err.Error()}
	}
	if key == nil {
		return nil, nil
	}
	return d.get(ctx, t, key)
}

func (d *Distant) get(ctx context.Context, t *statement.Table, key any) (*Record, error) {
	answer, err := d.ask(ctx, "get", t.Shape(), t.Name, toWire(key))
	if err != nil {
		return nil, err
	}
	list, _ := answer.([]any)
	records, err := readRows(t, list)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	return records[0], nil
}

// Reload reads the row again, as Context.Reload does.
func (d *Distant) Reload(ctx context.Context, r *Record) error {
	if err := d.usable(r); err != nil {
		return err
	}
	if err := r.saved("read"); err != nil {
		return err
	}
	now, err := d.get(ctx, r.table, r.key)
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

// Count is how many rows a query finds, as Context.Count does.
func (d *Distant) Count(ctx context.Context, table string, q *query.Query, values []any) (int64, error) {
	t, err := d.begin(table)
	if err != nil {
		return 0, err
	}
	text, given := asked(q, values)
	return integer(d.ask(ctx, "count", t.Name, text, given))
}

// Sequence is the table's next sequence number, as Context.Sequence does.
func (d *Distant) Sequence(ctx context.Context, table string) (int64, error) {
	t, err := d.begin(table)
	if err != nil {
		return 0, err
	}
	return integer(d.ask(ctx, "sequence", t.Name))
}

// integer is an answer that is one.
func integer(answer any, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	if n, ok := answer.(int64); ok {
		return n, nil
	}
	return 0, nonsense("an integer was expected")
}

// asked is a query as it crosses the wire.
func asked(q *query.Query, values []any) (text any, given []any) {
	if q == nil {
		return nil, []any{}
	}
	given = make([]any, len(values))
	for i := range values {
		given[i] = toWire(values[i])
	}
	return q.String(), given
}

// Level is how many transactions are open inside each other, as far as the client knows; 0 is none.
func (d *Distant) Level() int { return d.level }

// Holds reports whether the process has a transaction or a lock. It never blocks.
func (d *Distant) Holds() bool { return d.level > 0 || len(d.locks) > 0 }

// Release cancels the transaction and frees the locks, as Context.Release does.
func (d *Distant) Release(ctx context.Context) error {
	held := d.Holds() || d.unsure != nil
	d.restoreTo(0)
	d.locks, d.unsure = nil, nil
	if !held {
		return nil
	}
	_, err := d.send(ctx, "release", nil)
	return err
}

// Close releases what the process has, as Release does, but a server that does not answer is no error: it forgets the
// process by itself. It may be called twice; afterwards everything else is an error of kind State.
func (d *Distant) Close(ctx context.Context) error {
	if d.closed {
		return nil
	}
	d.closed = true
	if err := d.Release(ctx); d.unsure == nil {
		return err
	}
	return nil
}
