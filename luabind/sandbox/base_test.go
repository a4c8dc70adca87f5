package sandbox

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// baseCases are what the reference implementation of Lua 5.1 shows for the global functions.
var baseCases = []libraryCase{
	{`assert(1, 2, 3)`, `1 2 3`},
	{`assert(true)`, `true`},
	{`assert(false)`, `error: assertion failed!`},
	{`assert(nil)`, `error: assertion failed!`},
	{`assert(false, "message")`, `error: message`},
	{`assert(nil, "100%d")`, `error: 100%d`},
	{`assert(false, 12)`, `error: 12`},
	{`assert()`, `error: bad argument #1 to assert (value expected)`},
	{`select("#", assert(1, nil, nil))`, `3`},
	{`pcall(error, "x", 0)`, `false "x"`},
	{`pcall(error)`, `false nil`},
	{`error("x")`, `error: x`},
	{`error("x", 0)`, `error: x`},
	{`error("100%d %s")`, `error: 100%d %s`},
	{`error(nil)`, `error: nil`},
	{`(function() local ok, e = pcall(error, {code=7}) return ok, e.code end)()`, `false 7`},
	{`pcall(error, true)`, `false true`},
	{`select("#", 1, 2, 3)`, `3`},
	{`select("#")`, `0`},
	{`select("#", nil, nil)`, `2`},
	{`select(1, "a", "b", "c")`, `"a" "b" "c"`},
	{`select(2, "a", "b", "c")`, `"b" "c"`},
	{`select(4, "a", "b", "c")`, ``},
	{`select(100, "a", "b", "c")`, ``},
	{`select(-1, "a", "b", "c")`, `"c"`},
	{`select(-3, "a", "b", "c")`, `"a" "b" "c"`},
	{`select(-4, "a", "b", "c")`, `error: bad argument #1 to select (index out of range)`},
	{`select(0, "a")`, `error: bad argument #1 to select (index out of range)`},
	{`select("2", "a", "b")`, `"b"`},
	{`select("x", "a")`, `error: bad argument #1 to select (number expected, got string)`},
	{`select()`, `error: bad argument #1 to select (number expected, got nil)`},
	{`select({})`, `error: bad argument #1 to select (number expected, got table)`},
	{`rawequal(1, 1), rawequal("a", "a"), rawequal({}, {}), rawequal(1, "1")`, `true true false false`},
	{`(function() local m = {__eq=function() return true end} local a, b = setmetatable({}, m), setmetatable({}, m) return a == b, rawequal(a, b) end)()`, `true false`},
	{`rawget({5}, 1), rawget({x=1}, "x"), rawget({}, "y")`, `5 1 nil`},
	{`rawget(setmetatable({}, {__index=function() return 1 end}), "x")`, `nil`},
	{`(function() local t = setmetatable({}, {__newindex=function() error("no") end}) return rawset(t, "x", 1) == t, t.x end)()`, `true 1`},
	{`rawset({}, nil, 1)`, `error: table index is nil`},
	{`rawset({}, 0/0, 1)`, `error: table index is NaN`},
	{`rawget("x", 1)`, `error: bad argument #1 to rawget (table expected, got string)`},
	{`rawset({}, 1)`, `error: bad argument #3 to rawset (value expected)`},
	{`rawequal(1)`, `error: bad argument #2 to rawequal (value expected)`},
	{`getmetatable({})`, `nil`},
	{`getmetatable(setmetatable({}, {__metatable="locked"}))`, `"locked"`},
	{`getmetatable(setmetatable({}, {__metatable=false}))`, `false`},
	{`getmetatable(12)`, `nil`},
	{`getmetatable()`, `error: bad argument #1 to getmetatable (value expected)`},
	{`(function() local t, m = {}, {} return setmetatable(t, m) == t, getmetatable(t) == m, getmetatable(setmetatable(t, nil)) end)()`, `true true nil`},
	{`setmetatable(setmetatable({}, {__metatable="locked"}), {})`, `error: cannot change a protected metatable`},
	{`setmetatable({})`, `error: bad argument #2 to setmetatable (nil or table expected)`},
	{`setmetatable({}, 1)`, `error: bad argument #2 to setmetatable (nil or table expected)`},
	{`setmetatable("x", {})`, `error: bad argument #1 to setmetatable (table expected, got string)`},
	{`setmetatable(1, {})`, `error: bad argument #1 to setmetatable (table expected, got number)`},
	{`setmetatable(nil, {})`, `error: bad argument #1 to setmetatable (table expected, got nil)`},
	{`setmetatable()`, `error: bad argument #1 to setmetatable (table expected, got nil)`},
	{`tonumber("10"), tonumber("  10  "), tonumber("-10"), tonumber("+10")`, `10 10 -10 10`},
	{`tonumber("1e3"), tonumber("1E3"), tonumber("1e+3"), tonumber("1e-3"), tonumber("1.5e2")`, `1000 1000 1000 0.001 150`},
	{`tonumber("1e"), tonumber("1e+"), tonumber("e1"), tonumber(""), tonumber(" "), tonumber(".")`, `nil nil nil nil nil nil`},
	{`tonumber(".5"), tonumber("5."), tonumber("0.5"), tonumber("00012")`, `0.5 5 0.5 12`},
	{`tonumber("0x10"), tonumber("0XfF"), tonumber("-0x10"), tonumber(" 0x1 ")`, `16 255 -16 1`},
	{`tonumber("0x"), tonumber("0xg"), tonumber("x10"), tonumber("0x1g")`, `nil nil nil nil`},
	{`tonumber("1_000"), tonumber("0b11"), tonumber("0o17"), tonumber("1 2"), tonumber("1,5"), tonumber("--1"), tonumber("- 1"), tonumber("+-1")`, `nil nil nil nil nil nil nil nil`},
	{`tonumber("10", 2), tonumber("ff", 16), tonumber("FF", 16), tonumber("0xff", 16), tonumber("zz", 36), tonumber("777", 8)`, `2 255 255 255 1295 511`},
	{`tonumber("12", 2), tonumber("8", 8), tonumber("", 16), tonumber("0x", 16), tonumber("g", 16), tonumber("1.5", 16)`, `nil nil nil nil nil nil`},
	{`tonumber(" 11 ", 2), tonumber("+11", 2)`, `3 3`},
	{`tonumber("1e1", 10), tonumber("1.5", 10), tonumber(15, 10)`, `10 1.5 15`},
	{`tonumber(10, 16)`, `16`},
	{`tonumber("10", 1)`, `error: bad argument #2 to tonumber (base out of range)`},
	{`tonumber("10", 37)`, `error: bad argument #2 to tonumber (base out of range)`},
	{`tonumber({})`, `nil`},
	{`tonumber(nil), tonumber(true), tonumber({}), tonumber(print)`, `nil nil nil nil`},
	{`tonumber({}, 16)`, `error: bad argument #1 to tonumber (string expected, got table)`},
	{`tonumber()`, `error: bad argument #1 to tonumber (value expected)`},
	{`tonumber("1e999"), tonumber("-1e999")`, `inf -inf`},
	{`tonumber("\t\n\v\f\r 7 \t\n\v\f\r")`, `7`},
	{`tonumber("9007199254740993"), tonumber("0xffffffffffffffff")`, `9.007199254741e+15 1.844674407371e+19`},
	{`tostring(nil), tostring(true), tostring(12), tostring("x"), tostring(1.5), tostring(-7)`, `"nil" "true" "12" "x" "1.5" "-7"`},
	{`tostring(setmetatable({}, {__tostring=function() return "mine" end}))`, `"mine"`},
	{`tostring()`, `error: bad argument #1 to tostring (value expected)`},
	{`type(nil), type(1), type("x"), type({}), type(print), type(true), type(coroutine and nil)`, `"nil" "number" "string" "table" "function" "boolean" "nil"`},
	{`type()`, `error: bad argument #1 to type (value expected)`},
	{`next({})`, `nil`},
	{`next({5})`, `1 5`},
	{`next({5}, 1)`, `nil`},
	{`next({x=1})`, `"x" 1`},
	{`next({x=1}, "x")`, `nil`},
	{`next(nil)`, `error: bad argument #1 to next (table expected, got nil)`},
	{`(function() local n = 0 for k, v in pairs({1, 2, 3, x=4, y=5}) do n = n + v end return n end)()`, `15`},
	{`(function() local t = {} for i, v in ipairs({1, 2, nil, 4}) do t[#t+1] = v end return unpack(t) end)()`, `1 2`},
	{`(function() local t = {a=1, b=2, c=3} for k in pairs(t) do t[k] = nil end return next(t) end)()`, `nil`},
	{`(function() local t = {1, 2, 3, x=4} for k in pairs(t) do t[k] = nil end return next(t) end)()`, `nil`},
	{`(function() local n, t = 0, {1, 2, 3, x=4, y=5} for k in pairs(t) do n = n + 1 if n == 2 then table.remove(t) table.remove(t) end end return n end)()`, `4`},
	{`ipairs(nil)`, `error: bad argument #1 to ipairs (table expected, got nil)`},
	{`pairs(nil)`, `error: bad argument #1 to pairs (table expected, got nil)`},
	{`ipairs()`, `error: bad argument #1 to ipairs (table expected, got nil)`},
	{`collectgarbage("setpause", 100) >= 0`, `true`},
	{`collectgarbage("count") >= 0`, `true`},
	{`collectgarbage("bad")`, `error: bad argument #1 to collectgarbage (invalid option 'bad')`},
	{`collectgarbage({})`, `error: bad argument #1 to collectgarbage (string expected, got table)`},
}

