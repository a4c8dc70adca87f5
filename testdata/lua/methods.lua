-- A project method is called by its name, with parameters, and gives its results.
eq({add(1, 2)}, {3})
eq({several()}, {1, "two", nil, true})
eq(select("#", several()), 4)
eq(select("#", nothing()), 0)
eq({count()}, {0})
eq({count(nil, nil)}, {2})
eq({count(several())}, {4})
eq(type(add), "function")
eq(add, _G.add)
local alias = add
eq(alias(3, 4), 7)
eq((several()), 1)
-- method add
local a, b = ...
return a + b
-- method several
return 1, "two", nil, true
-- method nothing
local unused = 1
-- method count
return select("#", ...)
---
-- A method calls itself and others; each call has its locals.
eq(factorial(10), 3628800)
eq(even(10), true)
eq(even(7), false)
-- method factorial
local n = ...
if n <= 1 then return 1 end
return n * factorial(n - 1)
-- method even
local n = ...
if n == 0 then return true end
return odd(n - 1)
-- method odd
local n = ...
if n == 0 then return false end
return even(n - 1)
---
-- Tables go to a method of the same process as they are, and functions too.
local t = {}
eq(change(t), t)
eq(t.changed, true)
eq(apply(function(a, b) return a .. b end, "x", "y"), "xy")
-- method change
local t = ...
t.changed = true
return t
-- method apply
local f = ...
return f(select(2, ...))
---
-- An error in a method has the method's own line, also when it is called from elsewhere.
local ok, message = pcall(inner)
eq(message, place(5):gsub("methods", "inner") .. ": broken")
outer()
-- method outer
inner()
-- method inner
error("broken") --- error: broken$
---
-- The parameters of a method that calls a command with a wrong one: the line of that call.
relays({})
-- method relays
process_state(...) --- error: bad argument #1 to process_state \(number expected, got table\)
---
-- Process variables belong to a process and all that it calls.
eq(variable, nil)
variable = 1
increase()
eq(variable, 2)
eq(_G.variable, 2)
new_process("looks", 0)
delay_process(current_process(), 1) --- log: msg=looked
eq(variable, 2)
-- method increase
variable = variable + 1
-- method looks
eq(variable, nil)
variable = "another"
eq(variable, "another")
delay_process(current_process(), 60)
eq(variable, "another")
print("looked")
---
-- A process variable hides a method, a command and a library, for this process only.
shared = "mine"
print = 1
string = {}
eq(shared, "mine")
eq({print, string}, {1, {}})
new_process("looks", 0)
delay_process(current_process(), 1) --- log: msg="as ever"
print, string = nil, nil
eq(type(print), "function")
eq(string.rep("x", 2), "xx")
-- method shared
return "method"
-- method looks
eq(shared(), "method")
print(string.lower("AS EVER"))
---
-- cooperative only
-- Interprocess variables are one table for all processes of lane 0, which nobody disturbs between two waits.
eq(interprocess.sum, nil)
interprocess.sum = 0
interprocess.list = {}
local list = interprocess.list
for i = 1, 10 do
  new_process("adds", 0, "", i)
