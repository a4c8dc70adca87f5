package datastore

import (
	"context"

	"moongate/runtime/datastore/sqlite"
	"moongate/runtime/datastore/statement"
)

// engine is a database as the store uses it. Package sqlite says what the methods do.
type engine interface {
	Dialect() statement.Dialect
	Unicode() string
	Read(ctx context.Context, text string, args []any, each func(row []any) error) error
	Write(ctx context.Context, owner, text string, args []any, returned *[]any) (affected int64, err error)
	begin(ctx context.Context, owner string) (transaction, error)
	Close() error
}

// transaction is one that has written, in a database.
type transaction interface {
	Read(ctx context.Context, text string, args []any, each func(row []any) error) error
	Write(ctx context.Context, text string, args []any, returned *[]any) (affected int64, err error)
	Control(ctx context.Context, text string) error
	Lost() bool
	Commit(ctx context.Context) error
	Cancel(after ...statement.Statement) error
}

// file is the engine on SQLite.
type file struct{ *sqlite.Engine }

func (f file) begin(ctx context.Context, owner string) (transaction, error) {
	t, err := f.Begin(ctx, owner)
	if err != nil {
		return nil, err
	}
	return t, nil
}
