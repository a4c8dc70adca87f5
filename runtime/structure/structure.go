package structure

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
)

// Structure is the tables of a database. The zero Structure has none, which is valid.
type Structure struct {
	Tables []Table // in the order in which they are shown
}

// Table is one table.
type Table struct {
	Name    string
	Columns []Column // in order; exactly one is Primary
	Indexes []Index  // besides those that the primary key and unique columns have anyway
}

// Column is one column.
type Column struct {
	Name     string
	Type     Type
	Primary  bool // the key of the table: never null, never twice, never changed; an integer, a text or a uuid
	Sequence bool // a row that is saved without a value gets the table's next sequence number; integers only
	Unique   bool // no two rows have the same value; many may have none
	NotNull  bool // every row has a value
	Default  any  // of a row that is made without a value; nil is none. A Go value that Type.Check gives
}

// Index makes queries by its columns quick: by all of them, or the first ones.
type Index struct {
	Columns []string
	Unique  bool // no two rows have the same values in all of its columns, null aside
}

// Limits of a structure.
const (
	MaxName    = 63 // bytes in a name, which is PostgreSQL's own limit
	MaxColumns = 500
)

// reserved begins the names of tables and columns that the data store keeps for itself.
const reserved = "moongate_"

// Table is the table of that name, nil when there is none.
func (s *Structure) Table(name string) *Table {
	for i := range s.Tables {
		if s.Tables[i].Name == name {
			return &s.Tables[i]
		}
	}
	return nil
}

// Names are the names of the tables, in order, as a suggestion needs them.
func (s *Structure) Names() []string {
	names := make([]string, len(s.Tables))
	for i := range s.Tables {
		names[i] = s.Tables[i].Name
	}
	return names
}

// Column is the column of that name, nil when there is none.
func (t *Table) Column(name string) *Column {
	if i := t.ColumnIndex(name); i >= 0 {
		return &t.Columns[i]
	}
	return nil
}

// ColumnIndex is the place of the column of that name in Columns, -1 when there is none.
func (t *Table) ColumnIndex(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// Names are the names of the columns, in order.
func (t *Table) Names() []string {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	return names
}

// PrimaryIndex is the place of the primary column in Columns, -1 when the table has none, which no valid one has.
func (t *Table) PrimaryIndex() int {
	for i := range t.Columns {
		if t.Columns[i].Primary {
			return i
		}
	}
	return -1
}

// Primary is the primary column, nil when the table has none, which no valid one has.
func (t *Table) Primary() *Column {
	if i := t.PrimaryIndex(); i >= 0 {
		return &t.Columns[i]
	}
	return nil
}

// Validate says everything that is wrong with the structure, one line for each mistake, which begins with the table
// and column; nil when nothing is. Defaults must be what Type.Check gives.
func (s *Structure) Validate() error {
	var wrong []error
	seen := map[string]bool{}
	for i := range s.Tables {
		t := &s.Tables[i]
		if err := CheckName(t.Name); err != nil {
			wrong = append(wrong, fmt.Errorf("table %q: %w", t.Name, err))
			continue
		}
		if key := strings.ToLower(t.Name); seen[key] {
			wrong = append(wrong, fmt.Errorf("%s: there is another table of that name (case does not count); rename one", t.Name))
		} else {
			seen[key] = true
		}
		wrong = append(wrong, t.mistakes()...)
	}
	return errors.Join(wrong...)
}

// mistakes is everything that is wrong with the table, its name aside.
func (t *Table) mistakes() (wrong []error) {
	seen, primaries := map[string]bool{}, 0
	for i := range t.Columns {
		c := &t.Columns[i]
		if err := CheckName(c.Name); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: column %q: %w", t.Name, c.Name, err))
			continue
		}
		if key := strings.ToLower(c.Name); seen[key] {
			wrong = append(wrong, fmt.Errorf("%s.%s: there is another column of that name (case does not count); rename one", t.Name, c.Name))
		} else {
			seen[key] = true
		}
		if c.Primary {
			primaries++
		}
		if err := c.mistake(); err != nil {
			wrong = append(wrong, fmt.Errorf("%s.%s: %w", t.Name, c.Name, err))
		}
	}
	switch {
	case len(t.Columns) > MaxColumns:
		wrong = append(wrong, fmt.Errorf("%s: it has %d columns; a table can have %d", t.Name, len(t.Columns), MaxColumns))
	case primaries == 0:
		wrong = append(wrong, fmt.Errorf(`%s: it has no primary key; give it a column as { "id", "integer", primary = true, sequence = true }`, t.Name))
	case primaries > 1:
		wrong = append(wrong, fmt.Errorf("%s: it has %d primary columns; keep one, and an index with unique = true for the others", t.Name, primaries))
	}
	for _, index := range t.Indexes {
		if err := t.indexMistake(index); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: index (%s): %w", t.Name, strings.Join(index.Columns, ", "), err))
		}
	}
	return wrong
}

