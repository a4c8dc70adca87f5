package policytest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"moongate/luabind"
	"moongate/luabind/script"
	"moongate/runtime/finding"
	"moongate/runtime/method"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// prefix is how the name of a test begins.
const prefix = "test_"

// folder is a scripts folder with its tests.
type folder struct {
	path     string
	problems []string // why its scripts do not load
	files    []*file  // sorted by name
	sources  []string // the files of methods and modules, sorted
	role     method.Role
}

// file is a file of tests.
type file struct {
	name     string // from the folder, with slashes
	problems []string
	proto    *lua.FunctionProto
	tests    []test
}

// test is where a test is.
type test struct {
	name string
	line int
}

// readFolder looks at a folder as moongate check does. No script runs but structure.lua. The error is about the folder
// itself.
func readFolder(path string) (*folder, error) {
	report, err := luabind.Check(path)
	if err != nil {
		return nil, err
	}
	inspection, err := script.Inspect(path, nil)
	if err != nil {
		return nil, err
	}
	f := &folder{path: path}
	for _, s := range inspection.Sources {
		if s.Test {
			f.files = append(f.files, &file{name: s.File})
			continue
		}
		f.sources = append(f.sources, s.File)
		if m, ok := method.Lookup(s.Method); ok {
			f.role |= m.Roles
		}
	}
	f.takeProblems(report.Findings)
	for _, t := range f.files {
		t.read(path)
	}
	return f, nil
}

// loading are the rules of moongate check whose errors keep scripts from being loaded. What the others find may be what a
// test is about.
var loading = []string{script.RuleFile, script.RuleMethodName, script.RuleSyntax, script.RuleAttributes, script.RuleDatabaseCall, "structure"}

// takeProblems notes what keeps the scripts, or a file of tests, from being loaded.
func (f *folder) takeProblems(findings []finding.Finding) {
	for _, found := range findings {
		if found.Severity != finding.Error || !slices.Contains(loading, found.Rule) {
			continue
		}
		i := slices.IndexFunc(f.files, func(t *file) bool { return t.name == found.File })
		switch {
		case i < 0:
			f.problems = append(f.problems, found.String())
		default:
			f.files[i].problems = append(f.files[i].problems, found.String())
		}
	}
}

// roleOf is the role in which the folder's scripts run: that which is wanted, or the one whose methods it has.
func (f *folder) roleOf(wanted string) method.Role {
	switch {
	case wanted == method.Local.String() || wanted == "" && f.role&method.Server == 0 && f.role&method.Local != 0:
		return method.Local
	}
	return method.Server
}

// read compiles a file and finds its tests.
func (t *file) read(folder string) {
	if len(t.problems) > 0 {
		return
	}
	content, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(t.name)))
	if err != nil {
		t.fail(0, "%v", err)
		return
	}
	if t.proto, err = script.Compile(string(content), t.name); err != nil {
		t.problems = strings.Split(err.Error(), "\n")
		return
	}
	source, err := script.Inspected(string(content), t.name)
	if err != nil {
		t.problems = strings.Split(err.Error(), "\n")
		return
	}
	for _, s := range source.Tree {
		t.find(source, s)
	}
}

// find takes a statement of the file for a test if it is one: function test_x(), or test_x = function().
func (t *file) find(source *script.Source, s ast.Stmt) {
	var name string
	switch s := s.(type) {
	case *ast.FuncDefStmt:
		if ident, ok := s.Name.Func.(*ast.IdentExpr); ok && s.Name.Receiver == nil {
			name = ident.Value
		}
	case *ast.AssignStmt:
		if len(s.Lhs) == 1 && len(s.Rhs) == 1 {
			ident, named := s.Lhs[0].(*ast.IdentExpr)
			if _, ok := s.Rhs[0].(*ast.FunctionExpr); ok && named {
				name = ident.Value
			}
		}
	case *ast.LocalAssignStmt:
		for i, local := range s.Names {
			if _, ok := valueAt(s.Exprs, i).(*ast.FunctionExpr); ok && strings.HasPrefix(local, prefix) {
				t.fail(source.Place(s).Line, "%s is local, so nobody could run it: take local away", local)
			}
		}
	}
	if !strings.HasPrefix(name, prefix) {
		return
	}
	line := source.Place(s).Line
	if i := slices.IndexFunc(t.tests, func(known test) bool { return known.name == name }); i >= 0 {
		t.fail(line, "a second %s, which hides the first in line %d: give it another name", name, t.tests[i].line)
		return
	}
	t.tests = append(t.tests, test{name, line})
}

func valueAt(list []ast.Expr, i int) ast.Expr {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// fail notes why the file's tests cannot run.
func (t *file) fail(line int, format string, args ...any) {
	place := t.name
	if line > 0 {
		place = fmt.Sprintf("%s:%d", t.name, line)
	}
	t.problems = append(t.problems, place+": "+fmt.Sprintf(format, args...))
}
