package check

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/yuin/gopher-lua/ast"
)

// osTimes finds the time of day and the date taken from the library os.
func osTimes(l *look) {
	if l.folder.assigned["os"] {
		return
	}
	for _, c := range l.calls {
		switch l.calledIn(c) {
		case "os.date":
			l.osDate(c)
		case "os.time":
			if op, ok := parent(c.above).(*ast.ArithmeticOpExpr); ok && op.Operator == "%" && op.Lhs == ast.Expr(c.FuncCallExpr) {
				l.found(c, "the time of day from os.time; write current_time(), which tests can set and which knows the zone")
			}
		}
	}
}

// calledIn is the name of a function of a library that is called: os.date.
func (l *look) calledIn(c call) string {
	field, ok := c.Func.(*ast.AttrGetExpr)
	if !ok {
		return ""
	}
	table, ok := l.global(field.Object)
	name, isText := field.Key.(*ast.StringExpr)
	if !ok || !isText {
		return ""
	}
	return table + "." + name.Value
}

// insteadOf are the formats of os.date for which there is a command. Others, as %A for the day of the week, have none.
var insteadOf = []struct {
	format  *regexp.Regexp
	command string
}{
	{regexp.MustCompile(`^(%H|%M|%S|%X|%T|%H[:.]?%M([:.]?%S)?)$`), "current_time()"},
	{regexp.MustCompile(`^(%x|%F|%Y-%m-%d)$`), "current_date()"},
}

func (l *look) osDate(c call) {
	if len(c.Args) != 1 {
		return
	}
	format, ok := c.Args[0].(*ast.StringExpr)
	if !ok {
		return
	}
	for _, i := range insteadOf {
		if i.format.MatchString(format.Value) {
			l.found(c, fmt.Sprintf("os.date(%q); write %s, which tests can set", format.Value, i.command))
		}
	}
	field, isField := parent(c.above).(*ast.AttrGetExpr)
	if format.Value != "*t" || !isField {
		return
	}
	if name, ok := field.Key.(*ast.StringExpr); ok && strings.Contains(" hour min sec ", " "+name.Value+" ") {
		l.found(c, "the time of day from os.date; write current_time(), which tests can set")
	}
}

// comparison is value >= bound or value <= bound, whichever way round it is written.
type comparison struct {
	value, bound ast.Expr
	operator     string
}

var turned = map[string]string{">": "<", "<": ">", ">=": "<=", "<=": ">="}

// closedWindows finds t >= a and t <= b of times of day: the second at b belongs to it.
func closedWindows(l *look) {
	walk(l.Tree, func(n ast.PositionHolder, _ *trail) {
		and, ok := n.(*ast.LogicalOpExpr)
		if !ok || and.Operator != "and" {
			return
		}
		for _, first := range comparisons(and.Lhs) {
			for _, second := range comparisons(and.Rhs) {
				if l.closes(first, second) || l.closes(second, first) {
					l.found(and, fmt.Sprintf("the window is closed at its end, so that second belongs to it; write between_times(%s, %s)",
						l.bound(lower(first, second)), l.bound(upper(first, second))))
					return
				}
			}
		}
	})
}

// comparisons gives both readings of a comparison.
func comparisons(e ast.Expr) []comparison {
	r, ok := e.(*ast.RelationalOpExpr)
	if !ok || turned[r.Operator] == "" {
		return nil
	}
	return []comparison{{r.Lhs, r.Rhs, r.Operator}, {r.Rhs, r.Lhs, turned[r.Operator]}}
}

// closes reports whether two comparisons are the beginning and the closed end of a window of the time of day.
func (l *look) closes(from, to comparison) bool {
	begins := from.operator == ">=" || from.operator == ">"
	return begins && to.operator == "<=" && l.same(from.value, to.value) &&
		(l.isTime(from.value) || l.gives(from.bound, "time") || l.gives(to.bound, "time")) && !l.isTime(from.bound)
}

func lower(a, b comparison) ast.Expr {
	if strings.HasPrefix(a.operator, ">") {
		return a.bound
	}
	return b.bound
}

func upper(a, b comparison) ast.Expr {
	if strings.HasPrefix(a.operator, "<") {
		return a.bound
	}
	return b.bound
}

// isTime reports whether an expression is the time of day now.
func (l *look) isTime(e ast.Expr) bool { return l.gives(e, "current_time") }

// gives reports whether an expression is a call of a command, or a local that is nothing else.
func (l *look) gives(e ast.Expr, name string) bool {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		called, ok := l.global(e.Func)
		return ok && called == name && !l.folder.assigned[name]
	case *ast.IdentExpr:
		v := l.names.Of[e]
		return v != nil && v.Value != nil && v.Writes == 0 && l.gives(v.Value, name)
	}
	return false
}

// same reports whether two expressions are the same variable, or calls of the same command without arguments.
func (l *look) same(a, b ast.Expr) bool {
	switch a := a.(type) {
	case *ast.IdentExpr:
		other, ok := b.(*ast.IdentExpr)
		return ok && a.Value == other.Value && l.names.Of[a] == l.names.Of[other]
	case *ast.FuncCallExpr:
		return l.isTime(a) && l.isTime(b)
	}
	return false
}

// bound is how the end of a window is written.
func (l *look) bound(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.IdentExpr:
		return e.Value
	case *ast.NumberExpr:
		return e.Value
	case *ast.FuncCallExpr:
		if len(e.Args) == 1 && l.gives(e, "time") {
			if text, ok := e.Args[0].(*ast.StringExpr); ok {
				return strconv.Quote(text.Value)
			}
		}
	}
	return "..."
}
