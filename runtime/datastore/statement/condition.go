package statement

import (
	"encoding/json"
	"strings"

	"moongate/runtime/datastore/failure"
	"moongate/runtime/datastore/query"
	"moongate/runtime/structure"
)

// maxPattern is the longest value with wildcards, in bytes; SQLite takes no much longer ones.
const maxPattern = 16 << 10

// condition writes a condition of which null counts as false. What is wrong with it is a *failure.Error.
func (s *Table) condition(w *writer, c query.Condition, values []any) error {
	switch c := c.(type) {
	case query.And:
		return s.joined(w, c, " AND ", values)
	case query.Or:
		return s.joined(w, c, " OR ", values)
	case query.Not:
		w.text("(")
		err := s.condition(w, c.Condition, values)
		w.text(") IS NOT TRUE")
		return err
	case *query.Comparison:
		return s.comparison(w, c, values)
	}
	return failure.New(failure.Internal, s.Name, "a %T is no condition that SQL is known for", c)
}

func (s *Table) joined(w *writer, all []query.Condition, by string, values []any) error {
	w.text("(")
	for i, c := range all {
		if i > 0 {
			w.text(by)
		}
		if err := s.condition(w, c, values); err != nil {
			return err
		}
	}
	w.text(")")
	return nil
}

// comparison writes one comparison.
func (s *Table) comparison(w *writer, c *query.Comparison, values []any) error {
	if c.Value.Placeholder > len(values) {
		return failure.New(failure.Value, s.Name, "the query has a placeholder :%d, and %d values came with it", c.Value.Placeholder, len(values))
	}
	if c.Operator == query.In {
		list, err := s.list(c, values)
		if err != nil {
			return err
		}
		return s.in(w, c, list)
	}
	return s.compare(w, c, c.Operator, c.Value.Of(values))
}

// list is the values of an In.
func (s *Table) list(c *query.Comparison, values []any) ([]any, error) {
	if c.List == nil {
		list, ok := c.Value.Of(values).([]any)
		if !ok {
			return nil, s.wrong(c, "in needs a list of values")
		}
		return list, nil
	}
	var list []any
	for _, v := range c.List {
		if v.Placeholder > len(values) {
			return nil, s.wrong(c, "there are fewer values than placeholders")
		}
		list = append(list, v.Of(values))
	}
	return list, nil
}

func (s *Table) wrong(c *query.Comparison, message string) error {
	return failure.New(failure.Value, s.Name, "%s: %s", c.Path.String(), message)
}

// compare writes a comparison with one value.
func (s *Table) compare(w *writer, c *query.Comparison, op query.Operator, value any) error {
	if value == nil {
		return s.compareNull(w, c, op)
	}
	operand, err := s.operand(c.Path, value)
	if err != nil {
		return err
	}
	if value, err = fit(operand.Type, op, value); err != nil {
		return s.wrong(c, err.Error())
	}
	if op == query.NotEqual || op == query.NotExact {
		w.text("(")
		defer w.text(") IS NOT TRUE")
		op = map[query.Operator]query.Operator{query.NotEqual: query.Equal, query.NotExact: query.Exact}[op]
	}
	if operand.Type == structure.Text {
		return s.compareText(w, c, operand, op, value.(string))
	}
	sign, ok := signs[op]
	if !ok {
		return s.wrong(c, "% is for texts")
	}
	operand.write(w)
	w.text(sign)
	w.value(operand.Type, value)
	return nil
}

// signs are the operators of SQL.
var signs = map[query.Operator]string{query.Equal: " = ", query.Exact: " = ", query.Less: " < ", query.LessOrEqual: " <= ",
	query.Greater: " > ", query.GreaterOrEqual: " >= "}

