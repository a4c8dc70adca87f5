package lane_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/luabind/lane"
)

// The tests in this file, in leaks_test.go and in memory_test.go are named for what gopher-lua needs from its host:
// each was once a fault.

// A goroutine that waits for a mutex is not at rest in testing/synctest, and its clock stands still for ever.
func TestFact01BatonIsAChannelSynctestTimeAdvances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, plan{}, methods{"holds": `hold(5)`, "quick": `return 1`})
		start := time.Now()
		holds := background(h.start(), lane.Options{}, "holds")
		synctest.Wait()
		quick := background(h.start(), lane.Options{}, "quick")
		expect(t, "error of who waited for the baton", (<-quick).err, nil)
		expect(t, "error of who held it", (<-holds).err, nil)
		expect(t, "time", time.Since(start), 5*time.Second)
	})
}

const watchesItsThread = `
local cycle = ...
local me
me = coroutine.create(function()
	for i = 1, 50 do
		cycle(i)
		if coroutine.running() ~= me then return "running is another thread" end
		if coroutine.status(me) ~= "running" then return "I am " .. coroutine.status(me) end
		coroutine.yield()
	end
	return "well"
end)
local result
while coroutine.status(me) ~= "dead" do
	local ok, r = coroutine.resume(me)
	if coroutine.running() ~= nil then return "the main thread is a coroutine" end
	if not ok then return r end
	result = r
end
return result`

func TestFact02CurrentThreadSurvivesHandover(t *testing.T) {
	lua := methods{
		"watch":   watchesItsThread,
		"waits":   `return watch(function(i) wait(0.01 * (i % 3)) end)`,
		"caught":  `return watch(function(i) pcall(function() wait(0.01 * (i % 4)) error("x") end) end)`,
		"endless": `return watch(function(i) local n = 0 while n < 3000 do n = n + 1 end end)`,
	}
	synctest.Test(t, func(t *testing.T) {
		h := build(t, plan{}, lua)
		var all []<-chan outcome
		for i := range 12 {
			all = append(all, background(h.start(), lane.Options{}, []string{"waits", "caught"}[i%2]))
		}
		for _, over := range all {
			o := <-over
			expect(t, "after waits", show(o.results), "well")
			expect(t, "error", o.err, nil)
		}
		h.expectNoFaults()
	})
	h := build(t, plan{slice: time.Microsecond}, lua) // the baton changes hands at every look
	var all []<-chan outcome
	for range 4 {
		all = append(all, background(h.start(), lane.Options{}, "endless"))
	}
	for _, over := range all {
		o := <-over
		expect(t, "after slices", show(o.results), "well")
		expect(t, "error", o.err, nil)
	}
	h.expectNoFaults()
}

// A panic unwinds through the command that has given the baton away: it must be taken again first, and given once.
func TestFact03PanicInWaitingCommandGivesBatonOnce(t *testing.T) {
	h := build(t, plan{slice: 100 * time.Microsecond}, methods{
		"explodes": `for i = 1, 20 do alone() local ok, e = pcall(explode_outside) alone() if ok then return "no error" end end return "well"`,
		"dies":     `alone() explode_outside()`,
		"works":    `for i = 1, 300 do alone() if i % 10 == 0 then wait(0) end end return "well"`,
	})
	var group sync.WaitGroup
	for i := range 12 {
		group.Go(func() {
			name, want := []string{"explodes", "works", "dies"}[i%3], "well"
			o := <-background(h.start(), lane.Options{}, name)
			if name == "dies" {
				want = ""
				var failed *lane.Error
				expect(t, "the error is a fault", errors.As(o.err, &failed) && failed.Err.Fault, true)
			} else {
				expect(t, name+": error", o.err, nil)
			}
			expect(t, name, show(o.results), want)
		})
	}
	group.Wait()
	expect(t, "faults", len(h.faults), 4*20+4)
	results, err := h.call(lane.Options{}, "works")
	expect(t, "the lane afterwards", show(results)+fmt.Sprint(err), "well<nil>")
}

