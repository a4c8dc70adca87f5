package script

import (
	"strconv"

	"github.com/yuin/gopher-lua/ast"

	"moongate/runtime/method"
)

// ReturnOperator is the name of the global function through which database methods with a result return: with the line of the
// return as its first argument and the results after it. It must return the results. So the host knows which line decided, which the VM has
// forgotten when a method is over.
const ReturnOperator = "return operator"

// answers reports whether what a method returns means something.
func answers(name string) bool {
	m, ok := method.Lookup(name)
	return ok && m.Result != ""
}

// markReturns makes the returns of a method itself, not those of functions in it, go through the ReturnOperator. A return of
// nothing stays as it is.
func markReturns(statements []ast.Stmt) {
	for _, s := range statements {
		if r, ok := s.(*ast.ReturnStmt); ok && len(r.Exprs) > 0 {
			r.Exprs = []ast.Expr{returnCall(r)}
			continue
		}
		childrenOfStatement(s, func(*ast.Expr) {}, markReturns)
	}
}

func returnCall(r *ast.ReturnStmt) ast.Expr {
	line := &ast.NumberExpr{Value: strconv.Itoa(r.Line())}
	operator := &ast.IdentExpr{Value: ReturnOperator}
	call := &ast.FuncCallExpr{Func: operator, Args: append([]ast.Expr{line}, r.Exprs...)}
	for _, node := range []ast.PositionHolder{line, operator, call} {
		node.SetLine(r.Line())
		node.SetLastLine(r.Line())
	}
	return call
}
