package script

import (
	"github.com/yuin/gopher-lua/ast"
)

// maxDepth bounds the syntax tree, and with it the recursion of gopher-lua's compiler and of this package:
// a chain of elseif, of calls or of operators such as a + b + c is as deep as it is long. It is more than
// maxNesting because such chains are read and written flat; a compiler's stack of some megabytes holds it.
const maxDepth = 1_000

// children calls expression with the place of each expression directly below a node, and block with each
// list of statements, in the order of the source.
func children(node ast.PositionHolder, expression func(*ast.Expr), block func([]ast.Stmt)) {
	switch n := node.(type) {
	case ast.Stmt:
		childrenOfStatement(n, expression, block)
	case *ast.FunctionExpr:
		block(n.Stmts)
	case ast.Expr:
		childrenOfExpression(n, expression)
	}
}

func childrenOfStatement(statement ast.Stmt, expression func(*ast.Expr), block func([]ast.Stmt)) {
	all := func(list []ast.Expr) {
		for i := range list {
			expression(&list[i])
		}
	}
	some := func(places ...*ast.Expr) {
		for _, place := range places {
			if *place != nil {
				expression(place)
			}
		}
	}
	switch s := statement.(type) {
	case *ast.AssignStmt:
		all(s.Lhs)
		all(s.Rhs)
	case *ast.LocalAssignStmt:
		all(s.Exprs)
	case *ast.FuncCallStmt:
		some(&s.Expr)
	case *ast.DoBlockStmt:
		block(s.Stmts)
	case *ast.WhileStmt:
		some(&s.Condition)
		block(s.Stmts)
	case *ast.RepeatStmt:
		block(s.Stmts)
		some(&s.Condition)
	case *ast.IfStmt:
		some(&s.Condition)
		block(s.Then)
		block(s.Else)
	case *ast.NumberForStmt:
		some(&s.Init, &s.Limit, &s.Step)
		block(s.Stmts)
	case *ast.GenericForStmt:
		all(s.Exprs)
		block(s.Stmts)
	case *ast.FuncDefStmt:
		some(&s.Name.Func, &s.Name.Receiver)
		block(s.Func.Stmts)
	case *ast.ReturnStmt:
		all(s.Exprs)
	}
}

func childrenOfExpression(parent ast.Expr, expression func(*ast.Expr)) {
	switch e := parent.(type) {
	case *ast.AttrGetExpr:
		expression(&e.Object)
		expression(&e.Key)
	case *ast.TableExpr:
		for _, field := range e.Fields {
			if field.Key != nil {
				expression(&field.Key)
			}
			expression(&field.Value)
		}
	case *ast.FuncCallExpr:
		if e.Func != nil {
			expression(&e.Func)
		} else {
			expression(&e.Receiver)
		}
		for i := range e.Args {
			expression(&e.Args[i])
		}
	case *ast.LogicalOpExpr:
		expression(&e.Lhs)
		expression(&e.Rhs)
	case *ast.RelationalOpExpr:
		expression(&e.Lhs)
		expression(&e.Rhs)
	case *ast.StringConcatOpExpr:
		expression(&e.Lhs)
		expression(&e.Rhs)
	case *ast.ArithmeticOpExpr:
		expression(&e.Lhs)
		expression(&e.Rhs)
	case *ast.UnaryMinusOpExpr:
		expression(&e.Expr)
	case *ast.UnaryNotOpExpr:
		expression(&e.Expr)
	case *ast.UnaryLenOpExpr:
		expression(&e.Expr)
	}
}

// tooDeep finds a node deeper than maxDepth and gives its line. It keeps its own list of what is left to
// look at: recursion is what it guards against.
func tooDeep(chunk []ast.Stmt) (line int, found bool) {
	type place struct {
		node  ast.PositionHolder
		depth int
	}
	var rest []place
	depth := 1
	block := func(statements []ast.Stmt) {
		for _, s := range statements {
			rest = append(rest, place{s, depth})
		}
	}
	expression := func(e *ast.Expr) { rest = append(rest, place{*e, depth}) }
	for block(chunk); len(rest) > 0; {
		next := rest[len(rest)-1]
		rest = rest[:len(rest)-1]
		if next.depth > maxDepth {
			return next.node.Line(), true
		}
		depth = next.depth + 1
		children(next.node, expression, block)
	}
	return 0, false
}
