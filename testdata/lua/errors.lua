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
---
-- throw: a text with its place and its code; last_errors says it in parts once try has met it.
eq(last_errors(), nil)
local at = place(1)
local function fault() throw(1234, "no paper") end
eq({pcall(fault)}, {false, at .. ": no paper (1234)"})
eq(try(fault, "default"), "default")
local line = tonumber(at:match("%d+$"))
eq(last_errors(), {{err_code = 1234, message = "no paper", component_signature = "host", method = "errors", line = line}})
eq(try(function() return "fine" end), "fine")
eq(last_errors(), nil)
eq({try(function() return 1, nil, 3 end)}, {1, nil, 3})
eq(select("#", try(function() return 1, nil, nil end)), 3)
eq({pcall(throw)}, {false, "throw: there is no error to be raised again"})
eq(select("#", try(fault)), 1)
---
fails(function() throw(7) end, "an error was thrown (7)")
fails(function() throw(-1, "text") end, "text (-1)")
fails(function() throw({}) end, "an error was thrown (-1)")
fails(function() throw({err_code = 9, message = "object"}) end, "object (9)")
fails(function() throw("x") end, "bad argument #1 to throw (number expected, got string)")
fails(function() throw(nil) end, "bad argument #1 to throw (number expected, got nil)")
fails(function() throw(1, {}) end, "bad argument #2 to throw (string expected, got table)")
fails(function() throw({deferred = true}) end, "throw: a deferred error waits for the end of the try around it, and there is none")
fails(function() try() end, "bad argument #1 to try (function expected, got nil)")
fails(function() try("x") end, "bad argument #1 to try (function expected, got string)")
fails(function() on_err_call() end, "bad argument #1 to on_err_call (string expected, got nil)")
fails(function() on_err_call("nobody") end, "on_err_call: nobody is no project method (-10532)")
fails(function() on_err_call("on_server_shutdown") end, "on_err_call: on_server_shutdown is no project method (-10532)")
fails(function() on_err_call("errors", 3) end, "bad argument #2 to on_err_call (scope 0 (this process), 1 (all processes) or 2 (components) expected)")
fails(function() method_called_on_error(-1) end, "bad argument #1 to method_called_on_error (scope 0 (this process), 1 (all processes) or 2 (components) expected)")
---
-- throw with a table keeps its other fields, and throw without anything raises the last error again.
try(function() throw{err_code = 5, message = "out of stock", component_signature = "shop", article = "lamp", deferred = false} end)
local e = last_errors()[1]
eq({e.err_code, e.message, e.component_signature, e.article}, {5, "out of stock", "shop", "lamp"})
fails(function() throw() end, "out of stock (5)")
eq(try(function() try(function() error("inner") end, throw) end, function() return last_errors()[1].message end), "inner")
---
-- try with a function as default is Try ... Catch: the function is called with the errors at hand.
local function caught()
  local e = last_errors()[1]
  return e.err_code, e.message, e.method .. ".lua:" .. e.line
