-- Semaphores: false is "it is mine". Whoever has it has it, however often it asks.
eq(semaphore("a"), false)
eq(semaphore("a"), false)
eq(semaphore("a", 60), false)
eq(test_semaphore("a"), true)
eq(test_semaphore("A"), false)
eq(test_semaphore("b"), false)
clear_semaphore("a")
eq(test_semaphore("a"), false)
clear_semaphore("a")
eq(select("#", clear_semaphore("a")), 0)
eq(semaphore(12.5), false)
eq(test_semaphore("12.5"), true)
---
-- A second process gets true, and cannot clear. When the owner dies a third one gets it.
local owner = new_process("owns", 0)
delay_process(current_process(), 1)
eq(semaphore("a"), true)
eq(semaphore("a", 0), true)
eq(semaphore("a", -1), true)
clear_semaphore("a")
eq(test_semaphore("a"), true)
new_process("third", 0)
delay_process(current_process(), 1)
resume_process(owner)
delay_process(current_process(), 2) --- log: msg="third: false"
eq(test_semaphore("a"), false)
-- method owns
eq(semaphore("a"), false)
pause_process(current_process())
-- method third
print("third: " .. tostring(semaphore("a", 600)))
---
-- The wait ends with the time: true. It is exact, also for fractions of a tick.
new_process("owns", 0)
delay_process(current_process(), 1)
local function waits(ticks)
  local from = milliseconds()
  eq(semaphore("a", ticks), true)
  return milliseconds() - from
end
eq(waits(60), 1000)
eq(waits(0.6), 10)
eq(waits("6"), 100)
eq(waits(60 * 60 * 60), 60 * 60 * 1000)
-- method owns
semaphore("a")
pause_process(current_process())
---
-- Freed within the time: false, at once, and it belongs to who waited.
new_process("owns", 0)
delay_process(current_process(), 1)
local from = milliseconds()
eq(semaphore("a", 600), false)
eq(milliseconds() - from < 1000, true)
new_process("asks", 0)
delay_process(current_process(), 30) --- log: msg=true
clear_semaphore("a")
eq(test_semaphore("a"), false)
-- method owns
semaphore("a")
delay_process(current_process(), 30)
clear_semaphore("a")
eq(semaphore("a"), true) -- it was handed over: nobody comes in between
-- method asks
print(tostring(semaphore("a")))
---
-- Who waits is served in the order of coming.
semaphore("door")
for i = 1, 5 do
  new_process("comes", 0, "", i)
  delay_process(current_process(), 1)
end
clear_semaphore("door")
eq(semaphore("door", 600), false)
print("last") --- log: msg=1(.|\n)*
-- method comes
eq(semaphore("door", 600), false) --- log: msg=2
print((...)) --- log: msg=3
delay_process(current_process(), 1) --- log: msg=4
clear_semaphore("door") --- log: msg=5
-- method unused --- log: msg=last
---
-- The state of a process that waits is 4, and who waits can be delayed meanwhile.
semaphore("a")
local n = new_process("waits", 0)
delay_process(current_process(), 1)
eq(process_state(n), 4)
delay_process(n, 60)
clear_semaphore("a")
delay_process(current_process(), 30)
eq(semaphore("a"), true)
delay_process(current_process(), 31)
eq(semaphore("a"), false)
-- method waits
semaphore("a", 6000)
clear_semaphore("a")
---
-- Names have 255 characters; what is beyond does not count.
local long = ("é"):rep(255)
eq(semaphore(long .. "x"), false)
eq(test_semaphore(long), true)
eq(test_semaphore(long .. "y"), true)
eq(test_semaphore(("é"):rep(254)), false)
clear_semaphore(long .. "z")
eq(test_semaphore(long), false)
eq(semaphore(""), false)
eq(test_semaphore(""), true)
eq(semaphore("$local"), false)
eq(test_semaphore("local"), false)
eq(semaphore("null\0byte"), false)
eq(test_semaphore("null"), false)
---
-- A hundred thousand, and all are free at the end of their process.
new_process("owns", 0)
delay_process(current_process(), 600)
eq(test_semaphore("s1"), false)
eq(test_semaphore("s100000"), false)
-- method owns
for i = 1, 100000 do
  semaphore("s" .. i)
end
eq(test_semaphore("s100000"), true)
---
-- An error and an abort free them as well: of a process that holds, and one that waits.
for _, method in ipairs {"fails", "holds", "waits"} do
  local id = process_info(new_process(method, 0)).id
  delay_process(current_process(), 1)
  abort_process_by_id(id)
  delay_process(current_process(), 1)
  eq(test_semaphore("a"), false)
  eq(semaphore("b"), false)
  clear_semaphore("b")
  semaphore("c")
end
clear_semaphore("c")
eq(test_semaphore("c"), false)
-- method fails
delay_process(current_process(), 0.5)
semaphore("a")
semaphore("b")
error("no") --- log: method=fails error="fails.lua:\d+: no"
-- method holds
semaphore("a")
semaphore("b")
while true do pcall(delay_process, current_process(), 6000) end
-- method waits
semaphore("a")
while true do pcall(semaphore, "c", 6000) end
---
-- A wait is handed on when its process is ended: nobody waits for a dead one.
semaphore("a")
local ended = process_info(new_process("waits", 0, "first")).id
new_process("waits", 0, "second")
delay_process(current_process(), 1)
abort_process_by_id(ended)
clear_semaphore("a")
delay_process(current_process(), 1) --- log: msg="second has it"
eq(test_semaphore("a"), false)
-- method waits
if not semaphore("a", 6000) then
  print(current_process_name() .. " has it")
