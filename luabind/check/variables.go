package check

import (
	"slices"
	"strings"

	"moongate/luabind/policytest/vocabulary"
	"moongate/luabind/script"
	"moongate/runtime/signature"

	"github.com/yuin/gopher-lua/ast"
)

// forgottenLocals finds global variables that only one stretch of code uses, which begins with an assignment: nothing
// is lost if they are local.
func forgottenLocals(l *look) {
	if l.folder.dynamic {
		return
	}
	uses := map[string][]use{}
	var order []string
	for _, u := range l.globals {
		if uses[u.Value] == nil {
			order = append(order, u.Value)
		}
		uses[u.Value] = append(uses[u.Value], u)
	}
	for _, name := range order {
		if l.couldBeLocal(name, uses[name]) {
			l.found(uses[name][0], "no other method reads "+name+", which stays a variable of the process; write local "+name)
		}
	}
}

func (l *look) couldBeLocal(name string, uses []use) bool {
	begin := uses[0]
	if !begin.assigns || begin.defines || l.folder.known[name] || l.folder.texts[name] || l.folder.methods[name] != nil {
		return false
	}
	if inOthers(l.folder.reads[name], l.source) || inOthers(l.folder.assigners[name], l.source) {
		return false
	}
	block := begin.above.up // of the assignment itself
	for _, u := range uses[1:] {
		child, below := u.above.within(block)
		if u.defines || !below || functionOf(u.above) != functionOf(begin.above) || !sees(begin.above.node, block, child) {
			return false
		}
	}
	return true
}

// within reports whether what a node is in is below a block, and gives the part of the block that it is.
func (t *trail) within(block *trail) (child ast.PositionHolder, below bool) {
	for ; t != block; t = t.up {
		if t == nil {
			return nil, false
		}
		child = t.node
	}
	return child, true
}

// sees reports whether a local that the first statement declares would be seen in another part of what is around both: not
// in the other branch of an if, nor in the condition of a loop.
func sees(first ast.PositionHolder, around *trail, other ast.PositionHolder) bool {
	switch n := parent(around).(type) {
	case *ast.IfStmt:
		return has(n.Then, first) == has(n.Then, other) && has(n.Else, first) == has(n.Else, other)
	case *ast.WhileStmt:
		return has(n.Stmts, other)
	}
	return true
}

func has(block []ast.Stmt, n ast.PositionHolder) bool {
	for _, s := range block {
		if ast.PositionHolder(s) == n {
			return true
		}
	}
	return false
}

// unusedLocals finds locals that are never read.
func unusedLocals(l *look) {
	for _, v := range l.names.Locals {
		s, ok := v.Where.(*ast.LocalAssignStmt)
		if !ok || v.Reads > 0 || len(s.Names) != 1 || strings.HasPrefix(v.Name, "_") {
			continue
		}
		if isDots(v.Value) {
			continue // the parameters of a method may have their names
		}
		l.found(s, "nothing reads the local "+v.Name+"; take it out, or call it _"+v.Name)
	}
}

func isDots(e ast.Expr) bool {
	_, ok := e.(*ast.Comma3Expr)
	return ok
}

// unknownInTests finds misspelt names in tests. What nothing is near of may be a name that a test has from elsewhere.
func unknownInTests(l *look) {
	if !l.Test {
		return
	}
	known := map[string]bool{}
	for _, name := range vocabulary.Names() {
		known[name] = true
	}
	for _, u := range l.globals {
		known[u.Value] = known[u.Value] || u.assigns || l.folder.inspection.Defined[u.Value]
	}
	for _, u := range l.globals {
		if known[u.Value] {
			continue
		}
		names := func(yield func(string) bool) {
			for name := range l.folder.inspection.Defined {
				if !yield(name) {
					return
				}
			}
			slices.Values(vocabulary.Names())(yield)
		}
		if hint := script.DidYouMean(u.Value, names); hint != "" {
			l.found(u, "unknown name "+u.Value+hint)
		}
	}
}

// testFunction gives the function of a test that a call in a test calls, with its signature. It is none when the scripts
// give its name to something else.
func (l *look) testFunction(c call) (r vocabulary.Row, s signature.Signature, ok bool) {
	if !l.Test || c.name == "" || l.folder.assigned[c.name] {
		return r, s, false
	}
	rows := vocabulary.Rows()
	i := slices.IndexFunc(rows, func(r vocabulary.Row) bool { return r.Of == "" && r.Name == c.name })
	if i < 0 {
		return r, s, false
	}
	s, err := signature.Parse(rows[i].Signature)
	return rows[i], s, err == nil
}
