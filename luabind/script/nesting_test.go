package script

import (
	"fmt"
	"strings"
	"testing"
)

// nest repeats open and close around a middle.
func nest(open, middle, close string, n int) string {
	return strings.Repeat(open, n) + middle + strings.Repeat(close, n)
}

// nestings are all the ways to be deep.
var nestings = []struct {
	name  string
	build func(n int) string
	limit int // the number that is too much, roughly
}{
	{"parentheses", func(n int) string { return "x = " + nest("(", "1", ")", n) }, maxNesting},
	{"open parentheses", func(n int) string { return "x = " + strings.Repeat("(", n) }, maxNesting},
	{"calls in calls", func(n int) string { return "x = " + nest("f(", "1", ")", n) }, maxNesting},
	{"brackets", func(n int) string { return "x = " + nest("a[", "1", "]", n) }, maxNesting},
	{"tables", func(n int) string { return "x = " + nest("{", "1", "}", n) }, maxNesting},
	{"keyed tables", func(n int) string { return "x = " + nest("{a = ", "1", "}", n) }, maxNesting},
	{"functions", func(n int) string { return "x = " + nest("function() return ", "1", " end", n) }, maxNesting},
	{"function statements", func(n int) string { return nest("function f() ", "", " end", n) }, maxNesting},
	{"do", func(n int) string { return nest("do ", "", " end", n) }, maxNesting},
	{"if", func(n int) string { return nest("if a then ", "", " end", n) }, maxNesting},
	{"else if", func(n int) string { return nest("if a then else ", "", " end", n) }, maxNesting},
	{"while", func(n int) string { return nest("while a do ", "", " end", n) }, maxNesting},
	{"for", func(n int) string { return nest("for i = 1, 2 do ", "", " end", n) }, maxNesting},
	{"for in", func(n int) string { return nest("for i in a do ", "", " end", n) }, maxNesting},
	{"repeat", func(n int) string { return nest("repeat ", "", " until a ", n) }, maxNesting},
	{"minus", func(n int) string { return "x = " + strings.Repeat("- ", n) + "1" }, maxNesting},
	{"not", func(n int) string { return "x = " + strings.Repeat("not ", n) + "1" }, maxNesting},
	{"length", func(n int) string { return "x = " + strings.Repeat("#", n) + "a" }, maxNesting},
	{"mixed unary", func(n int) string { return "x = " + strings.Repeat("-#not ", n/3) + "a" }, maxNesting},
	{"power", func(n int) string { return "x = 1" + strings.Repeat("^a", n) }, maxNesting},
	{"negative power", func(n int) string { return "x = 1" + strings.Repeat("^-a", n/2) }, maxNesting},
	{"concatenation", func(n int) string { return "x = a" + strings.Repeat("..a", n) }, maxNesting},
	{"concatenation of calls", func(n int) string { return "x = a" + strings.Repeat("..f's'", n) }, maxNesting},
	{"concatenation of sums", func(n int) string { return "x = a" + strings.Repeat("..a+a", n) }, maxNesting},
	{"sum", func(n int) string { return "x = 1" + strings.Repeat("+a", n) }, maxDepth},
	{"constant sum", func(n int) string { return "x = 1" + strings.Repeat("+1", n) }, maxDepth},
	{"product", func(n int) string { return "x = 1" + strings.Repeat("*a", n) }, maxDepth},
	{"or", func(n int) string { return "x = 1" + strings.Repeat(" or a", n) }, maxDepth},
	{"and", func(n int) string { return "if a" + strings.Repeat(" and a", n) + " then end" }, maxDepth},
	{"comparison", func(n int) string { return "x = a" + strings.Repeat("<a", n) }, maxDepth},
	{"fields", func(n int) string { return "x = a" + strings.Repeat(".b", n) }, maxDepth},
	{"indices", func(n int) string { return "x = a" + strings.Repeat("[1]", n) }, maxDepth},
	{"called results", func(n int) string { return "x = f" + strings.Repeat("()", n) }, maxDepth},
	{"string calls", func(n int) string { return "f" + strings.Repeat("''", n) }, maxDepth},
	{"table calls", func(n int) string { return "f" + strings.Repeat("{}", n) }, maxDepth},
	{"methods", func(n int) string { return "x = a" + strings.Repeat(":b()", n) }, maxDepth},
	{"function name", func(n int) string { return "function a" + strings.Repeat(".b", n) + "() end" }, maxDepth},
	{"elseif", func(n int) string { return "if a then " + strings.Repeat("elseif b then ", n) + " end" }, maxDepth},
}

func TestDeepNestingIsRefused(t *testing.T) {
	for _, test := range nestings {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			unit := len(test.build(1000)) / 1000
			for _, n := range []int{test.limit + 10, maxFileSize / (unit + 1)} {
				_, err := Compile(test.build(n), "deep.lua")
				if err == nil || !strings.Contains(err.Error(), "nested too deep") {
					t.Errorf("%d: got %.100v", n, err)
				}
			}
			if _, err := Compile(test.build(40), "deep.lua"); err != nil && !strings.Contains(test.name, "open") {
				t.Errorf("40: %v", err)
			}
		})
	}
}

func TestNestingAddsUp(t *testing.T) {
	inner := "x = a" + strings.Repeat(" .. a", 60)
	for _, kind := range []string{"do %s end ", "f(function() %s end) ", "if a .. b then %s end "} {
		source := inner
		for range 8 {
			source = fmt.Sprintf(kind, source) + inner
		}
		if _, err := Compile(source, "c.lua"); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	open := "a" + strings.Repeat(" .. a", 60) + " .. f("
	_, err := Compile("x = "+nest(open, "1", ")", 4), "c.lua")
	wantError(t, err, "c.lua:1:993: nested too deep: more than 200 brackets, blocks and operators are open here")
}

func TestLongFilesAreNotDeep(t *testing.T) {
	for name, source := range map[string]string{
		"statements":         strings.Repeat("x = -a .. -b ^ -c y = not f 's' .. 't' ", 5_000),
		"calls":              strings.Repeat("f(a .. b) g{-1, -2}\n", 5_000),
		"functions":          strings.Repeat("function f() return a .. b end do local function g() end end\n", 5_000),
		"table":              "return {" + strings.Repeat("-a, 'x' .. 'y', not b, ", 5_000) + "}",
		"records":            "return {" + strings.Repeat("{name = 'x', address = {1, 2}},\n", 5_000) + "}",
		"150 operands":       "return a" + strings.Repeat(" .. a", 149),
		"150 negative terms": "return -a" + strings.Repeat(" + -a", 149),
		"500 alternatives":   "return a == 1" + strings.Repeat(" or a == 2", 499),
		"500 elseif":         "if a then " + strings.Repeat("elseif b then f() ", 499) + "end",
		"blocks":             strings.Repeat("if a .. b then x = a .. b elseif c then repeat f() until -a .. b else for i = -1, #t do end while -a do end do end end\n", 2_000),
		"ifs":                strings.Repeat("do if a then return end end\n", 5_000),
		"labels":             strings.Repeat("do goto a ::a:: end\n", 2_000),
	} {
		if _, err := Compile(source, "long.lua"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestManyLabelsAreRefused(t *testing.T) {
	_, err := Compile(strings.Repeat("goto a ", maxFileSize/7), "c.lua")
	wantError(t, err, "c.lua:1:70001: more than 10000 labels and goto statements in one file")
}