end
eq({try(function() throw(8, "eight") end, caught)}, {8, "eight", place()})
eq({try(function() local t; return t.field end, caught)}, {-1, last_errors()[1].message, place()})
eq({try(function() error({}) end, caught)}, {-1, "(error object is a table value)", ".lua:0"})
eq({try(add_record, function() return last_errors()[1].err_code end)}, {67})
fails(function() try(error, function() error("in the catch") end) end, "in the catch")
-- An inner try leaves nothing to an outer one.
eq(try(function() return try(error, "inner") end, "outer"), "inner")
eq(try(function() try(error) throw(2) end, "outer"), "outer")
---
-- Deferred errors wait for the end of the try: all checks are made, and then it has failed.
local checks = 0
local ok = try(function()
  for _, field in ipairs {"name", "age"} do
    throw{err_code = 10, message = field .. " missing", deferred = true}
    checks = checks + 1
  end
  return true
end, false)
eq({ok, checks}, {false, 2})
eq({#last_errors(), last_errors()[1].message, last_errors()[2].message}, {2, "name missing", "age missing"})
try(function() throw{message = "later", deferred = true} error("now", 0) end)
eq({last_errors()[1].message, last_errors()[2].message}, {"later", "now"})
eq(try(function() try(function() throw{deferred = true} end) return "outer goes on" end), "outer goes on")
try(function() for i = 1, 101 do throw{deferred = true} end end)
eq(last_errors()[101].message, "throw: too many deferred errors (the limit is 100)")
---
-- try goes on as pcall does: with waits, with closures, inside each other.
local n = 0
local function increase() n = n + 1 end
eq(try(function() increase() delay_process(current_process(), 60) increase() return n end), 2)
try(function() increase() error("x") end)
increase()
eq(n, 4)
local function deep(i) if i == 0 then throw(99) end return try(function() return deep(i - 1) end, throw) end
eq(try(function() return deep(20) end, function() return last_errors()[1].err_code end), 99)
local function endless() return try(endless, throw) end
eq(try(endless, "too deep"), "too deep")
---
-- What a server cannot do is there, and raises error 67 naming itself.
fails(function() add_record("[Server Log]") end, "add_record: the command cannot be executed on a server (67)")
fails(function() modify_record("[Server Log]") end, "modify_record: the command cannot be executed on a server (67)")
fails(function() on_event_call("told") end, "on_event_call: the command cannot be executed on a server (67)")
fails(function() append_menu_item(1, "Quit") end, "append_menu_item: the command cannot be executed on a server (67)")
fails(function() insert_menu_item(1, 1, "Quit") end, "insert_menu_item: the command cannot be executed on a server (67)")
fails(function() delete_menu_item(1, 1) end, "delete_menu_item: the command cannot be executed on a server (67)")
fails(function() enable_menu_item(1, 1) end, "enable_menu_item: the command cannot be executed on a server (67)")
fails(function() disable_menu_item(1, 1) end, "disable_menu_item: the command cannot be executed on a server (67)")
fails(function() set_menu_item(1, 1, "Quit") end, "set_menu_item: the command cannot be executed on a server (67)")
on_err_call("told")
eq(pcall(add_record), false)
eq(error_code, 0)
on_err_call("")
eq({messages_on(), messages_off(), set_menu_bar(1), graph(), show_tool_bar()}, {})
-- method told
---
-- The method for errors: by scope, taken back by an empty text or nil.
eq({method_called_on_error(), method_called_on_error(1), method_called_on_error(2)}, {"", "", ""})
on_err_call("local_method")
on_err_call("global_method", 1)
on_err_call("local_method", 2)
eq({method_called_on_error(), method_called_on_error(1), method_called_on_error(2)}, {"local_method", "global_method", "local_method"})
eq({error_code, error_method, error_line, error_formula}, {0, "", 0, ""})
open_document("missing")
eq({who, error_code}, {"local", -43})
on_err_call("")
open_document("missing")
eq({who, error_code, error_method, error_formula}, {"global", -43, "errors", "open_document"})
on_err_call(nil, 1)
who = nil
open_document("missing")
eq(who, nil)
eq({method_called_on_error(), method_called_on_error(1), method_called_on_error(2)}, {"", "", "local_method"})
-- method local_method
who = "local"
-- method global_method
who = "global"
---
-- An error that nothing caught: the method for errors is told, and the process ends as it would without it.
on_err_call("told")
kept = "process variable"
local function deep()
  throw(77, "no way out") --- error: no way out \(77\)$
end
deep()
-- method told
local e = last_errors()[1]
print(error_code, error_method, error_line, error_formula, e.message, kept) --- log: msg="77\\terrors\\t\d+\\t\\tno way out\\tprocess variable"
---
on_err_call("told")
local missing
local x = missing.field --- error: attempt to index
-- method told
print(error_code, error_method, error_line) --- log: msg="-1\\terrors\\t\d+"
---
-- What pcall and try catch is nobody else's business.
on_err_call("told")
pcall(error, "x")
try(error)
xpcall(error, function() end)
eq(coroutine.resume(coroutine.create(function() error("x") end)), false)
eq(told_of, nil)
-- method told
told_of = error_code
---
-- A process that only has the method of all processes: a stored procedure, and one in a preemptive lane.
on_err_call("told", 1)
new_process("fails_at_once", 0, "Faulty")
delay_process(current_process(), 1) --- log: msg="told of Faulty 5"
new_process("fails_alone", 0, "Alone") --- log: msg="script failed" method=fails_at_once error="fails_at_once\.lua:\d+: x \(5\)"
delay_process(current_process(), 1) --- log: msg="told of Alone 6"
on_err_call("", 1) --- log: msg="script failed" method=fails_alone
-- method fails_at_once
throw(5, "x")
-- method fails_alone preemptive
throw(6, "x")
-- method told
print("told of " .. current_process_name() .. " " .. error_code)
---
-- An error in the method for errors is logged once and does not go round; the command goes on, and so does the error.
on_err_call("faulty")
eq(select(2, open_document("missing")), "missing: there is no such document (-43)") --- log: msg="script failed" method=faulty error="faulty.lua:\d+: inside" .*traceback=
eq(calls, 1)
throw(3, "outer") --- error: outer \(3\)$
-- method faulty
calls = (calls or 0) + 1
open_document("missing too") --- log: msg="script failed" method=faulty error="faulty.lua:\d+: inside"
error("inside")
---
-- In the method for errors another cannot be set.
on_err_call("sets")
open_document("missing")
eq(message, "on_err_call: not in the method that is told of an error")
-- method sets
message = select(2, pcall(on_err_call, "sets"))
---
-- The method for errors may wait; it runs in the process, and its variables are the process's.
on_err_call("waits")
local from = milliseconds()
open_document("missing")
eq(milliseconds() - from, 1000)
eq(seen, current_process())
-- method waits
delay_process(current_process(), 60)
seen = current_process()
---
-- In a coroutine too; the method for errors is outside of it.
on_err_call("yields")
local co = coroutine.wrap(function() open_document("missing") coroutine.yield("mine") return "end" end)
eq(co(), "mine")
eq(co(), "end")
eq(message, "attempt to yield outside of a coroutine")
-- method yields
message = select(2, pcall(coroutine.yield, "stolen")):match("attempt.*")
---
-- An abort is not caught by try, and nobody is told of it: not while the process waits, nor while its method for errors does.
for _, method in ipairs {"clings", "waits_in_it"} do
  local n = new_process(method, 0)
  delay_process(current_process(), 1)
  eq(process_state(n), 1)
  abort_process_by_id(process_info(n).id)
  delay_process(current_process(), 1)
  eq(process_state(n), -100)
end
-- method clings
on_err_call("told")
while true do
  try(function() delay_process(current_process(), 6000) end, function() print("not reached") end)
end
-- method told
print("not reached")
-- method waits_in_it
on_err_call("waits")
open_document("missing")
print("not reached")
-- method waits
delay_process(current_process(), 6000)
print("not reached")
---
-- connection
-- A client gets the error, and the method for errors of its process is told.
on_err_call("told")
throw(403, "not for you") --- error: not for you \(403\)$
-- method told
print("told " .. error_code) --- log: msg="told 403"
---
-- The method for errors may have the code stop in which a command failed: no pcall or try goes on after it.
on_err_call("stops")
pcall(function()
  try(function() open_document("missing") end, function() print("not reached") end) --- error: abort was called
end)
print("not reached")
-- method stops
eq(error_code, -43)
abort()
print("not reached")
---
-- An error that nothing caught is no news for the log when the method for errors calls abort: the process ends.
on_err_call("stops", 1)
local n = new_process("fails_at_once", 0, "Faulty")
delay_process(current_process(), 1) --- log: level=INFO msg="process aborted" process=\d+ name=Faulty method=fails_at_once
eq(process_state(n), -100)
on_err_call("", 1)
-- method fails_at_once
throw(5, "x")
-- method stops
abort()
---
-- Outside of that method abort works as well, in a coroutine and a function of use too; what the process held is free.
for _, way in ipairs {"at_once", "in_coroutine", "in_use"} do
  local n = new_process("stops", 0, "Stops", way)
  delay_process(current_process(), 1) --- log: level=INFO msg="process aborted" process=\d+ name=Stops method=stops place=stops\.lua:\d+
  eq(process_state(n), -100)
  eq(semaphore("held by " .. way), false)
end
local done = false
use(storage(), function() done = true end)
eq(done, true)
-- method stops
local way = ...
semaphore("held by " .. way)
pcall(function()
  if way == "at_once" then abort() end
  if way == "in_coroutine" then coroutine.wrap(function() pcall(abort) end)() end
  use(storage(), function() xpcall(abort, function() print("not reached") end) end)
end)
print("not reached")
---
-- A worker ends by it as by any other abort: the messages that wait are for its next process, which has new variables.
call_worker("Clerk", "works", "abort")
call_worker("Clerk", "works", "look")
delay_process(current_process(), 1) --- log: level=INFO msg="process aborted" process=\d+ name=Clerk method=works
                                    --- log: msg="variable nil"
kill_worker("Clerk")
-- method works
if ... == "abort" then variable = 1 abort() end
print("variable " .. tostring(variable))
---
-- connection
-- A client gets an error for its CALL; its process is still there, with what it has.
semaphore("mine")
on_err_call("stops")
open_document("missing") --- error: abort was called
-- method stops
abort()
---
-- connection
-- An error that nothing caught stays what it is for the client.
on_err_call("stops")
throw(9, "mine") --- error: mine \(9\)$
-- method stops
abort()
