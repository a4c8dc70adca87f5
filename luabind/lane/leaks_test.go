package lane_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"moongate/luabind/lane"
)

// Each of these is a way by which one process has reached another in an embedded gopher-lua.
var leaks = []string{
	`leak = 1`,
	`_G.leak = 1`,
	`_G["leak"] = 1`,
	`rawset(_G, "leak", 1)`,
	`local _G = _G _G.leak = 1`,
	`load(function() local s = source source = nil return s end) loadstring("leak = 1")()`,
	`loadstring("_G.leak = 1")()`,
	`helper()`,
	`require("lib.leaky")`,
	`coroutine.wrap(function() leak = 1 end)()`,
	`coroutine.resume(coroutine.create(function() leak = 1 end))`,
	`pcall(function() leak = 1 end)`,
	`xpcall(function() leak = 1 error("x") end, function() leak = 1 end)`,
	`table.sort({2, 1}, function(a, b) leak = 1 return a < b end)`,
	`string.gsub("x", "x", function() leak = 1 end)`,
	`setmetatable(_G, {__index = {leak = 1}})`,
	`getmetatable(_G).__index.leak = 1`,
	`getmetatable(_G).__index = {leak = 1}`,
	`getmetatable("").__index.leak = 1`,
	`getmetatable("").__index = function() return 1 end`,
	`getmetatable("x").__add = function() return 1 end`,
	`setmetatable("", {})`,
	`debug.setmetatable("", {__index = {leak = 1}})`,
	`debug.setmetatable(1, {__index = {leak = 1}})`,
	`debug.getregistry().leak = 1`,
	`debug.getmetatable("").__index = nil`,
	`setfenv(1, {})`,
	`setfenv(0, {leak = 1})`,
	`setfenv(print or error, {leak = 1})`,
	`getfenv(0).leak = 1`,
	`getfenv(error).leak = 1`,
	`string.leak = 1`,
	`string.rep = nil`,
	`string.format = function() return "leak" end`,
	`rawset(string, "rep", nil)`,
	`rawset(string, "leak", 1)`,
	`table.insert(string, "leak")`,
	`table.remove(table)`,
	`table.sort(string)`,
	`setmetatable(string, {__index = {leak = 1}})`,
	`getmetatable(string).__index = nil`,
	`getmetatable(string).__metatable = nil`,
	`for k in pairs(string) do string[k] = nil end`,
	`for k in pairs(_G) do _G[k] = nil end`,
	`next(string) string[next(string)] = nil`,
	`math.pi = 3`,
	`math.random = nil`,
	`math.leak = 1`,
	`table.leak = 1`,
	`os.leak = 1`,
	`os.time = nil`,
	`io.leak = 1`,
	`coroutine.leak = 1`,
	`coroutine.yield = nil`,
	`debug.traceback = nil`,
	`_VERSION = "leak"`,
	`pcall = nil`,
	`error = nil pairs = nil type = nil`,
	`note = nil`,
	`interprocess = {leak = 1}`,
	`package.loaded.leak = 1`,
	`module("leak", package.seeall)`,
	`newproxy(true)`,
	`dofile("leak")`,
	`loadfile("leak")`,
	`leak = getmetatable`,
	`function string.leak() end`,
	`function leak() end`,
	`_G._G = {leak = 1}`,
	`__index = 1 __newindex = 1 __metatable = 1`,
	`collectgarbage("stop") collectgarbage("setpause", 1)`,
}

// What every process finds, as one text: the names and what they are. Tables are gone into.
const snapshot = `
local seen, lines = {}, {}
local function add(path, value, depth)
	lines[#lines + 1] = path .. " " .. type(value) .. " " .. tostring(value)
	if type(value) == "table" and depth > 0 and not seen[value] then
		seen[value] = true
		for k, v in pairs(value) do add(path .. "." .. tostring(k), v, depth - 1) end
	end
end
for _, name in ipairs{"assert", "collectgarbage", "coroutine", "debug", "dofile", "error", "getfenv", "getmetatable", "helper", "interprocess", "io",
	"ipairs", "leak", "load", "loadfile", "loadstring", "math", "module", "newproxy", "next", "note", "os", "package", "pairs", "pcall", "print",
	"rawequal", "rawget", "rawset", "require", "select", "setfenv", "setmetatable", "source", "string", "table", "tonumber", "tostring", "type",
	"unpack", "wait", "xpcall", "_VERSION", "__index", "__newindex", "__metatable"} do
	local ok, value = pcall(function() return _G[name] end) -- a preemptive process has no interprocess
	add(name, value, 2)
end
add("metatable of text", getmetatable(""), 1)
add("metatable of _G", getmetatable(_G), 1)
add("a method of text", ("").rep, 0)
add("another", ("").leak, 0)
add("a metatable of numbers", getmetatable(1), 0)
add("and of functions", getmetatable(print), 0)
for k, v in pairs(_G) do lines[#lines + 1] = "own variable " .. tostring(k) end
table.sort(lines)
return table.concat(lines, "\n")`

func TestFact04NothingLeaksBetweenProcesses(t *testing.T) {
	lua := methods{"snapshot": snapshot, "helper": `leak = 1`, "lib/leaky": `leak = 1 leaky = 2 return {}`}
	for i, code := range leaks {
		lua[fmt.Sprint("leak_", i)] = code
	}
	for _, n := range []int{0, 1} {
		h := build(t, plan{lanes: 2}, lua)
		look := func(p *lane.Program, name string) string {
			t.Helper()
			results, err := p.Call(lane.Options{}, name)
			if err != nil {
				t.Fatal(err)
			}
			return regexp.MustCompile(`(?m)^helper .*$`).ReplaceAllString(results[0].(string), "helper") // each process has its own
		}
		old := h.startIn(n)
		first := h.startIn(n)
		want := look(first, "snapshot")
		for i, code := range leaks {
			p := h.startIn(n)
			_, err := p.Call(lane.Options{}, fmt.Sprint("leak_", i)) // many end in an error, and that is well
			if err != nil && !strings.Contains(err.Error(), ".lua:1: ") {
				t.Errorf("%s: got the error %v, want one with its line", code, err)
			}
			after := h.startIn(n)
			for name, other := range map[string]*lane.Program{"one from before": first, "a new one": after} {
				if got := look(other, "snapshot"); got != want {
					t.Errorf("lane %d: after %s in another process, %s sees\n%s", n, code, name, difference(got, want))
				}
			}
			end(p)
			end(after)
		}
		if got := look(old, "snapshot"); got != want {
			t.Errorf("lane %d: at the end, a process from before sees\n%s", n, difference(got, want))
		}
		h.expectNoFaults()
	}
}

// difference is the lines that only one of two texts has.
func difference(got, want string) string {
	var b strings.Builder
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for _, line := range g {
		if !slices.Contains(w, line) {
			fmt.Fprintf(&b, "+ %s\n", line)
		}
	}
	for _, line := range w {
		if !slices.Contains(g, line) {
			fmt.Fprintf(&b, "- %s\n", line)
		}
	}
	return b.String()
}
