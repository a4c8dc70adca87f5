package check

import (
	"maps"

	"moongate/luabind/script"
	"moongate/runtime/method"

	"github.com/yuin/gopher-lua/ast"
)

// startsBy is which argument of a command names a project method.
var startsBy = map[string]int{"new_process": 0, "execute_on_server": 0, "call_worker": 1, "on_err_call": 0}

// unknownMethods finds names of methods and modules that the folder does not have.
func unknownMethods(l *look) {
	if l.Test {
		return
	}
	for _, c := range l.calls {
		if at, ok := startsBy[c.name]; ok && !l.folder.assigned[c.name] {
			l.checkMethod(c, at)
		}
		if c.name == "require" && len(c.Args) > 0 {
			l.checkModule(c)
		}
	}
}

func (l *look) checkMethod(c call, at int) {
	if at >= len(c.Args) {
		return
	}
	name, ok := c.Args[at].(*ast.StringExpr)
	if !ok || name.Value == "" || l.folder.methods[name.Value] != nil && !method.IsEvent(name.Value) {
		return
	}
	if _, ok := method.Lookup(name.Value); ok {
		l.found(name, c.name+": "+name.Value+" is a database method; Moongate calls it, scripts cannot")
		return
	}
	l.found(name, c.name+": no project method is called "+name.Value+script.DidYouMean(name.Value, l.projectMethods))
}

func (l *look) projectMethods(yield func(string) bool) {
	for name := range l.folder.methods {
		if !method.IsEvent(name) && !yield(name) {
			return
		}
	}
}

func (l *look) checkModule(c call) {
	name, ok := c.Args[0].(*ast.StringExpr)
	if ok && l.folder.modules[name.Value] == nil {
		l.found(name, "no file of a subfolder is the module "+name.Value+
			script.DidYouMean(name.Value, maps.Keys(l.folder.modules)))
	}
}

// notRun finds methods that nothing will call.
func notRun(l *look) {
	m, ok := method.Lookup(l.Method)
	switch {
	case !ok:
	case m.Roles == 0:
		l.found(first(l.Tree), "this version never calls "+m.Name+": "+m.Waiting)
	case l.folder.served && m.Roles&method.Server == 0:
		l.found(first(l.Tree), "moongate serve does not call "+m.Name+": "+m.NotRun(method.Server))
	}
}

// first is the first statement of a tree.
func first(tree []ast.Stmt) ast.PositionHolder {
	if len(tree) == 0 {
		return &ast.BreakStmt{}
	}
	return tree[0]
}

// usesInterprocess finds interprocess variables where there are none.
func usesInterprocess(l *look) {
	if !l.Preemptive || method.IsEvent(l.Method) || l.folder.assigned[interprocess] {
		return
	}
	for _, u := range l.globals {
		if u.Value == interprocess {
			l.found(u, "a preemptive process has no interprocess variables; use storage, or take the mark in the first line away")
		}
	}
	for _, c := range l.calls {
		callee := l.folder.methods[c.name]
		if callee == nil || l.folder.assigned[c.name] {
			continue
		}
		if where := l.folder.interprocessIn(callee); where != "" && callee != l.source {
			l.found(c, c.name+" uses interprocess ("+where+"), which a preemptive process does not have; use storage")
		}
	}
}

const interprocess = "interprocess"

// interprocessIn is the place where a project method, or one that it calls, uses interprocess; "" when none does.
func (f *folder) interprocessIn(s *source) string {
	if f.sharing == nil {
		f.findSharing()
	}
	return f.sharing[s]
}

// findSharing goes from the methods that use interprocess to those that call them, and so on.
func (f *folder) findSharing() {
	f.sharing = map[*source]string{}
	callers := map[*source][]*source{}
	var next []*source
	for _, s := range f.sources {
		for _, c := range s.calls {
			if callee := f.methods[c.name]; callee != nil && !f.assigned[c.name] {
				callers[callee] = append(callers[callee], s)
			}
		}
		for _, u := range s.globals {
			if u.Value == interprocess && f.sharing[s] == "" {
				f.sharing[s] = s.at(u)
				next = append(next, s)
			}
		}
	}
	for len(next) > 0 {
		s := next[0]
		next = next[1:]
		for _, caller := range callers[s] {
			if f.sharing[caller] == "" {
				f.sharing[caller] = f.sharing[s]
				next = append(next, caller)
			}
		}
	}
}
