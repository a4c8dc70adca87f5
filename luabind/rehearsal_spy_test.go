package luabind_test

import (
	"fmt"
	"testing"

	"moongate/runtime/host"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/session"
)

// tableUses use interprocess variables in ways that could tell a table from what stands for it. Each gives a text.
var tableUses = map[string]string{
	"types":          `return type(interprocess) .. type(interprocess.t) .. type(interprocess.f) .. type(interprocess.no) .. type(interprocess.t.in_it)`,
	"identity":       `local a, b = interprocess.t, interprocess.t return tostring(a == b) .. tostring(rawequal(a, b)) .. tostring(a.in_it == interprocess.t.in_it) .. tostring(({[a] = 1})[b])`,
	"pairs":          `local s = "" for k, v in pairs(interprocess.t) do s = s .. tostring(k) .. type(v) end for k in pairs(interprocess) do s = s .. k end return s`,
	"next":           `return tostring(next(interprocess.list)) .. tostring(select(2, next(interprocess.list, 1))) .. tostring(next(interprocess.list, 3))`,
	"ipairs":         `local s = "" for i, v in ipairs(interprocess.list) do s = s .. i .. v end return s`,
	"length":         `return #interprocess.list .. table.getn(interprocess.list) .. table.maxn(interprocess.list)`,
	"unpack":         `return table.concat({unpack(interprocess.list)}, ",") .. table.concat(interprocess.list, "-") .. select("#", unpack(interprocess.list))`,
	"insert":         `table.insert(interprocess.list, 9) table.insert(interprocess.list, 1, 8) local out = table.remove(interprocess.list) return out .. table.concat(interprocess.list, ",") .. interprocess.list[1] .. #interprocess.list`,
	"append":         `interprocess.list[#interprocess.list + 1] = 7 return interprocess.list[4] .. #interprocess.list`,
	"sort":           `table.sort(interprocess.list, function(a, b) return a > b end) return table.concat(interprocess.list, ",")`,
	"raw":            `rawset(interprocess.t, "z", 1) rawset(interprocess, "y", 2) return rawget(interprocess.t, "z") .. rawget(interprocess, "y") .. interprocess.t.z .. interprocess.y .. tostring(rawget(interprocess.t, "no"))`,
	"metatable":      `setmetatable(interprocess.t, {__index = function(_, k) return k .. "!" end}) return interprocess.t.x .. interprocess.t.no .. type(getmetatable(interprocess.t))`,
	"held":           `local t = interprocess.t setmetatable(t, {__index = function(_, k) return k .. "?" end, __newindex = function(t, k, v) rawset(t, k, v .. "!") end}) t.new = "a" return t.x .. t.no .. t.new .. interprocess.t.new`,
	"metatables":     `return tostring(getmetatable(interprocess.t)) .. interprocess.object.name .. interprocess.object:greet()`,
	"calls":          `return interprocess.f(2) .. interprocess.t.g()`,
	"nil":            `interprocess.t.x = nil interprocess.list = nil return tostring(interprocess.t.x) .. tostring(interprocess.list)`,
	"moves":          `interprocess.moved = interprocess.t.in_it interprocess.moved.n = 5 interprocess.box = {inner = interprocess.t} return interprocess.t.in_it.n .. interprocess.box.inner.x .. tostring(interprocess.moved == interprocess.t.in_it)`,
	"swap":           `interprocess.t, interprocess.list = interprocess.list, interprocess.t return interprocess.t[1] .. interprocess.list.x`,
	"keys":           `interprocess.t[1.5] = "a" interprocess.t[true] = "b" interprocess.t[-1] = "c" local k = {} interprocess.t[k] = "d" return interprocess.t[1.5] .. interprocess.t[true] .. interprocess.t[-1] .. interprocess.t[k] .. tostring(interprocess.t[{}])`,
	"copies":         `local c = ob_copy(interprocess.t) return c.x .. c.in_it.n`,
	"error":          `local ok, why = pcall(function() return interprocess.no.x end) local ok2, why2 = pcall(function() interprocess[nil] = 1 end) local ok3, why3 = pcall(function() return #interprocess.no end) return why .. why2 .. why3`,
	"closures":       `local t = interprocess.t local f = function() t.x = t.x + 1 return t.x end return f() .. f() .. interprocess.t.x`,
	"parameters":     `new_process("other", 0, "p", interprocess.t) return "ok"`,
	"string keys":    `interprocess["a b.c"] = {["d.e"] = 1} return interprocess["a b.c"]["d.e"] .. tostring(interprocess["a b"])`,
	"large":          `for i = 1, 1000 do interprocess.list[i] = i end local n = 0 for _ in pairs(interprocess.list) do n = n + 1 end return n .. interprocess.list[1000]`,
	"coroutine":      `local co = coroutine.wrap(function() for k, v in ipairs(interprocess.list) do coroutine.yield(v) end end) return co() .. co() .. interprocess.list[2]`,
	"require":        `return require("lib.mod").look()`,
	"_G":             `return type(_G.interprocess) .. type(rawget(_G, "interprocess"))`,
	"own":            `local o = {1} interprocess.o = o local p = interprocess.o delay_process(current_process(), 1) return tostring(o == p) .. tostring(o == interprocess.o) .. tostring(rawequal(p, interprocess.o)) .. interprocess.o[1]`,
	"others":         `local t = interprocess.t delay_process(current_process(), 1) return tostring(t == interprocess.t) .. t.x`,
	"to commands":    `local o = new_shared_object(interprocess.plain) local p = new_shared_object{inner = interprocess.plain} local c = new_shared_collection(interprocess.list) return o.n .. p.inner.n .. c[1][1] .. count_connections(interprocess.filter) .. address_set(interprocess.networks).length`,
	"as a metatable": `local t = setmetatable({}, interprocess.meta) return t.x .. setmetatable({}, {__index = interprocess.t}).x .. ("abc"):gsub("%w", interprocess.letters)`,
	"thrown":         `local ok, e = pcall(error, interprocess.t) return tostring(ok) .. e.x`,
	"kept":           `mine = interprocess.t return mine.x .. ""`,
}

