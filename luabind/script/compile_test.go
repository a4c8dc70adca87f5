package script

import (
	"fmt"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// wantError compares the text of an error. A want that ends in ... is the beginning.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	got := "no error"
	if err != nil {
		got = err.Error()
	}
	if begin, cut := strings.CutSuffix(want, "..."); got != want && !(cut && strings.HasPrefix(got, begin)) {
		t.Errorf("got error\n%s\nwant\n%s", got, want)
	}
}

func TestSyntaxErrors(t *testing.T) {
	for _, test := range []struct{ source, want string }{
		{"a = 1\n\n  b = = 2", "c.lua:3:7: syntax error near '='"},
		{"if a then\n  b end end", "c.lua:2:5: syntax error near 'end'"},
		{"if a then\n  b() end end", "c.lua:2:11: syntax error near 'end'"},
		{"x = 'a' 'b'", "c.lua:1:9: syntax error near 'b'"},
		{"if a then\n  if b then\n end\n", "c.lua:3: syntax error at the end of the file: is an 'end' missing for the 'if' in line 1?"},
		{"for i = 1, 2 do\nx()", "c.lua:2: syntax error at the end of the file: is an 'end' missing for the 'do' in line 1?"},
		{"function f()\n\n", "c.lua:1: syntax error at the end of the file: is an 'end' missing for the 'function' in line 1?"},
		{"repeat f()", "c.lua:1: syntax error at the end of the file: is an 'until' missing for the 'repeat' in line 1?"},
		{"x = (1 + 2", "c.lua:1: syntax error at the end of the file: is a ')' missing for the '(' in line 1?"},
		{"x = {1,\n2,", "c.lua:2: syntax error at the end of the file: is a '}' missing for the '{' in line 1?"},
		{"f({1}.x)", "c.lua:1:6: syntax error near '.'"},
		{"x =", "c.lua:1: syntax error at the end of the file"},
		{"x", "c.lua:1: syntax error at the end of the file"},
		{"x = 1\ny = \"abc\nz = 2", "c.lua:2:5: unterminated string"},
		{"x = 1 y = [[abc\n\n", "c.lua:1:11: unterminated long string"},
		{"x = [=a", "c.lua:1:5: a long string begins with [[ or [=["},
		{"x = 1\n--[[ abc", "c.lua:2:1: unterminated comment; if it is a comment of one line, put a space after --"},
		{"--[==== abc\n", "c.lua:1:1: unterminated comment; if it is a comment of one line, put a space after --"},
		{"\nx = é", "c.lua:2:5: unexpected character 'é'"},
		{"x = a != b", "c.lua:1:7: unexpected character '!'"},
		{"x = ~1", "c.lua:1:5: unexpected character '~'"},
		{"x = \x00", `c.lua:1:5: unexpected character '\x00'`},
		{"x = 0x", "c.lua:1:5: illegal hexadecimal number"},
		{"f(1e)", "c.lua:1:3: malformed or too large number near '1e)'"},
		{"x = 1e999", "c.lua:1:5: malformed or too large number near '1e999'"},
		{"x = 1e", "c.lua:1:5: malformed or too large number near '1e?'"},
		{"x = " + strings.Repeat("y", 40) + " z", "c.lua:1: syntax error at the end of the file"},
		{"x = 1 '" + strings.Repeat("z", 40) + "\\nz'", "c.lua:1:7: syntax error near '" + strings.Repeat("z", 30) + "...'"},
		{"x = 1 'z\\nz'", "c.lua:1:7: syntax error near 'z...'"},
		{"\ufeff#!/usr/bin/lua\nx = = 1", "c.lua:2:5: syntax error near '='"},
		{"f()\nbreak", "c.lua:2: break outside of a loop"},
		{"\n\ngoto out", "c.lua:3: goto out: there is no such label around it"},
		{"::a::\n::b::\n::a::", "c.lua:3: a second label a; the first is in line 1"},
		{"goto a\nlocal x\n::a:: x = 1", "c.lua:1: goto a jumps over the declaration of local x"},
		{"local function f()\n  return ...\nend", "c.lua:2: cannot use '...' outside a vararg function"},
		{"\nfunction f()\n" + strings.Repeat("local x ", 201) + "end", "c.lua:2: a function uses more than 200 local variables and values at once"},
	} {
		_, err := Compile(test.source, "c.lua")
		if err == nil || err.Error() != test.want {
			t.Errorf("%.100q\ngot  %v\nwant %s", test.source, err, test.want)
		}
	}
}

