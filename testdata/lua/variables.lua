-- The variables of other processes, in whichever lane those run. One that is not set is nil.
local n = new_process("keeps", 0, "Keeper")
delay_process(current_process(), 1)
eq({get_process_variable(n, "status", "missing", "list")}, {1, nil, {1, {two = 2}, "three"}})
eq(select("#", get_process_variable(n, "missing", "missing")), 2)
eq(get_process_variable(n, "hidden"), nil)
eq(get_process_variable(n, "print"), nil)
eq(get_process_variable(n, "_G"), nil)
set_process_variable(n, "status", 0)
eq(get_process_variable(n, "status"), 0)
set_process_variable(n, "status", "text", "new", {a = {1, 2}}, "list", nil)
eq(get_process_variable(n, "new"), {a = {1, 2}})
eq(get_process_variable(n, "list"), nil)
mine, other = {1, 2, {3}}, true
variable_to_variable(n, "copy", "mine", "none", "missing", "flag", "other")
mine[1] = "changed"
eq({get_process_variable(n, "copy", "flag", "none")}, {{1, 2, {3}}, true})
eq(status, nil)
resume_process(n)
delay_process(current_process(), 1) --- log: msg="text 2 1 true"
-- method keeps
status, list = 1, {1, {two = 2}, "three"}
local hidden = 5
pause_process(current_process())
eq(list, nil)
print(status .. " " .. #new.a .. " " .. copy[1] .. " " .. tostring(flag))
---
-- The same from either kind of lane into the other.
local n = new_process("keeps", 0, "Keeper")
delay_process(current_process(), 1)
eq(process_info(n).preemptive, true)
eq(get_process_variable(n, "table"), {{1}, key = "value"})
set_process_variable(n, "table", {2})
eq(get_process_variable(n, "table"), {2})
variable_to_variable(n, "table", "missing")
eq(get_process_variable(n, "table"), nil)
resume_process(n)
-- method keeps preemptive
table = {{1}, key = "value"}
pause_process(current_process())
---
-- What is read and set are copies.
local n = new_process("keeps", 0, "Keeper")
delay_process(current_process(), 1)
local copy = get_process_variable(n, "list")
copy[1] = "changed"
eq(get_process_variable(n, "list"), {1})
local given = {2}
set_process_variable(n, "list", given)
given[1] = "changed"
eq(get_process_variable(n, "list"), {2})
resume_process(n)
-- method keeps
list = {1}
pause_process(current_process())
---
-- The own variables.
x = 1
eq(get_process_variable(current_process(), "x"), 1)
set_process_variable(current_process(), "x", 2)
eq(x, 2)
y = "y"
variable_to_variable(current_process(), "x", "y")
eq(x, "y")
---
-- A process that does not exist: nothing for whoever reads, an error for whoever sets. The host's own are like that.
for _, n in ipairs {99, 0, -1, 1.5, 2^40, 1, 2} do
  eq({get_process_variable(n, "x")}, {})
  eq(select("#", get_process_variable(n, "x", "y")), 2)
  local text = tostring(n)
  fails(function() set_process_variable(n, "x", 1) end, "set_process_variable: there is no user process " .. text)
  fails(function() variable_to_variable(n, "x", "y") end, "variable_to_variable: there is no user process " .. text)
end
local n = new_process("leaves", 0)
local above = new_process("stays", 0)
delay_process(current_process(), 1)
eq(process_state(n), -1)
eq(get_process_variable(n, "x"), nil)
fails(function() set_process_variable(n, "x", 1) end, "set_process_variable: there is no user process " .. n)
resume_process(above)
-- method leaves
x = 1 delay_process(current_process(), 0.5) -- or the other could have its number
-- method stays
pause_process(current_process())
---
fails(function() get_process_variable() end, "bad argument #1 to get_process_variable (number expected, got nil)")
fails(function() get_process_variable({}, "x") end, "bad argument #1 to get_process_variable (number expected, got table)")
fails(function() get_process_variable(3) end, "bad argument #2 to get_process_variable (string expected, got nil)")
fails(function() get_process_variable(3, "x", {}) end, "bad argument #3 to get_process_variable (string expected, got table)")
fails(function() get_process_variable(3, "$x") end, "bad argument #2 to get_process_variable (name of a process variable expected)")
fails(function() get_process_variable(3, "") end, "bad argument #2 to get_process_variable (name of a process variable expected)")
fails(function() get_process_variable(3, "a.b") end, "bad argument #2 to get_process_variable (name of a process variable expected)")
fails(function() get_process_variable(99, 5) end, "bad argument #2 to get_process_variable (name of a process variable expected)")
fails(function() set_process_variable(3) end, "bad argument #2 to set_process_variable (string expected, got nil)")
fails(function() set_process_variable(3, "x") end, "bad argument #3 to set_process_variable (value expected)")
fails(function() set_process_variable(3, "x", 1, "y") end, "bad argument #5 to set_process_variable (value expected)")
fails(function() set_process_variable(3, "x", eq) end, "bad argument #3 to set_process_variable (a function cannot leave its process)")
fails(function() variable_to_variable(3, "x") end, "bad argument #3 to variable_to_variable (string expected, got nil)")
fails(function() variable_to_variable(3, "x", "<>y") end, "bad argument #3 to variable_to_variable (name of a process variable expected)")
f = eq
fails(function() variable_to_variable(3, "x", "f") end, "bad argument #3 to variable_to_variable (a function cannot leave its process)")
fails(function() get_process_variable(3, "f") end, "bad argument #2 to get_process_variable (f of process 3: a function cannot leave its process)")
big = {}
for i = 1, 100500 do big[i] = i end
fails(function() get_process_variable(3, "big") end, "bad argument #2 to get_process_variable (big of process 3: more than 100000 values)")
fails(function() set_process_variable(3, "x", big) end, "bad argument #3 to set_process_variable (more than 100000 values)")
---
-- Two processes of different lanes that read each other all the time do not wait for each other for ever.
local n = new_process("reads", 0, "", current_process())
for i = 1, 2000 do
  counter = i
  get_process_variable(n, "counter")
  set_process_variable(n, "other", i)
end
delay_process(current_process(), 1)
eq(type(get_process_variable(n, "counter")), "number")
-- method reads preemptive
local n = ...
counter = 0
while process_state(n) ~= -100 and counter < 2000 do
  counter = counter + 1
  get_process_variable(n, "counter")
  if get_process_variable(n, "counter") then set_process_variable(n, "other", counter) end
end
pause_process(current_process())
---
-- connection
-- The variables of a client process that waits for its client are reached, and those of a worker between its messages.
mark = "client"
local n = new_process("asks", 0, "", current_process())
delay_process(current_process(), 1) --- log: msg="client nil"
eq(mark, "asked")
call_worker("Clerk", "begins")
delay_process(current_process(), 1)
eq(get_process_variable(process_number("Clerk"), "begun"), true)
set_process_variable(process_number("Clerk"), "begun", "set")
call_worker("Clerk", "shows")
delay_process(current_process(), 1) --- log: msg=set
-- method asks
local mark, none = get_process_variable(..., "mark", "none")
print(mark .. " " .. tostring(none))
set_process_variable(..., "mark", "asked")
-- method begins
begun = true
-- method shows
print(begun)
---
-- The handshake of "Execute on server": the caller waits until the status is 0, then lets the procedure end.
local n = execute_on_server("works", 0, "Worker")
local status
repeat
  delay_process(current_process(), 300)
  status = get_process_variable(n, "status")
until status and status <= 0
eq({status, get_process_variable(n, "result")}, {0, "done"})
set_process_variable(n, "status", 1)
delay_process(current_process(), 61)
eq(process_state(n), -100)
fails(function() execute_on_server("nobody", 0) end, "execute_on_server: nobody: no such method")
fails(function() execute_on_server("works", 0, "$local") end, 'execute_on_server: "$local" is no name for a process of the server: $ begins the names of local ones')
fails(function() new_process("works", 0, "$local") end, 'new_process: "$local" is no name for a process of the server: $ begins the names of local ones')
fails(function() execute_on_server("works") end, "bad argument #2 to execute_on_server (number expected, got nil)")
-- method works
status = 1
delay_process(current_process(), 900)
result, status = "done", 0
while status <= 0 do delay_process(current_process(), 60) end