// A Go panic is a fault of the host wherever the script was: it is reported with the Go stack, once, and what the
// script gets says so.
func TestFact05GoPanicIsAFaultOfTheHost(t *testing.T) {
	for name, code := range map[string]string{
		"uncaught":          "\nexplode()",
		"in pcall":          "\nlocal ok, e = pcall(explode) return ok, e",
		"in xpcall":         "\nlocal ok, e = xpcall(explode, function(m) return m end) return ok, e",
		"in a function":     "\nlocal function f() explode() end return pcall(f)",
		"in pcall in pcall": "\nlocal ok, ok2, e = pcall(pcall, explode) return ok and ok2, e",
		"in a coroutine":    "\nreturn coroutine.resume(coroutine.create(explode))",
		"in wrap":           "\nlocal f = coroutine.wrap(function() explode() end) return pcall(f)",
		"in sort":           "\nreturn pcall(table.sort, {2, 1}, function() explode() end)",
		"in a metamethod":   "\nreturn pcall(function() return setmetatable({}, {__index = explode}).x end)",
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, plan{}, methods{"main": code})
			results, err := h.call(lane.Options{}, "main")
			if name == "uncaught" {
				var failed *lane.Error
				if !errors.As(err, &failed) || !failed.Err.Fault || !strings.Contains(err.Error(), "a fault for the test") {
					t.Errorf("got %v, want a fault", err)
				}
			} else if err != nil || len(results) != 2 || results[0] != false || !strings.Contains(fmt.Sprint(results[1]), "a fault for the test") {
				t.Errorf("got %v, %v, want false and the fault", results, err)
			}
			if len(h.faults) != 1 {
				t.Fatalf("got %d faults reported, want 1", len(h.faults))
			}
			f := h.faults[0]
			expect(t, "value", fmt.Sprint(f.Value), "a fault for the test")
			expect(t, "method", f.Method, "main")
			if !strings.Contains(string(f.Stack), "helper_test.go") {
				t.Errorf("the Go stack does not name the command that panicked:\n%s", f.Stack)
			}
			if !strings.HasPrefix(f.Place, "main.lua:2") {
				t.Errorf("place: got %q, want main.lua:2", f.Place)
			}
			h.expectUsable()
		})
	}
}

// expectUsable checks that the lane still runs methods.
func (h *house) expectUsable() {
	h.t.Helper()
	if results, err := h.call(lane.Options{}, "main_again"); err == nil || results != nil {
		h.t.Errorf("a method that is not there: got %v, %v", results, err)
	}
	over := background(h.start(), lane.Options{Limit: time.Minute}, "main")
	<-over
}

// swallowers are loops that catch every error, around something that never ends or waits.
var swallowers = map[string]string{
	"pcall around a loop":            `while true do pcall(function() while true do end end) end`,
	"pcall of an error":              `while true do pcall(error, "x") end`,
	"pcall of nothing":               `while true do pcall(function() end) end`,
	"pcall in pcall":                 `while true do pcall(pcall, function() while true do end end) end`,
	"many pcalls in each other":      `local function f() pcall(f) while true do end end while true do pcall(f) end`,
	"xpcall":                         `while true do xpcall(function() while true do end end, function(m) return m end) end`,
	"xpcall with an endless handler": `while true do xpcall(error, function() while true do end end) end`,
	"xpcall with a failing handler":  `while true do xpcall(function() while true do end end, function() error("again") end) end`,
	"coroutines":                     `while true do coroutine.resume(coroutine.create(function() while true do end end)) end`,
	"a coroutine that yields":        `local c = coroutine.wrap(function() while true do pcall(coroutine.yield) end end) while true do pcall(c) end`,
	"wrap in pcall":                  `while true do pcall(coroutine.wrap(function() while true do end end)) end`,
	"pcall in a coroutine":           `coroutine.wrap(function() while true do pcall(function() while true do end end) end end)()`,
	"a metamethod":                   `local t = setmetatable({}, {__index = function(t, k) pcall(function() while true do end end) return t[k + 1] end}) while true do pcall(function() return t[1] end) end`,
	"sort":                           `while true do pcall(table.sort, {3, 2, 1}, function() pcall(function() while true do end end) return true end) end`,
	"gsub":                           `while true do pcall(string.gsub, "xxx", "x", function() pcall(function() while true do end end) end) end`,
	"tostring":                       `local t = setmetatable({}, {__tostring = function() pcall(function() while true do end end) return "x" end}) while true do pcall(tostring, t) end`,
	"load":                           `while true do pcall(load, function() pcall(function() while true do end end) return " " end) end`,
	"a pattern bomb":                 `while true do pcall(string.find, ("a"):rep(3000), ("a*"):rep(6) .. "b") end`,
	"a long string":                  `while true do pcall(string.rep, "x", 1e9) end`,
	"a project method":               `while true do pcall(endless) end`,
	"require":                        `while true do pcall(require, "lib.endless") end`,
	"tail calls":                     `local function f() return f() end while true do pcall(f) end`,
}