end
delay_process(current_process(), 60)
eq(interprocess.sum, 10 * 100)
eq(#list, 10)
eq(interprocess.list == list, true)
eq(list[1], "added")
-- method adds
for i = 1, 100 do
  local sum = interprocess.sum
  interprocess.sum = sum + 1
  if i % 10 == 0 then
    delay_process(current_process(), 0.1)
  end
end
table.insert(interprocess.list, "added")
---
-- In a preemptive process they are an error, with the method and the line, whichever method uses them.
local n = new_process("begins", 0)
delay_process(current_process(), 1)
eq(process_state(n), -100)
-- method begins preemptive
eq(select(2, pcall(function() interprocess.n = 1 end)),
  place(-1) .. ": interprocess variables belong to cooperative processes, and begins runs in a preemptive one: use storage, semaphores or signals")
uses()
-- method uses
local n = interprocess.n --- log: msg="script failed" method=begins error="uses.lua:\d+: interprocess variables belong to cooperative processes, and begins runs in a preemptive one
---
-- cooperative only
-- The mark counts for the method that a process begins with: here it changes nothing.
eq(marked(), 1)
eq(interprocess.n, 1)
-- method marked preemptive
interprocess.n = (interprocess.n or 0) + 1
return interprocess.n
---
-- Database methods cannot be called: not by name when the scripts are loaded, and not in another way later.
fails(function() _G["on_server_close_connection"]() end, "on_server_close_connection is a database method: Moongate calls it, scripts cannot")
eq({pcall(loadstring("on_server_close_connection()", "=chunk"))},
  {false, "chunk:1: on_server_close_connection is a database method: Moongate calls it, scripts cannot"})
eq(pcall(loadstring, "on_server_close_connection()"), true)
eq(_G["on_exit"], nil)
-- method on_server_close_connection
error("never called")
---
on_server_shutdown(1) --- error: on_server_shutdown: database methods cannot be called$
-- method on_server_shutdown
---
if false then
  local shutdown = on_exit --- error: on_exit: database methods cannot be called$
end
---
-- Modules: a table, a function, a text; nothing is true, and so is nil. Each once in a process.
local numbers = require("lib.numbers")
eq(numbers.double(4), 8)
eq(require("lib.numbers") == numbers, true)
eq(require "lib.call"("x"), "called x")
eq(require("lib.text"), "text")
eq(require("lib.none"), true)
eq(require("lib.init"), "index")
eq(require("lib"), "index")
eq(require("lib.deep.name"), "lib.deep.name")
eq(require("lib.no"), false)
eq(select("#", require("lib.text")), 1)
eq(loads, 1)
-- module lib/numbers
loads = (loads or 0) + 1
local numbers = {}
function numbers.double(n) return 2 * n end
return numbers
-- module lib/call
return function(x) return "called " .. x end
-- module lib/text
return "text"
-- module lib/none
-- module lib/init
return "index"
-- module lib/deep/name
return (...)
-- module lib/no
return false
---
-- A module is run once in each process, with that process's variables.
variable = "mine"
local mine = require("lib.state")
mine.n = 1
eq(mine.variable, "mine")
new_process("looks", 0)
delay_process(current_process(), 1) --- log: msg=looked
eq(require("lib.state").n, 1)
-- method looks
eq(require("lib.state").n, 0)
eq(require("lib.state").variable, nil)
print("looked")
-- module lib/state
return {n = 0, variable = variable}
---
-- Modules that need each other in a circle, also through a third one.
local function failure(module)
  local ok, message = pcall(require, module)
  return message:match("^(lib/%a+.lua):%d+(: .*)")
end
eq({failure("lib.self")}, {"lib/self.lua", ": module lib.self requires itself"})
eq({failure("lib.a")}, {"lib/b.lua", ": module lib.a requires itself"})
eq({failure("lib.b")}, {"lib/a.lua", ": module lib.b requires itself"})
-- module lib/self
return require("lib.self")
-- module lib/a
return require("lib.b")
-- module lib/b
return require("lib.a")
---
-- A module that fails is run again when it is asked for again.
eq(select(2, pcall(require, "lib.fails")):match("^lib/fails.lua:%d+: not yet$") ~= nil, true)
ready = true
eq(require("lib.fails"), "ready")
-- module lib/fails
if not ready then
  error("not yet")
end
return "ready"
---
local hint = ": require reads the subfolders of the scripts folder, as folder.file"
fails(function() require() end, "bad argument #1 to require (string expected, got nil)")
fails(function() require({}) end, "bad argument #1 to require (string expected, got table)")
fails(function() require("lib.missing") end, "module lib.missing not found" .. hint)
fails(function() require("") end, "module  not found" .. hint)
fails(function() require("eq") end, "module eq not found" .. hint)
fails(function() require("lib/text") end, "module lib/text not found" .. hint)
fails(function() require("../etc/passwd") end, "module ../etc/passwd not found" .. hint)
fails(function() require("string") end, "module string not found" .. hint)
-- module lib/text
return "text"
---
-- A module may wait, and may call methods and commands.
local from = milliseconds()
eq(require("lib.waits"), 7)
eq(milliseconds() - from, 1000)
-- module lib/waits
delay_process(current_process(), 60)
return add(3, 4)
-- method add
local a, b = ...
return a + b
