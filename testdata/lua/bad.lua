-- A process that waits is ended at once, in each kind of wait, though it catches every error; what it held is free then.
local object, held, signal = new_shared_object(), new_shared_object(), new_signal()
semaphore("taken")
use(object, function()
  for _, kind in ipairs {"delay", "pause", "semaphore", "semaphore_for_ever", "use", "signal", "signal_for_ever", "outside_call", "error_method",
      "try", "sort", "coroutine", "metamethod", "spin"} do
    for _, method in ipairs {"waits", "waits_alone"} do
      local n = new_process(method, 0, kind, object, held, signal)
      delay_process(current_process(), 2)
      local state = process_state(n)
      if state ~= 1 and state ~= 4 and state ~= 5 then error(kind .. " has the state " .. state) end
      eq({semaphore("held"), select(3, create_document("held"))}, {true, -47})
      abort_process_by_id(process_info(n).id)
      delay_process(current_process(), 1)
      eq(process_state(n), -100)
      eq({semaphore("held"), delete_document("held")}, {false, true})
      clear_semaphore("held")
      local from = milliseconds()
      use(held, function() held.last = kind end)
      eq(milliseconds(), from)
    end
  end
end)
-- method waits
local object, held, signal = ...
local me = current_process()
local function long() delay_process(me, 60 * 60) return true end
local waits = {
  delay = long,
  pause = function() pause_process(me) end,
  semaphore = function() semaphore("taken", 60 * 60) end,
  semaphore_for_ever = function() semaphore("taken", math.huge) end,
  use = function() use(object, function() print("not reached") end) end,
  signal = function() signal:wait(60) end,
  signal_for_ever = function() signal:wait() end,
  outside_call = function() on_outside_call(long) post_outside_call(me) pause_process(me) end,
  error_method = function() on_err_call("long") open_document("missing") end,
  try = function() try(error, long) end,
  sort = function() table.sort({2, 1}, long) end,
  coroutine = function() coroutine.wrap(long)() end,
  metamethod = function() return setmetatable({}, {__index = long}).field end,
  spin = function() while semaphore("taken") do delay_process(me, 1) end end,
}
semaphore("held")
create_document("held")
use(held, function()
  while true do
    pcall(waits[current_process_name()])
    xpcall(waits[current_process_name()], function() print("not reached") end)
  end
end)
-- method waits_alone preemptive
waits(...)
-- method long
delay_process(current_process(), 60 * 60)
---
-- A worker that waits for a message is ended at once as well, and what it kept between its messages is free.
for _, method in ipairs {"takes", "takes_alone"} do
  call_worker(method, method)
  delay_process(current_process(), 2)
  local n = process_number(method)
  eq({process_state(n), semaphore("kept"), select(3, create_document("kept"))}, {4, true, -47})
  abort_process_by_id(process_info(n).id)
  delay_process(current_process(), 1)
  eq({process_number(method), semaphore("kept"), delete_document("kept")}, {0, false, true})
  clear_semaphore("kept")
end
-- method takes
semaphore("kept")
create_document("kept")
-- method takes_alone preemptive
takes()
---
-- A worker that kills itself, in all ways: the method goes on to its end, and the next message finds a new process.
for i = 1, 3 do
  call_worker("Clerk", "ends", i)
  call_worker("Clerk", "counts")
  delay_process(current_process(), 6) --- log: msg="ends 1 nil"
end                                   --- log: msg="ends 2 nil"
call_worker("Clerk", "counts")        --- log: msg="ends 3 nil"
delay_process(current_process(), 1)   --- log: msg="counts 1"
-- method ends
local way = ...
print("ends " .. way .. " " .. tostring(counted))
delay_process(current_process(), 1) -- so that the second message has come
counted = 10
if way == 1 then kill_worker() elseif way == 2 then kill_worker(current_process()) else kill_worker("Clerk") end
-- method counts
counted = (counted or 0) + 1
print("counts " .. counted)
---
-- A message to a worker that has just died, in whatever way, is carried out, by a process that begins anew.
for _, way in ipairs {"aborted", "killed", "killed_idle"} do
  local id
  call_worker("Clerk", way == "killed_idle" and "nothing" or "pauses")
  delay_process(current_process(), 1)
  id = process_info(process_number("Clerk")).id
  if way == "aborted" then abort_process_by_id(id) else kill_worker("Clerk") end
  call_worker("Clerk", "says", way)
  if way == "killed" then resume_process(process_number("Clerk")) end
  delay_process(current_process(), 1) --- log: msg="says aborted nil"
  eq(process_info(process_number("Clerk")).id > id, true)
  kill_worker("Clerk")                --- log: msg="says killed nil"
  delay_process(current_process(), 1) --- log: msg="says killed_idle nil"
end
-- method nothing
said = true
-- method pauses
said = true
pause_process(current_process())
-- method says
print("says " .. ... .. " " .. tostring(said))
---
-- A Lua error in a function that Moongate calls is its process's own: it is logged or caught, and everybody goes on.
local object = new_shared_object()
for _, kind in ipairs {"outside", "told", "uses", "tries", "worker", "begins"} do
  if kind == "worker" then call_worker("Clerk", "breaks") else new_process(kind, 0, kind, object) end
  delay_process(current_process(), 6)
end                                     --- log: msg="script failed" method=on_outside_call error="outside.lua:\d+: outside"
eq(process_state(process_number("Clerk")), 4) --- log: msg="script failed" method=tells error="tells.lua:\d+: told"
call_worker("Clerk", "says")            --- log: msg="script failed" method=uses error="uses.lua:\d+: used"
use(object, function() end)             --- log: msg="caught tried" process=
delay_process(current_process(), 1)     --- log: msg="script failed" method=breaks error="breaks.lua:\d+: worked"
eq(process_number("outside"), 0)        --- log: msg="script failed" method=begins error="begins.lua:\d+: began"
eq(count_user_processes(), 3)           --- log: msg="the worker goes on"
-- method outside
on_outside_call(function() error("outside") end)
post_outside_call(current_process())
delay_process(current_process(), 1)
-- method told
on_err_call("tells")
eq(select(3, open_document("missing")), -43)
-- method tells
error("told")
-- method uses
use((...), function() error("used") end)
-- method tries
print("caught " .. try(function() error("tried") end, function() return last_errors()[1].message end))
-- method breaks
error("worked")
-- method says
print("the worker goes on")
-- method begins
error("began")
---
-- Uses inside each other, of objects and of the storage, are all over when their process is ended in the middle.
local a, b = new_shared_object{inner = {n = 1}}, new_shared_object()
use(storage, function() storage.a = new_shared_object() end)
local n = new_process("nests", 0, "", a, b)
delay_process(current_process(), 1)
eq(process_state(n), 1)
abort_process_by_id(process_info(n).id)
local from = milliseconds()
for _, object in ipairs {a, b, a.inner, storage, storage.a} do
  use(object, function() object.free = new_shared_object() end)
end
eq(milliseconds(), from)
-- method nests
local a, b = ...
use(a, function() use(storage, function() use(b, function() use(a.inner, function()
  use(storage.a, function() use(a, function() while true do pcall(delay_process, current_process(), 6000) end end) end)
end) end) end) end)
