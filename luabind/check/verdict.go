package check

import (
	"fmt"
	"strconv"

	"moongate/runtime/method"

	"github.com/yuin/gopher-lua/ast"
)

// decides reports whether a source is a method whose result is a verdict.
func (s *source) decides() bool {
	m, ok := method.Lookup(s.Method)
	return ok && m.Result != ""
}

// mixedReturns finds paths without a verdict in a method that gives one elsewhere.
func mixedReturns(l *look) {
	var verdict *ast.ReturnStmt
	for _, r := range l.returns {
		if len(r.Exprs) > 0 {
			verdict = r
		}
	}
	if !l.decides() || verdict == nil || l.jumps {
		return
	}
	other := fmt.Sprintf("which accepts, and line %d gives a verdict; write return 0 if that is meant", l.Place(verdict).Line)
	for _, r := range l.returns {
		if len(r.Exprs) == 0 {
			l.found(r, "this return has no verdict, "+other)
		}
	}
	if l.falls(l.Tree) {
		l.found(l.Tree[len(l.Tree)-1], "after this the method ends without a verdict, "+other)
	}
}

// verdictTypes finds verdicts that are no integers.
func verdictTypes(l *look) {
	if !l.decides() {
		return
	}
	for _, r := range l.returns {
		if len(r.Exprs) == 0 {
			continue
		}
		if kind := wrongVerdict(r.Exprs[0]); kind != "" {
			l.found(r.Exprs[0], "a verdict is 0 to accept or another integer to refuse, and this is "+kind+": the client would be refused for a script that failed")
		}
	}
}

// wrongVerdict says what an expression is, if it can be no verdict.
func wrongVerdict(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.TrueExpr:
		return "true; write return 0"
	case *ast.FalseExpr:
		return "false; write a code such as return 403"
	case *ast.UnaryNotOpExpr, *ast.RelationalOpExpr:
		return "true or false"
	case *ast.StringExpr, *ast.StringConcatOpExpr:
		return "a text; a reason comes second, as in return 403, \"reason\""
	case *ast.TableExpr:
		return "a table"
	case *ast.FunctionExpr:
		return "a function"
	case *ast.NumberExpr:
		if n, err := strconv.ParseFloat(e.Value, 64); err == nil && n != float64(int64(n)) {
			return "no whole number"
		}
	}
	return ""
}
