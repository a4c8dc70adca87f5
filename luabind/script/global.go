package script

import (
	"iter"
	"maps"
	"slices"

	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"

	"moongate/runtime/method"
)

// Local is a local variable.
type Local struct {
	Name string
	// Where declares it: a statement (local, for), or the function whose parameter it is.
	Where ast.PositionHolder
	// Value is the expression whose first value `local name = value` gives it; nil when there is none for it alone.
	Value         ast.Expr
	Reads, Writes int // in the whole chunk; what declares it is no write

	outer *Local // the one declared before it, of those in scope
}

// find gives the local variable that a name means, nil when it means a global one.
func (l *Local) find(name string) *Local {
	for ; l != nil; l = l.outer {
		if l.Name == name {
			return l
		}
	}
	return nil
}

// read is a place that reads a global variable, with the locals that could have been meant.
type read struct {
	name  string
	line  int // the syntax tree has no columns
	scope *Local
}

// globals are the global variables of a chunk.
type globals struct {
	reads    []read
	assigned []string
}

// findGlobals walks a syntax tree as the compiler will, before it is rewritten.
func findGlobals(chunk []ast.Stmt) globals {
	var w walker
	w.block(chunk)
	return w.found
}

// walker knows the locals that are visible where it is.
type walker struct {
	scope *Local
	found globals
	names *Names // what is found of locals too; nil: nobody wants that
}

// Names says which variable each name of a chunk means.
type Names struct {
	Locals []*Local                  // in the order of their declarations
	Of     map[*ast.IdentExpr]*Local // nil for the name of a global variable
}

// Resolve finds the variables of a syntax tree.
func Resolve(tree []ast.Stmt) *Names {
	w := walker{names: &Names{Of: map[*ast.IdentExpr]*Local{}}}
	w.block(tree)
	return w.names
}

func (w *walker) declare(where ast.PositionHolder, names ...string) {
	for _, name := range names {
		w.scope = &Local{Name: name, Where: where, outer: w.scope}
		if w.names != nil {
			w.names.Locals = append(w.names.Locals, w.scope)
		}
	}
}

// resolve gives what a name means where the walker is.
func (w *walker) resolve(name *ast.IdentExpr) *Local {
	l := w.scope.find(name.Value)
	if w.names != nil && l != nil {
		w.names.Of[name] = l
	}
	return l
}

// inside runs a part of the walk whose locals end with it.
func (w *walker) inside(walk func()) {
	saved := w.scope
	walk()
	w.scope = saved
}

func (w *walker) block(statements []ast.Stmt) {
	w.inside(func() { w.statements(statements) })
}

func (w *walker) statements(statements []ast.Stmt) {
	for _, s := range statements {
		w.statement(s)
	}
}

func (w *walker) statement(statement ast.Stmt) {
	switch s := statement.(type) {
	case *ast.LocalAssignStmt:
		w.localAssign(s)
	case *ast.AssignStmt:
		for _, target := range s.Lhs {
			w.assign(target)
		}
		w.expressions(s.Rhs...)
	case *ast.FuncDefStmt:
		w.funcDef(s)
	case *ast.RepeatStmt:
		w.inside(func() {
			w.statements(s.Stmts)
			w.expressions(s.Condition)
		})
	case *ast.NumberForStmt:
		w.expressions(s.Init, s.Limit, s.Step)
		w.body(s, s.Stmts, s.Name)
	case *ast.GenericForStmt:
		w.expressions(s.Exprs...)
		w.body(s, s.Stmts, s.Names...)
	default:
		children(s, w.expression, w.block)
	}
}

// localAssign declares the name of a function before its body: the parser makes the same tree of
// `local function f` and `local f = function`, and the compiler takes both for the first.
func (w *walker) localAssign(s *ast.LocalAssignStmt) {
	if len(s.Names) == 1 && len(s.Exprs) == 1 {
		if _, ok := s.Exprs[0].(*ast.FunctionExpr); ok {
			w.declare(s, s.Names...)
			w.scope.Value = s.Exprs[0]
			w.expressions(s.Exprs...)
			return
		}
	}
	w.expressions(s.Exprs...)
	for i, name := range s.Names {
		w.declare(s, name)
		if i < len(s.Exprs) {
			w.scope.Value = s.Exprs[i]
		}
	}
}

