package datastore

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"moongate/runtime/datastore/query"
	"moongate/runtime/structure"
)

// serverLog is the structure of the server log of 4D's page, and a table with a column of each type.
func serverLog() structure.Structure {
	return structure.Structure{Tables: []structure.Table{
		{Name: "server_log", Columns: []structure.Column{
			{Name: "log_id", Type: structure.Integer, Primary: true, Sequence: true},
			{Name: "log_date", Type: structure.Date},
			{Name: "log_time", Type: structure.Time},
			{Name: "user_id", Type: structure.Integer},
			{Name: "connection_id", Type: structure.Integer},
			{Name: "exit_date", Type: structure.Date},
			{Name: "exit_time", Type: structure.Time},
			{Name: "process_id", Type: structure.Integer, Default: int64(0)},
			{Name: "process_name", Type: structure.Text},
		}, Indexes: []structure.Index{{Columns: []string{"user_id", "connection_id"}}}},
		{Name: "things", Columns: []structure.Column{
			{Name: "id", Type: structure.UUID, Primary: true},
			{Name: "name", Type: structure.Text, Unique: true},
			{Name: "n", Type: structure.Integer},
			{Name: "x", Type: structure.Real},
			{Name: "yes", Type: structure.Boolean},
			{Name: "day", Type: structure.Date},
			{Name: "time", Type: structure.Time},
			{Name: "info", Type: structure.Object},
			{Name: "bytes", Type: structure.Blob},
			{Name: "must", Type: structure.Text, NotNull: true, Default: "it's"},
		}, Indexes: []structure.Index{{Columns: []string{"n", "name"}, Unique: true}}},
		{Name: "words", Columns: []structure.Column{
			{Name: "word", Type: structure.Text, Primary: true},
			{Name: "n", Type: structure.Integer},
		}},
	}}
}

// databases has a function for each engine that gives the Config of a new database.
var databases = []struct {
	name   string
	config func(t testing.TB) Config
}{
	{"SQLite", func(t testing.TB) Config { return Config{Path: filepath.Join(t.TempDir(), "data.sqlite")} }},
	{"PostgreSQL", postgresConfig},
}

// onBoth runs a test on each engine, and from a client, with an empty database that has serverLog.
func onBoth(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Run("SQLite, distant", func(t *testing.T) {
		c := databases[0].config(t)
		c.Structure = serverLog()
		s := openTest(t, c)
		farStores.Store(s, true)
		defer farStores.Delete(s)
		test(t, s)
	})
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			c := d.config(t)
			c.Structure = serverLog()
			test(t, openTest(t, c))
		})
	}
}

// openTest opens a store that the test's end closes.
func openTest(t testing.TB, c Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// contextOf makes a context that the test's end closes.
func contextOf(t testing.TB, s *Store, process int64) Data {
	if _, distant := farStores.Load(s); distant {
		d, _ := far(t, s, process)
		return d
	}
	c := s.NewContext(Owner{Process: process, Name: "P"})
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// record makes a row with the values, not saved.
func record(t testing.TB, c Data, table string, values map[string]any) *Record {
	t.Helper()
	r, err := c.New(table)
	if err != nil {
		t.Fatal(err)
	}
	set(t, r, values)
	return r
}

func set(t testing.TB, r *Record, values map[string]any) {
	t.Helper()
	for name, v := range values {
		i := r.Table().ColumnIndex(name)
		if i < 0 {
			t.Fatalf("no column %s", name)
		}
		if err := r.Set(i, v); err != nil {
			t.Fatal(err)
		}
	}
}

func value(r *Record, column string) any { return r.Value(r.Table().ColumnIndex(column)) }

// saved makes a row and saves it.
func saved(t testing.TB, c Data, table string, values map[string]any) *Record {
	t.Helper()
	r := record(t, c, table, values)
	if err := c.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func parse(t testing.TB, text string) *query.Query {
	t.Helper()
	q, err := query.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// find runs a query.
func find(t testing.TB, c Data, table, text string, values ...any) Rows {
	t.Helper()
	found, err := c.Select(t.Context(), table, parse(t, text), values)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return found
}

// wantKind looks whether the error is of the kind.
func wantKind(t testing.TB, err error, want Kind) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != want {
		t.Errorf("error %v; want one of kind %s", err, want)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