end
---
-- The window of a shutdown wakes who waits for a semaphore, once: true.
new_process("holds", 0)
delay_process(current_process(), 1)
new_process("waits", 0)
delay_process(current_process(), 1)
quit_4d()
while not process_aborted() do delay_process(current_process(), 10) end --- log: msg="woken: true true"
-- method holds
semaphore("a")
while true do delay_process(current_process(), 6000) end
-- method waits
local answer = semaphore("a", 600000)
print("woken: " .. tostring(answer) .. " " .. tostring(process_aborted()))
local from = milliseconds()
eq(semaphore("a", 30), true)
eq(milliseconds() - from, 500)
print("waited again") --- log: msg="waited again"
-- method on_server_shutdown
delay_process(current_process(), 120)
---
-- Two processes that wait for each other, for ever: the second is told. A limit is no deadlock.
semaphore("mine")
local n = new_process("other", 0, "Other")
delay_process(current_process(), 1)
eq(semaphore("theirs", 60), true)
local ok, message = pcall(semaphore, "theirs", math.huge)
eq(ok, false)
eq(message, 'semaphore: waiting for semaphore "theirs" would never end: process ' .. n ..
  ' (Other) holds it while it waits for semaphore "mine", which process ' .. current_process() .. " (Chunk) holds")
clear_semaphore("mine")
eq(semaphore("theirs", math.huge), false)
-- method other
semaphore("theirs")
eq(semaphore("mine", math.huge), false)
delay_process(current_process(), 1)
---
-- A semaphore and a shared object can close a circle too. The error has the line of the call.
local object = new_shared_object()
semaphore("mine")
new_process("other", 0, "", object)
delay_process(current_process(), 1)
use(object, function() end) --- error: use: waiting for shared object \d+ would never end: process \d+ holds it while it waits for semaphore "mine", which process \d+ \(Chunk\) holds$
-- method other
use((...), function() semaphore("mine", math.huge) end)
---
-- Two processes that wait, and a third one in the circle.
for i = 1, 2 do
  new_process("waits", 0, "Process " .. i, i)
  delay_process(current_process(), 1)
end
semaphore("s3")
delay_process(current_process(), 60)
semaphore("s1", math.huge) --- error: semaphore: waiting for semaphore "s1" would never end: process 4 \(Process 1\) holds it while it waits for semaphore "s2", which process 5 \(Process 2\) holds while it waits for semaphore "s3", which process 3 \(Chunk\) holds$
-- method waits
local n = ...
semaphore("s" .. n)
delay_process(current_process(), 30)
semaphore("s" .. n + 1, math.huge)
---
-- In the middle of a wait a process answers outside calls, and may wait there too. Others do not stand behind it.
semaphore("a")
semaphore("b")
local n = new_process("waits", 0)
delay_process(current_process(), 1)
call_process(n)
delay_process(current_process(), 1)
eq(process_state(n), 4)
new_process("passes", 0)
delay_process(current_process(), 1)
clear_semaphore("a")
delay_process(current_process(), 1) --- log: msg=passed
eq(test_semaphore("a"), true)
clear_semaphore("b")
delay_process(current_process(), 1) --- log: msg="has b"
eq(test_semaphore("a"), false) --- log: msg="has a"
-- method waits
on_outside_call(function()
  eq(semaphore("b", math.huge), false)
  print("has b")
end)
eq(semaphore("a", math.huge), false)
print("has a")
-- method passes
eq(semaphore("a", 600), false)
print("passed")
---
-- cooperative only
-- The spin of 4D's samples, and no two in the section.
interprocess.inside, interprocess.done = 0, 0
for i = 1, 20 do
  new_process("writes", 0)
end
while interprocess.done < 20 do
  delay_process(current_process(), 1)
end
-- method writes
while semaphore("$Journal") do
  delay_process(current_process(), 1)
end
interprocess.inside = interprocess.inside + 1
eq(interprocess.inside, 1)
delay_process(current_process(), 1)
interprocess.inside = interprocess.inside - 1
interprocess.done = interprocess.done + 1
clear_semaphore("$Journal")
---
-- What the startup method took stays taken: its process stays.
eq(semaphore("open"), true)
-- method on_server_startup
eq(semaphore("open"), false)
---
-- connection
-- A client's process keeps its semaphores between two calls; they go with the connection.
eq(semaphore("a"), false)
---
fails(function() semaphore() end, "bad argument #1 to semaphore (string expected, got nil)")
fails(function() semaphore({}) end, "bad argument #1 to semaphore (string expected, got table)")
fails(function() semaphore("a", "long") end, "bad argument #2 to semaphore (number expected, got string)")
fails(function() semaphore("a", {}) end, "bad argument #2 to semaphore (number expected, got table)")
fails(function() semaphore("a", 0/0) end, "bad argument #2 to semaphore (number of ticks expected, got nan)")
fails(function() test_semaphore() end, "bad argument #1 to test_semaphore (string expected, got nil)")
fails(function() test_semaphore(print) end, "bad argument #1 to test_semaphore (string expected, got function)")
fails(function() clear_semaphore() end, "bad argument #1 to clear_semaphore (string expected, got nil)")
fails(function() clear_semaphore(true) end, "bad argument #1 to clear_semaphore (string expected, got boolean)")
eq(test_semaphore("a"), false)
