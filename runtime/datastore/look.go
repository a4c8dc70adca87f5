package datastore

import (
	"context"
	"fmt"

	"moongate/runtime/datastore/statement"
)

// OpenReading opens a database that is only looked at, by [Store.NewReading]: a file of SQLite is not written, nor made. What
// the structure has and the database has not yet is an error of kind Conflict, one line for the first of it. A server may
// have the database open meanwhile. It blocks while it opens it.
func OpenReading(ctx context.Context, c Config) (*Store, error) {
	if err := c.Structure.Validate(); err != nil {
		return nil, &Error{Kind: Value, Message: err.Error(), Cause: err}
	}
	c.defaults()
	if c.Path != "" && absent(c.Path) {
		return nil, &Error{Kind: Unavailable, Message: fmt.Sprintf("there is no database %s; name the folder where a server keeps its data", c.Path)}
	}
	e, err := openEngine(ctx, c, true)
	if err != nil {
		return nil, err
	}
	have, err := statement.Describe(e.Dialect(), reads(ctx, e))
	if err == nil {
		var changes []Change
		if changes, err = statement.Plan(e.Dialect(), &c.Structure, have); err == nil {
			err = lacking(visible(changes))
		}
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	s := newStore(c, e)
	s.adopt(c.Structure)
	return s, nil
}

// lacking is the error for a database to which changes must be made first.
func lacking(changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	return &Error{Kind: Conflict, Table: changes[0].Table,
		Message: "the database is not as structure.lua says yet (" + changes[0].Summary + "); a server that starts on it with these scripts makes it so"}
}
