-- What else a process can ask about others: process_properties, process_activity.
local n = new_process("stays", 0, "Stays")
delay_process(current_process(), 1)
eq({process_properties(n)}, {"Stays", 5, 0, process_info(n).preemptive and 3 or 1, process_info(n).id, 1})
local preemptive = not pcall(function() return interprocess end)
local name, state, ticks, mode, id, type = process_properties(current_process())
eq({name, state, mode, id, type}, {"Chunk", 0, preemptive and 3 or 1, 3, 4})
eq(ticks >= 0, true)
eq({process_properties(1)}, {"Main process", 0, 0, 1, 1, -39})
for _, n in ipairs {0, -1, 99, 2.5} do
  eq(select("#", process_properties(n)), 0)
end
local above = new_process("stays", 0)
abort_process_by_id(id + 1)
delay_process(current_process(), 1) --- log: msg="process aborted"
eq({process_properties(n)}, {"Stays", -1, 0, 0, 0, 0})
fails(function() process_properties() end, "bad argument #1 to process_properties (number expected, got nil)")
-- method stays
pause_process(current_process())
---
-- The visible flag.
local me = current_process()
hide_process(me)
eq(process_info(me).visible, false)
eq(select(4, process_properties(me)) % 2, 0)
bring_to_front(me)
eq(process_info(me).visible, false)
show_process(me)
eq(process_info(me).visible, true)
hide_process(1)
eq(process_info(1).visible, true)
for _, n in ipairs {0, -1, 99, 2.5} do
  hide_process(n)
  show_process(n)
  bring_to_front(n)
end
fails(function() hide_process() end, "bad argument #1 to hide_process (number expected, got nil)")
fails(function() show_process({}) end, "bad argument #1 to show_process (number expected, got table)")
fails(function() bring_to_front("x") end, "bad argument #1 to bring_to_front (number expected, got string)")
---
-- All processes at this moment. Without clients there are no sessions.
call_worker("Clerk", "stays")
local activity = process_activity()
eq(activity.sessions, {})
eq(#activity.processes, 4)
local clerk = activity.processes[4]
eq({clerk.number, clerk.name, clerk.type, clerk.method, clerk.visible, clerk.session_id}, {4, "Clerk", 5, "stays", true, ""})
eq(clerk.session, nil)
for _, p in ipairs(activity.processes) do
  eq(p.id, process_info(p.number).id)
  eq(type(p.cpu_time) .. type(p.cpu_usage) .. type(p.creation_date_time) .. type(p.system_id), "numbernumberstringstring")
end
eq(#process_activity(0).processes, 4)
eq(process_activity(1).sessions, nil)
eq(#process_activity(1).processes, 4)
eq(process_activity(2), {sessions = {}})
eq(process_activity(nil, 2), {sessions = {}})
eq(process_activity(nil, nil).sessions, {})
eq(process_activity("nobody's"), nil)
eq(process_activity("nobody's", 1), nil)
fails(function() process_activity(3) end, "bad argument #1 to process_activity (0 (both), 1 (processes) or 2 (sessions) expected)")
fails(function() process_activity("", {}) end, "bad argument #2 to process_activity (number expected, got table)")
fails(function() process_activity({}) end, "bad argument #1 to process_activity (number expected, got table)")
-- method stays
---
-- connection
-- The sessions of clients.
new_process("stays", 0)
local info = connection_info()
local activity = process_activity()
eq(#activity.processes, 4)
eq(activity.sessions, {{type = "remote", id = info.session_id, user_name = "Designer", ip_address = "192.0.2.7", creation_date_time = info.opened, state = "active"}})
eq(activity.processes[3].session_id, info.session_id)
eq(activity.processes[3].session, activity.sessions[1])
eq(activity.processes[4].session, nil)
local mine = process_activity(info.session_id)
eq(#mine.sessions, 1)
eq(#mine.processes, 1)
eq(mine.processes[1].number, current_process())
eq(process_activity(info.session_id, 1).processes[1].session_id, info.session_id)
eq(process_activity(info.session_id, 1).processes[1].session, nil)
eq(process_activity(info.session_id, 2).processes, nil)
-- method stays
pause_process(current_process())
---
-- The new sample of the On Exit page: background jobs that look at a flag each minute are resumed, and leave at once.
for i = 1, 2 do new_process("works", 0, "Background job#" .. i) end
delay_process(current_process(), 60)
quit_4d()
while not process_aborted() do delay_process(current_process(), 10) end
-- method works
while not leaves do delay_process(current_process(), 60 * 60) end
print("left") --- log: msg=left
              --- log: msg=left
-- method on_server_shutdown
local start = milliseconds()
while true do
  local left = false
  for _, p in ipairs(process_activity(1).processes) do
    if p.name:match("^Background job") and p.state >= 0 then
      left = true
      set_process_variable(p.number, "leaves", true)
      resume_process(p.number)
    end
  end
  if not left or milliseconds() - start > 10000 then break end
  delay_process(current_process(), 6)
end
print(milliseconds() - start < 1000) --- log: msg=true
---
-- Ten thousand processes, each with its own variables, and all of them end.
for i = 1, 10000 do new_process("counts", 0, "", i) end
eq(count_tasks(), 10003)
eq(#process_activity(1).processes, 10003)
delay_process(current_process(), 2)
eq(process_state(10003), 1)
eq(get_process_variable(10003, "mine"), 10000)
for i = 4, 10003 do resume_process(i) end
delay_process(current_process(), 60)
eq(count_tasks(), 3)
-- method counts
mine = ...
delay_process(current_process(), 60 * 60 * 60)
