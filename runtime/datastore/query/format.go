package query

import (
	"strconv"
	"strings"
)

// String is the query as a text that parses to the same query, places aside.
func (q *Query) String() string {
	var parts []string
	if q.Where != nil {
		parts = append(parts, q.Where.String())
	}
	if len(q.Order) > 0 {
		parts = append(parts, "order by "+FormatOrder(q.Order))
	}
	return strings.Join(parts, " ")
}

// FormatOrder is an order as a text that ParseOrder reads.
func FormatOrder(order []Order) string {
	columns := make([]string, len(order))
	for i, o := range order {
		columns[i] = o.Path.String()
		if o.Descending {
			columns[i] += " desc"
		}
	}
	return strings.Join(columns, ", ")
}

// String is the conditions, joined by and.
func (a And) String() string { return joined(a, " and ") }

// String is the conditions, joined by or, which binds less than and.
func (o Or) String() string {
	parts := make([]string, len(o))
	for i, c := range o {
		if _, is := c.(And); is {
			parts[i] = c.String()
		} else {
			parts[i] = inside(c)
		}
	}
	return strings.Join(parts, " or ")
}

// String is not, and the condition, in parentheses if it has parts.
func (n Not) String() string { return "not " + inside(n.Condition) }

func joined(all []Condition, by string) string {
	parts := make([]string, len(all))
	for i, c := range all {
		parts[i] = inside(c)
	}
	return strings.Join(parts, by)
}

// inside is a condition as a part of another. There are no more parentheses than in any other text for the same condition:
// depth is bounded, and what Parse has read it should read again.
func inside(c Condition) string {
	switch c.(type) {
	case And, Or:
		return "(" + c.String() + ")"
	}
	return c.String()
}

// String is the comparison as the language has it.
func (c *Comparison) String() string {
	value := c.Value.String()
	if c.List != nil {
		values := make([]string, len(c.List))
		for i, v := range c.List {
			values[i] = v.String()
		}
		value = "(" + strings.Join(values, ", ") + ")"
	}
	return c.Path.String() + " " + c.Operator.String() + " " + value
}

// String is the path, its names in brackets where they must be.
func (p Path) String() string {
	var b strings.Builder
	b.WriteString(nameText(p.Column))
	for _, f := range p.Fields {
		b.WriteByte('.')
		b.WriteString(nameText(f))
	}
	return b.String()
}

// nameText is a name as the language has it.
func nameText(name string) string {
	plain := name != "" && !isDigit(rune(name[0])) && !isKeyword(name) &&
		strings.IndexFunc(name, func(r rune) bool { return !isNameRune(r) }) < 0
	if plain {
		return name
	}
	return "[" + name + "]"
}

// String is the value as the language has it.
func (v Value) String() string {
	if v.Placeholder > 0 {
		return ":" + strconv.Itoa(v.Placeholder)
	}
	switch l := v.Literal.(type) {
	case bool:
		return strconv.FormatBool(l)
	case int64:
		return strconv.FormatInt(l, 10)
	case float64:
		s := strconv.FormatFloat(l, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return s
	case string:
		return "'" + strings.ReplaceAll(l, "'", "''") + "'"
	}
	return "null"
}
