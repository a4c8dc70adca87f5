package query

// Query is what a text means. The zero value is a query for everything in no order.
type Query struct {
	Where Condition // nil: everything
	Order []Order   // the first one first; none: no order is asked for
}

// Order is one column by which a selection is sorted.
type Order struct {
	Path       Path
	Descending bool
}

// Condition is what must hold of a row: a [Comparison], an [And], an [Or] or a [Not].
type Condition interface {
	// String is the condition as a text that parses to the same condition.
	String() string
	condition()
}

// And holds when all of its conditions do. There are at least two.
type And []Condition

// Or holds when any of its conditions does. There are at least two.
type Or []Condition

// Not holds when its condition does not; about a null that is said by the operators: a row is in one of "x" and
// "not x", always.
type Not struct{ Condition Condition }

// Comparison holds when a column, or what is at a path in an object column, compares with a value.
type Comparison struct {
	Path     Path
	Operator Operator
	Value    Value   // not of In with a list in the text
	List     []Value // of In, when its values are in the text; otherwise Value is a placeholder for a list
	// At is where the comparison begins in the text, in characters from 1; 0 when it comes of no text.
	At int
}

func (And) condition()         {}
func (Or) condition()          {}
func (Not) condition()         {}
func (*Comparison) condition() {}

// Path is a column, or a place in the object that a column has.
type Path struct {
	Column string
	Fields []string // the names inside the object, the outermost first; none: the column itself
	At     int      // where it begins in the text, in characters from 1; 0 when it comes of no text
}

// Operator is how a column compares with a value.
type Operator int

// The operators. The comments say which words of the language they are.
const (
	Equal          Operator = iota // = and ==: the texts match, @ stands for any characters
	NotEqual                       // # and != and <>: not Equal, which also null is not
	Less                           // <
	LessOrEqual                    // <=
	Greater                        // >
	GreaterOrEqual                 // >=
	In                             // in: Equal to any value of a list
	Exact                          // === and is: the texts are the same, case counts, and @ is a character as any other
	NotExact                       // !== and is not: not Exact
	Keyword                        // %: the value is among the words of the text
)

// operators has the words for each operator, that of String first.
var operators = [...]struct {
	operator Operator
	words    []string
}{
	{Equal, []string{"=", "=="}},
	{NotEqual, []string{"!=", "#", "<>"}},
	{Less, []string{"<"}},
	{LessOrEqual, []string{"<="}},
	{Greater, []string{">"}},
	{GreaterOrEqual, []string{">="}},
	{In, []string{"in"}},
	{Exact, []string{"===", "is"}},
	{NotExact, []string{"!==", "is not"}},
	{Keyword, []string{"%"}},
}

// String is the operator as the language has it.
func (o Operator) String() string {
	if o < 0 || int(o) >= len(operators) {
		return "?"
	}
	return operators[o].words[0]
}

// Value is what a column is compared with. The zero value is the literal null.
type Value struct {
	// Placeholder is the number of the value among those that come with the query, from 1; 0 is a literal.
	Placeholder int
	// Literal is nil (null), a bool, an int64, a float64 or a string.
	Literal any
	// At is where the value stands in the text, in characters from 1; 0 when it comes of no text.
	At int
}

// IsNull reports whether the value is the literal null. A placeholder may come to be null, too.
func (v Value) IsNull() bool { return v.Placeholder == 0 && v.Literal == nil }

// Of is the value, when these are the values of the placeholders. There must be enough of them: see
// [Query.Placeholders].
func (v Value) Of(values []any) any {
	if v.Placeholder > 0 {
		return values[v.Placeholder-1]
	}
	return v.Literal
}

// Comparisons calls f for each comparison, in the order of the text, until f returns an error, and returns that.
func (q *Query) Comparisons(f func(c *Comparison) error) error {
	if q.Where == nil {
		return nil
	}
	return walk(q.Where, f)
}

func walk(c Condition, f func(c *Comparison) error) error {
	switch c := c.(type) {
	case And:
		return walkAll(c, f)
	case Or:
		return walkAll(c, f)
	case Not:
		return walk(c.Condition, f)
	default:
		return f(c.(*Comparison))
	}
}

func walkAll(all []Condition, f func(c *Comparison) error) error {
	for _, c := range all {
		if err := walk(c, f); err != nil {
			return err
		}
	}
	return nil
}

// Values calls f for each value of a comparison, until f returns an error, and returns that.
func (c *Comparison) Values(f func(v *Value) error) error {
	if c.List == nil {
		return f(&c.Value)
	}
	for i := range c.List {
		if err := f(&c.List[i]); err != nil {
			return err
		}
	}
	return nil
}

// Placeholders is the highest number of a placeholder: how many values must come with the query.
func (q *Query) Placeholders() int {
	highest := 0
	q.Comparisons(func(c *Comparison) error {
		return c.Values(func(v *Value) error {
			highest = max(highest, v.Placeholder)
			return nil
		})
	})
	return highest
}

// Check calls column for each path of the query, in the order of the text. The error is an *[Error] with the message of
// the first one that column returned, and the place of that path.
func (q *Query) Check(column func(p Path) error) error {
	check := func(p Path) error {
		if err := column(p); err != nil {
			return &Error{At: p.At, Message: err.Error()}
		}
		return nil
	}
	err := q.Comparisons(func(c *Comparison) error { return check(c.Path) })
	for _, o := range q.Order {
		if err == nil {
			err = check(o.Path)
		}
	}
	return err
}
