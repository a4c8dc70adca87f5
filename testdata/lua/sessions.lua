-- All stored procedures, and whoever belongs to no client, have one session.
local s = session()
eq(s.id:match("^%x+%-%x+%-%x+%-%x+%-%x+$") ~= nil, true)
eq(s.user_name, "Designer")
eq(s.info.creation_date_time:match("^%d+%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d") ~= nil, true)
s.info.creation_date_time = nil
eq(s.info, {type = "storedProcedure", id = s.id, user_name = "Designer", ip_address = "", state = "active"})
eq(ob_is_shared(s.storage), true)
eq(ob_keys(s.storage), {})
eq(tostring(s.storage):match("^session storage %d+$") ~= nil, true)
eq(session().storage == s.storage, true)
eq(session_storage(s.id) == s.storage, true)
eq(session_info(s.id).id, s.id)
eq(s.storage == storage(), false)

fails(function() s.storage.x = new_shared_object() end, "session storage 2: it can be changed only while it is used: write it inside use(object, function() ... end)")
use(s.storage, function()
  s.storage.counter = new_shared_object({n = 1})
  fails(function() s.storage.n = 1 end, "storage has shared objects and shared collections only")
  fails(function() s.storage.s = storage() end, "storage has shared objects and shared collections only")
  fails(function() s.storage.counter.n = 2 end, "shared object 4: it can be changed only while it is used: write it inside use(object, function() ... end)")
end)
for i, method in ipairs {"counts", "counts_alone"} do
  new_process(method, 0)
  delay_process(current_process(), 1)
  eq(s.storage.counter.n, 1 + i)
end
call_worker("Clerk", "counts")
delay_process(current_process(), 1)
eq(s.storage.counter.n, 4)
eq(storage().counter, nil)
kill_worker("Clerk")
-- method counts
use(session().storage.counter, function() session().storage.counter.n = session().storage.counter.n + 1 end)
-- method counts_alone preemptive
use(session().storage.counter, function() session().storage.counter.n = session().storage.counter.n + 1 end)
---
-- The use of a session's storage holds up its own names, and nobody who uses what is in it.
use(session().storage, function() session().storage.a = new_shared_object() end)
local holder = new_process("uses_it", 0)
delay_process(current_process(), 1)
use(session().storage.a, function() session().storage.a.free = true end)
local start = milliseconds()
use(session().storage, function() end)
eq(milliseconds() - start, 1000)
eq(session().storage.a.free, true)
-- method uses_it
use(session().storage, function() delay_process(current_process(), 61) end)
---
-- Nobody has that session.
for _, id in ipairs {"", "x", "00000000-0000-4000-8000-000000000000", 1} do
  eq(session_info(id), nil)
  eq(session_storage(id), nil)
end
fails(function() session_info() end, "bad argument #1 to session_info (string expected, got nil)")
fails(function() session_storage({}) end, "bad argument #1 to session_storage (string expected, got table)")
---
-- connection
-- A client has a session of its own, which is that of its open and close methods too.
local s = session()
eq(s.id, connection_info().session_id)
eq(s.user_name, "Designer")
eq(s.info.creation_date_time, connection_info().opened)
s.info.creation_date_time = nil
eq(s.info, {type = "remote", id = s.id, user_name = "Designer", ip_address = "192.0.2.7", state = "active"})
eq(s.storage.opened.by, current_process())
eq(session_storage(s.id) == s.storage, true)
set_user_alias("Moon")
eq({session().user_name, session_info(s.id).user_name}, {"Moon", "Moon"})
use(s.storage, function() s.storage.called = new_shared_object({times = 1}) end)
new_process("looks", 0, "", s.id)
delay_process(current_process(), 1)
eq(s.storage.opened.seen, "from outside")
new_process("looks_later", 0, "", s.id, s.storage)
-- method on_server_open_connection
use(session().storage, function() session().storage.opened = new_shared_object({by = current_process()}) end)
delay_process(current_process(), 0.01) -- the lane is not kept for the next one at the door
return 0
-- method on_server_close_connection
print("closed " .. tostring(session().storage.opened.by == current_process()) .. " " .. session().storage.called.times) --- log: msg="closed true 1"
-- method looks
local id = ...
eq(session().id == id, false)
eq(session_info(id).type, "remote")
use(session_storage(id).opened, function() session_storage(id).opened.seen = "from outside" end)
-- method looks_later
local id, kept = ...
delay_process(current_process(), 30)
print("later " .. tostring(session_info(id)) .. " " .. tostring(session_storage(id)) .. " " .. kept.called.times) --- log: msg="later nil nil 1"
