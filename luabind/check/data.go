package check

import (
	"slices"

	"moongate/luabind/command"
	"moongate/luabind/script"
	"moongate/runtime/signature"

	"github.com/yuin/gopher-lua/ast"
)

// table is the name in ds.name, if an expression is that.
func (l *look) table(e ast.Expr) (string, bool) {
	field, ok := e.(*ast.AttrGetExpr)
	if !ok || l.folder.assigned["ds"] {
		return "", false
	}
	store, ok := l.global(field.Object)
	name, isText := field.Key.(*ast.StringExpr)
	if !ok || store != "ds" || !isText {
		return "", false
	}
	return name.Value, true
}

// dataFunction is the function of a dataclass that ds.table:name() calls, by its signature.
func (l *look) dataFunction(c call) (string, signature.Signature, bool) {
	if _, ok := l.table(c.Receiver); !ok {
		return "", signature.Signature{}, false
	}
	for _, f := range command.Functions() {
		if f.Of == "dataclass" && f.Name == c.Method {
			s, err := signature.Parse(f.Signature)
			return f.Signature, s, err == nil
		}
	}
	return "", signature.Signature{}, false
}

// unknownTables finds tables that structure.lua does not declare.
func unknownTables(l *look) {
	declared := l.folder.structure
	if declared == nil {
		return
	}
	walk(l.Tree, func(n ast.PositionHolder, _ *trail) {
		field, ok := n.(*ast.AttrGetExpr)
		if !ok {
			return
		}
		name, ok := l.table(field)
		switch {
		case !ok || declared.Table(name) != nil:
		case len(declared.Tables) == 0:
			l.found(field.Key, "there is no table "+name+": the folder has no structure.lua that declares one")
		default:
			l.found(field.Key, "structure.lua declares no table "+name+script.DidYouMean(name, slices.Values(declared.Names())))
		}
	})
}
