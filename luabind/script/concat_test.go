package script

import (
	"fmt"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// prelude gives the expressions values whose concatenation leaves a trace.
const prelude = `
	local trace = {}
	local function say(x) trace[#trace + 1] = tostring(x) return x end
	local function pair(x) return x, "second" end
	local function nothing() end
	local function dots(...) return ... end
	local meta = {}
	meta.__concat = function(a, b)
		local left = type(a) == "table" and a.name or a
		local right = type(b) == "table" and b.name or b
		return setmetatable({name = "(" .. left .. "+" .. right .. ")"}, meta)
	end
	meta.__tostring = function(o) return o.name end
	local o, p = setmetatable({name = "o"}, meta), setmetatable({name = "p"}, meta)
	local a, b, c, n = "a", "b", "c", 7
	local up = "u"
`

func TestConcatenationEqualsTheVM(t *testing.T) {
	for _, body := range []string{
		`return a .. b`,
		`return a .. b .. c`,
		`return (a .. b) .. c`,
		`return a .. (b .. c)`,
		`return ((a .. b) .. (c .. n)) .. a`,
		`return a .. n .. 1.5 .. 2^53 .. -0`,
		`return n .. n, 1 .. 2`,
		`return a .. pair("x")`,
		`return pair("x") .. pair("y")`,
		`return a .. (pair("x"))`,
		`return a .. ("x"):rep(3)`,
		`return ("x"):rep(3) .. a`,
		`return ("x" .. "y"):upper() .. a`,
		`return tostring(a .. o .. b)`,
		`return tostring(a .. b .. o)`,
		`return tostring(o .. p .. a .. b)`,
		`return tostring((a .. o) .. (p .. b))`,
		`return tostring("x" .. "y" .. o)`,
		`return tostring(o .. "x" .. "y")`,
		`return tostring("x" .. o .. "y" .. "z")`,
		`return (function(...) return a .. ... end)("x", "y")`,
		`return (function(...) return ... .. a end)("x", "y")`,
		`return (function(...) return a .. (...), ... end)("x", "y")`,
		`return say(1) .. say(2) .. say(3), table.concat(trace, ",")`,
		`return a .. tostring(nil) .. tostring(true)`,
		`local s = a .. b return s`,
		`local s, r = a .. b return s, r`,
		`local s, r = a .. b, c .. a, say(9) return s, r, trace[1]`,
		`a = a .. b return a`,
		`a = a .. a a = a .. a return a`,
		`for i = 1, 3 do a = a .. i end return a`,
		`for i = 1 .. 0, "1" .. 2 do n = n .. i end return n`,
		`x = a .. b return x`,
		`x, y = a .. b return x, y`,
		`local t = {} t.x = a .. b t[a .. b] = c .. b return t.x, t.ab`,
		`local t = {a .. b, c .. b} return #t, t[1], t[2]`,
		`local t = {a .. b, x = c .. b, [a .. c] = n .. n} return t[1], t.x, t.ac`,
		`return dots(a .. b)`,
		`return dots(a .. b, b .. c)`,
		`return dots(a .. b, pair(b .. c))`,
		`return select("#", a .. b)`,
		`return a .. b, b .. c`,
		`return pair(a .. b) .. c`,
		`if a .. b == "ab" then return c .. c end`,
		`if not (a .. b) then return 1 else return 2 end`,
		`while a .. b ~= "ab" do break end return #(a .. b)`,
		`repeat local s = a .. b until s .. c == "abc" return 1`,
		`return a .. b and c .. n or n`,
		`return nil and a .. b`,
		`return nil or a .. b`,
		`local s = n > 5 and a .. b or c .. a return s`,
		`return a .. b < b .. a, a .. b == "ab", #(a .. b) + 1`,
		`return -("1" .. "2"), ("1" .. "2") + 1, 2 ^ ("1" .. 0)`,
		`return (function() return up .. a end)()`,
		`local function f() up = up .. a end f() f() return up`,
		`local function f(s) s = s .. "!" return s end return f("x")`,
		`local function f(s) s = s .. s .. nothing(s) end return pcall(f, "x")`,
		`local function f(q, s) s = s .. q return s end return f("x", "y")`,
		`local f = function(s, ...) s = s .. select("#", ...) return s end return f("x", 1, 2)`,
		`local t = {s = "x"} function t:add(s) self.s = self.s .. s return self end return t:add("y"):add("z").s`,
		`return "x" .. "y"`,
		`return "x" .. "y" .. "z" .. a .. "1" .. "2"`,
		`return "x\0" .. "y\n" .. 1`,
		`return a .. "\255"`,
		`return pcall(function() return a .. nil end)`,
		`return pcall(function() return {} .. a end)`,
		`return pcall(function() return a .. b .. nil .. c end)`,
		`return pcall(function() return a .. nothing() end)`,
		`local t = setmetatable({}, {__index = function(_, k) return k .. k end}) return t.x .. t.y`,
		`return a .. (function() return b .. c end)() .. c`,
		`return tostring(o .. nil == nil)`,
	} {
		source := prelude + body
		if got, want := runSource(t, source), runUpstream(t, source); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", body, got, want)
		}
	}
}