func TestBase(t *testing.T) { testCases(t, baseCases) }

func TestBaseBeyondReference(t *testing.T) {
	testCases(t, []libraryCase{
		{`(function() local e = {} local ok, got = pcall(assert, false, e) return ok, got == e end)()`, `false true`},
		{`pcall(assert, nil, true)`, `false true`},
		{`select(2, pcall(error, 42)) + 1`, `43`},
		{`tonumber("inf"), tonumber("nan"), tonumber("-inf"), tonumber("Infinity"), tonumber("0x1p4"), tonumber("0x.8")`, `nil nil nil nil nil nil`},
		{`tonumber("10\0")`, `nil`},
		{`tonumber("-ff", 16)`, `-255`},
		{`tonumber(("9"):rep(2000))`, `nil`},
		{`tostring(setmetatable({}, {__tostring=function() return {} end}))`, `error: '__tostring' must return a string`},
		{`getmetatable("").__index == string`, `true`},
		{`collectgarbage(), collectgarbage("collect"), collectgarbage("step", 100), collectgarbage("stop"), collectgarbage("restart")`, `0 0 0 0 0`},
		{`collectgarbage("setpause", 0), collectgarbage("setstepmul", 0)`, `0 0`},
		{`collectgarbage("count") > 10`, `true`},
	})
}

