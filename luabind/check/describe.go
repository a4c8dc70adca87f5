package check

import (
	"maps"
	"slices"
	"strings"

	"moongate/luabind/script"
	"moongate/runtime/method"
	"moongate/runtime/signature"

	"github.com/yuin/gopher-lua/ast"
)

// Describe says which methods and variables the scripts of a folder have. The error is Folder's; of a file that cannot be
// parsed the name of its method is all.
func Describe(dir string, known script.Known) (signature.Folder, error) {
	n, err := script.Inspect(dir, known)
	if err != nil {
		return signature.Folder{}, err
	}
	f := newFolder(n, known)
	var described signature.Folder
	for name, s := range f.methods {
		if !method.IsEvent(name) && script.IsName(name) && !known[name] {
			described.Methods = append(described.Methods, s.describe())
		}
	}
	slices.SortFunc(described.Methods, func(a, b signature.Method) int { return strings.Compare(a.Name, b.Name) })
	variables := map[string]bool{}
	for _, s := range f.sources {
		for _, u := range s.globals {
			if u.assigns && !s.Test && !known[u.Value] && f.methods[u.Value] == nil {
				variables[u.Value] = true
			}
		}
	}
	described.Variables = slices.Sorted(maps.Keys(variables))
	return described, nil
}

// describe says what a project method takes.
func (s *source) describe() signature.Method {
	m := signature.Method{Name: s.Method, File: s.File, Meaning: s.opening()}
	var named ast.Expr // the dots that have names
	if len(s.Tree) > 0 {
		if l, ok := s.Tree[0].(*ast.LocalAssignStmt); ok && len(l.Exprs) == 1 && isDots(l.Exprs[0]) {
			m.Parameters, named = l.Names, l.Exprs[0]
		}
	}
	walk(s.Tree, func(n ast.PositionHolder, above *trail) {
		e, ok := n.(*ast.Comma3Expr)
		m.Any = m.Any || ok && ast.Expr(e) != named && functionOf(above) == nil
	})
	return m
}

// opening is the comment with which a file begins, in one line.
func (s *source) opening() string {
	var words []string
	line := 0
	for _, c := range s.Comments {
		if strings.HasPrefix(c.Text, "%attributes") && c.Line == line+1 {
			line++
			continue
		}
		if !c.Alone || c.Line != line+1 {
			break
		}
		line++
		words = append(words, c.Text)
	}
	return strings.Join(words, " ")
}