func TestFact06PcallDoesNotSwallowAnAbort(t *testing.T) {
	lua := methods{"endless": `while true do end`, "lib/endless": `while true do end`}
	var names []string
	for name, code := range swallowers {
		lua[fmt.Sprint("m", len(names))] = code
		names = append(names, name)
	}
	h := build(t, plan{}, lua)
	for i, name := range names {
		over := background(h.start(), lane.Options{Limit: 30 * time.Millisecond}, fmt.Sprint("m", i))
		expectSoon(t, name, over, lane.ErrDeadline)
	}
	h.expectNoFaults()
}

// patience is how long things take at the most that should take some milliseconds, on a machine that has much else to
// do.
const patience = 10 * time.Second

// expectSoon waits for a call that must end for a cause, and not much later than asked.
func expectSoon(t *testing.T, what string, over <-chan outcome, cause error) {
	t.Helper()
	o := <-over
	expectStopped(t, what, o.err, cause)
	if o.took > patience {
		t.Errorf("%s: ended after %v", what, o.took.Round(time.Millisecond))
	}
}

// The same for waits, and for an abort by somebody else.
func TestFact06PcallDoesNotSwallowAnAbortInAWait(t *testing.T) {
	for name, code := range map[string]string{
		"pcall":        `while true do pcall(wait, 3600) end`,
		"delay":        `while true do pcall(delay, 3600) end`,
		"xpcall":       `while true do xpcall(function() wait(3600) end, function() note("the handler ran") wait(1) end) end`,
		"nested":       `local function f(n) if n > 0 then pcall(f, n - 1) else wait(3600) end note("went on") end while true do pcall(f, 50) end`,
		"coroutine":    `while true do coroutine.resume(coroutine.create(function() wait(3600) end)) end`,
		"wrap":         `while true do pcall(coroutine.wrap(function() pcall(wait, 3600) end)) end`,
		"sort":         `while true do pcall(table.sort, {3, 2, 1}, function() pcall(wait, 3600) return true end) end`,
		"both in turn": `while true do pcall(function() delay(1800) wait(1800) end) end`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t, plan{}, methods{"main": code})
				p := h.start()
				over := background(p, lane.Options{}, "main")
				time.Sleep(10*time.Hour + time.Second)
				cause := errors.New("somebody wants it to end")
				start := time.Now()
				p.Process().Kill(cause)
				o := <-over
				expectStopped(t, "abort", o.err, cause)
				expect(t, "time to the end", time.Since(start), 0)
				over = background(h.start(), lane.Options{Limit: time.Minute}, "main")
				o = <-over
				expectStopped(t, "deadline", o.err, lane.ErrDeadline)
				expect(t, "time to the deadline", o.took, time.Minute)
				if notes := h.taken(); slices.Contains(notes, "the handler ran") {
					t.Error("the handler of xpcall ran for an abort")
				}
				expect(t, "processes left", h.table.Count(nil), 0)
				h.expectNoFaults()
			})
		})
	}
}

