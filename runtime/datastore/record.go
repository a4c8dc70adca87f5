package datastore

import (
	"encoding/hex"
	"fmt"

	"crypto/rand"
	"strings"

	"moongate/runtime/datastore/statement"
	"moongate/runtime/structure"
)

// Record is a row, as it was read and changed since; 4D's entity. It belongs to one process.
type Record struct {
	table   *statement.Table
	values  []any // by column
	touched []bool
	key     any // as in the database; nil for a new one
	stamp   int64
	fresh   bool // not in the database yet
	dropped bool
	stub    bool // made of what a client sends for one act: besides what is touched, only the key is known
}

// newRecord is a row with the defaults.
func newRecord(t *statement.Table) *Record {
	r := &Record{table: t, values: make([]any, len(t.Columns)), touched: make([]bool, len(t.Columns)), fresh: true}
	for i := range t.Columns {
		if d := t.Columns[i].Default; d != nil {
			r.values[i], _ = t.Columns[i].Type.Check(d) // Validate has looked
		}
	}
	return r
}

// decodeRecord is a row that was read: its columns, and the stamp.
func decodeRecord(t *statement.Table, row []any) (*Record, error) {
	r := &Record{table: t, values: make([]any, len(t.Columns)), touched: make([]bool, len(t.Columns))}
	return r, r.fill(row)
}

// fill takes what was read.
func (r *Record) fill(row []any) error {
	t := r.table
	for i := range t.Columns {
		v, err := t.Dialect.Decode(t.Columns[i].Type, row[i])
		if err != nil {
			return &Error{Kind: Value, Table: t.Name, Message: fmt.Sprintf("%s: the database has a value that does not fit: %v; correct it there", t.Columns[i].Name, err), Cause: err}
		}
		r.values[i] = v
	}
	r.stamp, _ = row[len(t.Columns)].(int64)
	r.key = r.values[t.PrimaryIndex()]
	clear(r.touched)
	return nil
}

// Table is the table that the row is of.
func (r *Record) Table() *structure.Table { return r.table.Table }

// Value is the value of a column, by its place in the table; nil is null. Objects and blobs are not copied: who
// changes them must Set them again.
func (r *Record) Value(column int) any { return r.values[column] }

// Set changes a column, by its place in the table; nothing is written before Save. The value is as Type.Check takes
// it, and belongs to the record. One that does not fit is an error of kind Value, as is another key for a row that is
// saved.
func (r *Record) Set(column int, value any) error {
	c := &r.table.Columns[column]
	value, err := c.Type.Check(value)
	if err != nil {
		return r.wrong(c, err.Error())
	}
	if c.Primary && !r.fresh {
		if value == r.key {
			return nil
		}
		return r.wrong(c, "the key of a row that is saved cannot change; make a new one")
	}
	r.values[column], r.touched[column] = value, true
	return nil
}

func (r *Record) wrong(c *structure.Column, message string) error {
	return &Error{Kind: Value, Table: r.table.Name, Message: c.Name + ": " + message}
}

// IsNew reports whether the row has not been saved yet.
func (r *Record) IsNew() bool { return r.fresh }

// Dropped reports whether the record was dropped.
func (r *Record) Dropped() bool { return r.dropped }

// there says that the row was dropped.
func (r *Record) there() error {
	if r.dropped {
		return &Error{Kind: Missing, Table: r.table.Name, Message: fmt.Sprintf("the row %v was dropped; make a new one", r.key)}
	}
	return nil
}

// saved says that the row is not in the database yet, so that nothing can be done with it there.
func (r *Record) saved(what string) error {
	if r.fresh {
		return &Error{Kind: State, Table: r.table.Name, Message: "the row is new; there is nothing to " + what + " before it is saved"}
	}
	return nil
}

// written takes note that the row was saved, or dropped.
func (r *Record) written(stamp int64, dropped bool) {
	r.stamp, r.fresh, r.key, r.dropped = stamp, false, r.Key(), dropped
	clear(r.touched)
}

// Touched reports whether a column was set since the row was read or saved.
func (r *Record) Touched() bool {
	for _, t := range r.touched {
		if t {
			return true
		}
	}
	return false
}

// Key is the value of the primary key, nil for a new row that has none yet.
func (r *Record) Key() any { return r.values[r.table.PrimaryIndex()] }

// complete looks whether every column that must have a value has one; uuids of keys are made up.
func (r *Record) complete() error {
	for i := range r.table.Columns {
		c := &r.table.Columns[i]
		if r.values[i] != nil || !c.NotNull && !c.Primary || r.stub && !r.fresh && !r.touched[i] {
			continue
		}
		if c.Primary && c.Type == structure.UUID && r.fresh {
			r.values[i] = newUUID()
			continue
		}
		return r.wrong(c, "it must have a value; set it before the row is saved")
	}
	return nil
}

// newUUID is a random uuid (version 4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return strings.ToUpper(hex.EncodeToString(b[:]))
}

// encode is the values as the database takes them, with room for more.
func (r *Record) encode(columns []int) ([]any, error) {
	args := make([]any, len(columns), len(columns)+4)
	for i, c := range columns {
		v, err := r.table.Dialect.Encode(r.table.Columns[c].Type, r.values[c])
		if err != nil {
			return nil, r.wrong(&r.table.Columns[c], err.Error())
		}
		args[i] = v
	}
	return args, nil
}

// state is what a record knows of the database, to be given back when a transaction is cancelled.
type state struct {
	record  *Record
	touched []bool
	key     any
	stamp   int64
	fresh   bool
	dropped bool
}

func (r *Record) state() state {
	return state{r, append([]bool(nil), r.touched...), r.key, r.stamp, r.fresh, r.dropped}
}

// restore undoes a save or a drop that was cancelled; the values stay, and are to be saved again.
func (s state) restore() {
	r := s.record
	for i := range r.touched {
		r.touched[i] = s.touched[i] || r.touched[i]
	}
	r.key, r.stamp, r.fresh, r.dropped = s.key, s.stamp, s.fresh, s.dropped
}
