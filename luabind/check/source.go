package check

import (
	"moongate/luabind/command"
	"moongate/luabind/script"
	"moongate/runtime/finding"
	"moongate/runtime/method"
	"moongate/runtime/signature"
	"moongate/runtime/structure"

	"github.com/yuin/gopher-lua/ast"
)

// folder is what is known of all sources together.
type folder struct {
	inspection *script.Inspection
	known      script.Known
	sources    []*source
	byFile     map[string]*source
	methods    map[string]*source // by their names
	modules    map[string]*source
	assigned   map[string]bool // the global names that some source assigns
	assigners  map[string]map[*source]bool
	texts      map[string]bool // the literal texts of all sources
	reads      map[string]map[*source]bool
	commands   map[string]described
	structure  *structure.Structure // nil: not known
	sharing    map[*source]string   // where a method, or one that it calls, uses interprocess; nil: not looked for yet
	dynamic    bool                 // names of variables are made while the scripts run
	served     bool                 // a method is there that only moongate serve runs
	findings   []finding.Finding
}

// described is a command with its signature, read.
type described struct {
	command.Command
	signature signature.Signature
}

// source is a source with what is found by one walk through it.
type source struct {
	*script.Source
	names   *script.Names
	calls   []call
	globals []use // of global variables, in the order in which they happen
	returns []*ast.ReturnStmt
	jumps   bool // it has goto
	called  map[script.Place]bool

	waits      []wait
	waitsKnown bool
}

// call is a place that calls something.
type call struct {
	*ast.FuncCallExpr
	name  string // of the global function; "" when it is none
	above *trail // what the call is in
}

// use is a place that reads or assigns a global variable.
type use struct {
	*ast.IdentExpr
	assigns bool
	defines bool // it is function name() ... end
	above   *trail
}

// trail is a node and what it is in, up to a statement of the file itself; nil is the file.
type trail struct {
	node ast.PositionHolder
	up   *trail
}

func newFolder(n *script.Inspection, known script.Known) *folder {
	f := &folder{
		inspection: n, known: known, byFile: map[string]*source{}, methods: map[string]*source{}, modules: map[string]*source{},
		assigned: map[string]bool{}, assigners: map[string]map[*source]bool{}, texts: map[string]bool{}, reads: map[string]map[*source]bool{}, commands: map[string]described{},
	}
	for _, c := range command.Table() {
		if s, err := signature.Parse(c.Signature); err == nil {
			f.commands[c.Name] = described{c, s}
		}
	}
	for _, inspected := range n.Sources {
		f.add(&source{Source: inspected, called: map[script.Place]bool{}})
	}
	return f
}

// add notes a source and what it has.
func (f *folder) add(s *source) {
	f.sources = append(f.sources, s)
	f.byFile[s.File] = s
	if s.Method != "" {
		f.methods[s.Method] = s
	}
	if m, ok := method.Lookup(s.Method); ok && m.Roles == method.Server {
		f.served = true
	}
	for _, name := range s.Modules {
		f.modules[name] = s
	}
	s.names = script.Resolve(s.Tree)
	walk(s.Tree, func(n ast.PositionHolder, above *trail) { f.see(s, n, above) })
}

// see notes a node.
func (f *folder) see(s *source, n ast.PositionHolder, above *trail) {
	switch n := n.(type) {
	case *ast.FuncCallExpr:
		name, _ := s.global(n.Func)
		s.calls = append(s.calls, call{n, name, above})
		if n.Func != nil {
			s.called[s.Place(n.Func)] = true
		}
	case *ast.StringExpr:
		f.texts[n.Value] = true
	case *ast.GotoStmt:
		s.jumps = true
	case *ast.ReturnStmt:
		if functionOf(above) == nil {
			s.returns = append(s.returns, n)
		}
	case *ast.IdentExpr:
		if name, ok := s.global(n); ok {
			f.seeGlobal(s, use{n, assigns(n, above), defines(n, above), above}, name)
		}
	}
}

// dynamicNames are what reaches variables by names that are made while a script runs.
var dynamicNames = map[string]bool{"_G": true, "getfenv": true, "setfenv": true, "load": true, "loadstring": true}

func (f *folder) seeGlobal(s *source, u use, name string) {
	s.globals = append(s.globals, u)
	f.dynamic = f.dynamic || dynamicNames[name]
	if u.assigns {
		f.assigned[name] = true
		addSource(f.assigners, name, s)
	} else {
		addSource(f.reads, name, s)
	}
}

func addSource(all map[string]map[*source]bool, name string, s *source) {
	if all[name] == nil {
		all[name] = map[*source]bool{}
	}
	all[name][s] = true
}

// inOthers reports whether sources are others than one.
func inOthers(sources map[*source]bool, s *source) bool {
	return len(sources) > 1 || len(sources) == 1 && !sources[s]
}

// global gives the name of a global variable that an expression is.
func (s *source) global(e ast.Expr) (string, bool) {
	name, ok := e.(*ast.IdentExpr)
	if !ok || s.names.Of[name] != nil {
		return "", false
	}
	return name.Value, true
}

// command gives the command that a call calls. It is none when the scripts give its name to something else.
func (f *folder) command(c call) (described, bool) {
	d, ok := f.commands[c.name]
	return d, ok && !f.assigned[c.name]
}

// walk visits every node of a tree, in the order in which they are evaluated as far as that matters: the values of an
// assignment before what they are assigned to.
func walk(tree []ast.Stmt, visit func(n ast.PositionHolder, above *trail)) {
	w := treeWalk{visit: visit}
	w.block(tree)
}

type treeWalk struct {
	above *trail
	visit func(n ast.PositionHolder, above *trail)
}

func (w *treeWalk) block(statements []ast.Stmt) {
	for _, s := range statements {
		w.node(s)
	}
}

func (w *treeWalk) node(n ast.PositionHolder) {
	w.visit(n, w.above)
	w.above = &trail{n, w.above}
	expression := func(e *ast.Expr) { w.node(*e) }
	switch n := n.(type) {
	case *ast.AssignStmt:
		w.expressions(n.Rhs)
		w.expressions(n.Lhs)
	case *ast.FuncDefStmt:
		w.node(n.Func)
		for _, e := range []ast.Expr{n.Name.Func, n.Name.Receiver} {
			if e != nil {
				w.node(e)
			}
		}
	default:
		script.Children(n, expression, w.block)
	}
	w.above = w.above.up
}

func (w *treeWalk) expressions(list []ast.Expr) {
	for _, e := range list {
		w.node(e)
	}
}

// functionOf is the innermost function among what a node is in, nil for code of the file itself.
func functionOf(above *trail) *ast.FunctionExpr {
	for ; above != nil; above = above.up {
		if f, ok := above.node.(*ast.FunctionExpr); ok {
			return f
		}
	}
	return nil
}

// parent is what a node is in directly, nil when that is the file.
func parent(above *trail) ast.PositionHolder {
	if above == nil {
		return nil
	}
	return above.node
}

// assigns reports whether a name is what a statement assigns.
func assigns(n *ast.IdentExpr, above *trail) bool {
	if a, ok := parent(above).(*ast.AssignStmt); ok {
		for _, target := range a.Lhs {
			if target == ast.Expr(n) {
				return true
			}
		}
	}
	return defines(n, above)
}

func defines(n *ast.IdentExpr, above *trail) bool {
	d, ok := parent(above).(*ast.FuncDefStmt)
	return ok && d.Name.Func == ast.Expr(n)
}
