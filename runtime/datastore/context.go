package datastore

import (
	"context"
	"fmt"

	"moongate/runtime/datastore/query"
	"moongate/runtime/datastore/statement"
)

// Owner is the process that a context is of, as others are told who is in their way.
type Owner struct {
	Process int64  // its number
	Name    string // its name; may be empty
	User    string // whose it is; may be empty
}

// String is the owner in words: "process 5 (ML_1)".
func (o Owner) String() string {
	if o.Name == "" {
		return fmt.Sprintf("process %d", o.Process)
	}
	return fmt.Sprintf("process %d (%s)", o.Process, o.Name)
}

// Context is what one process sees of the data: its transaction and its record locks. It must be closed. One
// goroutine at a time may use it.
type Context struct {
	store  *Store
	owner  Owner
	name   string // the owner in words
	closed bool

	level  int         // of transactions; 0: none
	tx     transaction // nil: nothing was written in it yet
	saved  int         // levels that are savepoints in tx
	undo   [][]state   // of each level: what its records were before
	blocks []string    // sequences that were reserved inside tx

	writes int64 // changes that the context made: what was read before may be old
	desk   desk  // of a client
	locks  map[lockKey]*heldLock
}

// NewContext makes a context for a process. It does nothing yet, and costs next to nothing.
func (s *Store) NewContext(o Owner) *Context { return &Context{store: s, owner: o, name: o.String()} }

// begin is the table of an operation, if the context is open.
func (c *Context) begin(table string) (*statement.Table, error) {
	if err := c.open(); err != nil {
		return nil, err
	}
	return c.store.table(table)
}

func (c *Context) open() error {
	if c.closed {
		return errClosed()
	}
	return nil
}

func errClosed() error {
	return &Error{Kind: State, Message: "the process has ended; its data cannot be used any more"}
}

// New makes a row with its defaults, which is not in the database before Save.
func (c *Context) New(table string) (*Record, error) {
	t, err := c.begin(table)
	if err != nil {
		return nil, err
	}
	return newRecord(t), nil
}

// Get reads the row with a key; nil without an error when there is none. A key that cannot be one is an error of kind
// Value.
func (c *Context) Get(ctx context.Context, table string, key any) (*Record, error) {
	t, err := c.begin(table)
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
	return c.get(ctx, t, key)
}

// get reads a row by its key.
func (c *Context) get(ctx context.Context, t *statement.Table, key any) (found *Record, err error) {
	s := t.Get(key)
	err = c.read(ctx, t.Name, s, func(row []any) error {
		found, err = decodeRecord(t, row)
		return err
	})
	return found, err
}

// read runs a statement where the context sees its own writes.
func (c *Context) read(ctx context.Context, table string, s statement.Statement, each func(row []any) error) error {
	if err := ended(ctx); err != nil {
		return err
	}
	if c.tx != nil {
		return of(table, c.tx.Read(ctx, s.Text, s.Args, each))
	}
	return of(table, c.store.engine.Read(ctx, s.Text, s.Args, each))
}

// Count is how many rows a query finds; nil is a query for all.
func (c *Context) Count(ctx context.Context, table string, q *query.Query, values []any) (n int64, err error) {
	t, err := c.begin(table)
	if err != nil {
		return 0, err
	}
	s, err := t.Count(q, values)
	if err != nil {
		return 0, of(table, err)
	}
	err = c.read(ctx, table, s, func(row []any) error { n, _ = row[0].(int64); return nil })
	return n, err
}

// Reload reads the row again, and forgets what was set since. A row that is no longer there is an error of kind
// Missing.
func (c *Context) Reload(ctx context.Context, r *Record) error {
	if err := c.usable(r); err != nil {
		return err
	}
	if err := r.saved("read"); err != nil {
		return err
	}
	s, found := r.table.Get(r.key), false
	err := c.read(ctx, r.table.Name, s, func(row []any) error {
		found = true
		return r.fill(row)
	})
	if err == nil && !found {
		return missing(r)
	}
	return err
}

func missing(r *Record) error {
	return &Error{Kind: Missing, Table: r.table.Name, Message: fmt.Sprintf("the row %v is no longer there", r.key)}
}

// usable says why a record cannot be used now.
func (c *Context) usable(r *Record) error {
	if err := c.open(); err != nil {
		return err
	}
	return r.there()
}

// Holds reports whether the context has a transaction or a lock. It never blocks.
func (c *Context) Holds() bool { return c.level > 0 || len(c.locks) > 0 }

// Release cancels the transaction and frees the locks. It does so although ctx may have ended. The error is what the
// database said meanwhile; the transaction is over and the locks are free all the same.
func (c *Context) Release(ctx context.Context) error {
	c.desk = desk{number: c.desk.number}
	err := c.cancelAll()
	return firstError(err, c.unlockAll(ctx))
}

// Close releases what the context has, as Release does. It may be called twice; afterwards everything else is an error
// of kind State.
func (c *Context) Close(ctx context.Context) error {
	if c.closed {
		return nil
	}
	c.closed = true
	return c.Release(ctx)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