// Level 1 is the line that calls error, level 2 the line that called that function.
func TestErrorLevels(t *testing.T) {
	L := newLibraryState(t)
	for code, want := range map[string]string{
		"error('x')": "chunk:1: x",
		"local function f()\nerror('x', 1)\nend\nf()":                                 "chunk:2: x",
		"local function f()\nerror('x', 2)\nend\nf()":                                 "chunk:4: x",
		"local function f()\nerror('x', 3)\nend\nlocal function g()\nf()\nend\n\ng()": "chunk:8: x",
		"local function f()\nerror('x', 9)\nend\nf()":                                 "x",
		"\nstring.rep()":                                     "chunk:2: bad argument #1 to rep (string expected, got nil)",
		"\n\nassert(false, 'why')":                           "chunk:3: why",
		"\n\nassert(nil)":                                    "chunk:3: assertion failed!",
		"\n\nreturn pcall, setmetatable(1)":                  "chunk:3: bad argument #1 to setmetatable (table expected, got number)",
		"\n\n\nstring.find(('a'):rep(300), ('a?'):rep(300))": "chunk:4: pattern too complex",
	} {
		err := L.DoString(code)
		if err == nil {
			t.Errorf("%q: no error", code)
			continue
		}
		got := strings.ReplaceAll(err.(*lua.ApiError).Object.String(), "<string>", "chunk")
		if got != want {
			t.Errorf("%q:\n\t got %s\n\twant %s", code, got, want)
		}
	}
}

func TestReadOnly(t *testing.T) {
	L := newLibraryState(t)
	real := L.NewTable()
	real.RawSetString("x", lua.LNumber(1))
	real.RawSetInt(1, lua.LString("first"))
	real.RawSetInt(2, lua.LString("second"))
	L.SetGlobal("p", readOnly(L, "lib", real))
	for _, c := range []libraryCase{
		{`return p.x, p[1], p.y`, `1 "first" nil`},
		{`p.x = 2`, `error: lib is read-only`},
		{`p.new = 2`, `error: lib is read-only`},
		{`rawset(p, "x", 2)`, `error: lib is read-only`},
		{`table.insert(p, 1)`, `error: lib is read-only`},
		{`table.insert(p, 1, 1)`, `error: lib is read-only`},
		{`table.remove(p)`, `error: lib is read-only`},
		{`table.sort(p)`, `error: lib is read-only`},
		{`setmetatable(p, nil)`, `error: cannot change a protected metatable`},
		{`return getmetatable(p)`, `"read-only"`},
		{`return rawget(p, "x")`, `1`},
		{`local n = 0 for k, v in pairs(p) do n = n + 1 end return n`, `3`},
		{`local t = {} for i, v in ipairs(p) do t[i] = v end return unpack(t)`, `"first" "second"`},
		{`local f, t, k = pairs(p) return t == p, k`, `true nil`},
		{`return next(p), next(p, "x")`, `1 nil`},
		{`return table.concat(p, "-"), table.getn(p), table.maxn(p), unpack(p)`, `"first-second" 2 2 "first" "second"`},
		{`return (pcall(rawset, setmetatable({}, {__readonly = {}}), "x", 1))`, `true`},
	} {
		if got := evaluate(t, L, c.code); got != c.want {
			t.Errorf("%s\n\t got %s\n\twant %s", c.code, got, c.want)
		}
	}
	if got := real.RawGetString("x"); got != lua.LNumber(1) {
		t.Errorf("the table behind has x = %v, want 1", got)
	}
}

func TestUnavailable(t *testing.T) {
	L := newLibraryState(t)
	L.SetGlobal("gone", L.NewFunction(unavailable("os.exit", unavailableFunctions["os.exit"])))
	if got, want := evaluate(t, L, `gone()`), "error: os.exit is not available in scripts: quit_4d() ends the host"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for name, why := range unavailableFunctions {
		if why == "" {
			t.Errorf("%s: no reason", name)
		}
		if baseFunctions[name] != nil {
			t.Errorf("%s is available", name)
		}
	}
}
