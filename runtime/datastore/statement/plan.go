package statement

import (
	"fmt"
	"slices"
	"strings"

	"moongate/runtime/datastore/failure"
	"moongate/runtime/structure"
)

// Existing is what a database has.
type Existing struct {
	Format int64 // of the data store's own tables; 0: there are none
	Tables map[string]*ExistingTable
}

// ExistingTable is a table that is there, by its name as the database has it.
type ExistingTable struct {
	Name    string
	Columns []ExistingColumn
	Indexes []ExistingIndex
}

// ExistingColumn is a column that is there.
type ExistingColumn struct {
	Name    string
	Type    string // as it was declared
	NotNull bool
	Default bool // it has one
	Primary bool
}

// ExistingIndex is an index that is there, the primary key's left out.
type ExistingIndex struct {
	Name string
}

// Change is something that brings a database nearer to its structure.
type Change struct {
	Table   string // empty: it is about the data store's own tables
	Summary string // in words, as "add column exit_date date"
	SQL     string // what is run
	// Count, if not empty, counts the rows that are in the way; there must be none. Conflict says what then.
	Count    string
	Conflict string
}

// Format is the number of the data store's own tables. A database with a higher one was made by a newer Moongate.
const Format = 1

// own are the tables of the data store itself.
var own = [2][]string{
	SQLite: {
		"CREATE TABLE moongate_store (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID",
		"CREATE TABLE moongate_sequences (name TEXT PRIMARY KEY NOT NULL, next INTEGER NOT NULL) WITHOUT ROWID",
		"CREATE TABLE moongate_users (number INTEGER PRIMARY KEY, name TEXT NOT NULL, folded TEXT NOT NULL UNIQUE)",
	},
	PostgreSQL: {
		"CREATE TABLE moongate_store (name text PRIMARY KEY, value bigint NOT NULL)",
		"CREATE TABLE moongate_sequences (name text PRIMARY KEY, next bigint NOT NULL)",
		"CREATE TABLE moongate_users (number bigint PRIMARY KEY, name text NOT NULL, folded text NOT NULL UNIQUE)",
		"CREATE TABLE moongate_locks (number bigint PRIMARY KEY, host bigint NOT NULL, process bigint NOT NULL, name text NOT NULL, user_name text NOT NULL)",
	},
}

// Plan is what must be done so that a database has all that the structure says, in order; nothing when it has. What
// cannot be done is an error of kind Conflict or Newer that says what to do. What the database has besides is left
// alone.
func Plan(d Dialect, want *structure.Structure, have *Existing) ([]Change, error) {
	if have.Format > Format {
		return nil, failure.New(failure.Newer, "", "the database was made by a newer moongate (format %d; this one knows %d); run that version", have.Format, Format)
	}
	var changes []Change
	if have.Format == 0 {
		for _, sql := range own[d] {
			changes = append(changes, Change{Summary: "create the data store's own table " + strings.Fields(sql)[2], SQL: sql})
		}
		changes = append(changes, Change{Summary: "note the format", SQL: fmt.Sprintf("INSERT INTO moongate_store (name, value) VALUES ('format', %d)", Format)})
	}
	for i := range want.Tables {
		more, err := planTable(d, &want.Tables[i], have)
		if err != nil {
			return nil, err
		}
		changes = append(changes, more...)
	}
	return changes, nil
}

// find is the table of that name. SQLite's names are the same in either case.
func (e *Existing) find(d Dialect, name string) *ExistingTable {
	if t := e.Tables[name]; t != nil || d == PostgreSQL {
		return t
	}
	for have, t := range e.Tables {
		if strings.EqualFold(have, name) {
			return t
		}
	}
	return nil
}

func planTable(d Dialect, t *structure.Table, have *Existing) ([]Change, error) {
	existing := have.find(d, t.Name)
	if existing == nil {
		create, err := createTable(d, t)
		if err != nil {
			return nil, err
		}
		return append([]Change{create}, planIndexes(d, t, &ExistingTable{})...), nil
	}
	var changes []Change
	for i := range t.Columns {
		more, err := planColumn(d, t, &t.Columns[i], existing)
		if err != nil {
			return nil, err
		}
		changes = append(changes, more...)
	}
	if existing.column(Stamp) == nil {
		changes = append(changes, Change{Table: t.Name, Summary: "add column " + Stamp,
			SQL: "ALTER TABLE " + Quote(t.Name) + " ADD COLUMN " + stampColumn(d)})
	}
	for _, c := range existing.Columns {
		if c.NotNull && !c.Default && c.Name != Stamp && !c.Primary && column(t, c.Name) == nil {
			return nil, conflict(t, "the database has a column %s without a default that must not be null; give it a default there, or declare it", c.Name)
		}
	}
	return append(changes, planIndexes(d, t, existing)...), nil
}

// column is the table's column of that name without regard to case.
func column(t *structure.Table, name string) *structure.Column {
	for i := range t.Columns {
		if strings.EqualFold(t.Columns[i].Name, name) {
			return &t.Columns[i]
		}
	}
	return nil
}

func (e *ExistingTable) column(name string) *ExistingColumn {
	for i := range e.Columns {
		if strings.EqualFold(e.Columns[i].Name, name) {
			return &e.Columns[i]
		}
	}
	return nil
}

func (e *ExistingTable) index(name string) bool {
	return slices.ContainsFunc(e.Indexes, func(x ExistingIndex) bool { return x.Name == name })
}

func conflict(t *structure.Table, format string, args ...any) error {
	return failure.New(failure.Conflict, t.Name, format, args...)
}

