package lane_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/luabind/lane"
)

// snippet is the code of a method and what it returns, as text.
type snippet struct{ code, want string }

func testSnippets(t *testing.T, snippets []snippet) {
	t.Helper()
	for _, s := range snippets {
		if got := evaluate(t, s.code); got != s.want {
			t.Errorf("%s\n\t got %.300s\n\twant %s", s.code, got, s.want)
		}
	}
}

func TestPcall(t *testing.T) {
	testSnippets(t, []snippet{
		{`return pcall(function() return 1, nil, 3 end)`, `true 1 <nil> 3`},
		{`return select("#", pcall(function() return nil, nil end))`, `3`},
		{`return pcall(function(...) return select("#", ...), ... end, 1, nil, nil)`, `true 3 1 <nil> <nil>`},
		{`return pcall(function() end)`, `true`},
		{`return pcall(error, "x")`, `false x`},
		{`return pcall(error, "x", 0)`, `false x`},
		{`return pcall(error)`, `false <nil>`},
		{`return pcall(function() error("x") end)`, `false main.lua:1: x`},
		{`return pcall(function() error("x", 0) end)`, `false x`},
		{`return pcall(function() error("x", 2) end)`, `false x`},
		{"local function f() error('x', 2) end\nreturn pcall(function() f() end)", `false main.lua:2: x`},
		{`return pcall(pcall, error, "x")`, `true false x`},
		{`local ok, e = pcall(pcall) return ok, e:match("value expected")`, `false value expected`},
		{`local ok, e = pcall(nil) return ok, e:match("attempt to call")`, `false attempt to call`},
		{`local ok, e = pcall(12) return ok, e:match("attempt to call")`, `false attempt to call`},
		{`return pcall(setmetatable({}, {__call = function(self, a) return a end}), 7)`, `true 7`},
		{`local e = {} local ok, r = pcall(error, e) return ok, r == e`, `false true`},
		{`local e = {} local ok, r = pcall(function() local ok, r = pcall(error, e) error(r) end) return ok, r == e`, `false true`},
		{`local e = {code = 7} local ok, r = pcall(function() error(e, 2) end) return r.code`, `7`},
		{`return pcall(error, 7), select(2, pcall(error, 7)) + 1`, `false 8`},
		{`return pcall(error, true)`, `false true`},
		{`local e = function() return "called" end local ok, r = pcall(error, e) return r()`, `called`},
		{`local e = setmetatable({}, {__tostring = function() return "mine" end}) local ok, r = pcall(error, e) return tostring(r)`, `mine`},
		{`local ok, r = pcall(function() local ok, r = pcall(function() error("inner") end) error("outer after " .. r) end) return r`,
			`main.lua:1: outer after main.lua:1: inner`},
		{`local n = 0 for i = 1, 1000 do if not pcall(error) then n = n + 1 end end return n`, `1000`},
		{`local t = {} for i = 1, 3 do local ok, e = pcall(function() t[i] = i error(i) end) t[e] = t[e] * 10 end return t[1], t[2], t[3]`, `10 20 30`},
		{`local ok, e = pcall(string.rep) return ok, e:match("string expected, got nil")`, `false string expected, got nil`},
		{`return pcall(function() local x = nil return x.y end)`, `false main.lua:1: attempt to index a non-table object(nil) with key 'y'`},
		{`return pcall(function() return 1 + {} end)`, `false main.lua:1: cannot perform add operation between number and table`},
		{`return pcall(function() return 1 < "x" end)`, `false main.lua:1: attempt to compare number with string`},
		{`return pcall(function() return "x" .. {} end)`, `false main.lua:1: cannot perform concat operation between string and table`},
		{`return pcall(function() undefined_function() end)`, `false main.lua:1: attempt to call a non-function object`},
	})
}