// A call that is recorded does with interprocess variables what any other does.
func TestRecordingChangesNothing(t *testing.T) {
	for name, use := range tableUses {
		t.Run(name, func(t *testing.T) {
			e := mustLoad(t, scripts{
				"begin.lua": `interprocess.t = {x = 1, in_it = {n = 2}, g = function() return "g" end} interprocess.list = {3, 1, 2} interprocess.f = function(n) return n * 2 end
interprocess.plain, interprocess.filter, interprocess.networks, interprocess.meta, interprocess.letters = {n = 7}, {user = 1}, {"10.0.0.0/8"}, {__index = function(_, k) return k .. "#" end}, {a = "A", b = "B"}
local class = {__index = {greet = function(self) return "hi " .. self.name end}} interprocess.object = setmetatable({name = "bob"}, class)`,
				"on_server_open_connection.lua": "return 1, (function() " + use + " end)()", "other.lua": "", "lib/mod.lua": `return {look = function() return interprocess.t.x .. #interprocess.list end}`,
				"after.lua": `if mine then mine.x = mine.x + 1 return mine.x + interprocess.t.x end return 0`,
				"state.lua": `local function text(v, depth) if type(v) ~= "table" or depth > 4 then return type(v) == "function" and "f" or type(v) == "table" and "t" or tostring(v) end
local all = {} for k, x in pairs(v) do all[#all + 1] = tostring(type(k) == "table" and "table" or k) .. "=" .. text(x, depth + 1) end table.sort(all) return "{" .. table.concat(all, ",") .. "}" end return text(interprocess, 0)`,
			})
			run := func(record bool) string {
				_, beginning := e.start("begin")
				beginning.Call(host.CallOptions{}, "begin")
				p := e.Processes().Start(process.Spec{Type: process.InternalServer, Method: method.OnServerOpenConnection})
				defer p.End()
				c := e.Sessions().New(session.Peer{Address: mustAddress("10.0.0.7:5000")}, session.DesignerUser, p, p.Info().Started)
				defer e.Sessions().Refuse(c)
				program := e.NewProgram(p, c)
				defer program.Close()
				results, err := program.Call(host.CallOptions{Record: record}, method.OnServerOpenConnection)
				after, _ := program.Call(host.CallOptions{}, "after")
				_, looking := e.start("state")
				state, failed := looking.Call(host.CallOptions{}, "state")
				return fmt.Sprint(results, err, after, state, failed)
			}
			want := run(false)
			e.clearInterprocess()
			if got := run(true); got != want {
				t.Errorf("got %s\nwant %s", got, want)
			}
		})
	}
}

// clearInterprocess makes the interprocess variables as they are at the start.
func (e *engine) clearInterprocess() {
	e.t.Helper()
	scripts{"clear.lua": `local names = {} for k in pairs(interprocess) do names[#names + 1] = k end for _, k in ipairs(names) do interprocess[k] = nil end`}.write(e.t, e.folder)
	if err := e.Reload(); err != nil {
		e.t.Fatal(err)
	}
	_, program := e.start("clear")
	if _, err := program.Call(host.CallOptions{}, "clear"); err != nil {
		e.t.Fatal(err)
	}
}