func TestFact07LibraryCallsHonourTheDeadline(t *testing.T) {
	bomb := `("a"):rep(30000), ("a*"):rep(6) .. "b"`
	for name, code := range map[string]string{
		"find":             `string.find(` + bomb + `)`,
		"match":            `string.match(` + bomb + `)`,
		"gmatch":           `for _ in string.gmatch(` + bomb + `) do end`,
		"gsub":             `string.gsub(` + bomb + `, "x")`,
		"gsub by strings":  `local s = "x" while true do s = s:sub(1, 100000):gsub("x", "xx") end`,
		"find plain":       `local s, p = ("a"):rep(10000000), ("a"):rep(5000000) .. "b" while true do s:find(p, 1, true) end`,
		"rep":              `while true do local s = ("x"):rep(1000000) end`,
		"format":           `while true do local s = ("%99.99f"):rep(100):format(unpack((function() local t = {} for i = 1, 100 do t[i] = 1e300 end return t end)())) end`,
		"concat":           `local t = {} for i = 1, 100000 do t[i] = "x" end while true do table.concat(t, ("-"):rep(100)) end`,
		"sort":             `local t = {} for i = 1, 200000 do t[i] = -i % 1000 end while true do table.sort(t, function(a, b) return a < b end) end`,
		"sort of nonsense": `local t = {} for i = 1, 200000 do t[i] = i end while true do table.sort(t, function(a, b) return true end) end`,
		"insert at 1":      `local t = {} for i = 1, 100000 do t[i] = i end while true do table.insert(t, 1, 0) end`,
		"remove at 1":      `local t = {} for i = 1, 100000 do t[i] = i end while true do t[#t + 1] = table.remove(t, 1) end`,
		"unpack":           `local t = {} for i = 1, 7000 do t[i] = i end while true do select("#", unpack(t)) end`,
		"maxn":             `local t = {} for i = 1, 100000 do t[i] = i end while true do table.maxn(t) end`,
		"reverse":          `local s = ("x"):rep(10000000) while true do s:reverse() end`,
		"upper":            `local s = ("x"):rep(10000000) while true do s:upper() end`,
		"byte and char":    `local s = ("x"):rep(7000) while true do string.char(s:byte(1, -1)) end`,
		"sub":              `local s = ("x"):rep(10000000) while true do s:sub(2) end`,
		"concatenation":    `local s = ("x"):rep(5000000) while true do local t = s .. s end`,
		"loadstring":       `local s = "return " .. ("1+"):rep(900) .. "1" while true do loadstring(s) end`,
		"tonumber":         `local s = ("9"):rep(1000000) while true do tonumber(s) end`,
		"comparison":       `local a, b = ("x"):rep(10000000) .. "a", ("x"):rep(10000000) .. "b" while true do local c = a < b end`,
		"length":           `local t = {} for i = 1, 100000 do t[i] = i end while true do local n = #t end`,
		"pairs":            `local t = {} for i = 1, 100000 do t[i] = i end while true do for k, v in pairs(t) do end end`,
		"coroutine":        `while true do coroutine.wrap(function() string.find(` + bomb + `) end)() end`,
	} {
		h := build(t, plan{}, methods{"main": code})
		over := background(h.start(), lane.Options{Limit: 60 * time.Millisecond}, "main")
		expectSoon(t, name, over, lane.ErrDeadline)
		h.expectNoFaults()
	}
}