// A closure and the function around it have one variable, also after an error was caught; the interpreter's own pcall
// makes two of it.
func TestClosuresShareALocalAfterACaughtError(t *testing.T) {
	testSnippets(t, []snippet{
		{`local n = 0 local function inc() n = n + 1 end pcall(function() inc() error("x") end) inc() n = n + 10 inc() return n`, `13`},
		{`local n = 0 local function inc() n = n + 1 return n end pcall(error) inc() n = n + 1 return inc(), n`, `3 3`},
		{`local n = 0 local function inc() n = n + 1 end xpcall(function() inc() error("x") end, function() inc() end) inc() n = n + 10 inc() return n`, `14`},
		{`local n = 0 local function inc() n = n + 1 end coroutine.resume(coroutine.create(function() inc() error("x") end)) inc() n = n + 10 inc() return n`, `13`},
		{`local n = 0 local function inc() n = n + 1 end pcall(coroutine.wrap(function() inc() error("x") end)) inc() n = n + 10 inc() return n`, `13`},
		{`local function f() local n = 0 local function get() return n end pcall(error) n = 5 return get() end return f()`, `5`},
		{`local function counter() local n = 0 return function() n = n + 1 if n % 2 == 0 then error("even") end return n end end
local c = counter() c() pcall(c) c() pcall(c) return c()`, `5`},
		{`local fs = {} for i = 1, 3 do fs[i] = function() i = i + 1 return i end pcall(error) end return fs[1](), fs[1](), fs[2](), fs[3]()`, `2 3 3 4`},
		{`local a = 1 local function outer() local b = 2 local function inner() a, b = a + 1, b + 1 error("x") end pcall(inner) pcall(inner) return a, b end return outer()`, `3 4`},
		{`local n = 0 local function inc() n = n + 1 end for i = 1, 3 do pcall(function() pcall(function() inc() error() end) inc() error() end) end return n`, `6`},
		{`local log = {} local function note(x) log[#log + 1] = x end local v = "a" local function set(x) v = x end
pcall(function() set("b") note(v) error() end) note(v) set("c") note(v) v = "d" pcall(function() note(v) end) return table.concat(log)`, `bbcd`},
	})
}

func TestXpcall(t *testing.T) {
	testSnippets(t, []snippet{
		{`return xpcall(function() return 1, 2 end, error)`, `true 1 2`},
		{`return xpcall(function() error("x") end, function(m) return "handled " .. m end)`, `false handled main.lua:1: x`},
		{`return xpcall(function() error({code = 7}) end, function(e) return e.code end)`, `false 7`},
		{`return select("#", xpcall(error, function() return 1, 2, 3 end))`, `2`},
		{`return xpcall(error, function() end)`, `false <nil>`},
		{`return (xpcall(function() error("x") end, function() error("y") end))`, `false`},
		{"local function deep() error('x') end\nreturn select(2, xpcall(function()\ndeep() end, function(m) return debug.traceback(m) end)):match('main.lua:1: x.*main.lua:1.*main.lua:3') ~= nil", `true`},
		{`local seen xpcall(function() local hidden = 1 error("x") end, function(m) seen = m end) return seen`, `main.lua:1: x`},
		{`return pcall(function() xpcall() end)`, `false main.lua:1: bad argument #1 to xpcall (value expected)`},
		{`return pcall(function() xpcall(error) end)`, `false main.lua:1: bad argument #2 to xpcall (function expected, got nil)`},
		{`return pcall(function() xpcall(error, {}) end)`, `false main.lua:1: bad argument #2 to xpcall (function expected, got table)`},
		{`return xpcall(function() local ok, e = pcall(error, "inner") return ok, e end, function() return "not called" end)`, `true false inner`},
		{`return xpcall(function() return xpcall(function() error("a", 0) end, function(m) return m .. "b" end) end, error)`, `true false ab`},
		{`return xpcall(function() xpcall(error, function() end) error("c", 0) end, function(m) return m .. "d" end)`, `false cd`},
		{`return xpcall(function() error("x", 0) end, function(m) local ok, e = pcall(error, "y") return m .. e end)`, `false xy`},
	})
}

