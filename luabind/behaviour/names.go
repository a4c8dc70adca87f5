package behaviour

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"moongate/luabind/script"

	"github.com/yuin/gopher-lua/ast"
)

// names finds the global names of a file.
type names struct {
	locals   *script.Names
	used     []*ast.IdentExpr
	assigned map[string]bool
}

// checkNames finds the names of a text that nothing defines, neither the known ones nor the text itself. The error
// has a line for each of them.
func checkNames(text, file string, known map[string]bool) error {
	source, err := script.Inspected(text, file)
	if err != nil {
		return err
	}
	n := &names{locals: script.Resolve(source.Tree), assigned: maps.Clone(known)}
	n.block(source.Tree)
	var problems []string
	said := map[string]bool{}
	for _, use := range n.used {
		name := use.Value
		if n.assigned[name] || said[name] {
			continue
		}
		said[name] = true
		place := source.Place(use)
		problems = append(problems, fmt.Sprintf("%s:%d:%d: unknown name %s%s", file, place.Line, place.Column, name, script.DidYouMean(name, maps.Keys(n.assigned))))
	}
	if problems == nil {
		return nil
	}
	return errors.New(strings.Join(problems, "\n"))
}

func (n *names) block(statements []ast.Stmt) {
	for _, s := range statements {
		switch s := s.(type) {
		case *ast.AssignStmt:
			for _, target := range s.Lhs {
				n.assign(target)
			}
		case *ast.FuncDefStmt:
			n.assign(s.Name.Func)
		}
		script.Children(s, n.expression, n.block)
	}
}

// assign notes what a statement gives a value.
func (n *names) assign(target ast.Expr) {
	if name, ok := target.(*ast.IdentExpr); ok && n.locals.Of[name] == nil {
		n.assigned[name.Value] = true
	}
}

func (n *names) expression(e *ast.Expr) {
	if name, ok := (*e).(*ast.IdentExpr); ok && n.locals.Of[name] == nil {
		n.used = append(n.used, name)
	}
	script.Children(*e, n.expression, n.block)
}