// The interpreter makes a line of its traceback for each tail call: a loop of them took seconds and gigabytes when it
// was stopped.
func TestFact08TailCallLoopDies(t *testing.T) {
	for name, code := range map[string]string{
		"itself":         `local function f(n) return f(n + 1) end f(0)`,
		"two":            `local f, g function f() return g() end function g() return f() end f()`,
		"in pcall":       `local function f(n) return f(n + 1) end while true do pcall(f, 0) end`,
		"in xpcall":      `local function f(n) return f(n + 1) end xpcall(function() return f(0) end, debug.traceback)`,
		"in a coroutine": `local function f(n) return f(n + 1) end coroutine.wrap(f)(0)`,
		"ends in error":  `local function f(n) if n == 300000 then error("x") end return f(n + 1) end while true do f(0) end`,
	} {
		h := build(t, plan{}, methods{"main": code})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		o := <-background(h.start(), lane.Options{Limit: 150 * time.Millisecond}, "main")
		runtime.ReadMemStats(&after)
		if name == "ends in error" {
			expect(t, name, o.err != nil, true)
		} else {
			expectStopped(t, name, o.err, lane.ErrDeadline)
		}
		if o.took > patience {
			t.Errorf("%s: ended after %v", name, o.took.Round(time.Millisecond))
		}
		if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 64 {
			t.Errorf("%s: allocated %d MB, want a few", name, used)
		}
		var failed *lane.Error
		if errors.As(o.err, &failed) && strings.Count(failed.Traceback(), "\n") > 30 {
			t.Errorf("%s: a traceback of %d lines", name, strings.Count(failed.Traceback(), "\n"))
		}
	}
}

// Every element goes on the interpreter's own registry in its own concat, which grows by 32 values at a time.
func TestFact09ConcatOfManyElements(t *testing.T) {
	chain := "a" + strings.Repeat(" .. a", 150)
	for code, want := range map[string]string{
		`local t = {} for i = 1, 264000 do t[i] = "x" end return #table.concat(t), #table.concat(t, ", "), select(2, pcall(unpack, t))`: "264000 791998 too many results to unpack",
		`local t = {} for i = 1, 20000 do t[i] = i end return #table.concat(t)`:                                                         "88894",
		`local t = {} for i = 1, 7900 do t[i] = i end return select("#", unpack(t))`:                                                    "7900",
		`local a = "xy" return #(` + chain + `)`:                                                                                        "302",
		`return #string.char(("x"):rep(7000):byte(1, -1))`:                                                                              "7000",
	} {
		start := time.Now()
		if got := evaluate(t, code); got != want {
			t.Errorf("%.60s: got %.100s, want %s", code, got, want)
		}
		if took := time.Since(start); took > patience {
			t.Errorf("%.60s: took %v", code, took)
		}
	}
}

// Numbers are float64: integers are exact to 2^53, on their way out too. There is no integer division and there are no
// bit operators.
func TestFact11IntegersAreExactTo2To53(t *testing.T) {
	h := build(t, plan{}, methods{"main": `return ...`, "sum": `local a, b = ... return a + b`,
		"facts": `return 2^53 == 2^53 + 1, 2^53 - 1 == 2^53, 7 / 2, math.floor(7 / 2), 7 % 3, -7 % 3, 2^0.5 * 2^0.5 == 2, 1e15 + 0.5, 0 / 0 ~= 0 / 0`})
	for _, n := range []int64{0, 1, -1, 1 << 31, -1 << 31, 1 << 32, 1<<53 - 1, 1 << 53, -1 << 53, -1<<53 + 1} {
		results, err := h.call(lane.Options{}, "main", n)
		expect(t, fmt.Sprint("error for ", n), err, nil)
		expect(t, fmt.Sprint(n), results, []any{n})
	}
	results, _ := h.call(lane.Options{}, "sum", int64(1<<52), int64(1<<52-1))
	expect(t, "a sum below the limit", results, []any{int64(1<<53 - 1)})
	results, _ = h.call(lane.Options{}, "sum", int64(1<<53), int64(2))
	expect(t, "a sum beyond the limit is no integer any more", results, []any{float64(1<<53 + 2)})
	results, _ = h.call(lane.Options{}, "facts")
	expect(t, "facts", results, []any{true, false, 3.5, int64(3), int64(1), int64(2), false, 1e15 + 0.5, true})
	for _, code := range []string{`return 7 // 2`, `return 1 & 2`, `return 1 | 2`, `return 1 ~ 2`, `return 1 << 2`, `return ~1`} {
		if got := evaluate(t, fmt.Sprintf(`return (loadstring(%q))`, code)); got != "<nil>" {
			t.Errorf("%s: got %s, want that it does not compile", code, got)
		}
	}
	h.expectNoFaults()
}
