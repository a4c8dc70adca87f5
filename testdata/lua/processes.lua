-- What a process can ask about itself and others.
eq(current_process(), 3)
eq(current_process_name(), "Chunk")
eq(select("#", current_process()), 1)
eq(current_process("more", {}), 3)
---
-- connection
eq(current_process_name(), "Application process")
eq(process_number("application PROCESS"), current_process())
eq(process_info(current_process()).type, -18)
eq(process_info(current_process()).session_id, connection_info().session_id)
---
local preemptive = not pcall(function() return interprocess end)
local info = process_info(current_process())
eq(info.number, 3)
eq(info.id, 3)
eq(info.name, "Chunk")
eq(info.type, 4)
eq(info.state, 0)
eq(info.visible, true)
eq(info.preemptive, preemptive)
eq(info.method, "processes")
eq(info.session_id, "")
eq(info.system_id, "3")
eq(info.creation_date_time:match("^%d+%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d") ~= nil, true)
eq(type(info.cpu_time), "number")
eq(info.cpu_time >= 0 and info.cpu_usage >= 0 and info.cpu_usage <= 1, true)
info.name = "changed"
eq(process_info(current_process()).name, "Chunk")
---
-- The processes that are the server's own.
eq(process_info(1).name, "Main process")
eq(process_info(1).type, -39)
eq(process_info(2).name, "Client Manager")
eq(process_info(2).type, -31)
eq(process_state(2), 4)
---
-- A number that no process has.
for _, n in ipairs {0, -1, 4, 99, 1.5, 2^31, 2^40, -2^40, 1/0, -1/0, 0/0} do
  eq(process_state(n), -100)
  eq(process_info(n), nil)
  eq(select("#", process_info(n)), 1)
end
eq(process_state("3"), 0)
eq(process_info("3").number, 3)
---
fails(function() process_info() end, "bad argument #1 to process_info (number expected, got nil)")
fails(function() process_info("x") end, "bad argument #1 to process_info (number expected, got string)")
fails(function() process_info({}) end, "bad argument #1 to process_info (number expected, got table)")
fails(function() process_state() end, "bad argument #1 to process_state (number expected, got nil)")
fails(function() process_state(true) end, "bad argument #1 to process_state (number expected, got boolean)")
fails(function() process_number() end, "bad argument #1 to process_number (string expected, got nil)")
fails(function() process_number(print) end, "bad argument #1 to process_number (string expected, got function)")
---
-- The error has the line of the call, whatever is around it.
local n =
  current_process() +
  process_state(nil) --- error: bad argument #1 to process_state \(number expected, got nil\)$
---
-- The number of a name: case does not count, the lowest number wins, "*" is the server itself.
eq(process_number("Chunk"), 3)
eq(process_number("cHUNK"), 3)
eq(process_number("Chunk", "*"), 3)
eq(process_number("main process"), 1)
eq(process_number("nobody"), 0)
eq(process_number("nobody", "*"), 0)
eq(process_number(""), 0)
local first = new_process("stays", 0, "Twice")
local second = new_process("stays", 0, "Twice")
eq(first ~= second, true)
eq(process_number("Twice"), math.min(first, second))
new_process("stays", 0)
eq(process_number(""), 0)
-- method stays
pause_process(current_process())
---
-- Counts: count_tasks is the highest number, count_user_processes leaves the Client Manager out.
eq(count_tasks(), 3)
eq(count_user_processes(), 2)
new_process("leaves", 0)
local last = new_process("stays", 0)
eq(count_tasks(), last)
delay_process(current_process(), 1)
eq(last, 5)
eq(count_tasks(), 5)
eq(count_user_processes(), 3)
resume_process(last)
delay_process(current_process(), 1)
eq(count_tasks(), 3)
eq(count_user_processes(), 2)
-- method leaves
delay_process(current_process(), 0.5)
-- method stays
pause_process(current_process())
---
-- A process that has ended keeps its number and name until the number is used again, while a higher one lives.
local first = new_process("leaves", 0, "First")
local id = process_info(first).id
local second = new_process("stays", 0, "Second")
delay_process(current_process(), 1)
eq(process_state(first), -1)
eq(process_info(first).number, first)
eq(process_info(first).name, "First")
eq(process_info(first).state, -1)
eq(process_number("First"), 0)
local third = new_process("stays", 0, "Third")
eq(third, first)
eq(process_info(third).name, "Third")
eq(process_info(third).id > process_info(second).id and process_info(second).id > id, true)
for n = second, third, -1 do
  resume_process(n)
  delay_process(current_process(), 1)
