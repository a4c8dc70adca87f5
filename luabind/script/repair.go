package script

import (
	"fmt"
	"strings"

	"github.com/yuin/gopher-lua/ast"
)

// rewriter changes a syntax tree to an equal one that gopher-lua compiles as it should: concatenations and
// lengths become calls, and what its compiler gets wrong is written in another way. The first thing that cannot be
// written otherwise is the problem.
type rewriter struct {
	chunk   string
	problem *Problem
}

func (r *rewriter) block(statements []ast.Stmt) {
	for i, statement := range statements {
		children(statement, r.expression, r.block)
		if loop, ok := statement.(*ast.GenericForStmt); ok && mayBeginWithJump(loop.Stmts) {
			loop.Stmts = append([]ast.Stmt{nothing(loop)}, loop.Stmts...)
		}
		if assignment, ok := statement.(*ast.AssignStmt); ok {
			statements[i] = repairAssignment(assignment)
		}
	}
}

// mayBeginWithJump reports whether the first instruction of a block may be a jump. gopher-lua then loses the way back
// to the body of a generic for, and what follows the loop is skipped or worse: for k in f do break end.
func mayBeginWithJump(statements []ast.Stmt) bool {
	if len(statements) == 0 {
		return false
	}
	switch statements[0].(type) {
	case *ast.AssignStmt, *ast.LocalAssignStmt, *ast.FuncCallStmt, *ast.NumberForStmt, *ast.GenericForStmt, *ast.ReturnStmt:
		return false
	}
	return true
}

// nothing is a statement that is one instruction and has no effect, at the line of a loop.
func nothing(loop *ast.GenericForStmt) ast.Stmt {
	value := &ast.NilExpr{}
	value.SetLine(loop.Line())
	s := &ast.LocalAssignStmt{Names: []string{"(nothing)"}, Exprs: []ast.Expr{value}}
	s.SetLine(loop.Line())
	return s
}

func (r *rewriter) expression(place *ast.Expr) {
	chain, ok := (*place).(*ast.StringConcatOpExpr)
	if ok {
		*place = r.concatenation(chain)
		return
	}
	children(*place, r.expression, r.block)
	switch e := (*place).(type) {
	case *ast.NumberExpr:
		e.Value = decimal(e.Value)
	case *ast.TableExpr:
		r.repairTable(e)
	case *ast.UnaryLenOpExpr:
		*place = operatorCall(LengthOperator, e, []ast.Expr{e.Expr})
	}
}

// decimal takes the zeros before a number away: gopher-lua reads 0010 as octal. The scanner has already
// taken one.
func decimal(number string) string {
	short := strings.TrimLeft(number, "0")
	if short == "" || short[0] < '0' || short[0] > '9' {
		return number
	}
	return short
}

// repairAssignment divides an assignment of several values into assignments of one, which gopher-lua gets
// right. It assigns each value to a local variable at once, so that `a, b = b, a` gives the same value to
// both; it loses count of its registers when fields and globals are mixed; and it loads a function that is
// called for the last parameter into the parameter itself, before the arguments that mention it. What Lua
// evaluates first goes to locals of a block instead, and the assignments come last, from the right as in PUC
// Lua:
//
//	t[i], a = a, f()  ->  do local o1, k1 = t, i; local v1, v2 = a, f(); a = v2; o1[k1] = v1 end
func repairAssignment(a *ast.AssignStmt) ast.Stmt {
	if len(a.Rhs) == 1 && (len(a.Lhs) == 1 || isMultiValued(a.Rhs[0]) && areNames(a.Lhs)) {
		if len(a.Lhs) == 1 {
			release(a.Rhs[0])
		}
		return a
	}
	line := a.Line()
	targets := holder{prefix: "target", line: line}
	for _, target := range a.Lhs {
		if field, ok := target.(*ast.AttrGetExpr); ok {
			field.Object = targets.hold(field.Object)
			field.Key = targets.hold(field.Key)
		}
	}
	values := holder{prefix: "value", line: line, expressions: a.Rhs}
	assignments := make([]ast.Stmt, len(a.Lhs))
	for i, target := range a.Lhs {
		single := &ast.AssignStmt{Lhs: []ast.Expr{target}, Rhs: []ast.Expr{values.name()}}
		single.SetLine(target.Line())
		assignments[len(a.Lhs)-1-i] = single
	}
	block := &ast.DoBlockStmt{Stmts: append(append(targets.statement(), values.statement()...), assignments...)}
	block.SetLine(line)
	block.SetLastLine(a.LastLine())
	return block
}

