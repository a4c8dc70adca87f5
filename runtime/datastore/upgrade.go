package datastore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"moongate/runtime/datastore/statement"
	"moongate/runtime/structure"
)

// Change is something that Open would do to a database: Table and Summary say it in words, SQL is the statement.
type Change = statement.Change

// Plan is what Open would do, in order, without touching anything; a file of SQLite that does not exist is not made.
// What depends on rows, as a column that must be unique, is known to Open only.
func Plan(ctx context.Context, c Config) ([]Change, error) {
	if err := c.Structure.Validate(); err != nil {
		return nil, &Error{Kind: Value, Message: err.Error(), Cause: err}
	}
	c.defaults()
	if c.Path != "" && absent(c.Path) {
		return statement.Plan(statement.SQLite, &c.Structure, &statement.Existing{})
	}
	e, err := openEngine(ctx, c, true)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	have, err := statement.Describe(e.Dialect(), reads(ctx, e))
	if err != nil {
		return nil, err
	}
	changes, err := statement.Plan(e.Dialect(), &c.Structure, have)
	return visible(changes), err
}

// absent reports whether there is no file, or an empty one.
func absent(path string) bool {
	info, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0
}

// visible leaves out what only looks.
func visible(changes []Change) []Change {
	var shown []Change
	for _, c := range changes {
		if c.SQL != "" {
			shown = append(shown, c)
		}
	}
	return shown
}

// reader is an engine or a transaction.
type reader interface {
	Read(ctx context.Context, text string, args []any, each func(row []any) error) error
}

// reads is reading as Describe wants it.
func reads(ctx context.Context, r reader) func(text string, each func(row []any) error) error {
	return func(text string, each func(row []any) error) error { return r.Read(ctx, text, nil, each) }
}

// Upgrade brings the open database up to a new structure, as Open does, and then the store has it. After an error it
// has the one that it had, and nothing was changed.
func (s *Store) Upgrade(ctx context.Context, next structure.Structure) error {
	if err := next.Validate(); err != nil {
		return &Error{Kind: Value, Message: err.Error(), Cause: err}
	}
	return s.bring(ctx, next)
}

// bring makes the changes in one transaction, if there are any.
func (s *Store) bring(ctx context.Context, next structure.Structure) error {
	s.upgrade.Lock()
	defer s.upgrade.Unlock()
	d := s.engine.Dialect()
	have, err := statement.Describe(d, reads(ctx, s.engine))
	if err != nil {
		return err
	}
	changes, err := statement.Plan(d, &next, have)
	if err == nil && len(changes) > 0 {
		changes, err = s.apply(ctx, &next)
	}
	if err != nil {
		return err
	}
	for _, c := range visible(changes) {
		s.config.Log.Info("database changed", "table", c.Table, "change", c.Summary)
	}
	s.adopt(next)
	return nil
}

// adopt makes a structure that the database has the store's.
func (s *Store) adopt(next structure.Structure) {
	fresh := &schema{structure: next, tables: map[string]*statement.Table{}}
	for i := range fresh.structure.Tables {
		t := &fresh.structure.Tables[i]
		fresh.tables[t.Name] = statement.NewTable(s.engine.Dialect(), t, s.engine.Unicode())
		fresh.tables[t.Name].Schema = s.lockSchema()
	}
	s.schema.Store(fresh)
}

// apply plans again inside a transaction, since another host may have been quicker, and makes the changes.
func (s *Store) apply(ctx context.Context, next *structure.Structure) (changes []Change, err error) {
	t, err := s.engine.begin(ctx, "the structure")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			t.Cancel()
		}
	}()
	d := s.engine.Dialect()
	if d == statement.PostgreSQL {
		if _, err := t.Write(ctx, "SELECT pg_advisory_xact_lock($1)", []any{statement.LockNumber(s.lockSchema(), "structure", int64(0))}, nil); err != nil {
			return nil, err
		}
	}
	have, err := statement.Describe(d, reads(ctx, t))
	if err != nil {
		return nil, err
	}
	if changes, err = statement.Plan(d, next, have); err != nil {
		return nil, err
	}
	for _, c := range changes {
		if err := makeChange(ctx, t, c); err != nil {
			return nil, err
		}
	}
	return changes, t.Commit(ctx)
}

// makeChange looks whether rows are in the way, and runs the statement.
func makeChange(ctx context.Context, t transaction, c Change) error {
	if c.Count != "" {
		var n int64
		err := t.Read(ctx, c.Count, nil, func(row []any) error { n, _ = row[0].(int64); return nil })
		if err != nil {
			return of(c.Table, err)
		}
		if n > 0 {
			return &Error{Kind: Conflict, Table: c.Table, Message: fmt.Sprintf(c.Conflict, n)}
		}
	}
	if c.SQL == "" {
		return nil
	}
	_, err := t.Write(ctx, c.SQL, nil, nil)
	return of(c.Table, err)
}
