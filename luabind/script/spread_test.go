package script

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yuin/gopher-lua/ast"
)

// shape writes a tree without its lines.
func shape(tree []ast.Stmt) string {
	var b strings.Builder
	var expression func(*ast.Expr)
	var block func([]ast.Stmt)
	visit := func(node ast.PositionHolder) {
		fmt.Fprintf(&b, "(%T", node)
		switch n := node.(type) {
		case *ast.IdentExpr:
			b.WriteString(n.Value)
		case *ast.StringExpr:
			fmt.Fprintf(&b, "%q", n.Value)
		case *ast.NumberExpr:
			b.WriteString(n.Value)
		}
		children(node, expression, block)
		b.WriteByte(')')
	}
	expression = func(e *ast.Expr) { visit(*e) }
	block = func(statements []ast.Stmt) {
		for _, s := range statements {
			visit(s)
		}
	}
	block(tree)
	return b.String()
}

// checkSpread compares the tree of a text with that of its tokens apart, and each name with what stands at its place.
func checkSpread(t *testing.T, text, name string) {
	t.Helper()
	tree, problem := parseChunk(text, name)
	if problem != nil {
		return
	}
	want := shape(tree)
	s := Source{File: name}
	s.read(text)
	if got := shape(s.Tree); got != want {
		t.Fatalf("%s: got the tree %s, want %s", name, got, want)
	}
	if len(tree) > 0 && s.places == nil {
		t.Fatalf("%s: no places", name)
	}
	var expression func(*ast.Expr)
	var block func([]ast.Stmt)
	expression = func(e *ast.Expr) {
		if ident, ok := (*e).(*ast.IdentExpr); ok {
			p := s.Place(ident)
			if got := s.Line(p.Line)[p.Column-1:]; !strings.HasPrefix(got, ident.Value) && got[0] != '(' {
				t.Fatalf("%s:%d:%d: got %.20q, want %s", name, p.Line, p.Column, got, ident.Value)
			}
		}
		children(*e, expression, block)
	}
	block = func(statements []ast.Stmt) {
		for _, s := range statements {
			children(s, expression, block)
		}
	}
	block(s.Tree)
}

func TestSpread(t *testing.T) {
	files, _ := filepath.Glob("../../testdata/lua/*.lua")
	more, _ := filepath.Glob("../../scripts/*.lua")
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		checkSpread(t, string(text), file)
	}
}

func FuzzSpread(f *testing.F) {
	for _, text := range []string{"", "a=1", "f (x)\n(g or h)(1)", "#!x\nlocal a = [==[\r\nx\n]==] .. 'a\\\nb'", "a = b\rc = d --[[ x ]] e=1",
		"if a then return -b else goto x end ::x::", "--[==[ ]] ]==] a()", "x.y['z']:w{1,2}'s'"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkSpread(t, text, "x") })
}

func TestComments(t *testing.T) {
	s, err := Inspected("-- one\nlocal a = 1 -- two\n--[[ three ]] local b = '--no' --[[ four\n]]  -- five\n--six", "x")
	if err != nil {
		t.Fatal(err)
	}
	want := "[{1 1 one true} {2 13 two false} {4 5 five false} {5 1 six true}]"
	if got := fmt.Sprint(s.Comments); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
