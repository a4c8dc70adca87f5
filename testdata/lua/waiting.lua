-- Delays, pauses and ends. Time here is exact: 60 ticks are a second.
local function elapsed(ticks)
  local from = milliseconds()
  delay_process(current_process(), ticks)
  return milliseconds() - from
end
eq(elapsed(60), 1000)
eq(elapsed(1), 16)
eq(elapsed(0.6), 10)
eq(elapsed(0.06), 1)
eq(elapsed("6"), 100)
eq(elapsed(60 * 60 * 60 * 24), 24 * 60 * 60 * 1000)
eq(elapsed(0), 0)
eq(elapsed(-1), 0)
eq(elapsed(-1/0), 0)
eq(select("#", delay_process(current_process(), 1)), 0)
---
-- A process that does not exist: nothing happens.
local from = milliseconds()
for _, n in ipairs {0, -1, 4, 99, 2.5, 2^40, 0/0} do
  delay_process(n, 60)
  pause_process(n)
  resume_process(n)
end
abort_process_by_id(99)
abort_process_by_id(0)
abort_process_by_id(-1)
eq(milliseconds(), from)
---
fails(function() delay_process() end, "bad argument #1 to delay_process (number expected, got nil)")
fails(function() delay_process({}, 1) end, "bad argument #1 to delay_process (number expected, got table)")
fails(function() delay_process(3) end, "bad argument #2 to delay_process (number expected, got nil)")
fails(function() delay_process(3, "long") end, "bad argument #2 to delay_process (number expected, got string)")
fails(function() delay_process(3, 0/0) end, "bad argument #2 to delay_process (number of ticks expected, got nan)")
fails(function() delay_process(99) end, "bad argument #2 to delay_process (number expected, got nil)")
fails(function() pause_process() end, "bad argument #1 to pause_process (number expected, got nil)")
fails(function() pause_process("me") end, "bad argument #1 to pause_process (number expected, got string)")
fails(function() resume_process() end, "bad argument #1 to resume_process (number expected, got nil)")
fails(function() resume_process(false) end, "bad argument #1 to resume_process (number expected, got boolean)")
fails(function() abort_process_by_id() end, "bad argument #1 to abort_process_by_id (number expected, got nil)")
fails(function() abort_process_by_id({}) end, "bad argument #1 to abort_process_by_id (number expected, got table)")
fails(function() quit_4d("now") end, "bad argument #1 to quit_4d (number expected, got string)")
fails(function() quit_4d(-1) end, "bad argument #1 to quit_4d (number of seconds expected, 0 or more)")
fails(function() quit_4d(0/0) end, "bad argument #1 to quit_4d (number of seconds expected, 0 or more)")
---
-- A delay is replaced: by a shorter one, by a longer one, by none.
local function waits(before, after, alive, gone)
  local n = new_process("waits", 0, "Waiter", before)
  delay_process(current_process(), 1.2)
  eq(process_state(n), 1)
  eq(process_info(n).state, 1)
  delay_process(n, after)
  delay_process(current_process(), alive)
  if alive > 0 then eq(process_state(n), 1) end
  delay_process(current_process(), gone)
  eq(process_state(n), -100)
