package statement

import (
	"fmt"
	"strings"

	"moongate/runtime/datastore/failure"
	"moongate/runtime/datastore/query"
	"moongate/runtime/structure"
)

// operand is what a comparison, an order or a sum is of: a column, or what an object has at a place.
type operand struct {
	structure.Type // of the value that it is compared with, when it is in an object; 0 there: any
	column         string
	fields         []string
}

// operand finds what a path says. In an object, it is of the value's type.
func (s *Table) operand(p query.Path, value any) (operand, error) {
	i := s.ColumnIndex(p.Column)
	if i < 0 {
		return operand{}, failure.New(failure.Unknown, s.Name, "there is no column %.64s%s", p.Column, structure.DidYouMean(p.Column, s.Names()))
	}
	o := operand{Type: s.Columns[i].Type, column: s.columns[i], fields: p.Fields}
	if len(p.Fields) == 0 {
		return o, nil
	}
	if o.Type != structure.Object {
		return o, failure.New(failure.Unknown, s.Name, "%s is %s, so nothing is in it; an object has names in it", p.Column, o.Type)
	}
	for _, f := range p.Fields {
		if strings.ContainsAny(f, "\"\\\x00") {
			return o, failure.New(failure.Value, s.Name, "%.64s: a name in an object that is asked for has no quotation marks and backslashes", p.String())
		}
	}
	switch value.(type) {
	case nil:
		o.Type = 0
	case string:
		o.Type = structure.Text
	case bool:
		o.Type = structure.Boolean
	case int64, int, float64:
		o.Type = structure.Real
	default:
		return o, failure.New(failure.Value, s.Name, "%.64s: what is in an object compares with texts, numbers, true, false and null", p.String())
	}
	return o, nil
}

// write writes the operand. In an object, what is of another type is null.
func (o operand) write(w *writer) {
	switch {
	case len(o.fields) == 0:
		w.text(o.column)
	case w.dialect == SQLite:
		o.writeJSON(w)
	default:
		o.writeJSONB(w)
	}
}

func (o operand) writeJSON(w *writer) {
	path := "$"
	for _, f := range o.fields {
		path += `."` + f + `"`
	}
	extract := func() {
		w.text("json_extract(", o.column, ", ")
		w.arg(path)
		w.text(")")
	}
	kinds := map[structure.Type]string{structure.Text: "'text'", structure.Real: "'integer', 'real'", structure.Boolean: "'true', 'false'"}[o.Type]
	if kinds == "" {
		extract()
		return
	}
	w.text("CASE WHEN json_type(", o.column, ", ")
	w.arg(path)
	w.text(") IN (", kinds, ") THEN ")
	extract()
	w.text(" END")
	if o.Type == structure.Text {
		w.text(" COLLATE NOCASE")
	}
}

func (o operand) writeJSONB(w *writer) {
	at := func(operator string) {
		w.text("(", o.column, operator)
		w.arg(o.fields)
		w.text("::text[])")
	}
	kind := map[structure.Type]string{structure.Text: "string", structure.Real: "number", structure.Boolean: "boolean"}[o.Type]
	if kind == "" {
		at(" #>> ")
		return
	}
	w.text("(CASE WHEN jsonb_typeof")
	at(" #> ")
	w.text(" = '", kind, "' THEN ")
	at(" #>> ")
	w.text("::", w.dialect.TypeName(o.Type), " END)")
}

// writeLowered writes a text in ASCII's small letters, as indexes have it. SQLite's texts compare so by themselves.
func (o operand) writeLowered(w *writer) {
	if w.dialect == SQLite {
		o.write(w)
		return
	}
	w.text("lower(")
	o.write(w)
	w.text(` COLLATE "C")`)
}

// orderBy writes the order, and the key as the last one, so that it is always the same.
func (s *Table) orderBy(w *writer, order []query.Order) error {
	w.text(" ORDER BY ")
	for _, by := range order {
		o, err := s.operand(by.Path, nil)
		if err != nil {
			return err
		}
		if o.Type == structure.Object || o.Type == structure.Blob {
			return failure.New(failure.Value, s.Name, "%s is %s, which has no order", by.Path.String(), o.Type)
		}
		if len(o.fields) > 0 && s.Dialect == PostgreSQL { // where texts come first
			w.text("(jsonb_typeof(")
			s.writeOrder(w, o)
			w.text(") = 'string')")
			s.direction(w, by.Descending)
		}
		s.writeOrder(w, o)
		s.direction(w, by.Descending)
	}
	w.text(s.columns[s.primary])
	return nil
}

// direction writes which end comes first; null is the least.
func (s *Table) direction(w *writer, descending bool) {
	switch {
	case descending && s.Dialect == SQLite:
		w.text(" DESC, ")
	case descending:
		w.text(" DESC NULLS LAST, ")
	case s.Dialect == PostgreSQL:
		w.text(" NULLS FIRST, ")
	default:
		w.text(", ")
	}
}

// writeOrder writes what rows are sorted by. In objects, numbers come before texts.
func (s *Table) writeOrder(w *writer, o operand) {
	switch {
	case o.Type == structure.Text:
		o.writeLowered(w)
	case o.Type == 0 && s.Dialect == PostgreSQL:
		w.text("(", o.column, " #> ")
		w.arg(o.fields)
		w.text("::text[])")
	default:
		o.write(w)
	}
}

// Aggregate is one value of many rows.
type Aggregate int

// The aggregates. Null counts in none of them.
const (
	Sum Aggregate = iota
	Average
	Min
	Max
	Counted // how many have a value
)

var aggregateNames = [...]string{Sum: "sum", Average: "average", Min: "min", Max: "max", Counted: "count"}

// String is the aggregate's name.
func (a Aggregate) String() string {
	if a < 0 || int(a) >= len(aggregateNames) {
		return fmt.Sprintf("aggregate %d", int(a))
	}
	return aggregateNames[a]
}
