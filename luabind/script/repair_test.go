package script

import (
	"fmt"
	"strings"
	"testing"
)

// The results are those of PUC Lua 5.1; gopher-lua 1.1.2 by itself gives others for most of these.
func TestAssignment(t *testing.T) {
	for _, test := range []struct{ source, want string }{
		{`local a, b = 1, 2 a, b = b, a return a, b`, "2 1"},
		{`local a, b, c = 1, 2, 3 a, b, c = c, a, b return a, b, c`, "3 1 2"},
		{`local function f(a) local b, c = 1, 2 a, b, c = c, a, b return a, b, c end return f(5)`, "2 5 1"},
		{`local i = 1 local j = i i, j = j + 1, i return i, j`, "2 1"},
		{`local a = {} local o = a a, a.x = {}, 1 return o.x, a.x`, "1 nil"},
		{`local a = {} local o = a a.x, a = 1, {} return o.x, a.x`, "1 nil"},
		{`local a = {} local o = a a, a.x = (function() return {}, 1 end)() return o.x, a.x`, "1 nil"},
		{`local a = {{}} local o = a a, a[1].x = {}, 1 return o[1].x, a[1]`, "1 nil"},
		{`local a, t = 1, {} t.x, a = a, 5 return t.x, a`, "1 5"},
		{`local a, t = 1, {} t[a], a = a, 5 return t[1], t[5], a`, "1 nil 5"},
		{`local a, t = 1, {} a, t[a] = 5, a return t[1], t[5], a`, "1 nil 5"},
		{`local a, b = 1, 2 local function f() a, b = b, a end f() return a, b`, "2 1"},
		{`local a, b = 1, 2 local function f() return a end a, b = 5, f() return a, b`, "5 1"},
		{`x, y = 1, 2 x, y = y, x return x, y`, "2 1"},
		{`x, y = 1, 2 local a = 3 x, y, a = a, x, y return x, y, a`, "3 1 2"},
		{`local function g(x) return x .. "!", 2 end local function f(a) a = (g(a)) return a end return f("q")`, "q!"},
		{`local function g(x) return x .. "!" end local function f(a) local b a, b = g(a), 1 return a, b end return f("q")`, "q! 1"},
		{`local function g(x) return x .. "!" end local function f(a) a = g(a), 1 return a end return f("q")`, "q!"},
		{`local function g(x) return x .. "!", 2 end local function f(a) local b = 9 a, b = (g(a)) return a, b end return f("q")`, "q! nil"},
		{`local function g(x) return x .. "!", 2 end local function f(a) local b a, b = g(a) return a, b end return f("q")`, "q! 2"},
		{`local function f(a) local b = 1 a, b = a .. "x", a .. "y" return a, b end return f("q")`, "qx qy"},
		{`local function f(a, ...) a = (...) return a end return f(1, 2, 3)`, "2"},
		{`local function f(a, ...) local b a, b = ... return a, b end return f(1, 2, 3)`, "2 3"},
		{`local a, b = 1 a, b = nil return a, b`, "nil nil"},
		{`local a, b = 1, 2 a, b = b return a, b`, "2 nil"},
		{`local a, b = 1, 2 for i = 1, 3 do a, b = b, a + b end return a, b`, "5 8"},
		{`local fs, a, b = {}, 1, 2 for i = 1, 2 do local x, y = i, 0 x, y = y, x fs[i] = function() return x + y end end return fs[1](), fs[2]()`, "1 2"},
		{`local v, t = 1, {} y, t.x = 5, v return y, t.x`, "5 1"},
		{`local v, t = 1, {} local u = 0 local function f() u, y, t.x = v .. v, 7, v end f() return u, y, t.x`, "11 7 1"},
		{`local v, t = 1, {} t.x, t[v], t[v] = 7 .. v return t.x, t[1]`, "71 nil"},
		{`local t = {} t.x = 1, 2 t.y = t.x, (t.x .. 2) return t.x, t.y`, "1 1"},
		{`local t = {} t.x, t.x = 1, 2 return t.x`, "1"},
		{`local t, n = {}, 0 local function f() n = n + 1 return n end t[f()], t[f()] = f(), f() return t[1], t[2]`, "3 4"},
		{`local a, b = 1, 2 do a, b = b, a goto done end ::done:: return a, b`, "2 1"},
	} {
		if got := runSource(t, test.source); got != test.want {
			t.Errorf("%s\ngot  %s\nwant %s", test.source, got, test.want)
		}
	}
}

func TestLists(t *testing.T) {
	const pair = `local function pair() return "y", "z" end `
	for _, n := range []int{0, 1, 49, 50, 51, 99, 100, 101, 150} {
		values := strings.Repeat("7, ", n)
		for _, test := range []struct{ last, want string }{
			{"pair()", fmt.Sprintf("%d y z nil", n+2)},
			{"(pair())", fmt.Sprintf("%d y nil nil", n+1)},
			{"k = 'x', pair()", fmt.Sprintf("%d y z x", n+2)},
			{"pair(), k = 'x'", fmt.Sprintf("%d y nil x", n+1)},
			{"'x' .. pair()", fmt.Sprintf("%d xy nil nil", n+1)},
			{"...", fmt.Sprintf("%d nil nil nil", n)},
		} {
			source := fmt.Sprintf("%slocal t = {%s%s} return #t, t[%d], t[%d], t.k", pair, values, test.last, n+1, n+2)
			if got := runSource(t, source); got != test.want {
				t.Errorf("%d values and %s: got %s, want %s", n, test.last, got, test.want)
			}
			first := fmt.Sprintf("%slocal t = {%s%s} return t[1], t[%d]", pair, values, test.last, n)
			if got := runSource(t, first); n > 1 && got != "7 7" {
				t.Errorf("%d values and %s: the first and the last are %s", n, test.last, got)
			}
		}
	}
}

func TestLongLists(t *testing.T) {
	list := func(n int) string { return "local t = {" + strings.Repeat("1,", n-1) + "9} return #t, t[1], t[#t]" }
	for _, n := range []int{20_000, maxEntries} {
		if got, want := runSource(t, list(n)), fmt.Sprint(n, 1, 9); got != want {
			t.Errorf("%d entries: got %s, want %s", n, got, want)
		}
	}
	_, err := Compile("local x\n"+list(maxEntries+1), "list.lua")
	wantError(t, err, "list.lua:2: a list of more than 25550 entries in one table constructor: divide it")
}

func TestDecimal(t *testing.T) {
	const source = "return 0010, 010, 007, 00, 000, 00.5, 0x10, 0x0010, 1e2, .5, 3."
	if got, want := runSource(t, source), "10 10 7 0 0 0.5 16 16 100 0.5 3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