end
waits(600, 6, 5, 2)
waits(6, 60, 59, 2)
waits(600, 0, 0, 0.06)
waits(600, -5, 0, 0.06)
waits(600, 0.5, 0.4, 0.2)
-- method waits
delay_process(current_process(), (...))
---
-- A paused process waits until it is resumed, and a second pause changes nothing.
local n = new_process("pauses", 0, "Pauser")
delay_process(current_process(), 1)
eq(process_state(n), 5)
pause_process(n)
pause_process(n)
delay_process(current_process(), 60 * 60 * 60)
eq(process_state(n), 5)
resume_process(n)
delay_process(current_process(), 1) --- log: msg=resumed
eq(process_state(n), -100)
-- method pauses
pause_process(current_process())
print("resumed")
---
-- A delayed process that is paused loses its delay; resumed, it goes on at once.
local n = new_process("waits", 0, "Waiter", 60)
delay_process(current_process(), 1)
eq(process_state(n), 1)
pause_process(n)
delay_process(current_process(), 600)
eq(process_state(n), 5)
delay_process(n, 60)
delay_process(current_process(), 600)
eq(process_state(n), 5)
resume_process(n)
delay_process(current_process(), 1)
eq(process_state(n), -100)
-- method waits
delay_process(current_process(), (...))
---
-- The state of a process that waits is the new one as soon as the command has returned.
local n = new_process("waits", 0)
delay_process(current_process(), 1)
eq(process_state(n), 1)
pause_process(n)
eq(process_state(n), 5)
-- method waits
delay_process(current_process(), 600)
---
-- A resumed process does not wait for the rest of its delay. Whoever does not wait cannot be resumed beforehand.
resume_process(current_process())
local n = new_process("waits", 0)
delay_process(current_process(), 1)
eq(process_state(n), 1)
resume_process(n)
delay_process(current_process(), 1) --- log: msg="first over"
eq(process_state(n), 1)
delay_process(current_process(), 600) --- log: msg="second over"
eq(process_state(n), -100)
-- method waits
delay_process(current_process(), 600)
print("first over")
delay_process(current_process(), 600)
print("second over")
---
-- A process pauses itself, and another resumes it.
local from = milliseconds()
new_process("resumes", 0, "Resumer", current_process())
pause_process(current_process())
eq(milliseconds() - from, 1000)
-- method resumes
delay_process(current_process(), 60)
eq(process_state((...)), 5)
resume_process((...))
---
-- The main process is not paused. Delaying it does no harm.
pause_process(1)
eq(process_state(1), 0)
delay_process(1, 60)
eq(process_state(1), 0)
resume_process(1)
---
-- cooperative only
-- A process that is paused or delayed before it has begun begins when it may.
local paused = new_process("begins", 0, "Paused")
local delayed = new_process("begins", 0, "Delayed")
pause_process(paused)
delay_process(delayed, 60)
delay_process(current_process(), 30)
eq(process_state(paused), 5)
eq(process_state(delayed), 1)
eq(interprocess.begun, nil)
delay_process(current_process(), 60)
eq(interprocess.begun, "Delayed")
resume_process(paused)
delay_process(current_process(), 1)
eq(interprocess.begun, "Paused")
-- method begins
interprocess.begun = current_process_name()
---
-- A wait inside a function of the library, a metamethod, a coroutine, a protected call.
local from = milliseconds()
local me = current_process()
table.sort({1, 2}, function(a, b) delay_process(me, 6) return a < b end)
local proxy = setmetatable({}, {__index = function(_, ticks) delay_process(me, ticks) return "waited" end})
eq(proxy[6], "waited")
coroutine.wrap(function() delay_process(me, 6) coroutine.yield() end)()
eq(select(2, pcall(function() delay_process(me, 6) return "done" end)), "done")
eq(string.gsub("ab", ".", function(c) delay_process(me, 6) return c .. c end), "aabb")
eq(milliseconds() - from >= 600, true)
---
-- Ending others: a process that waits, one that is paused, and one that catches every error.
for _, method in ipairs {"waits", "pauses", "clings"} do
  local n = new_process(method, 0)
  delay_process(current_process(), 1)
  eq(process_state(n) > 0, true)
  abort_process_by_id(process_info(n).id)
  delay_process(current_process(), 1)
  eq(process_state(n), -100)
end
-- method waits
delay_process(current_process(), 6000)
print("not reached")
-- method pauses
pause_process(current_process())
print("not reached")
-- method clings
while true do
  pcall(xpcall, function() delay_process(current_process(), 6000) end, function() print("not reached") end)
  coroutine.resume(coroutine.create(function() delay_process(current_process(), 6000) end))
end
---
-- An id is not a number: the process that had it before is not meant.
local n = new_process("leaves", 0)
local id = process_info(n).id
delay_process(current_process(), 1)
eq(new_process("waits", 0), n)
abort_process_by_id(id)
delay_process(current_process(), 1)
eq(process_state(n), 1)
-- method leaves
delay_process(current_process(), 0.5)
-- method waits
delay_process(current_process(), 6000)
---
-- The host's own processes are not ended.
abort_process_by_id(process_info(1).id)
abort_process_by_id(process_info(2).id)
delay_process(current_process(), 1)
eq(process_info(1).name, "Main process")
eq(process_state(2), 4)
---
-- A process that ends itself.
pcall(function()
  pcall(function() abort_process_by_id(process_info(current_process()).id) end) --- error: the process was aborted$
end)
print("not reached")
---
-- connection
abort_process_by_id(process_info(current_process()).id) --- error: the process was aborted$
---
-- quit_4d: without on_server_shutdown the processes are ended one by one. The caller goes on until then.
new_process("clings", 0)
delay_process(current_process(), 1)
quit_4d(0) delay_process(current_process(), 600) --- error: the server stops$
-- method clings
while true do
  pcall(delay_process, current_process(), 6000)
end
---
-- quit_4d in vain for whoever does not look, and process_aborted for whoever does: the window of on_server_shutdown.
new_process("looks", 0, "Looker")
delay_process(current_process(), 1)
quit_4d()
while not process_aborted() do -- the flag may be set before this begins to wait, which then waits on
  delay_process(current_process(), 60)
end
-- method looks
while not process_aborted() do
  delay_process(current_process(), 6000)
end
print("leaves") --- log: msg=leaves
-- method on_server_shutdown
delay_process(current_process(), 120)
eq(current_process_name(), "$xx")
eq(process_info(current_process()).type, -16)
delay_process(current_process(), 60)
print("last") --- log: msg=last
---
-- connection
-- A client has the seconds that quit_4d gives.
quit_4d(30)
delay_process(current_process(), 29 * 60)
print("still here") --- log: the server stops in 30s(.|\n)*
delay_process(current_process(), 2 * 60) --- error: the server stops$
