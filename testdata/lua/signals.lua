-- A signal wakes all who wait for it, and stays triggered.
local signal = new_signal("the moon is up")
eq(signal.signaled, false)
eq(signal.description, "the moon is up")
for i = 1, 3 do
  new_process("waits", 0, "", signal, i)
end
delay_process(current_process(), 60)
eq(process_state(4), 4)
eq(select("#", signal:trigger()), 0) --- log: "[1-3] true 1000"
eq(signal.signaled, true) --- log: "[1-3] true 1000"
delay_process(current_process(), 1) --- log: "[1-3] true 1000"
eq(signal:wait(), true)
signal:trigger()
eq(signal:wait(0), true)
-- method waits
local signal, n = ...
local from = milliseconds()
local answer = signal:wait()
print(table.concat({n, tostring(answer), milliseconds() - from}, " "))
---
-- A wait with an end: false, after seconds and their fractions.
local signal = new_signal()
eq(signal.description, nil)
local function waits(seconds)
  local from = milliseconds()
  eq(signal:wait(seconds), false)
  return milliseconds() - from
end
eq(waits(2), 2000)
eq(waits(0.125), 125)
eq(waits("1"), 1000)
eq(waits(0), 0)
eq(waits(-1), 0)
eq(waits(-1/0), 0)
eq(signal.signaled, false)
---
-- Results are further values; they are written inside use, as is the description.
local signal = new_signal("adds")
new_process("adds", 0, "", signal, 1, 2)
eq(signal:wait(math.huge), true)
eq(signal.sum, 3)
eq(signal.description, "added")
eq(ob_copy(signal), {signaled = true, description = "added", sum = 3})
eq(ob_keys(signal), {"description", "signaled", "sum"})
-- method adds preemptive
local signal, a, b = ...
eq(signal.signaled, false)
use(signal, function()
  signal.sum = a + b
  signal.description = "added"
end)
signal:trigger()
---
-- A signal in the storage.
use(storage, function() storage.ready = new_signal("ready") end)
new_process("triggers", 0)
eq(storage.ready:wait(10), true)
-- method triggers
storage.ready:trigger()
---
local signal = new_signal("x")
eq(tostring(signal):match("^signal %d+$") ~= nil, true)
fails(function() signal.description = "y" end, "signal ")
use(signal, function()
  fails(function() signal.signaled = true end, "signaled is read-only: trigger makes it true")
  fails(function() signal.wait = 1 end, "signal ")
  fails(function() signal.trigger = nil end, "signal ")
end)
fails(function() new_signal({}) end, "bad argument #1 to new_signal (string expected, got table)")
fails(function() signal:wait("long") end, "bad argument #2 to wait (number expected, got string)")
fails(function() signal:wait(0/0) end, "bad argument #2 to wait (number of seconds expected, got nan)")
fails(function() signal.wait() end, "bad argument #1 to wait (signal expected, got nil)")
fails(function() signal.wait(1) end, "bad argument #1 to wait (signal expected, got number)")
fails(function() signal.wait(storage) end, "bad argument #1 to wait (signal expected, got storage)")
fails(function() signal.trigger() end, "bad argument #1 to trigger (signal expected, got nil)")
fails(function() new_shared_object():wait() end, "attempt to call a non-function object")
---
-- A process that waits is ended, resumed in vain, delayed meanwhile.
local signal = new_signal()
local n = new_process("waits", 0, "", signal)
delay_process(current_process(), 1)
resume_process(n)
eq(process_state(n), 4)
delay_process(n, 60)
signal:trigger()
delay_process(current_process(), 30)
eq(process_state(n), 1)
delay_process(current_process(), 31) --- log: msg="signaled true"
local signal = new_signal()
local id = process_info(new_process("waits", 0, "", signal)).id
delay_process(current_process(), 1)
abort_process_by_id(id)
delay_process(current_process(), 1)
signal:trigger()
delay_process(current_process(), 1)
-- method waits
local signal = ...
print("signaled " .. tostring(signal:wait()))
---
-- The window of a shutdown wakes who waits, once: false.
new_process("waits", 0)
delay_process(current_process(), 1)
quit_4d()
while not process_aborted() do delay_process(current_process(), 10) end --- log: msg="false true"
-- method waits
local signal = new_signal()
local answer = signal:wait()
print(tostring(answer) .. " " .. tostring(process_aborted()))
-- method on_server_shutdown
delay_process(current_process(), 120)