func (w *walker) funcDef(s *ast.FuncDefStmt) {
	if s.Name.Func == nil {
		w.expressions(s.Name.Receiver)
		w.body(s.Func, s.Func.Stmts, append([]string{"self"}, parameters(s.Func)...)...)
		return
	}
	w.assign(s.Name.Func)
	w.expressions(s.Func)
}

func (w *walker) assign(target ast.Expr) {
	name, ok := target.(*ast.IdentExpr)
	if !ok {
		w.expressions(target)
	} else if l := w.resolve(name); l != nil {
		l.Writes++
	} else {
		w.found.assigned = append(w.found.assigned, name.Value)
	}
}

func (w *walker) expressions(list ...ast.Expr) {
	for i := range list {
		if list[i] != nil {
			w.expression(&list[i])
		}
	}
}

func (w *walker) expression(place *ast.Expr) {
	switch e := (*place).(type) {
	case *ast.IdentExpr:
		if l := w.resolve(e); l != nil {
			l.Reads++
		} else {
			w.found.reads = append(w.found.reads, read{e.Value, e.Line(), w.scope})
		}
	case *ast.FunctionExpr:
		w.body(e, e.Stmts, parameters(e)...)
	default:
		children(e, w.expression, w.block)
	}
}

// body walks a block that begins with locals of its own: a function's parameters, a loop's variables.
func (w *walker) body(where ast.PositionHolder, statements []ast.Stmt, names ...string) {
	w.inside(func() {
		w.declare(where, names...)
		w.statements(statements)
	})
}

// parameters are a function's, with the arg that Lua 5.1 gives a function with dots.
func parameters(f *ast.FunctionExpr) []string {
	if f.ParList.HasVargs {
		return append(slices.Clone(f.ParList.Names), "arg")
	}
	return f.ParList.Names
}

// checkReads looks at the global variables that a file reads. Unknown ones are warnings: a script may read
// what another one has set by a way that cannot be seen here. Reading a database method is an error, for it
// can only be meant to call it.
func checkReads(source, name string, reads []read, defined map[string]bool) (failures, warnings Problems) {
	reads = slices.DeleteFunc(slices.Clone(reads), func(r read) bool { return defined[r.name] })
	if len(reads) == 0 {
		return nil, nil
	}
	places := namePlaces(source, name)
	type nameInLine struct {
		name string
		line int
	}
	said := map[nameInLine]bool{}
	for _, r := range reads {
		p := Problem{File: name, Line: r.line}
		if at, found := firstFrom(places[r.name], r.line); found {
			p.Line, p.Column = at.line, at.column
		}
		key := nameInLine{r.name, p.Line}
		if said[key] {
			continue
		}
		said[key] = true
		if _, ok := method.Lookup(r.name); ok {
			p.Rule, p.Message = RuleDatabaseCall, r.name+": database methods cannot be called"
			failures = append(failures, p)
		} else {
			p.Rule, p.Message = RuleUnknownName, "unknown name "+r.name+didYouMean(suggest(r.name, visible(defined, r.scope)))
			warnings = append(warnings, p)
		}
	}
	return failures, warnings
}

// visible are the names that a script could have meant.
func visible(defined map[string]bool, scope *Local) iter.Seq[string] {
	return func(yield func(string) bool) {
		for l := scope; l != nil; l = l.outer {
			if !yield(l.Name) {
				return
			}
		}
		maps.Keys(defined)(yield)
	}
}

// namePlaces finds where a source has names that may be reads of variables: not fields, keys or labels, and
// not targets of assignments.
func namePlaces(source, chunk string) map[string][]token {
	places := map[string][]token{}
	var before, candidate token
	keep := func(next int) {
		if candidate.kind == parse.TIdent && next != '=' {
			places[candidate.text] = append(places[candidate.text], candidate)
		}
		candidate = token{}
	}
	for t := range scan(luaText(source), chunk) {
		keep(t.kind)
		if t.kind == parse.TIdent && !slices.Contains(noVariableAfter, before.kind) {
			candidate = t
		}
		before = t
	}
	keep(parse.EOF)
	return places
}

var noVariableAfter = []int{'.', ':', parse.TGoto, parse.T2Colon, parse.TLocal, parse.TFor}

// firstFrom finds the first place from a line on. The tree gives an expression in parentheses the line of
// the parenthesis, which may be before the name's own.
func firstFrom(places []token, line int) (token, bool) {
	for _, t := range places {
		if t.line >= line {
			return t, true
		}
	}
	return token{}, false
}
