package query

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a query: beyond them it is an error, so that no text takes much time or stack, here or in a database.
const (
	maxText        = 64 << 10 // bytes
	maxDepth       = 50       // conditions inside each other
	maxComparisons = 250
	maxList        = 1000 // values in the text of one list
	maxPlaceholder = 99
	maxFields      = 16 // names inside an object
	maxOrder       = 16 // columns to sort by
)

// keywords are the words that are no names without brackets.
var keywords = []string{"and", "or", "not", "except", "in", "is", "order", "by", "asc", "desc", "null", "true", "false"}

func isKeyword(name string) bool {
	for _, k := range keywords {
		if strings.EqualFold(name, k) {
			return true
		}
	}
	return false
}

// Parse reads a query. The error is an *[Error], which says where in the text something else was expected, and what.
// Spaces alone are a query for everything.
func Parse(source string) (*Query, error) {
	p, err := newParser(source)
	if err != nil {
		return nil, err
	}
	q := &Query{}
	if !p.now.is("order") && p.now.kind != end {
		q.Where = p.conditions(0)
	}
	if p.err == nil && p.now.is("order") {
		p.take(false)
		p.expect("by", `"by" after "order"`)
		q.Order = p.order()
	}
	if p.err == nil && p.now.kind != end {
		p.expected(`"and", "or", "except", "order by" or the end of the query`)
	}
	if p.err != nil {
		return nil, p.err
	}
	return q, nil
}

// ParseOrder reads what stands after "order by": "log_id desc, log_time". Spaces alone are no order. The error is as
// Parse's.
func ParseOrder(source string) ([]Order, error) {
	p, err := newParser(source)
	if err != nil {
		return nil, err
	}
	if p.now.kind == end {
		return nil, nil
	}
	order := p.order()
	if p.err == nil && p.now.kind != end {
		p.expected(`"asc", "desc", a comma or the end`)
	}
	if p.err != nil {
		return nil, p.err
	}
	return order, nil
}

// ParsePath reads a column, or a path in an object column: what Sum and its like are of. The error is as Parse's.
func ParsePath(source string) (Path, error) {
	p, err := newParser(source)
	if err != nil {
		return Path{}, err
	}
	path := p.path()
	if p.err == nil && p.now.kind != end {
		p.expected("a column alone")
	}
	if p.err != nil {
		return Path{}, p.err
	}
	return path, nil
}

// parser reads tokens one by one. After the first error it makes no sense of anything, and ends soon.
type parser struct {
	scanner     scanner
	now         token // the one to be read next
	err         error
	comparisons int
	counted     int // bytes whose characters have been counted
	characters  int // how many there were
}

func newParser(source string) (*parser, error) {
	if len(source) > maxText {
		return nil, &Error{Message: fmt.Sprintf("the query has %d bytes; the limit is %d: give long values by placeholders", len(source), maxText)}
	}
	if !utf8.ValidString(source) {
		return nil, &Error{Message: "the query is not UTF-8: give such values as blobs, by placeholders"}
	}
	p := &parser{scanner: scanner{text: source, names: true}}
	p.now = p.scanner.next()
	return p, nil
}

// take goes to the next token, which may be a value or not; of brackets, only then is it known what they are.
func (p *parser) take(value bool) token {
	t := p.now
	p.scanner.names = !value
	p.now = p.scanner.next()
	return t
}

// character is the place of a byte, in characters from 1. Places come in the order of the text, or nearly.
func (p *parser) character(at int) int {
	if at < p.counted {
		p.counted, p.characters = 0, 0
	}
	p.characters += utf8.RuneCountInString(p.scanner.text[p.counted:at])
	p.counted = at
	return p.characters + 1
}

// fail notes the first error.
func (p *parser) fail(at int, format string, args ...any) {
	if p.err == nil {
		p.err = &Error{At: p.character(at), Message: fmt.Sprintf(format, args...)}
	}
}

// expected says that something else should stand here.
func (p *parser) expected(what string) { p.fail(p.now.at, "%s expected, got %s", what, p.found(p.now)) }