// planColumn is what one column of a table that exists needs.
func planColumn(d Dialect, t *structure.Table, c *structure.Column, existing *ExistingTable) ([]Change, error) {
	have := existing.column(c.Name)
	if have == nil {
		return addColumn(d, t, c)
	}
	switch {
	case have.Name != c.Name && d == PostgreSQL:
		return nil, conflict(t, "the database has a column %s, and names differ by case there; declare %s", have.Name, have.Name)
	case have.Primary != c.Primary:
		return nil, conflict(t, "%s %s in the database; a primary key cannot change: make a new table", c.Name,
			map[bool]string{true: "is the primary key", false: "is not the primary key"}[have.Primary])
	case !sameType(d, c.Type, have.Type):
		return nil, conflict(t, "%s is %s in the structure and %s in the database; a type cannot change: declare it as it was, or make a new column",
			c.Name, c.Type, have.Type)
	case have.NotNull && !c.NotNull && !c.Primary && d == SQLite:
		return nil, conflict(t, "%s must not be null in the database, which cannot be taken back; declare it not_null = true, or make a new column", c.Name)
	case have.NotNull && !c.NotNull && !c.Primary:
		return []Change{{Table: t.Name, Summary: "allow null in " + c.Name, SQL: alter(t, c) + " DROP NOT NULL"}}, nil
	case c.NotNull && !have.NotNull:
		change := Change{Table: t.Name, Summary: "refuse null in " + c.Name,
			Count:    "SELECT count(*) FROM " + Quote(t.Name) + " WHERE " + Quote(c.Name) + " IS NULL",
			Conflict: c.Name + " must not be null, and %d rows have no value; give them one first"}
		if d == PostgreSQL {
			change.SQL = alter(t, c) + " SET NOT NULL"
			return []Change{change}, nil
		}
		change.Summary = "" // nothing is changed: SQLite cannot add it, and the data store looks at each row
		return []Change{change}, nil
	}
	return nil, nil
}

func alter(t *structure.Table, c *structure.Column) string {
	return "ALTER TABLE " + Quote(t.Name) + " ALTER COLUMN " + Quote(c.Name)
}

// alike are other declarations that a type can be kept in.
var alike = [2]map[structure.Type][]string{
	SQLite: {structure.Text: {"TEXT", "VARCHAR", "CHAR", "CLOB"}, structure.Integer: {"INTEGER", "INT", "BIGINT"}, structure.Real: {"REAL", "DOUBLE", "FLOAT"},
		structure.Boolean: {"BOOLEAN", "INTEGER"}, structure.Date: {"DATE", "TEXT"}, structure.Time: {"INTEGER"}, structure.Object: {"TEXT", "JSON"},
		structure.Blob: {"BLOB"}, structure.UUID: {"TEXT"}},
	PostgreSQL: {structure.Text: {"character varying"}, structure.Integer: {"integer"}},
}

// sameType reports whether a declared type can hold the type's values.
func sameType(d Dialect, t structure.Type, declared string) bool {
	if d == SQLite {
		declared = strings.ToUpper(declared)
		if plain, _, sized := strings.Cut(declared, "("); sized {
			declared = strings.TrimSpace(plain)
		}
	}
	return declared == typeNames[d][t] || slices.Contains(alike[d][t], declared)
}

// createTable makes a table with its columns; the indexes come after it.
func createTable(d Dialect, t *structure.Table) (Change, error) {
	var columns []string
	for i := range t.Columns {
		text, err := declare(d, &t.Columns[i])
		if err != nil {
			return Change{}, conflict(t, "%s: its default: %v", t.Columns[i].Name, err)
		}
		columns = append(columns, text)
	}
	columns = append(columns, stampColumn(d))
	return Change{Table: t.Name, Summary: "create table with " + fmt.Sprint(len(t.Columns)) + " columns",
		SQL: "CREATE TABLE " + Quote(t.Name) + " (\n  " + strings.Join(columns, ",\n  ") + "\n)"}, nil
}

func stampColumn(d Dialect) string {
	return Quote(Stamp) + " " + d.TypeName(structure.Integer) + " NOT NULL DEFAULT 0"
}

// declare is a column as CREATE TABLE and ADD COLUMN have it.
func declare(d Dialect, c *structure.Column) (string, error) {
	text := Quote(c.Name) + " " + d.TypeName(c.Type)
	if d == SQLite && c.Type == structure.Text {
		text += " COLLATE NOCASE"
	}
	if c.Primary {
		text += " PRIMARY KEY"
	}
	if c.NotNull || c.Primary {
		text += " NOT NULL"
	}
	if c.Default != nil {
		literal, err := d.literal(c.Type, c.Default)
		if err != nil {
			return "", err
		}
		text += " DEFAULT " + literal
	}
	return text, nil
}

func addColumn(d Dialect, t *structure.Table, c *structure.Column) ([]Change, error) {
	if c.Primary {
		return nil, conflict(t, "the table is in the database without its primary key %s; a primary key cannot be added: make a new table", c.Name)
	}
	text, err := declare(d, c)
	if err != nil {
		return nil, conflict(t, "%s: its default: %v", c.Name, err)
	}
	change := Change{Table: t.Name, Summary: "add column " + c.Name + " " + c.Type.String(),
		SQL: "ALTER TABLE " + Quote(t.Name) + " ADD COLUMN " + text}
	if c.NotNull && c.Default == nil {
		change.Count = "SELECT count(*) FROM " + Quote(t.Name)
		change.Conflict = c.Name + " must not be null, and the %d rows that are there would have no value; give it a default"
	}
	return []Change{change}, nil
}
