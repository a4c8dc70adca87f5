package statement

import (
	"encoding/json"
	"strconv"

	"moongate/runtime/structure"
)

// Statement is a text and its values, in the form that Encode gives.
type Statement struct {
	Text string
	Args []any
}

// Table makes the statements of one table. It does not change.
type Table struct {
	*structure.Table
	Dialect Dialect
	// Unicode is the collation by which PostgreSQL makes small letters of all of Unicode's, quoted; empty is the
	// database's own.
	Unicode string
	// Schema is where PostgreSQL has the table; for LockNumber.
	Schema string

	name    string // quoted
	columns []string
	names   []any // of the columns
	primary int
	row     string // what a SELECT of whole rows begins with
	insert  string
	get     string
}

// NewTable makes the statements' parts that are always the same. The table must be valid.
func NewTable(d Dialect, t *structure.Table, unicode string) *Table {
	s := &Table{Table: t, Dialect: d, Unicode: unicode, name: Quote(t.Name), primary: t.PrimaryIndex()}
	list := ""
	for i := range t.Columns {
		s.columns = append(s.columns, Quote(t.Columns[i].Name))
		s.names = append(s.names, t.Columns[i].Name)
		list += s.columns[i] + ", "
	}
	list += Quote(Stamp)
	s.row = "SELECT " + list + " FROM " + s.name
	w := s.writer()
	w.text("INSERT INTO ", s.name, " (", list, ") VALUES (")
	for i := range t.Columns {
		w.typed(t.Columns[i].Type, nil)
		w.text(", ")
	}
	w.arg(nil)
	s.insert = w.String() + ")"
	w = s.writer()
	w.text(s.row, " WHERE ")
	s.keyEquals(w, nil)
	s.get = w.String()
	return s
}

// PrimaryIndex is the place of the primary column.
func (s *Table) PrimaryIndex() int { return s.primary }

// ColumnNames are the names of the columns in their order, which nobody changes.
func (s *Table) ColumnNames() []any { return s.names }

// Insert is a new row: values for each column in order, and the stamp. It takes the slice.
func (s *Table) Insert(args []any) Statement { return Statement{s.insert, args} }

// Get is the row with a key, whole: its columns in order, and the stamp.
func (s *Table) Get(key any) Statement { return Statement{s.get, []any{s.foldKey(key)}} }

// foldKey makes a key what keyEquals compares with.
func (s *Table) foldKey(key any) any {
	if text, ok := key.(string); ok && s.Dialect == PostgreSQL && s.Columns[s.primary].Type == structure.Text {
		return LowerASCII(text)
	}
	return key
}

// keyEquals is the condition that a row has the key. Texts of SQLite compare without case by themselves.
func (s *Table) keyEquals(w *writer, key any) {
	c := &s.Columns[s.primary]
	if c.Type == structure.Text && s.Dialect == PostgreSQL {
		w.text(lowered(s.columns[s.primary]), " = ")
	} else {
		w.text(s.columns[s.primary], " = ")
	}
	w.typed(c.Type, s.foldKey(key))
}

// Update changes columns of the row with the key if it still has the stamp. The values belong to the columns.
//
// With guard, PostgreSQL changes it only while nobody else has its record lock, whose number that is; see LockNumber.
func (s *Table) Update(columns []int, values []any, key any, old, stamp int64, guard bool) Statement {
	w := s.writer()
	w.args = make([]any, 0, len(columns)+4)
	w.text("UPDATE ", s.name, " SET ")
	for i, c := range columns {
		w.text(s.columns[c], " = ")
		w.typed(s.Columns[c].Type, values[i])
		w.text(", ")
	}
	w.text(Quote(Stamp), " = ")
	w.arg(stamp)
	w.text(" WHERE ")
	s.unchanged(w, key, old, guard)
	return w.statement()
}

// Delete drops the row with the key if it still has the stamp. Guard is as in Update.
func (s *Table) Delete(key any, old int64, guard bool) Statement {
	w := s.writer()
	w.text("DELETE FROM ", s.name, " WHERE ")
	s.unchanged(w, key, old, guard)
	return w.statement()
}

func (s *Table) unchanged(w *writer, key any, old int64, guard bool) {
	s.keyEquals(w, key)
	w.text(" AND ", Quote(Stamp), " = ")
	w.arg(old)
	if guard && s.Dialect == PostgreSQL {
		w.text(" AND pg_try_advisory_xact_lock_shared(")
		w.arg(LockNumber(s.Schema, s.Name, key))
		w.text(")")
	}
}

// Highest is the highest value of an integer column, null when there is none.
func (s *Table) Highest(column int) Statement {
	return Statement{"SELECT max(" + s.columns[column] + ") FROM " + s.name, nil}
}

// within is the condition that the key is one of keys.
func (s *Table) within(w *writer, keys []any) error {
	column, t := s.columns[s.primary], s.Columns[s.primary].Type
	if s.Dialect == SQLite {
		text, err := json.Marshal(keys)
		w.text(column, " IN (SELECT value FROM json_each(")
		w.arg(string(text))
		w.text("))")
		return err
	}
	w.text(column, " = ANY(")
	w.list(t, keys)
	w.text(")")
	return nil
}

// Rows are the rows with the keys, whole, in any order.
func (s *Table) Rows(keys []any) (Statement, error) {
	w := s.writer()
	w.text(s.row, " WHERE ")
	err := s.within(w, keys)
	return w.statement(), err
}

// writer collects a text and its values.
type writer struct {
	dialect Dialect
	buffer  []byte
	args    []any
}

func (s *Table) writer() *writer { return &writer{dialect: s.Dialect, buffer: make([]byte, 0, 256)} }

func (w *writer) text(parts ...string) {
	for _, p := range parts {
		w.buffer = append(w.buffer, p...)
	}
}

// arg writes a placeholder.
func (w *writer) arg(value any) {
	w.args = append(w.args, value)
	if w.dialect == SQLite {
		w.buffer = append(w.buffer, '?')
		return
	}
	w.buffer = append(w.buffer, '$')
	w.buffer = strconv.AppendInt(w.buffer, int64(len(w.args)), 10)
}

// typed writes a placeholder for a value of a column's type.
func (w *writer) typed(t structure.Type, value any) {
	w.arg(value)
	if w.dialect == PostgreSQL {
		w.text("::", w.dialect.TypeName(t))
	}
}

// list writes a placeholder for an array. Only PostgreSQL has them.
func (w *writer) list(t structure.Type, values []any) {
	w.arg(array(t, values))
	w.text("::", w.dialect.TypeName(t), "[]")
}

func (w *writer) String() string { return string(w.buffer) }

func (w *writer) statement() Statement { return Statement{w.String(), w.args} }

// array is the values as a slice of one Go type, which PostgreSQL's driver knows.
func array(t structure.Type, values []any) any {
	switch t {
	case structure.Integer:
		return slice[int64](values)
	case structure.Real:
		return slice[float64](values)
	case structure.Boolean:
		return slice[bool](values)
	}
	return slice[string](values)
}

func slice[T any](values []any) []T {
	typed := make([]T, len(values))
	for i, v := range values {
		typed[i], _ = v.(T)
	}
	return typed
}
