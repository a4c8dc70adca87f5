-- What scripts of a client do with its server. Chunks run in a process of the client, and the methods here are on both machines.
eq(application_type(), 5)
eq(get_registered_clients(), {})
eq(execute_on_client("@", "nothing"), 0)
eq(register_client("x"), false) -- on a server, and in local mode, there is nobody who could be asked
eq(unregister_client(), false)
send_message_to_remote_user("nobody hears this")
send_message_to_remote_user("nobody hears this", "no such session")
fails(function() send_message_to_remote_user("a\27[2J") end, "bad argument #1 to send_message_to_remote_user (message of at most 4000 bytes")
fails(function() execute_on_client("x", "") end, "bad argument #2 to execute_on_client (name of a project method expected, got an empty text)")
fails(function() execute_on_client("x", "y", print) end, "bad argument #3 to execute_on_client (a function cannot leave its process)")
---
-- client
eq(application_type(), 4)
eq(count_users(), 1)
eq(current_user(), "Designer")
eq(session(), nil)
eq(session_storage("x"), nil)
eq(session_info("x"), nil)
-- What only a server does:
send_message_to_remote_user("nobody hears this")
drop_remote_user("x")
reject_new_remote_connections(true)
abort_process_by_id(process_info(current_process()).id)
fails(function() connection_info() end, [[connection_info: only the server has that; call a method there which is marked {"executedOnServer":true}]])
---
-- client
-- The two clocks are one here.
eq(current_time("*"), current_time())
eq(current_date("*"), current_date())
---
-- client
-- The open method is called for a process of the client when that first uses the server's language, and not before. The
-- Application process is the first; each that asks how many there were is one too.
local function opened()
  local n
  new_process("count_opened", 0, "asks")
  local answer = new_signal()
  use(storage, function() storage.answer = answer end)
  answer:wait()
  return answer.opened
end
eq(opened(), 2)
eq(process_number("Chunk"), current_process()) -- of the client
eq(opened(), 3)
current_time("*")
eq(opened(), 5)
current_time("*")
eq(opened(), 6)
-- method count_opened
while not storage.answer do delay_process(current_process(), 1) end
local opened = get_process_variable(-1, "<>opened")
local answer = storage.answer
use(storage, function() storage.answer = nil end)
use(answer, function() answer.opened = opened end)
answer:trigger()
-- method on_server_open_connection
interprocess.opened = (interprocess.opened or 0) + 1
---
-- client
-- A process is refused, and can ask again.
fails(function() current_time("*") end, "current_time: the server refused the connection: 7 not now (7)")
eq(try(function() return current_time("*") end, "refused"), "refused")
eq(last_errors()[1].err_code, 7)
current_time("*")
-- method on_server_open_connection
interprocess.asked = (interprocess.asked or 0) + 1
if interprocess.asked == 2 or interprocess.asked == 3 then
  return 7, "not now"