func TestCoroutines(t *testing.T) {
	testSnippets(t, []snippet{
		{`local c = coroutine.create(function(a, b) local x = coroutine.yield(a + b) local y, z = coroutine.yield(x * 2) return y + z end)
local _, r1 = coroutine.resume(c, 1, 2) local _, r2 = coroutine.resume(c, 10) local _, r3 = coroutine.resume(c, 3, 4) return r1, r2, r3, coroutine.status(c)`, `3 20 7 dead`},
		{`local c = coroutine.create(function() coroutine.yield() end) local s = {coroutine.status(c)} coroutine.resume(c) s[2] = coroutine.status(c) coroutine.resume(c) s[3] = coroutine.status(c) return unpack(s)`, `suspended suspended dead`},
		{`local c c = coroutine.create(function() return coroutine.status(c), coroutine.running() == c end) return select(2, coroutine.resume(c))`, `running true`},
		{`local outer, inner outer = coroutine.create(function() inner = coroutine.create(function() return coroutine.status(outer), coroutine.status(inner) end) return select(2, coroutine.resume(inner)) end) return select(2, coroutine.resume(outer))`, `normal running`},
		{`return coroutine.running()`, `<nil>`},
		{`return select("#", coroutine.resume(coroutine.create(function() return nil, nil end)))`, `3`},
		{`local c = coroutine.create(function() return select("#", coroutine.yield()) end) coroutine.resume(c) return coroutine.resume(c, nil, nil, nil)`, `true 3`},
		{`local c = coroutine.create(function() local a, b, c = coroutine.yield() return a, b, c end) coroutine.resume(c) return coroutine.resume(c, 1)`, `true 1 <nil> <nil>`},
		{`local c = coroutine.create(function() return (coroutine.yield()) end) coroutine.resume(c) return coroutine.resume(c)`, `true <nil>`},
		{`local t = {} for v in coroutine.wrap(function() for i = 1, 5 do coroutine.yield(i) end end) do t[#t + 1] = v end return unpack(t)`, `1 2 3 4 5`},
		{`local c = coroutine.wrap(function(...) local n = select("#", ...) while true do n = n + select("#", coroutine.yield(n)) end end) return c(1, 2), c(), c(nil), c(1, 1, 1)`, `2 2 3 6`},
		{`return coroutine.resume(coroutine.create(error), "x", 0)`, `false x`},
		{`return coroutine.resume(coroutine.create(function() error("x") end))`, `false main.lua:1: x`},
		{`local e = {} local ok, r = coroutine.resume(coroutine.create(function() error(e) end)) return ok, r == e`, `false true`},
		{`local e = {} local ok, r = pcall(coroutine.wrap(function() error(e) end)) return ok, r == e`, `false true`},
		{`local c = coroutine.create(function() error("x") end) coroutine.resume(c) return coroutine.status(c), (coroutine.resume(c))`, `dead false`},
		{`local c = coroutine.wrap(function() end) c() return (pcall(c))`, `false`},
		{`local c c = coroutine.wrap(function() return pcall(c) end) return (c())`, `false`},
		{`local c c = coroutine.create(function() return coroutine.resume(c) end) return select(2, coroutine.resume(c))`, `false can not resume a running thread`},
		{`return pcall(coroutine.yield)`, `false attempt to yield outside of a coroutine`},
		{`return (pcall(coroutine.create))`, `false`},
		{`return (pcall(coroutine.create, 1))`, `false`},
		{`return (pcall(coroutine.resume, 1))`, `false`},
		{`return (pcall(coroutine.status, nil))`, `false`},
		{`return type(coroutine.create(function() end)), type(coroutine.wrap(function() end))`, `thread function`},
		{`local a, b = coroutine.create(function() end), coroutine.create(function() end) return a == a, a == b`, `true false`},
		{`local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end
local sum = 0 for a in gen(10) do for b in gen(a) do sum = sum + b end end return sum`, `220`},
		{`local n = 0 local c = coroutine.wrap(function() local function f(d) if d == 0 then coroutine.yield(n) else f(d - 1) n = n + 1 end end f(100) return n end) return c(), c()`, `0 100`},
		{`local c = coroutine.create(function() return 1 end) local ok, v = coroutine.resume(c) local again, message = coroutine.resume(c) return ok, v, again, message`, `true 1 false can not resume a dead thread`},
		{`x = 1 coroutine.wrap(function() x = x + 1 y = "set" end)() return x, y`, `2 set`},
		{`local c = coroutine.wrap(function() wait(0) coroutine.yield("a") wait(0) return "b" end) return c(), c()`, `a b`},
	})
}

