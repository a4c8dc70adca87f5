package datastore

import (
	"fmt"
	"maps"
	"slices"

	"moongate/runtime/datastore/statement"
	"moongate/runtime/structure"
	"moongate/runtime/wire"
)

// Bounds of one message between a client and the server. Longer lists are cut into several; what cannot be cut, as a row
// with a large blob, goes as it is, up to MaxAct.
const (
	pageKeys  = 10_000
	pageBytes = 256 << 10

	// MaxAct is the most that the values of one act, or of one row in its answer, may take on the wire, in bytes.
	MaxAct = 8 << 20
)

// toWire is a column's value as it crosses the wire: an object's maps are [wire.Map]s, a blob is a string.
func toWire(v any) any {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case int:
		return int64(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = toWire(v[i])
		}
		return list
	case map[string]any:
		pairs := make(wire.Map, 0, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, wire.Pair{Key: name, Value: toWire(v[name])})
		}
		return pairs
	}
	return v
}

// fromWire is the inverse of toWire, as far as that can be known without the column's type: a string may be a blob. It
// takes over the lists.
func fromWire(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			inner, err := fromWire(v[i])
			if err != nil {
				return nil, err
			}
			v[i] = inner
		}
	case wire.Map:
		fields := make(map[string]any, len(v))
		for _, p := range v {
			name, ok := p.Key.(string)
			if !ok {
				return nil, fmt.Errorf("the names in an object are texts, not %v", p.Key)
			}
			inner, err := fromWire(p.Value)
			if err != nil {
				return nil, err
			}
			fields[name] = inner
		}
		return fields, nil
	}
	return v, nil
}

// columnFromWire is the value of a column of the type, exactly as Type.Check gives it.
func columnFromWire(t structure.Type, v any) (any, error) {
	v, err := fromWire(v)
	if err != nil {
		return nil, err
	}
	return t.Check(v)
}

// wireSize is how many bytes a value takes on the wire, or a few more.
func wireSize(v any) int {
	const header = 24
	n := header
	switch v := v.(type) {
	case string:
		n += len(v)
	case []byte:
		n += len(v)
	case []any:
		for i := range v {
			n += wireSize(v[i])
		}
	case map[string]any:
		for name, inner := range v {
			n += header + len(name) + wireSize(inner)
		}
	case wire.Map:
		for _, p := range v {
			n += wireSize(p.Key) + wireSize(p.Value)
		}
	}
	return n
}

// page is how many of the keys go into one message.
func page(keys []any) int {
	size := 0
	for i := range keys[:min(len(keys), pageKeys)] {
		if size += wireSize(keys[i]); size > pageBytes && i > 0 {
			return i
		}
	}
	return min(len(keys), pageKeys)
}

// wireRows are rows in an answer: the names of the columns, nil when the client's table has the same shape, and then each
// row, its stamp first.
type wireRows struct {
	list []any
	size int
}

func newWireRows(t *statement.Table, shape any) *wireRows {
	if shape == any(t.Shape()) {
		return &wireRows{list: []any{nil}}
	}
	return &wireRows{list: append(make([]any, 0, 2), t.ColumnNames())}
}

// add takes a row, unless there are rows already and it would be too much for one message. A row that is too much for any
// is an error of kind Value.
func (w *wireRows) add(r *Record) (bool, error) {
	row, size := make([]any, 1+len(r.values)), 0
	row[0] = r.stamp
	for i, v := range r.values {
		size += wireSize(v)
		row[i+1] = toWire(v)
	}
	if size > MaxAct {
		return false, &Error{Kind: Value, Table: r.table.Name, Message: fmt.Sprintf("the row %.64v has %d bytes; over the wire it can have %d", r.key, size, MaxAct)}
	}
	if w.size += size; w.size > pageBytes && len(w.list) > 1 {
		return false, nil
	}
	w.list = append(w.list, row)
	return true, nil
}

// readRows makes records of rows in an answer. Columns that only one side has are left out, or null.
func readRows(t *statement.Table, answer []any) ([]*Record, error) {
	if len(answer) == 0 {
		return nil, nonsense("no rows")
	}
	columns, err := places(t, answer[0])
	if err != nil {
		return nil, err
	}
	records := make([]*Record, 0, len(answer)-1)
	for _, v := range answer[1:] {
		row, ok := v.([]any)
		if !ok || len(row) != 1+len(columns) {
			return nil, nonsense("a row of %d values was expected", 1+len(columns))
		}
		r, err := readRow(t, columns, row)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// places are the columns of the client's table in which the server's values belong, -1 for one that the client does not
// have.
func places(t *statement.Table, names any) ([]int, error) {
	if names == nil {
		columns := make([]int, len(t.Columns))
		for i := range columns {
			columns[i] = i
		}
		return columns, nil
	}
	list, ok := names.([]any)
	if !ok {
		return nil, nonsense("the names of columns were expected")
	}
	columns := make([]int, len(list))
	for i := range list {
		name, _ := list[i].(string)
		columns[i] = t.ColumnIndex(name)
	}
	return columns, nil
}

func readRow(t *statement.Table, columns []int, row []any) (*Record, error) {
	r := &Record{table: t, values: make([]any, len(t.Columns)), touched: make([]bool, len(t.Columns))}
	stamp, ok := row[0].(int64)
	if !ok {
		return nil, nonsense("a stamp was expected")
	}
	r.stamp = stamp
	for i, c := range columns {
		if c < 0 {
			continue
		}
		v, err := columnFromWire(t.Columns[c].Type, row[i+1])
		if err != nil {
			return nil, nonsense("%s.%s: %v", t.Name, t.Columns[c].Name, err)
		}
		r.values[c] = v
	}
	if r.key = r.Key(); r.key == nil {
		return nil, nonsense("a row of %s without its key", t.Name)
	}
	return r, nil
}

// nonsense is the error for an answer that no server gives.
func nonsense(format string, args ...any) error {
	return &Error{Kind: Internal, Message: "the server's answer makes no sense: " + fmt.Sprintf(format, args...) + "; look whether client and server are of the same version"}
}