end
---
-- client
-- Local processes have nothing on the server.
new_process("is_local", 0, "$mine")
while not interprocess.ended do delay_process(current_process(), 1) end
eq(interprocess.ended, "$mine")
-- method is_local
local process = "process " .. current_process() .. ", $mine, is local"
fails(function() current_time("*") end, "current_time: " .. process)
fails(function() semaphore("x") end, "semaphore: " .. process)
fails(function() semaphore("x", 60) end, "semaphore: " .. process)
fails(function() there() end, "there: " .. process)
fails(function() process_number("x", "*") end, "process_number: " .. process)
eq(semaphore("$x"), false)
eq(current_user(), "Designer")
interprocess.ended = current_process_name()
-- method there on server
---
-- client
-- Processes of the server have numbers below 0.
local n = execute_on_server("serves", 0, "served", 7, { a = { 1, 2 } })
eq(n < 0, true)
eq(process_number("served", "*"), n)
eq(process_number("SERVED"), 0)
eq(process_number("nobody", "*"), 0)
eq(execute_on_server("serves", 0, "served", "*"), n)
while process_state(n) ~= 1 do delay_process(current_process(), 1) end -- it has begun, and waits
eq(process_state(-1000), -100)
local info = process_info(n)
eq(info.number, n)
eq(info.name, "served")
eq(process_info(-1000), nil)
local name, state = process_properties(n)
eq(name, "served")
eq(state, 1)
eq(select("#", process_properties(-1000)), 0)
-- Nobody can stop them from here.
delay_process(n, 0)
pause_process(n)
resume_process(n)
eq(process_state(n), 1)
-- Their variables, and the interprocess variables by any number.
local number, list, nothing = get_process_variable(n, "number", "list", "nothing")
eq(number, 7)
eq(list, { a = { 1, 2 } })
eq(nothing, nil)
set_process_variable(n, "number", 8, "list", { 1, { 2 } })
eq({ get_process_variable(n, "number", "list") }, { 8, { 1, { 2 } } })
set_process_variable(-1000, "<>shared", { "x" })
eq(get_process_variable(-2000, "<>shared"), { "x" })
eq({ get_process_variable(n, "<>shared", "number") }, { { "x" }, 8 })
eq(get_process_variable(-1000, "number"), nil)
fails(function() set_process_variable(-1000, "number", 1) end, "set_process_variable: there is no user process -1000")
own, other = 5, new_shared_collection(6)
variable_to_variable(n, "number", "own", "<>shared", "other")
eq({ get_process_variable(n, "number", "<>shared") }, { 5, { 6 } })
eq(interprocess.shared, nil) -- here there are others
-- "<>" is for the server only.
fails(function() get_process_variable(1, "<>x") end, "bad argument #2 to get_process_variable (name of a process variable expected)")
fails(function() get_process_variable(n, "<>1") end, "bad argument #2 to get_process_variable (name of a process variable expected)")
set_process_variable(n, "done", true)
-- method serves
number, list = ...
while not done do delay_process(current_process(), 10) end
---
-- client
fails(function() execute_on_server("nothing", 0, "$x") end, [[execute_on_server: "$x" is no name for a process of the server: $ begins the names of local ones]])
fails(function() execute_on_server("nothing", 0) end, "execute_on_server: nothing: no such method")
fails(function() execute_on_server("eq", 0, "x", print) end, "bad argument #4 to execute_on_server (a function cannot leave its process)")
fails(function() process_number({}, "*") end, "bad argument #1 to process_number (string expected, got table)")
---
-- client
-- A method that is marked runs on the server, in the twin; its variables are those of the twin, and tables are copies.
n = 5
local t = { 1, x = { y = 2 } }
local type, number, copy, before = there(t, new_shared_object{ a = 1 })
eq(type, 5)
eq(copy, { { 1, x = { y = 2, z = 3 } }, { a = 1 } })
eq(t, { 1, x = { y = 2 } })
eq(before, nil)
eq(select(4, there(1, 2)), 2)
eq(n, 5)
eq(select("#", nothing()), 0)
fails(function() there(print) end, "bad argument #1 to there (a function cannot leave its process)")
eq(pcall(wrong), false)
eq(not select(2, pcall(wrong)):find("wrong.lua:%d+: this is wrong"), false)
-- method there on server
local first, second = ...
local before = n
n = (n or 1) + 1
if first and second and type(first) == "table" then
  first.x.z = 3
end
return application_type(), current_process(), { first, second }, before
-- method nothing on server
-- method wrong on server
error("this is wrong") --- log: script failed.* method=wrong .*this is wrong
--- log: script failed.* method=wrong .*this is wrong
---
-- client
-- Semaphores are the server's, but for those with a $.
eq(semaphore("a"), false)
eq(semaphore("a"), false)
eq(test_semaphore("a"), true)
eq(semaphore("$a"), false)
local n = execute_on_server("takes", 0)
local a, mine, ready
repeat
  delay_process(current_process(), 1)
  a, mine, ready = get_process_variable(n, "a", "mine", "ready")