// shown is how many characters of a token a message has.
const shown = 30

// found is a token in a message.
func (p *parser) found(t token) string {
	switch t.kind {
	case end:
		return "the end of the query"
	case broken:
		return t.text
	}
	found := p.scanner.text[t.at:p.scanner.at]
	if runes := []rune(found[:min(len(found), 4*shown)]); len(runes) > shown {
		found = string(runes[:shown]) + "..."
	}
	return strconv.Quote(found)
}

// expect takes a word or symbol that must be here.
func (p *parser) expect(word, what string) {
	if !p.now.is(word) {
		p.expected(what)
		return
	}
	p.take(false)
}

// conditions reads what "or" joins.
func (p *parser) conditions(depth int) Condition {
	all := []Condition{p.and(depth)}
	for p.err == nil && (p.now.is("or") || p.now.is("|") || p.now.is("||")) {
		p.take(false)
		all = append(all, p.and(depth))
	}
	if len(all) == 1 {
		return all[0]
	}
	return Or(flattened[Or](all))
}

// and reads what "and" and "except" join.
func (p *parser) and(depth int) Condition {
	all := []Condition{p.unary(depth)}
	for p.err == nil {
		except := p.now.is("except")
		if !except && !p.now.is("and") && !p.now.is("&") && !p.now.is("&&") {
			break
		}
		p.take(false)
		c := p.unary(depth)
		if except {
			c = Not{c}
		}
		all = append(all, c)
	}
	if len(all) == 1 {
		return all[0]
	}
	return And(flattened[And](all))
}

// flattened puts the conditions of parts of the same kind in their place: parentheses there mean nothing.
func flattened[Kind And | Or](all []Condition) []Condition {
	var flat []Condition
	for _, c := range all {
		if same, ok := any(c).(Kind); ok {
			flat = append(flat, same...)
		} else {
			flat = append(flat, c)
		}
	}
	return flat
}

// unary reads a comparison, or what "not" or parentheses begin.
func (p *parser) unary(depth int) Condition {
	switch {
	case depth == maxDepth:
		p.fail(p.now.at, "more than %d conditions inside each other", maxDepth)
		return Not{}
	case p.now.is("not"):
		p.take(false)
		return Not{p.unary(depth + 1)}
	case p.now.is("("):
		p.take(false)
		c := p.conditions(depth + 1)
		p.expect(")", `"and", "or", "except" or ")"`)
		return c
	}
	return p.comparison()
}

// comparison reads a path, an operator and a value.
func (p *parser) comparison() Condition {
	if p.comparisons++; p.comparisons > maxComparisons {
		p.fail(p.now.at, "more than %d comparisons", maxComparisons)
	}
	c := &Comparison{Path: p.path()}
	c.At = c.Path.At
	if p.err != nil {
		return c
	}
	if p.now.is("not") {
		p.take(false)
		if !p.now.is("in") {
			p.expected(`"in" after "not"`)
			return c
		}
		p.list(c)
		return Not{c}
	}
	operator, ok := p.operator()
	switch {
	case !ok:
		p.expected("an operator (= # < <= > >= % === !== in is)")
	case operator == In:
		p.list(c)
	default:
		c.Operator = operator
		p.take(true)
		if operator == Exact && p.now.is("not") { // is not
			c.Operator = NotExact
			p.take(true)
		}
		c.Value = p.value()
		p.ordered(c)
	}
	return c
}

// ordered refuses a null where it cannot be: it comes neither before nor after anything.
func (p *parser) ordered(c *Comparison) {
	switch c.Operator {
	case Less, LessOrEqual, Greater, GreaterOrEqual, Keyword:
		if p.err == nil && c.Value.IsNull() {
			p.err = &Error{At: c.Value.At, Message: fmt.Sprintf("null has no order: use = null or # null, not %s null", c.Operator)}
		}
	}
}

// operator says which operator stands here.
func (p *parser) operator() (Operator, bool) {
	for _, o := range operators {
		for _, w := range o.words {
			if p.now.is(w) {
				return o.operator, true
			}
		}
	}
	return 0, false
}

