package datastore

import (
	"context"

	"moongate/runtime/datastore/query"
	"moongate/runtime/structure"
)

// Data is what one process sees of the data: a *[Context] where the database is, a *[Distant] on a client. It belongs to
// one process, as a Context does, whose methods say what these do.
type Data interface {
	New(table string) (*Record, error)
	Get(ctx context.Context, table string, key any) (*Record, error)
	Select(ctx context.Context, table string, q *query.Query, values []any) (Rows, error)
	Count(ctx context.Context, table string, q *query.Query, values []any) (int64, error)
	Sequence(ctx context.Context, table string) (int64, error)

	Save(ctx context.Context, r *Record) error
	Drop(ctx context.Context, r *Record) error
	Reload(ctx context.Context, r *Record) error
	Lock(ctx context.Context, r *Record) error
	Unlock(ctx context.Context, r *Record) error

	StartTransaction(ctx context.Context) error
	ValidateTransaction(ctx context.Context) error
	CancelTransaction(ctx context.Context) error
	Level() int
	Holds() bool

	Release(ctx context.Context) error
	Close(ctx context.Context) error
}

// Rows are what a query found; *[Selection] says what the methods do.
type Rows interface {
	Table() *structure.Table
	Len() int
	Key(i int) any
	Record(ctx context.Context, i int) (*Record, error)
	Records(ctx context.Context, from, to int) ([]*Record, error)
	OrderBy(ctx context.Context, order []query.Order) (Rows, error)
	Slice(from, to int) Rows
	Aggregate(ctx context.Context, a Aggregate, path query.Path) (any, error)
	Drop(ctx context.Context) (dropped int, err error)
}

// Asker carries an act of data to the server and gives its answer; package documentation says which acts there are. An
// error is one of [ErrorOf] if the server has answered with it. After any other, nobody knows whether the act was
// carried out, and the server has forgotten the transaction and the locks.
type Asker interface {
	Data(ctx context.Context, op string, args []any) (any, error)
}

var (
	_ Data = (*Context)(nil)
	_ Data = (*Distant)(nil)
	_ Rows = (*Selection)(nil)
	_ Rows = (*distantRows)(nil)
)