// A yield may stand anywhere: below pcall, a metamethod, a comparison or a loop's own function.
func TestYieldsAnywhere(t *testing.T) {
	testSnippets(t, []snippet{
		{`local c = coroutine.wrap(function() return pcall(function() return coroutine.yield(1) end) end) return c(), c(2)`, `1 true 2`},
		{`local c = coroutine.wrap(function() return pcall(function() coroutine.yield(1) error("x", 0) end) end) return c(), c()`, `1 false x`},
		{`local c = coroutine.wrap(function() return xpcall(function() coroutine.yield(1) error("x", 0) end, function(m) return m .. coroutine.yield(2) end) end) return c(), c(), c("y")`, `1 2 false xy`},
		{`local c = coroutine.wrap(function() local t = {3, 1, 2} table.sort(t, function(a, b) coroutine.yield("compare") return a < b end) return unpack(t) end)
local r repeat r = {c()} until r[1] ~= "compare" return unpack(r)`, `1 2 3`},
		{`local c = coroutine.wrap(function() return (("abc"):gsub(".", function(l) return coroutine.yield(l) end)) end) return c(), c("1"), c("2"), c("3")`, `a b c 123`},
		{`local c = coroutine.wrap(function() return setmetatable({}, {__index = function(_, k) return coroutine.yield(k) end}).name end) return c(), c("value")`, `name value`},
		{`local c = coroutine.wrap(function() return setmetatable({}, {__add = function(_, n) return coroutine.yield(n) end}) + 5 end) return c(), c("sum")`, `5 sum`},
		{`local c = coroutine.wrap(function() local t = {} for k in function() return coroutine.yield("next") end do t[#t + 1] = k end return unpack(t) end) return c(), c("a"), c("b"), c(nil)`, `next next next a b`},
		{`local c = coroutine.wrap(function() return helper() end) return pcall(c)`, `false main.lua:1: attempt to call a non-function object`},
		{`local outer = coroutine.wrap(function() local inner = coroutine.wrap(function() coroutine.yield("inner") return "done" end) coroutine.yield(inner()) return inner() end) return outer(), outer()`, `inner done`},
	})
}

// Recursion without end is an error of the script, by whatever way it goes, and no end of the program.
func TestInfiniteRecursionIsALuaError(t *testing.T) {
	const overflow = "stack overflow"
	for code, want := range map[string]string{
		`local function f() return 1 + f() end return pcall(f)`:                                                                                 overflow,
		`local f f = function(...) return 1, f(1, ...) end return pcall(f)`:                                                                     "overflow",
		`local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) return pcall(function() return t[1] end)`:                   overflow,
		`local t = setmetatable({}, {__newindex = function(t, k, v) t[k + 1] = v end}) return pcall(function() t[1] = 1 end)`:                   overflow,
		`local m = {} m.__concat = function(a, b) return a .. b end return pcall(function() return setmetatable({}, m) .. "x" end)`:             overflow,
		`local m = {} m.__eq = function(a, b) return a == b end return pcall(function() return setmetatable({}, m) == setmetatable({}, m) end)`: overflow,
		`local m = {} m.__lt = function(a, b) return a < b end return pcall(function() return setmetatable({}, m) < setmetatable({}, m) end)`:   overflow,
		`local m = {} m.__len = function(a) return #a end return pcall(function() return #setmetatable({}, m) end)`:                             overflow,
		`local m = {} m.__unm = function(a) return -a end return pcall(function() return -setmetatable({}, m) end)`:                             overflow,
		`local m = {} m.__call = function(self) return 1 + self() end return pcall(setmetatable({}, m))`:                                        overflow,
		`local m = {} m.__tostring = function(a) return tostring(a) end return pcall(tostring, setmetatable({}, m))`:                            overflow,
		`local m = {} m.__tostring = function(a) return ("%s"):format(a) end return pcall(tostring, setmetatable({}, m))`:                       overflow,
		`local function f() return (("x"):gsub("x", f)) end return pcall(f)`:                                                                    overflow,
		`local function f() table.sort({2, 1}, f) return true end return pcall(f)`:                                                              overflow,
		`local function f() load(f) return nil end return pcall(f)`:                                                                             overflow,
		`local function f() return coroutine.wrap(f)() end return pcall(f)`:                                                                     overflow,
		`local function h(m) return select(2, xpcall(error, h)) end return xpcall(error, h)`:                                                    "",
		`local function f() local ok, e = pcall(f) if not ok then error(e, 0) end return 1 end return pcall(f)`:                                 overflow,
		`local function f() local ok, e = coroutine.resume(coroutine.create(f)) if not ok then error(e, 0) end end return pcall(f)`:             overflow,
		`local function f() local ok, e = xpcall(f, function(m) return m end) if not ok then error(e, 0) end end return pcall(f)`:               overflow,
		`local n = 0 local function f() n = n + 1 if n % 900 == 0 then return pcall(f) end return 1 + f() end return pcall(f)`:                  "",
		`local t = {} t.__index = t setmetatable(t, t) return pcall(function() return t.x end)`:                                                 "too many recursions",
		`local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end return pcall(f, 900)`:                                          "true 900",
	} {
		h := build(t, plan{}, methods{"main": code, "well": `return "well"`})
		results, err := h.call(lane.Options{Limit: 20 * time.Second}, "main")
		if err != nil || !strings.Contains(show(results), want) || want == overflow && results[0] != false {
			t.Errorf("%s: got %.200s, %v, want %s", code, show(results), err, want)
		}
		results, err = h.call(lane.Options{}, "well")
		expect(t, "the lane afterwards", show(results)+fmt.Sprint(err), "well<nil>")
		h.expectNoFaults()
	}
}