func TestCompileAcceptsMarkAndInterpreterLine(t *testing.T) {
	for _, source := range []string{"\ufeffreturn 1", "#!/usr/bin/env lua\nreturn 1", "\ufeff#!x\r\nreturn 1", ""} {
		if _, err := Compile(source, "c.lua"); err != nil {
			t.Errorf("%q: %v", source, err)
		}
	}
	if got, want := runSource(t, "#!x\nerror('here')"), "error: test.lua:2: here"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBytecodeThatWouldFailIsRefused(t *testing.T) {
	var upvalues strings.Builder
	for f := range 3 {
		for v := range 100 {
			fmt.Fprintf(&upvalues, "local v%d_%d = 1\n", f, v)
		}
		fmt.Fprintf(&upvalues, "local function f%d()\n", f)
	}
	upvalues.WriteString("return 0")
	for i := range 300 {
		fmt.Fprintf(&upvalues, "+v%d_%d", i/100, i%100)
	}
	upvalues.WriteString("\nend\nend\nend")
	body := strings.Repeat("n=n+1\n", 140_000)
	for _, test := range []struct{ name, source, want string }{
		{"upvalues", upvalues.String(), "c.lua:303: a function uses more than 255 local variables of the functions around it"},
		{"for", "local n = 0 for i = 1, 3 do " + body + "end", "c.lua: a function is too long..."},
		{"repeat", "local n = 0 repeat " + body + "until n > 0", "c.lua: a function is too long..."},
		{"while", "local n = 0 while n < 1 do " + body + "end", "c.lua: a loop or branch is too long"},
		{"straight", "local n = 0 " + body, "no error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := Compile(test.source, "c.lua")
			wantError(t, err, test.want)
		})
	}
}

func TestCompilerFaultIsAnError(t *testing.T) {
	tree := []ast.Stmt{&ast.AssignStmt{Lhs: []ast.Expr{&ast.NilExpr{}}, Rhs: []ast.Expr{&ast.NilExpr{}}}}
	_, problem := compileChunk(tree, "c.lua")
	if want := "c.lua: the Lua compiler failed: invalid left expression."; problem == nil || problem.String() != want {
		t.Errorf("got %v, want %s", problem, want)
	}
}

func TestSetsGlobals(t *testing.T) {
	for source, want := range map[string]bool{
		"x = 1":                              true,
		"local x = 1":                        false,
		"local t = {} t.x = 1 return t .. y": false,
		"function f() end":                   true,
		"local function f() end":             false,
		"local f = function() if a then y = 1 end end": true,
	} {
		proto, err := Compile(source, "c.lua")
		if err != nil {
			t.Fatal(err)
		}
		if got := setsGlobals(proto); got != want {
			t.Errorf("%s: got %v, want %v", source, got, want)
		}
	}
}

// fuzzSeeds are sources of every construct.
var fuzzSeeds = []string{
	"return a .. b .. f(...)", "local a, b = 1, 2 a, b = b, a .. b", "goto x do local y end ::x::",
	"for i = 1, 2 do local s = i .. '' end for k, v in pairs(t) do f(k .. v) end",
	"while a do repeat b() until c .. d == e break end if a then elseif b then else end",
	"function t.a.b:c(x, ...) self.x = x .. #x return -x ^ 2 .. not y end",
	"return {1, 2, x = 1 .. 2, ['y'] = function() return ... end, f()}", "--[==[ c ]==] x = [=[\n s]=] .. \"\\065\\n\"",
	"return 0x1F + 1e3 % .5 / 3. - - -1, a and b or c", "\ufeff#!x\nf'x' {y} (z):w()", "x = é", "((((((",
}

// Whatever gopher-lua compiles compiles here, limits apart.
func FuzzCompile(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) > 1<<14 {
			return
		}
		_, err := Compile(source, "fuzz.lua")
		if err == nil || isLimit(err) {
			return
		}
		if upstreamCompiles(luaText(source)) {
			t.Errorf("gopher-lua compiles it: %v", err)
		}
	})
}

func isLimit(err error) bool {
	for _, text := range []string{"nested too deep", "more than", "too large number", "too long"} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

func upstreamCompiles(source string) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	chunk, err := parse.Parse(strings.NewReader(source), "fuzz.lua")
	if err != nil {
		return false
	}
	_, err = lua.Compile(chunk, "fuzz.lua")
	return err == nil
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(policy)))
	for b.Loop() {
		if _, err := Compile(policy, "on_server_open_connection.lua"); err != nil {
			b.Fatal(err)
		}
	}
}

// policy is a method of ordinary size.
const policy = `
-- Nobody comes in at night, and nobody twice.
local user, connection = ...
local info = connection_info(connection)
local greeting = "user " .. user .. " from " .. info.peer .. " over " .. info.gate
if between_times("02:00", "04:00") then
	return 1, "closed: " .. greeting
end
local open = count_connections{user = user}
for i = 1, #limits do
	local limit = limits[i]
	if limit.gate == info.gate and open >= limit.connections then
		write_journal(greeting .. ": limit " .. limit.connections)
		return 2, "too many connections: " .. open .. " of " .. limit.connections
	end
end
local entry = {user = user, peer = info.peer, at = current_time(), ["gate"] = info.gate}
function entry:text() return self.user .. "@" .. self.peer .. " " .. self.at end
write_journal(entry:text())
return 0
`
