package datastore

import (
	"context"

	"moongate/runtime/datastore/postgres"
)

// server is the engine on PostgreSQL.
type server struct{ *postgres.Engine }

func (s server) begin(ctx context.Context, owner string) (transaction, error) {
	t, err := s.Begin(ctx, owner)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// openServer opens a database of PostgreSQL.
func openServer(ctx context.Context, c Config) (engine, error) {
	e, err := postgres.Open(ctx, c.URL, postgres.Options{Normal: c.Durability == Normal, TurnWait: c.TurnWait, RetryFor: c.RetryFor, Log: c.Log})
	if err != nil {
		return nil, err
	}
	return server{e}, nil
}