// Coroutines that have not come to their end end with their process, whatever they were in.
func TestCoroutinesEndWithTheirProcess(t *testing.T) {
	for _, code := range []string{
		`coroutine.wrap(function() coroutine.yield() note("went on") end)()`,
		`local c = coroutine.create(function() note("began") end)`,
		`coroutine.wrap(function() while true do pcall(coroutine.yield) end end)()`,
		`coroutine.wrap(function() while true do xpcall(coroutine.yield, function() while true do end end) end end)()`,
		`coroutine.wrap(function() while true do pcall(pcall, coroutine.yield) end end)()`,
		`local c = coroutine.wrap(function() local inner = coroutine.wrap(function() coroutine.yield() end) inner() coroutine.yield() inner() note("went on") end) c()`,
		`coroutine.wrap(function() table.sort({3, 2, 1}, function() coroutine.yield() return true end) end)()`,
		`coroutine.wrap(function() (("x"):gsub("x", coroutine.yield)) note("went on") end)()`,
		`kept = {} for i = 1, 100 do kept[i] = coroutine.wrap(function() pcall(function() coroutine.yield() end) note("went on") end) kept[i]() end`,
		`coroutine.wrap(function() coroutine.yield() end)() error("x")`,
		`coroutine.wrap(function() coroutine.yield() end)() wait(1)`,
	} {
		synctest.Test(t, func(t *testing.T) { // which does not end while a goroutine is left
			h := build(t, plan{}, methods{"main": code})
			<-background(h.start(), lane.Options{Limit: 500 * time.Millisecond}, "main")
			synctest.Wait()
			if notes := h.taken(); len(notes) > 0 {
				t.Errorf("%s: the end of the process made it go on: %q", code, notes)
			}
			h.expectNoFaults()
		})
	}
}

// A coroutine belongs to its process: another one that gets hold of it cannot resume it.
func TestCoroutinesAreOfNoUseToOthers(t *testing.T) {
	h := build(t, plan{}, methods{
		"make": `interprocess.c = coroutine.create(function() coroutine.yield() end) interprocess.w = coroutine.wrap(function() end) return coroutine.status(interprocess.c)`,
		"use":  `return coroutine.resume(interprocess.c)`,
		"wrap": `return (pcall(interprocess.w))`,
		"own":  `return coroutine.resume(interprocess.c)`,
	})
	p := h.start()
	results, err := p.Call(lane.Options{}, "make")
	expect(t, "make", show(results)+fmt.Sprint(err), "suspended<nil>")
	for name, want := range map[string]string{"use": "false can not resume a dead thread", "wrap": "false"} {
		results, err = h.call(lane.Options{}, name)
		expect(t, name, show(results)+fmt.Sprint(err), want+"<nil>")
	}
	results, err = p.Call(lane.Options{}, "own")
	expect(t, "the owner", show(results)+fmt.Sprint(err), "true<nil>")
	end(p)
	results, err = h.call(lane.Options{}, "use")
	expect(t, "after the owner's end", show(results)+fmt.Sprint(err), "false can not resume a dead thread<nil>")
	h.expectNoFaults()
}