// mistake says what is wrong with the column, its name aside.
func (c *Column) mistake() error {
	if !c.Type.Valid() {
		return errors.New("it has no type; the types are " + strings.Join(TypeNames(), ", "))
	}
	if c.Sequence && c.Type != Integer {
		return fmt.Errorf("a sequence numbers integers, this is %s; make it an integer", c.Type)
	}
	if c.Primary && c.Type != Integer && c.Type != Text && c.Type != UUID {
		return fmt.Errorf("a primary key is an integer, a text or a uuid, this is %s; take another column", c.Type)
	}
	if (c.Unique || c.Primary) && !c.Type.Indexable() {
		return fmt.Errorf("%s cannot be unique; take it out", c.Type)
	}
	if c.Default == nil {
		return nil
	}
	if c.Primary || c.Sequence || c.Unique {
		return errors.New("a key, a sequence and a unique column have no default: it would be the same in every row; take it out")
	}
	if _, err := c.Type.Check(c.Default); err != nil {
		return fmt.Errorf("its default: %w", err)
	}
	return nil
}

func (t *Table) indexMistake(index Index) error {
	if len(index.Columns) == 0 {
		return errors.New("it has no columns; name one at least")
	}
	seen := map[string]bool{}
	for _, name := range index.Columns {
		c := t.Column(name)
		switch {
		case c == nil:
			return fmt.Errorf("there is no column %s%s", name, DidYouMean(name, t.Names()))
		case seen[name]:
			return fmt.Errorf("%s is there twice; name it once", name)
		case !c.Type.Indexable():
			return fmt.Errorf("%s is %s, which has no index; take it out", name, c.Type)
		}
		seen[name] = true
	}
	return nil
}

// CheckName says what keeps a name from being a table's or a column's: it has letters, digits and underscores of
// ASCII, begins with a letter, has at most MaxName bytes, and does not begin with moongate_.
func CheckName(name string) error {
	const rule = "a name has letters (a to z), digits and underscores, and begins with a letter"
	if name == "" {
		return errors.New("it has no name; " + rule)
	}
	if len(name) > MaxName {
		return fmt.Errorf("the name has %d bytes; it can have %d", len(name), MaxName)
	}
	for i := range len(name) {
		c := name[i] | 0x20
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || name[i] != '_' && (name[i] < '0' || name[i] > '9')) {
			return errors.New(rule)
		}
	}
	if strings.HasPrefix(strings.ToLower(name), reserved) {
		return errors.New("names that begin with " + reserved + " are the data store's own; take another")
	}
	return nil
}

// Shape is a number that two tables share, in all likelihood, if and only if they have the same columns in the same order:
// their names and types.
func (t *Table) Shape() int64 {
	h := fnv.New32a()
	for i := range t.Columns {
		fmt.Fprintf(h, "%s %s\n", t.Columns[i].Name, t.Columns[i].Type)
	}
	return int64(h.Sum32())
}
