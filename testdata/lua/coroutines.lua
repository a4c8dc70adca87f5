-- create, resume, yield, status.
local co = coroutine.create(function(a, b)
  local c, d = coroutine.yield(a + b, "first")
  local e = coroutine.yield(c .. d)
  return e, nil, "end"
end)
eq(type(co), "thread")
eq(coroutine.status(co), "suspended")
eq({coroutine.resume(co, 1, 2)}, {true, 3, "first"})
eq(coroutine.status(co), "suspended")
eq({coroutine.resume(co, "x", "y")}, {true, "xy"})
eq({coroutine.resume(co, 5)}, {true, 5, nil, "end"})
eq(coroutine.status(co), "dead")
eq({coroutine.resume(co)}, {false, "can not resume a dead thread"})
eq(select("#", coroutine.resume(coroutine.create(function() coroutine.yield() end))), 1)
eq(select("#", coroutine.resume(coroutine.create(function() coroutine.yield(nil, nil) end))), 3)
eq({coroutine.resume(coroutine.create(function(...) return select("#", ...), ... end), nil, nil)}, {true, 2})
---
-- running and status, seen from inside and from another one.
eq(coroutine.running(), nil)
local outer, inner
outer = coroutine.create(function()
  eq(coroutine.running() == outer, true)
  eq(coroutine.status(outer), "running")
  inner = coroutine.create(function()
    eq(coroutine.running() == inner, true)
    eq(coroutine.status(outer), "normal")
    eq(coroutine.status(inner), "running")
    coroutine.yield()
  end)
  eq({coroutine.resume(inner)}, {true})
  eq(coroutine.running() == outer, true)
  eq(coroutine.status(inner), "suspended")
end)
eq({coroutine.resume(outer)}, {true})
eq(coroutine.status(outer), "dead")
eq(coroutine.running(), nil)
---
-- The same after a wait, during which other processes have run coroutines of their own.
for i = 1, 5 do
  new_process("weaves", 0)
  new_process("weaves_too", 0)
end
weaves()
delay_process(current_process(), 60)
-- method weaves
local co
co = coroutine.create(function()
  for i = 1, 10 do
    delay_process(current_process(), 0.1)
    eq(coroutine.running() == co, true)
    eq(coroutine.status(co), "running")
    coroutine.yield(i)
  end
end)
for i = 1, 10 do
  eq({coroutine.resume(co)}, {true, i})
  eq(coroutine.running(), nil)
  eq(coroutine.status(co), "suspended")
  delay_process(current_process(), 0.1)
end
-- method weaves_too preemptive
weaves()
---
-- wrap.
local next_number = coroutine.wrap(function(step)
  local n = 0
  while true do
    n = n + step
    step = coroutine.yield(n) or step
  end
end)
eq({next_number(2), next_number(nil), next_number(10), next_number(nil)}, {2, 4, 14, 24})
local function range(n)
  return coroutine.wrap(function() for i = 1, n do coroutine.yield(i, i * i) end end)
