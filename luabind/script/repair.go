package script

import (
	"fmt"
	"strings"

	"github.com/yuin/gopher-lua/ast"
)

// rewriter changes a syntax tree to an equal one that gopher-lua compiles as it should: concatenations
// become calls, and what its compiler gets wrong is written in another way. The first thing that cannot be
// written otherwise is the problem.
type rewriter struct {
	chunk   string
	problem *Problem
}

func (r *rewriter) block(statements []ast.Stmt) {
	for i, statement := range statements {
		children(statement, r.expression, r.block)
		if assignment, ok := statement.(*ast.AssignStmt); ok {
			statements[i] = repairAssignment(assignment)
		}
	}
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

// repairAssignment keeps an assignment to local variables from changing one before all the values are known.
// gopher-lua assigns each value to its variable at once, so that `a, b = b, a` gives the same value to both,
// and loads a function that is called for the last parameter into the parameter itself, before the arguments
// that mention it. Values go through locals of a block instead:
//
//	do local v1, v2 = b, a; a, b = v1, v2 end
//
// Globals and fields are assigned at the end anyway, so an assignment without a plain name stays as it is.
func repairAssignment(a *ast.AssignStmt) ast.Stmt {
	names := plainNames(a.Lhs)
	if len(names) == 0 {
		return a
	}
	if len(a.Lhs) == 1 && len(a.Rhs) == 1 {
		release(a.Rhs[0])
		return a
	}
	if len(a.Rhs) == 1 && isMultiValued(a.Rhs[0]) && !changesItsTables(a.Lhs, names) {
		return a
	}
	block := &ast.DoBlockStmt{Stmts: append(holdTables(a, names), holdValues(a), a)}
	block.SetLine(a.Line())
	block.SetLastLine(a.LastLine())
	return block
}

// holdValues moves the right side of an assignment to new locals.
func holdValues(a *ast.AssignStmt) ast.Stmt {
	values := &ast.LocalAssignStmt{Exprs: a.Rhs}
	values.SetLine(a.Line())
	a.Rhs = nil
	for i := range a.Lhs {
		name := fmt.Sprintf("(value %d)", i+1)
		values.Names = append(values.Names, name)
		a.Rhs = append(a.Rhs, identifier(name, a.Line()))
	}
	return values
}

// holdTables moves the tables of the left side that the same assignment changes to new locals: `a, a.x = b, 1`
// sets x of the old a.
func holdTables(a *ast.AssignStmt, names map[string]bool) []ast.Stmt {
	tables := &ast.LocalAssignStmt{}
	tables.SetLine(a.Line())
	for _, target := range a.Lhs {
		field, ok := target.(*ast.AttrGetExpr)
		if !ok || !isNamed(field.Object, names) {
			continue
		}
		name := fmt.Sprintf("(table %d)", len(tables.Names)+1)
		tables.Names = append(tables.Names, name)
		tables.Exprs = append(tables.Exprs, field.Object)
		field.Object = identifier(name, a.Line())
	}
	if len(tables.Names) == 0 {
		return nil
	}
	return []ast.Stmt{tables}
}

func changesItsTables(targets []ast.Expr, names map[string]bool) bool {
	for _, target := range targets {
		if field, ok := target.(*ast.AttrGetExpr); ok && isNamed(field.Object, names) {
			return true
		}
	}
	return false
}

func isNamed(e ast.Expr, names map[string]bool) bool {
	name, ok := e.(*ast.IdentExpr)
	return ok && names[name.Value]
}

func plainNames(targets []ast.Expr) map[string]bool {
	names := map[string]bool{}
	for _, target := range targets {
		if name, ok := target.(*ast.IdentExpr); ok {
			names[name.Value] = true
		}
	}
	return names
}

func identifier(name string, line int) *ast.IdentExpr {
	e := &ast.IdentExpr{Value: name}
	e.SetLine(line)
	return e
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
