-- Workers. A worker carries its messages out in order, in one process, whose variables last.
call_worker("Clerk", "adds", 1)
call_worker("Clerk", "adds", 2, {3, {4}})
local n = process_number("Clerk")
eq(n, 4)
eq(process_info(n).type, 5)
eq(process_info(n).method, "adds")
delay_process(current_process(), 1) --- log: msg="1 of 1"
call_worker(n, "adds", 5) --- log: msg="2 of 2 with 4"
delay_process(current_process(), 1) --- log: msg="5 of 3"
eq(process_number("Clerk"), n)
eq(process_info(n).state, 4)
eq(count_user_processes(), 3)
-- method adds
local n, more = ...
calls = (calls or 0) + 1
eq(current_process_name(), "Clerk")
print(n .. " of " .. calls .. (more and " with " .. more[2][1] or ""))
---
-- Messages come one at a time, also when the method waits.
for i = 1, 3 do call_worker("Clerk", "waits", i) end
local from = milliseconds()
delay_process(current_process(), 61) --- log: msg="1 at 1000"
delay_process(current_process(), 60) --- log: msg="2 at 2000"
delay_process(current_process(), 60) --- log: msg="3 at 3000"
-- method waits
eq(busy, nil)
busy = true
began = began or milliseconds()
delay_process(current_process(), 60)
busy = nil
print(... .. " at " .. milliseconds() - began)
---
-- Case counts in the names of workers; each name has a process of its own.
call_worker("one", "stays")
call_worker("One", "stays")
call_worker("ONE", "stays")
call_worker("one", "stays")
eq(count_tasks(), 6)
-- method stays
---
-- An empty method is the one that the worker began with.
call_worker("Clerk", "first", "a")
call_worker("Clerk", "second", "b")
call_worker("Clerk", "", "c")
delay_process(current_process(), 1) --- log: msg="first a"
fails(function() call_worker("Nobody", "") end, 'call_worker: "Nobody": there is no such worker yet, so there is no method that it began with')
eq(process_number("Nobody"), 0)
-- method first
print("first " .. ...)
-- method second
print("second " .. ...) --- log: msg="second b"
                         --- log: msg="first c"
---
-- An error in a message is logged, and the worker goes on with its variables.
call_worker("Clerk", "breaks", "kept")
local n = process_number("Clerk")
call_worker("Clerk", "shows")
delay_process(current_process(), 1)
eq(process_number("Clerk"), n)
-- method breaks
value = ...
missing() --- log: level=WARN msg="script failed" method=breaks error="breaks.lua:\d+: attempt to call
-- method shows
print(value) --- log: msg=kept
---
-- A killed worker ends when it has done what it does, and forgets the rest. The next call begins anew, after that.
call_worker("Clerk", "works", 60)
call_worker("Clerk", "forgotten")
delay_process(current_process(), 1)
local n, id = process_number("Clerk"), process_info(process_number("Clerk")).id
kill_worker("Clerk")
call_worker("Clerk", "begins", id)
call_worker("Clerk", "", id)
eq(process_info(process_number("Clerk")).id, id)
delay_process(current_process(), 30)
eq(process_info(process_number("Clerk")).id, id)
delay_process(current_process(), 31)
eq(process_info(process_number("Clerk")).id > id, true) --- log: msg=worked
-- method works
delay_process(current_process(), (...))
mine = true
print("worked")
-- method forgotten
print("forgotten")
error("forgotten")
-- method begins
eq(mine, nil)
eq(process_info(current_process()).method, "begins")
print("begins " .. tostring(process_info(current_process()).id > ...)) --- log: msg="begins true"
                                                                     --- log: msg="begins true"
---
-- A worker that waits for a message is killed at once. It is by number, by name, or the calling one.
call_worker("a", "stays")
call_worker("b", "stays")
call_worker("c", "leaves")
call_worker("c", "not_reached")
delay_process(current_process(), 1)
eq(process_number("c"), 0)
kill_worker("a")
kill_worker(process_number("b"))
delay_process(current_process(), 1)
eq(process_number("a"), 0)
eq(process_number("b"), 0)
eq(count_tasks(), 3)
kill_worker("a")
kill_worker()
kill_worker(nil)
kill_worker(current_process())
kill_worker(99)
kill_worker(1)
eq(count_tasks(), 3)
-- method stays
-- method leaves
delay_process(current_process(), 0.5) -- in another lane it could be gone before the second message comes
kill_worker()
call_worker("c", "not_reached")
call_worker(current_process(), "")
print("leaves") --- log: msg=leaves
-- method not_reached
error("reached")
---
-- A worker calls itself: that comes when it is done, with copies.
call_worker("Clerk", "counts", 3)
delay_process(current_process(), 1) --- log: msg="3 2 1 done"
-- method counts
local n = ...
text = (text or "") .. n .. " "
if n > 1 then
  local t = {n - 1}
  call_worker(current_process_name(), "again", t)
  t[1] = 99
else
  print(text .. "done")