// list reads "in" and what follows it.
func (p *parser) list(c *Comparison) {
	c.Operator = In
	p.take(true)
	if p.now.kind == placeholder {
		c.Value = p.value()
		return
	}
	closing := ")"
	if p.now.is("[") {
		closing = "]"
	} else if !p.now.is("(") {
		p.expected("a placeholder or a list in parentheses after \"in\"")
		return
	}
	for separator := p.now; p.err == nil && (separator.is("(") || separator.is("[") || separator.is(",")); separator = p.now {
		p.take(true)
		if len(c.List) == maxList {
			p.fail(p.now.at, "more than %d values in a list: give it by a placeholder", maxList)
			return
		}
		c.List = append(c.List, p.value())
		if !p.now.is(",") {
			break
		}
	}
	p.expect(closing, fmt.Sprintf("a comma or %q", closing))
}

// path reads a column, or a place in an object.
func (p *parser) path() Path {
	path := Path{At: p.character(p.now.at)}
	path.Column = p.name("a column")
	for p.err == nil && p.now.is(".") {
		p.take(false)
		if len(path.Fields) == maxFields {
			p.fail(p.now.at, "more than %d names inside an object", maxFields)
		}
		path.Fields = append(path.Fields, p.name("a name inside the object"))
	}
	return path
}

func (p *parser) name(what string) string {
	if p.now.kind == word && isKeyword(p.now.text) {
		p.fail(p.now.at, "%s expected, got the word %q; the column of that name is [%s]", what, p.now.text, p.now.text)
		return ""
	}
	if p.now.kind != word && p.now.kind != bracketed {
		p.expected(what)
		return ""
	}
	return p.take(false).text
}

// order reads the columns to sort by.
func (p *parser) order() []Order {
	var all []Order
	for p.err == nil {
		if len(all) == maxOrder {
			p.fail(p.now.at, "more than %d columns to sort by", maxOrder)
		}
		o := Order{Path: p.path()}
		if p.err == nil && (p.now.is("asc") || p.now.is("desc")) {
			o.Descending = p.take(false).is("desc")
		}
		all = append(all, o)
		if !p.now.is(",") {
			break
		}
		p.take(false)
	}
	return all
}

// value reads a placeholder or a literal.
func (p *parser) value() Value {
	v := Value{At: p.character(p.now.at)}
	sign := ""
	if p.now.is("-") || p.now.is("+") {
		if sign = p.take(true).text; p.now.kind != number {
			p.expected("a number after " + sign)
			return v
		}
	}
	switch t := p.now; {
	case t.kind == placeholder:
		v.Placeholder = p.placeholder(t)
	case t.kind == text:
		mark := t.text[:1]
		v.Literal = strings.ReplaceAll(t.text[1:len(t.text)-1], mark+mark, mark)
	case t.kind == number:
		v.Literal = p.number(t, sign)
	case t.is("true"), t.is("false"):
		v.Literal = t.is("true")
	case t.is("null"):
	case t.kind == word:
		p.expected("a value (a placeholder, a number, a text in quotation marks, true, false or null)")
	default:
		p.expected("a value")
	}
	p.take(false)
	return v
}

func (p *parser) placeholder(t token) int {
	n, err := strconv.Atoi(t.text[1:])
	if err != nil || n < 1 || n > maxPlaceholder {
		p.fail(t.at, "a placeholder from :1 to :%d expected, got %s", maxPlaceholder, p.found(t))
		return 0
	}
	return n
}

// number reads digits as an integer, or as a real with a fraction or an exponent.
func (p *parser) number(t token, sign string) any {
	digits := strings.TrimPrefix(sign, "+") + t.text
	if strings.Trim(t.text, "0123456789") == "" {
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			p.fail(t.at, "%s is too large for an integer", p.found(t))
		}
		return n
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || math.IsInf(f, 0) || strings.ContainsAny(t.text, "_xXpP") {
		p.fail(t.at, "a number expected, got %s", p.found(t))
	}
	return f
}