end
local sum = 0
for i, square in range(10) do sum = sum + square end
eq(sum, 385)
local over = coroutine.wrap(function() return "end" end)
eq(over(), "end")
eq(pcall(over), false)
---
-- A yield gives as many values as are wanted, whatever it is resumed with.
local co = coroutine.wrap(function()
  local a, b = coroutine.yield(1)
  eq(a, nil)
  eq(b, nil)
  a, b = coroutine.yield(2)
  eq({a, b}, {"a"})
  a = coroutine.yield(3) or "nothing"
  eq(a, "nothing")
  local t = {coroutine.yield(4), coroutine.yield(5)}
  eq(#t, 3)
  local first = (coroutine.yield(6))
  eq(first, nil)
  return "end"
end)
eq(co(), 1)
eq(co(), 2)
eq(co("a"), 3)
eq(co(), 4)
eq(co("x", "y"), 5)
eq(co("y", "z"), 6)
eq(co(), "end")
---
-- An error ends a coroutine; resume gives it, wrap raises it.
local co = coroutine.create(function() error("inside") end)
eq({coroutine.resume(co)}, {false, place(-1) .. ": inside"})
eq(coroutine.status(co), "dead")
local object = {}
eq(select(2, coroutine.resume(coroutine.create(function() error(object) end))) == object, true)
local co = coroutine.create(function() local missing; coroutine.yield(1) missing() end)
eq({coroutine.resume(co)}, {true, 1})
eq(coroutine.resume(co), false)
local ok, message = pcall(coroutine.wrap(function() error("wrapped", 0) end))
eq({ok, message}, {false, "wrapped"})
eq({pcall(coroutine.wrap(function() error(object) end))}, {false, object})
eq(coroutine.running(), nil)
---
-- An error that no coroutine and nobody catches has its place.
local generate = coroutine.wrap(function()
  coroutine.yield(1)
  error("uncaught") --- error: uncaught
end)
generate()
generate()
---
-- Errors are caught inside of coroutines, and yields are from within loops, functions and iterators.
local co = coroutine.wrap(function()
  local ok, message = pcall(error, "caught", 0)
  coroutine.yield(message)
  for _, word in ipairs {"a", "b"} do
    (function() coroutine.yield(word) end)()
  end
  for key in pairs {only = 1} do coroutine.yield(key) end
  return "end"
end)
eq({co(), co(), co(), co(), co()}, {"caught", "a", "b", "only", "end"})
---
-- Closures share locals over the borders of coroutines, and after errors in them.
local n = 0
local function increase() n = n + 1 return n end
local co = coroutine.wrap(function()
  increase()
  coroutine.yield()
  n = n + 10
  coroutine.yield()
  error("x")
end)
co()
eq(n, 1)
co()
eq(increase(), 12)
pcall(co)
n = n + 1
eq(increase(), 14)
---
-- What cannot be resumed or yielded.
fails(function() coroutine.create(1) end, "bad argument #1 to create (function expected, got number)")
fails(function() coroutine.wrap() end, "bad argument #1 to wrap (function expected, got nil)")
fails(function() coroutine.resume(print) end, "bad argument #1 to resume (thread expected, got function)")
fails(function() coroutine.status() end, "bad argument #1 to status (thread expected, got nil)")
fails(function() coroutine.yield(1) end, "attempt to yield outside of a coroutine")
local co
co = coroutine.create(function() return coroutine.resume(co) end)
eq({coroutine.resume(co)}, {true, false, "can not resume a running thread"})
---
-- A yield crosses a protected call, which Lua 5.1 does not allow and later versions do.
local co = coroutine.create(function() return pcall(function() error(coroutine.yield(1), 0) end) end)
eq({coroutine.resume(co)}, {true, 1})
eq({coroutine.resume(co, "late")}, {true, false, "late"})
eq(coroutine.status(co), "dead")
---
-- Many, one inside the other, and one after the other.
local all = {}
for i = 1, 1000 do
  all[i] = coroutine.create(function() while true do coroutine.yield(i) end end)
end
for round = 1, 3 do
  for i = 1, #all do eq(select(2, coroutine.resume(all[i])), i) end
end
local function nest(n)
  if n == 0 then return "bottom" end
  return coroutine.wrap(nest)(n - 1)
end
eq(nest(50), "bottom")
eq(pcall(nest, 1000), false)
for i = 1, 1000 do eq(coroutine.wrap(function(...) return ... end)(i), i) end
---
-- Commands in a coroutine belong to the process, and so do its variables.
counter = 1
eq(coroutine.wrap(function() counter = counter + 1 return current_process(), counter end)(), current_process())
eq(counter, 2)
---
-- A project method as a coroutine, and one that yields.
local co = coroutine.wrap(gives)
eq({co("a"), co("b"), co("c")}, {"a", "b", "c end"})
-- method gives
local x = ...
local y = coroutine.yield(x)
local z = coroutine.yield(y)
return z .. " end"
---
fails(function() coroutine.resume = print end, "coroutine is read-only")
fails(function() rawset(coroutine, "resume", print) end, "coroutine is read-only")
---
-- More values than are wanted are dropped.
local co = coroutine.wrap(function()
  local a = coroutine.yield(1)
  local b, c = 10, 20
  eq({a, b, c}, {"x", 10, 20})
  local t = {coroutine.yield(2), coroutine.yield(3)}
  eq(t, {"x", "y", "z"})
  return (coroutine.yield(4))
end)
eq({co(), co("x", "y", "z"), co("x", "y"), co("y", "z")}, {1, 2, 3, 4})
eq({co("r", "s")}, {"r"})
---
-- A yield as the last thing that the coroutine's function does.
local co = coroutine.create(function() return coroutine.yield(1) end)
eq({coroutine.resume(co)}, {true, 1})
eq({coroutine.resume(co, 5, 6)}, {true, 5, 6})
eq(coroutine.status(co), "dead")
local function waits(x) return coroutine.yield(x) end
local co = coroutine.create(function() return waits(1) + 1 end)
eq({coroutine.resume(co)}, {true, 1})
eq({coroutine.resume(co, 5)}, {true, 6})
---
-- A yield in an expression, among parameters, in a concatenation.
local co = coroutine.create(function()
  return select("#", coroutine.yield(1)), "a" .. coroutine.yield(2) .. "b", coroutine.yield(3) + coroutine.yield(4)
end)
eq({coroutine.resume(co)}, {true, 1})
eq({coroutine.resume(co, nil, nil)}, {true, 2})
eq({coroutine.resume(co, 5)}, {true, 3})
eq({coroutine.resume(co, 6)}, {true, 4})
eq({coroutine.resume(co, 7)}, {true, 2, "a5b", 13})
---
-- A yield below a function of the library either works or is an error that says so.
local function yields(f, ...)
  local co = coroutine.create(f)
  local ok, message = coroutine.resume(co)
  if ok then
    eq(message, "yielded")
    eq({coroutine.resume(co, 7)}, {true, ...})
  else
    eq(tostring(message):match("yield") or message, "yield")
  end
end
yields(function() table.sort({2, 1}, function(a, b) return coroutine.yield("yielded") == 7 end) return "end" end, "end")
yields(function() return (("x"):gsub("x", function() local v = coroutine.yield("yielded") return v end)) end, "7")
yields(function() return require("lib.yields") end, 7)
-- module lib/yields
local v = coroutine.yield("yielded")
return v
---
-- The same for metamethods.
local function yields(f, ...)
  local co = coroutine.create(f)
  local ok, message = coroutine.resume(co)
  if ok then
    eq(message, "yielded")
    eq({coroutine.resume(co, 7)}, {true, ...})
  else
    eq(tostring(message):match("yield") or message, "yield")
  end
end
local function meta() local v = coroutine.yield("yielded") return v end
local t = setmetatable({}, {__index = meta, __add = meta, __concat = meta, __call = meta})
yields(function() local x = t() return x end, 7)
yields(function() local x = t.field return x end, 7)
yields(function() local x = t + 1 return x end, 7)
yields(function() local x = t .. "x" return x end, 7)
---
-- The same for the function of a loop.
local function step() local v = coroutine.yield("yielded") return v end
local co = coroutine.create(function() for x in step do eq(x, 7) end return "end" end)
local ok, message = coroutine.resume(co)
if ok then
  eq({coroutine.resume(co, 7)}, {true, "yielded"})
  eq({coroutine.resume(co, nil)}, {true, "end"})
else
  eq(tostring(message):match("yield") or message, "yield")
end
---
-- A function of the library, or a command, as a coroutine.
local co = coroutine.create(tostring)
eq({coroutine.resume(co, 1)}, {true, "1"})
eq(coroutine.status(co), "dead")
eq({coroutine.wrap(pcall)(error, "x", 0)}, {false, "x"})
eq({coroutine.wrap(current_process)()}, {current_process()})
local co = coroutine.create(coroutine.yield)
eq({coroutine.resume(co, 1)}, {true, 1})
eq({coroutine.resume(co, 5)}, {true, 5})