end
-- method again
call_worker(current_process(), "counts", (...)[1])
---
-- A process that is no worker cannot be called, nor one that does not exist: nothing happens.
local n = new_process("stays", 0, "Plain")
call_worker(n, "breaks")
call_worker(99, "breaks")
call_worker(-1, "")
call_worker(2^40, "breaks")
call_worker(2, "breaks")
kill_worker(n)
kill_worker("Plain")
eq(process_number("Plain"), n)
call_worker("Plain", "prints")
delay_process(current_process(), 1) --- log: msg=printed
eq(process_number("Plain"), n)
resume_process(n)
-- method stays
pause_process(current_process())
-- method breaks
error("called")
-- method prints
eq(process_info(current_process()).type, 5)
print("printed")
---
-- An aborted worker's box stays: what waits in it is carried out by the next process, and so is what comes later.
call_worker("Clerk", "hangs")
call_worker("Clerk", "says", "one")
delay_process(current_process(), 1)
local id = process_info(process_number("Clerk")).id
abort_process_by_id(id)
call_worker("Clerk", "says", "two")
delay_process(current_process(), 1) --- log: msg="process aborted" process=4 name=Clerk method=hangs
local next = process_info(process_number("Clerk")).id
eq(next > id, true) --- log: msg="one nil"
abort_process_by_id(next)
delay_process(current_process(), 1) --- log: msg="two true"
eq(process_number("Clerk"), 0)
call_worker("Clerk", "says", "three")
delay_process(current_process(), 1) --- log: msg="three nil"
eq(process_info(process_number("Clerk")).id > next, true)
-- method hangs
pause_process(current_process())
-- method says
print(... .. " " .. tostring(said))
said = true
---
-- A worker is delayed, paused and resumed as any process, between its messages too.
call_worker("Clerk", "says", "one")
delay_process(current_process(), 1) --- log: msg="one at 0"
local n = process_number("Clerk")
pause_process(n)
eq(process_state(n), 5)
call_worker("Clerk", "says", "two")
delay_process(current_process(), 59)
eq(process_state(n), 5)
resume_process(n)
delay_process(current_process(), 1) --- log: msg="two at 1000"
delay_process(n, 59)
call_worker("Clerk", "says", "three")
eq(process_state(n), 1)
delay_process(current_process(), 60) --- log: msg="three at 2000"
-- method says
began = began or milliseconds()
print(... .. " at " .. math.floor((milliseconds() - began) / 10 + 0.5) * 10)
---
-- A method that is marked has its worker in a preemptive process; the first message decides.
call_worker("Clerk", "marked")
call_worker("Clerk", "plain")
delay_process(current_process(), 1) --- log: msg=marked
eq(process_info(process_number("Clerk")).preemptive, true)
-- method marked preemptive
print("marked")
-- method plain
print(process_info(current_process()).preemptive) --- log: msg=true
---
-- The box is bounded: what does not fit is an error of the caller.
call_worker("Clerk", "hangs")
delay_process(current_process(), 1)
for i = 1, 100000 do call_worker("Clerk", "counts") end
fails(function() call_worker("Clerk", "counts") end, 'call_worker: "Clerk": the worker\'s box is full: 100000 messages wait')
fails(function() call_worker("Clerk", "") end, 'call_worker: "Clerk": the worker\'s box is full: 100000 messages wait')
resume_process(process_number("Clerk"))
call_worker("Other", "counts")
delay_process(current_process(), 1) --- log: msg="100000 counted"
-- method hangs
pause_process(current_process())
-- method counts
n = (n or 0) + 1
if n == 100000 then print(n .. " counted") end
---
fails(function() call_worker() end, "bad argument #1 to call_worker (number of a process or name of a worker expected, got nil)")
fails(function() call_worker({}, "eq") end, "bad argument #1 to call_worker (number of a process or name of a worker expected, got table)")
fails(function() call_worker("", "eq") end, "bad argument #1 to call_worker (name of a worker expected, got an empty text)")
fails(function() call_worker("Clerk") end, "bad argument #2 to call_worker (string expected, got nil)")
fails(function() call_worker(99) end, "bad argument #2 to call_worker (string expected, got nil)")
fails(function() call_worker("Clerk", eq) end, "bad argument #2 to call_worker (string expected, got function)")
fails(function() call_worker("Clerk", "eq", eq) end, "bad argument #3 to call_worker (a function cannot leave its process)")
fails(function() call_worker("Clerk", "nobody") end, "call_worker: nobody: no such method")
fails(function() call_worker(99, {}) end, "bad argument #2 to call_worker (string expected, got table)")
fails(function() call_worker("Clerk", "on_server_shutdown") end, "call_worker: on_server_shutdown: no such method")
fails(function() call_worker(1, "eq") end, "call_worker: process 1 of a server runs no methods; give the worker a name")
fails(function() kill_worker(true) end, "bad argument #1 to kill_worker (number of a process or name of a worker expected, got boolean)")
fails(function() kill_worker("") end, "bad argument #1 to kill_worker (name of a worker expected, got an empty text)")
eq(count_tasks(), 3)
---
-- The error has the line of the call.
pcall(call_worker, "Clerk", "nobody")
call_worker("Clerk", "nobody") --- error: call_worker: nobody: no such method$
---
-- In the window of the shutdown a worker lasts as long as on_server_shutdown does, and carries out what that sends. One
-- that waits for a message ends without a word.
call_worker("Clerk", "writes", "first")
quit_4d()
while not process_aborted() do delay_process(current_process(), 10) end --- log: msg="first 1"
-- method on_server_shutdown
call_worker("Clerk", "writes", "last") --- log: msg="last 2"
delay_process(current_process(), 60)
-- method writes
lines = (lines or 0) + 1
print(... .. " " .. lines)
---
-- One that is at work is killed, and named; its messages are lost.
call_worker("Clerk", "hangs")
call_worker("Clerk", "hangs")
delay_process(current_process(), 1)
quit_4d()
while not process_aborted() do delay_process(current_process(), 10) end --- log: level=WARN msg="messages of a worker are lost" name=Clerk messages=1
-- method on_server_shutdown
delay_process(current_process(), 60)
-- method hangs
while true do pause_process(current_process()) end --- log: msg="did not end by itself" stage="the window" what="process 4 \\"Clerk\\" \(hangs\)