// fit makes the value what the type can be compared with. Numbers compare with numbers, whole or not.
func fit(t structure.Type, op query.Operator, value any) (any, error) {
	if n, ok := value.(float64); ok && t.Numeric() && n != float64(int64(n)) {
		return structure.Real.Check(n)
	}
	if !t.Ordered() && op != query.Equal && op != query.NotEqual && op != query.Exact && op != query.NotExact {
		return nil, errorf("%s has no order", t)
	}
	if t == structure.Object {
		return nil, errorf("an object compares with null only; name what is in it, as in info.name")
	}
	return t.Check(value)
}

func errorf(format string, args ...any) error {
	return failure.New(failure.Value, "", format, args...)
}

// value writes a placeholder for a value that fit gave.
func (w *writer) value(t structure.Type, value any) {
	if n, ok := value.(float64); ok {
		if t == structure.Time && w.dialect == PostgreSQL {
			w.text("make_interval(secs => ")
			w.typed(structure.Real, n)
			w.text(")")
			return
		}
		t = structure.Real
	}
	encoded, _ := w.dialect.Encode(t, value) // objects are not compared
	if _, number := encoded.(int64); number && w.dialect == SQLite {
		// A plain placeholder that was 0 or 1 has the statement planned anew for the next value, which costs more than
		// running it.
		w.text("(0 + ")
		w.arg(encoded)
		w.text(")")
		return
	}
	w.typed(t, encoded)
}

func (s *Table) compareNull(w *writer, c *query.Comparison, op query.Operator) error {
	operand, err := s.operand(c.Path, nil)
	if err != nil {
		return err
	}
	switch op {
	case query.Equal, query.Exact:
		operand.write(w)
		w.text(" IS NULL")
	case query.NotEqual, query.NotExact:
		operand.write(w)
		w.text(" IS NOT NULL")
	default:
		w.text("1 = 0") // null is in no order
	}
	return nil
}

// in writes that the column equals one of the values: the plain ones as a list, the others one by one.
func (s *Table) in(w *writer, c *query.Comparison, list []any) error {
	var plain, others []any
	var operand operand
	for _, value := range list {
		text, isText := value.(string)
		o, err := s.operand(c.Path, value)
		if err != nil {
			return err
		}
		special := value == nil || isText && o.Type == structure.Text && (query.HasWildcard(text) || !ascii(text)) ||
			o.fields != nil || !listable(o.Type)
		if special {
			others = append(others, value)
			continue
		}
		if value, err = fit(o.Type, query.Equal, value); err != nil {
			return s.wrong(c, err.Error())
		}
		if n, fraction := value.(float64); fraction && o.Type != structure.Real {
			others = append(others, n)
			continue
		}
		operand, plain = o, append(plain, value)
	}
	w.text("(1 = 0")
	if len(plain) > 0 {
		w.text(" OR ")
		if err := s.oneOf(w, operand, plain); err != nil {
			return err
		}
	}
	for _, value := range others {
		w.text(" OR ")
		if err := s.compare(w, c, query.Equal, value); err != nil {
			return err
		}
	}
	w.text(")")
	return nil
}

// listable reports whether values of the type go into a list: those that are the same in JSON as in SQLite.
func listable(t structure.Type) bool {
	return t == structure.Text || t == structure.Integer || t == structure.Real || t == structure.Date || t == structure.UUID
}

// oneOf writes that the operand is among the values, which are of its type.
func (s *Table) oneOf(w *writer, o operand, values []any) error {
	if s.Dialect == SQLite {
		text, err := json.Marshal(values)
		o.write(w)
		w.text(" IN (SELECT value FROM json_each(")
		w.arg(string(text))
		w.text("))")
		return err
	}
	if o.Type == structure.Text {
		for i := range values {
			values[i] = LowerASCII(values[i].(string))
		}
		o.writeLowered(w)
	} else {
		o.write(w)
	}
	w.text(" = ANY(")
	w.list(o.Type, values)
	w.text(")")
	return nil
}

// LowerASCII makes small letters of ASCII's large ones: two keys that are the same then are the same row's.
func LowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