// holder declares locals for the values of expressions, in order.
type holder struct {
	prefix      string
	line        int
	names       []string
	expressions []ast.Expr
}

// name makes the name of the next local. No script can write such a name.
func (h *holder) name() ast.Expr {
	name := fmt.Sprintf("(%s %d)", h.prefix, len(h.names)+1)
	h.names = append(h.names, name)
	e := &ast.IdentExpr{Value: name}
	e.SetLine(h.line)
	return e
}

// hold gives a name for an expression; a literal needs none.
func (h *holder) hold(e ast.Expr) ast.Expr {
	if _, literal := e.(ast.ConstExpr); literal {
		return e
	}
	h.expressions = append(h.expressions, e)
	return h.name()
}

func (h *holder) statement() []ast.Stmt {
	if len(h.names) == 0 {
		return nil
	}
	s := &ast.LocalAssignStmt{Names: h.names, Exprs: h.expressions}
	s.SetLine(h.line)
	return []ast.Stmt{s}
}

func areNames(targets []ast.Expr) bool {
	for _, target := range targets {
		if _, ok := target.(*ast.IdentExpr); !ok {
			return false
		}
	}
	return true
}

// isMultiValued reports whether an expression can give more or fewer values than one.
func isMultiValued(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		return !e.AdjustRet
	case *ast.Comma3Expr:
		return !e.AdjustRet
	}
	return false
}

// release takes the parentheses off a call whose number of results makes no difference.
func release(e ast.Expr) {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		e.AdjustRet = false
	case *ast.Comma3Expr:
		e.AdjustRet = false
	}
}

const (
	// batch is the number of list entries that one instruction stores.
	batch = 50
	// maxEntries is how many of a list one constructor can hold: gopher-lua stores the ones after it in wrong
	// places.
	maxEntries = 511 * batch
)

// repairTable keeps a list whose last entry gives several values from overwriting its beginning, as
// gopher-lua does when a multiple of 50 entries stand before it. The last two entries become one:
//
//	{e1, ... e49, (function(...) return ... end)(e50, f())}
func (r *rewriter) repairTable(table *ast.TableExpr) {
	var list []int // the fields without keys
	for i, field := range table.Fields {
		if field.Key == nil {
			list = append(list, i)
		}
	}
	last := len(table.Fields) - 1
	several := last >= 0 && table.Fields[last].Key == nil && isMultiValued(table.Fields[last].Value)
	single := len(list)
	if several {
		single--
	}
	if single > maxEntries && r.problem == nil {
		r.problem = &Problem{File: r.chunk, Line: table.Line(),
			Message: fmt.Sprintf("a list of more than %d entries in one table constructor: divide it", maxEntries)}
	}
	if !several || single == 0 || single%batch != 0 {
		return
	}
	before := list[len(list)-2]
	table.Fields[last].Value = passThrough(table.Fields[before].Value, table.Fields[last].Value)
	table.Fields = append(table.Fields[:before], table.Fields[before+1:]...)
}

// passThrough is a call that gives back its arguments.
func passThrough(arguments ...ast.Expr) ast.Expr {
	line := arguments[0].Line()
	all := &ast.Comma3Expr{}
	all.SetLine(line)
	give := &ast.ReturnStmt{Exprs: []ast.Expr{all}}
	give.SetLine(line)
	function := &ast.FunctionExpr{ParList: &ast.ParList{HasVargs: true}, Stmts: []ast.Stmt{give}}
	function.SetLine(line)
	function.SetLastLine(line)
	call := &ast.FuncCallExpr{Func: function, Args: arguments}
	call.SetLine(line)
	return call
}
