-- pcall and error.
eq({pcall(function(...) return ... end, 1, nil, 3)}, {true, 1, nil, 3})
eq(select("#", pcall(function(...) return ... end, 1, nil, nil)), 4)
eq({pcall(error, "text", 0)}, {false, "text"})
eq({pcall(error)}, {false, nil})
eq({pcall(error, nil)}, {false, nil})
eq({pcall(error, 42)}, {false, 42})
eq({pcall(error, true)}, {false, true})
eq(pcall(pcall), false)
eq({pcall(pcall, error, "inner", 0)}, {true, false, "inner"})
---
-- An error object is the very value that was raised, however many calls it goes through.
local object = setmetatable({code = 7}, {__tostring = function(o) return "code " .. o.code end})
local ok, caught = pcall(function() pcall(error) error(object) end)
eq(ok, false)
eq(caught == object, true)
eq(tostring(caught), "code 7")
local ok, again = pcall(function()
  local _, inner = pcall(error, object)
  error(inner, 2)
end)
eq(again == object, true)
local f = function() end
eq(select(2, pcall(error, f)) == f, true)
---
-- Levels: 1 is the line of the error, 2 that of the call, 0 none.
local first = place(1)
local function one() error("text") end
local function two() error("text", 2) end
local function zero() error("text", 0) end
local function calls() two() return nil end
eq(select(2, pcall(one)), first .. ": text")
eq(select(2, pcall(zero)), "text")
eq(select(2, pcall(calls)), place(-3) .. ": text")
eq(select(2, pcall(function() one() end)), first .. ": text")
eq(select(2, pcall(function() error("x", 1) end)), place() .. ": x")
eq(select(2, pcall(function() error("x", 99) end)), "x")
---
-- xpcall: the handler runs where the error is, and gives what xpcall gives.
local inside = place(1)
local function fault() local missing; return missing.field end
local ok, message = xpcall(fault, function(e) return "handled: " .. e end)
eq(ok, false)
eq(message:find("handled: " .. inside .. ": attempt to index", 1, true), 1)
local ok, trace = xpcall(fault, debug.traceback)
eq(trace:find(inside .. ": in", 1, true) ~= nil, true)
eq({xpcall(function() return 1, nil, 3 end, print)}, {true, 1, nil, 3})
eq({xpcall(function() error({code = 1}) end, function(e) return e.code end)}, {false, 1})
eq({xpcall(error, function(e) return e == nil end)}, {false, true})
eq(xpcall(fault, function() error("in the handler") end), false)
fails(function() xpcall(fault) end, "bad argument #2 to xpcall (function expected, got nil)")
fails(function() pcall() end, "bad argument #1 to pcall (value expected)")
---
-- The errors of the language itself.
local missing, text, t = nil, "text", {}
fails(function() missing() end, "attempt to call a non-function object")
fails(function() t.field() end, "attempt to call a non-function object")
fails(function() text() end, "attempt to call a non-function object")
fails(function() local x = missing.field end, "attempt to index")
fails(function() missing.field = 1 end, "attempt to index")
fails(function() local x = t.a.b end, "attempt to index")
fails(function() local x = t + 1 end, "cannot perform add operation between table and number")
fails(function() local x = missing * 2 end, "cannot perform mul operation between nil and number")
fails(function() local x = -t end, "__unm undefined")
fails(function() local x = "ten" + 1 end, "cannot perform add operation between string and number")
fails(function() local x = #missing end, "attempt to get length of a nil value")
fails(function() local x = text .. missing end, "cannot perform concat operation between string and nil")
fails(function() local x = t .. text end, "cannot perform concat operation between table and string")
fails(function() local x = 1 < text end, "attempt to compare number with string")
fails(function() local x = t < t end, "attempt to compare")
fails(function() local x = missing <= 1 end, "attempt to compare nil with number")
fails(function() t[nil] = 1 end, "")
fails(function() t[0/0] = 1 end, "")
fails(function() for i = 1, "x" do end end, "for statement limit must be a number")
fails(function() for i = 1, 2, 0 do break end for i = "x", 2 do end end, "for statement init must be a number")
fails(function() for x in missing do end end, "attempt to call a non-function object")
---
fails(function() assert(false) end, "assertion failed!")
fails(function() assert(nil, "reason") end, "reason")
fails(function() assert() end, "bad argument #1 to assert (value expected)")
eq({assert(1, "two", nil, 4)}, {1, "two", nil, 4})
local object = {}
eq(select(2, pcall(assert, false, object)) == object, true)
---
-- What was begun is gone on with after a caught error, in loops, in depth, and often.
local caught = 0
for i = 1, 1000 do
  if not pcall(error, i) then caught = caught + 1 end
end
eq(caught, 1000)
local function deep(n)
  if n == 0 then error("deep", 0) end
  local ok, message = pcall(deep, n - 1)
  error(message, 0)
end
eq({pcall(deep, 100)}, {false, "deep"})
---
-- Closures that share a local go on sharing it after a caught error.
local n = 0
local function increase() n = n + 1 end
local function read() return n end
pcall(function() increase() error("x") end)
n = n + 10
increase()
eq({n, read()}, {12, 12})
local ok = xpcall(function() n = 20 increase() error("x") end, function() increase() return n end)
increase()
eq({n, read()}, {23, 23})
for i = 1, 3 do
  local before = i
  local set = function(v) before = v end
  pcall(function() set(i * 10) local x = nil + i end)
  eq(before, i * 10)
  before = 7
  pcall(error, set)
  set(8)
  eq(before, 8)
end
---
-- Locals of a function that has failed live on in the closures that it has left.
local kept
pcall(function()
  local n = 1
  kept = {function() n = n + 1 return n end, function() return n end}
  error("gone")
end)
eq({kept[1](), kept[1](), kept[2]()}, {2, 3, 3})
---
-- Endless recursion is an error that can be caught, and what follows runs as ever.
local function endless(n) return 1 + endless(n + 1) end
for i = 1, 3 do
  local ok, message = pcall(endless, 1)
  eq(ok, false)
  eq(message:find(place(-4) .. ": stack overflow", 1, true), 1)
end
local function protected() return pcall(protected) end
eq(pcall(protected), true)
local t = setmetatable({}, {})
getmetatable(t).__index = function(t, k) return t[k + 1] end
eq(pcall(function() return t[1] end), false)
eq(("x"):rep(3), "xxx")
---
-- A tail call has no end and takes no room.
local function loop(n) if n == 0 then return "done" end return loop(n - 1) end
eq(loop(100000), "done")
---
-- Errors in metamethods, in iterators, in functions that the library calls.
local bad = setmetatable({}, {
  __index = function(_, k) error("no " .. k, 0) end,
  __newindex = function() error("no change", 0) end,
  __call = function() error("no call", 0) end,
  __eq = function() error("no equal", 0) end,
})
eq({pcall(function() return bad.field end)}, {false, "no field"})
eq({pcall(function() bad.field = 1 end)}, {false, "no change"})
eq({pcall(bad)}, {false, "no call"})
eq({pcall(function() for x in function() error("no next", 0) end do end end)}, {false, "no next"})
eq({pcall(table.sort, {3, 2, 1}, function() error("no order", 0) end)}, {false, "no order"})
eq({pcall(string.gsub, "x", "x", function() error("no text", 0) end)}, {false, "no text"})
---
-- An uncaught error names the place; an error object that nobody catches is a value of its type.
local function deep() error("uncaught") end --- error: uncaught$
deep()
---
-- The traceback names the calls, the innermost first.
local function inner() return debug.traceback("message"), 1 end
local function outer() local trace = inner() return trace end
local trace = outer()
local lines = {}
for line in trace:gmatch("[^\n]+") do lines[#lines + 1] = line:match("^errors.lua:%d+") or line end
eq({lines[1], lines[2], lines[3], lines[4]}, {"message", place(-5), place(-4), place(-3)})
