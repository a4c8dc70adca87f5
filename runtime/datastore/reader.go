package datastore

import (
	"context"
	"fmt"

	"moongate/runtime/datastore/statement"
)

// OpenReader opens a database that a server may be using, only to read it: nothing is made or brought up, and a save of a
// context of the store fails. What the structure has and the database lacks is an error of kind Conflict, a file that does
// not exist one of kind Missing.
func OpenReader(ctx context.Context, c Config) (*Store, error) {
	if err := c.Structure.Validate(); err != nil {
		return nil, &Error{Kind: Value, Message: err.Error(), Cause: err}
	}
	c.defaults()
	if c.Path != "" && absent(c.Path) {
		return nil, &Error{Kind: Missing, Message: fmt.Sprintf("there is no database yet: %s is made when the server starts with a structure.lua", c.Path)}
	}
	e, err := openEngine(ctx, c, true)
	if err != nil {
		return nil, err
	}
	s := newStore(c, e)
	if err := s.fits(ctx); err != nil {
		e.Close()
		return nil, err
	}
	s.adopt(c.Structure)
	return s, nil
}

// fits reports what the database lacks of the structure.
func (s *Store) fits(ctx context.Context) error {
	have, err := statement.Describe(s.engine.Dialect(), reads(ctx, s.engine))
	if err != nil {
		return err
	}
	changes, err := statement.Plan(s.engine.Dialect(), &s.config.Structure, have)
	if err != nil {
		return err
	}
	if missing := visible(changes); len(missing) > 0 {
		return &Error{Kind: Conflict, Table: missing[0].Table,
			Message: fmt.Sprintf("the database is not brought up to structure.lua yet (%s): start the server with it", missing[0].Summary)}
	}
	return nil
}