func TestErrorsHaveTheLineOfTheConcatenation(t *testing.T) {
	const message = "cannot perform concat operation between nil and string"
	for _, test := range []struct {
		source string
		line   int
	}{
		{"local x\nreturn x .. \"s\"", 2},
		{"local x\nreturn 1, x .. \"s\"", 2},
		{"local x\n\nlocal s = x .. \"s\"\nreturn s", 3},
		{"local x\nlocal function f()\n  return x .. \"s\"\nend\nf()", 3},
		{"local x\nlocal t = {\n  1,\n  x .. \"s\",\n}", 4},
		{"local x, y\ny = \"a\"\ny =\n  x .. \"s\"", 4},
		{"local x, y\ny, x = 1,\n x .. \"s\"", 3},
		{"local x\nif x .. \"s\" then\nend", 2},
		{"local x\nprint(\n  1,\n  x .. \"s\")", 4},
	} {
		got, want := runSource(t, test.source), fmt.Sprintf("error: test.lua:%d: %s", test.line, message)
		if got != want {
			t.Errorf("%q: got %s, want %s", test.source, got, want)
		}
	}
}

func TestConcatenationIsOneCall(t *testing.T) {
	for _, test := range []struct {
		source string
		calls  string // the number of operands of each call
	}{
		{`return a .. b .. c .. a`, "4"},
		{`return a .. (b .. c)`, "3"},
		{`return (a .. b) .. c`, "2 2"},
		{`return "x" .. "y" .. "z"`, ""},
		{`return a .. "x" .. "y"`, "2"},
		{`return "x" .. "y" .. a`, "3"},
		{`return a .. "x" .. b .. "y"`, "4"},
		{`return a` + strings.Repeat(" .. a", 99), "100"},
		{`return a` + strings.Repeat(" .. a", 149), "100 51"},
	} {
		l := lua.NewState()
		var calls []string
		l.SetGlobal("a", lua.LString("v"))
		l.SetGlobal("b", lua.LString("v"))
		l.SetGlobal("c", lua.LString("v"))
		l.SetGlobal(ConcatOperator, l.NewFunction(func(l *lua.LState) int {
			calls = append(calls, fmt.Sprint(l.GetTop()))
			return operator(l)
		}))
		proto, err := Compile(test.source, "test.lua")
		if err != nil {
			t.Errorf("%s: %v", test.source, err)
			continue
		}
		call(l, l.NewFunctionFromProto(proto))
		if got := strings.Join(calls, " "); got != test.calls {
			t.Errorf("%s: calls of %q operands, want %q", test.source, got, test.calls)
		}
		l.Close()
	}
}

func TestLongConcatenation(t *testing.T) {
	for _, n := range []int{2, 99, 100, 101, 150, 190} {
		source := `local a, o = "a", setmetatable({}, {__concat = function(x, y)
			return (type(x) == "table" and "o" or x) .. (type(y) == "table" and "o" or y) .. "." end})
			return a` + strings.Repeat(" .. a", n-2) + " .. o"
		if got, want := runSource(t, source), runUpstream(t, source); got != want {
			t.Errorf("%d operands: got %s, want %s", n, got, want)
		}
	}
}