until ready
eq({ a, mine }, { true, false })
-- It waits, and gets it when it is freed; meanwhile the lane is others'.
new_process("goes_on", 0)
eq(semaphore("b"), true)
eq(semaphore("b", 6), true)
set_process_variable(n, "done", true)
eq(semaphore("b", math.huge), false)
eq(interprocess.went_on, true)
clear_semaphore("b")
eq(test_semaphore("b"), false)
clear_semaphore("a")
eq(test_semaphore("a"), false)
eq(test_semaphore("$a"), true)
-- One that ends gives its semaphores back.
new_process("keeps", 0, "keeps")
eq(semaphore("c", 6000), false)
fails(function() semaphore("a", 0/0) end, "bad argument #2 to semaphore (number of ticks expected, got nan)")
-- method takes
a, mine = semaphore("a"), semaphore("$a")
semaphore("b")
ready = true
while not done do delay_process(current_process(), 30) end
-- method goes_on
delay_process(current_process(), 3)
interprocess.went_on = true
-- method keeps
semaphore("c")
---
-- client
-- Who waits on the server can be told something meanwhile.
execute_on_server("takes", 0)
while not test_semaphore("s") do delay_process(current_process(), 1) end
new_process("posts", 0, "posts", current_process())
on_outside_call(function() told = true end)
eq(semaphore("s", 100), true)
eq(told, true)
-- method takes
semaphore("s")
delay_process(current_process(), 300)
-- method posts
delay_process(current_process(), 10)
post_outside_call((...))
---
-- client
-- Orders for clients.
eq(execute_on_client("anybody", "ordered"), 0)
eq(register_client("desk one"), true)
eq(register_client("desk two"), false)
eq(get_registered_clients(), { { name = "desk one", load = 0 } })
eq(execute_on_client("DESK@", "ordered", 1, { "x" }), 1)
eq(execute_on_client("@", "ordered", 2), 1)
execute_on_server("orders", 0)
while #(interprocess.orders or {}) < 3 do delay_process(current_process(), 1) end
eq(interprocess.orders, { { 1, { "x" }, "desk one" }, { 2, nil, "desk one" }, { 3, nil, "desk one" } })
while get_registered_clients()[1].load > 0 do delay_process(current_process(), 1) end
eq(unregister_client(), true)
eq(unregister_client(), false)
eq(get_registered_clients(), {})
-- method ordered
local n, text = ...
interprocess.orders = interprocess.orders or {}
table.insert(interprocess.orders, { n, text, current_process_name() })
delay_process(current_process(), 6)
-- method orders
execute_on_client("desk one", "ordered", 3)
---
-- client
-- The user may take another name, here and on the server.
set_user_alias("Ann")
eq(current_user(), "Ann")
eq(current_user(1), "Designer")
eq(current_user(2), "Ann")
eq(who(), "Ann")
set_user_alias("")
eq(current_user(), "Designer")
eq(who(), "Designer")
-- method who on server
return current_user()
---
-- client
-- What is asked for is on the server, also when code of the server asks for it.
local id, here = about()
eq(session_info(id).user_name, "Designer")
local info = session_info(id)
eq({ info.type, info.state, info.machine_name, info.system_user_name }, { "remote", "active", "box", "ann" })
eq(here, 5)
-- method about on server
return session().id, application_type()
---
-- client
-- Who waits on the server when the client quits is woken and goes on; here it holds nobody up.
execute_on_server("takes", 0)
while not test_semaphore("s") do delay_process(current_process(), 1) end
new_process("waits", 0, "waits")
delay_process(current_process(), 10)
-- method takes
semaphore("s")
delay_process(current_process(), 1800)
-- method waits
semaphore("s", math.huge)
