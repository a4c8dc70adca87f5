package statement

import (
	"strconv"

	"moongate/runtime/datastore/failure"
	"moongate/runtime/datastore/query"
	"moongate/runtime/structure"
)

// Select is the first rows of a query, whole: so many at most; see also Keys.
func (s *Table) Select(q *query.Query, values []any, most int) (Statement, error) {
	return s.selection(s.row, q, values, most)
}

// Keys are the keys of all rows of a query, in its order.
func (s *Table) Keys(q *query.Query, values []any) (Statement, error) {
	return s.selection("SELECT "+s.columns[s.primary]+" FROM "+s.name, q, values, 0)
}

func (s *Table) selection(begin string, q *query.Query, values []any, most int) (Statement, error) {
	w := s.writer()
	w.text(begin)
	if err := s.where(w, q, values); err != nil {
		return Statement{}, err
	}
	var order []query.Order
	if q != nil {
		order = q.Order
	}
	if err := s.orderBy(w, order); err != nil {
		return Statement{}, err
	}
	if most > 0 {
		w.text(" LIMIT ", strconv.Itoa(most))
	}
	return w.statement(), nil
}

// Count is how many rows a query has.
func (s *Table) Count(q *query.Query, values []any) (Statement, error) {
	w := s.writer()
	w.text("SELECT count(*) FROM ", s.name)
	err := s.where(w, q, values)
	return w.statement(), err
}

func (s *Table) where(w *writer, q *query.Query, values []any) error {
	if q == nil || q.Where == nil {
		return nil
	}
	w.text(" WHERE ")
	return s.condition(w, q.Where, values)
}

// Sorted are those of the keys that are still there, in the order.
func (s *Table) Sorted(keys []any, order []query.Order) (Statement, error) {
	w := s.writer()
	w.text("SELECT ", s.columns[s.primary], " FROM ", s.name, " WHERE ")
	if err := s.within(w, keys); err != nil {
		return Statement{}, err
	}
	err := s.orderBy(w, order)
	return w.statement(), err
}

// Aggregate is one value of the rows with the keys, and its type: the column's own, real for an average and for what
// is in an object, and integer for a count.
func (s *Table) Aggregate(a Aggregate, p query.Path, keys []any) (Statement, structure.Type, error) {
	var example any
	if len(p.Fields) > 0 && a != Counted {
		example = float64(0) // in objects, numbers have sums
	}
	o, err := s.operand(p, example)
	if err != nil {
		return Statement{}, 0, err
	}
	numeric := a == Sum || a == Average
	if numeric && !o.Type.Numeric() || !numeric && a != Counted && !o.Type.Ordered() {
		return Statement{}, 0, failure.New(failure.Value, s.Name, "%s is %s, which has no %s", p.String(), o.Type, a)
	}
	w := s.writer()
	w.text("SELECT ")
	t := s.aggregate(w, a, o)
	w.text(" FROM ", s.name, " WHERE ")
	err = s.within(w, keys)
	return w.statement(), t, err
}

// aggregate writes the expression, and says its type.
func (s *Table) aggregate(w *writer, a Aggregate, o operand) structure.Type {
	t, function, cast := o.Type, a.String(), ""
	switch {
	case a == Counted:
		t = structure.Integer
	case a == Average && o.Type != structure.Time:
		t, function, cast = structure.Real, "avg", "::double precision"
	case a == Average:
		t, function = structure.Real, "avg"
	case o.Type == structure.Integer:
		cast = "::bigint"
	}
	if s.Dialect == SQLite {
		w.text(function, "(")
		o.write(w)
		w.text(")")
		return t
	}
	if o.Type == structure.Time && a == Average {
		w.text("extract(epoch from avg(")
		o.write(w)
		w.text("))::double precision")
		return t
	}
	w.text(function, "(")
	switch {
	case o.Type == structure.Boolean && (a == Min || a == Max):
		o.write(w)
		w.text("::int)::int::boolean")
		return t
	case o.Type == structure.UUID && (a == Min || a == Max):
		o.write(w)
		w.text("::text)")
		return t
	case o.Type == structure.Text:
		o.write(w)
		w.text(` COLLATE "C")`)
		return t
	}
	o.write(w)
	w.text(")", cast)
	return t
}