end
eq(process_state(first), -100)
eq(process_info(second), nil)
-- method leaves
delay_process(current_process(), 0.5)
-- method stays
pause_process(current_process())
---
-- A new process: its parameters, its name, its type.
local n = new_process("looks", 0, "Looker", 1, "two", nil, {3, {four = 4}}, true, 2^53, -0.5, nil)
eq(n, 4)
eq(process_info(n).method, "looks")
delay_process(current_process(), 1) --- log: msg=looked process=4
eq(new_process("looks_bare", 1024 * 32), 4)
delay_process(current_process(), 1) --- log: msg="looked too" process=4
eq(new_process("looks_bare", "0", ""), 4)
-- method looks
delay_process(current_process(), 0.5)
eq(select("#", ...), 8)
local a, b, c, d, e, f, g, h = ...
eq({a, b, d, e, f, g}, {1, "two", {3, {four = 4}}, true, 9007199254740992, -0.5})
eq(c, nil)
eq(h, nil)
eq(current_process_name(), "Looker")
eq(process_info(current_process()).type, 1)
eq(process_info(current_process()).preemptive, false)
print("looked")
-- method looks_bare
delay_process(current_process(), 0.5)
eq(select("#", ...), 0)
eq(current_process_name(), "")
print("looked too")
---
-- A method that is marked runs in a preemptive process, whoever starts it.
eq(process_info(new_process("runs", 0)).preemptive, true)
delay_process(current_process(), 1) --- log: msg=ran
-- method runs preemptive
delay_process(current_process(), 0.5)
eq(pcall(function() return interprocess end), false)
print("ran")
---
-- Tables are copies.
local inner = {2}
local given = {1, inner = inner, again = inner, [2.5] = "half", [true] = false}
new_process("changes", 0, "", given)
delay_process(current_process(), 1) --- log: msg=changed
eq(given, {1, inner = {2}, again = {2}, [2.5] = "half", [true] = false})
-- method changes
local given = ...
eq(given, {1, inner = {2}, again = {2}, [2.5] = "half", [true] = false})
given[1] = "changed"
given.inner[1] = "changed"
eq(given.again[1], 2)
print("changed")
---
-- "*" gives the living process of that name.
local n = new_process("stays", 0, "Only one", "*")
eq(new_process("stays", 0, "Only one", "*"), n)
eq(new_process("stays", 0, "ONLY ONE", 1, 2, "*"), n)
eq(new_process("stays", 0, "Chunk", "*"), current_process())
local other = new_process("stays", 0, "Only one")
eq(other ~= n, true)
delay_process(current_process(), 1)
resume_process(n)
resume_process(other)
delay_process(current_process(), 1)
eq(process_number("Only one"), 0)
new_process("counts", 0, "Counter", 1, "*", "*")
delay_process(current_process(), 1) --- log: msg="1 \*"
-- method stays
pause_process(current_process())
-- method counts
eq(select("#", ...), 2)
print(table.concat({...}, " "))
---
fails(function() new_process() end, "bad argument #1 to new_process (string expected, got nil)")
fails(function() new_process({}) end, "bad argument #1 to new_process (string expected, got table)")
fails(function() new_process("eq") end, "bad argument #2 to new_process (number expected, got nil)")
fails(function() new_process("eq", "much") end, "bad argument #2 to new_process (number expected, got string)")
fails(function() new_process("eq", 0, {}) end, "bad argument #3 to new_process (string expected, got table)")
fails(function() new_process("eq", 0, "", print) end, "bad argument #4 to new_process (a function cannot leave its process)")
fails(function() new_process("eq", 0, "", 1, {{eq}}) end, "bad argument #5 to new_process (a function cannot leave its process)")
fails(function() new_process("eq", 0, "", {[eq] = 1}) end, "bad argument #4 to new_process (a function cannot leave its process)")
fails(function() new_process("eq", 0, "", coroutine.create(eq)) end, "bad argument #4 to new_process (a thread cannot leave its process)")
local circle = {}
circle[1] = circle
fails(function() new_process("eq", 0, "", circle) end, "bad argument #4 to new_process (more than 32 tables inside each other)")
eq(count_tasks(), 3)
---
-- A method that does not exist, and one that only Moongate calls.
fails(function() new_process("nobody", 0) end, "new_process: nobody: no such method")
fails(function() new_process("", 0) end, "new_process: : no such method")
fails(function() new_process("lib.numbers", 0) end, "new_process: lib.numbers: no such method")
fails(function() new_process("on_server_shutdown", 0) end, "new_process: on_server_shutdown: no such method")
fails(function() new_process("on_server_close_connection", 0) end, "new_process: on_server_close_connection: no such method")
-- method on_server_close_connection
---
-- An error in a process is its own, and is logged.
local n = new_process("breaks", 0, "Breaker")
delay_process(current_process(), 1)
eq(process_state(n), -100)
-- method breaks
local missing
missing.field = 1 --- log: level=WARN msg="script failed" method=breaks error="breaks.lua:\d+: attempt to index
---
eq(process_aborted(), false)
eq(process_aborted("more"), false)
