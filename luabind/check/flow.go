package check

import (
	"github.com/yuin/gopher-lua/ast"
)

// falls reports whether what follows a block can be reached by its end. The source has no goto.
func (s *source) falls(block []ast.Stmt) bool {
	for _, statement := range block {
		if !s.passes(statement) {
			return false
		}
	}
	return true
}

// passes reports whether the statement after one can be reached.
func (s *source) passes(statement ast.Stmt) bool {
	switch n := statement.(type) {
	case *ast.ReturnStmt, *ast.BreakStmt:
		return false
	case *ast.DoBlockStmt:
		return s.falls(n.Stmts)
	case *ast.IfStmt:
		return s.falls(n.Then) || s.falls(n.Else)
	case *ast.WhileStmt:
		_, always := n.Condition.(*ast.TrueExpr)
		return !always || breaks(n.Stmts)
	case *ast.RepeatStmt:
		return s.falls(n.Stmts) || breaks(n.Stmts)
	case *ast.FuncCallStmt:
		return !s.raises(n.Expr)
	}
	return true
}

// raises reports whether an expression is a call that never comes back.
func (s *source) raises(e ast.Expr) bool {
	c, ok := e.(*ast.FuncCallExpr)
	if !ok {
		return false
	}
	name, ok := s.global(c.Func)
	return ok && name == "error"
}

// breaks reports whether a loop's block leaves the loop by break.
func breaks(block []ast.Stmt) bool {
	for _, statement := range block {
		switch n := statement.(type) {
		case *ast.BreakStmt:
			return true
		case *ast.DoBlockStmt:
			if breaks(n.Stmts) {
				return true
			}
		case *ast.IfStmt:
			if breaks(n.Then) || breaks(n.Else) {
				return true
			}
		}
	}
	return false
}

// unreachable finds statements that nothing can reach.
func unreachable(l *look) {
	if l.jumps {
		return
	}
	look := func(block []ast.Stmt) {
		for i, statement := range block {
			if i > 0 && !l.passes(block[i-1]) {
				l.found(statement, "nothing gets here, for what stands before never goes on; take one of them out")
				return
			}
		}
	}
	look(l.Tree)
	walk(l.Tree, func(n ast.PositionHolder, _ *trail) {
		switch n := n.(type) {
		case *ast.DoBlockStmt:
			look(n.Stmts)
		case *ast.WhileStmt:
			look(n.Stmts)
		case *ast.RepeatStmt:
			look(n.Stmts)
		case *ast.IfStmt:
			look(n.Then)
			look(n.Else)
		case *ast.NumberForStmt:
			look(n.Stmts)
		case *ast.GenericForStmt:
			look(n.Stmts)
		case *ast.FunctionExpr:
			look(n.Stmts)
		}
	})
}
