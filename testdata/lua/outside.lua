-- Outside calls. A process that waits is woken, answers, and waits for the rest of its time.
local n = new_process("waits", 0, "Waiter")
delay_process(current_process(), 60)
post_outside_call(n)
delay_process(current_process(), 1) --- log: msg="answered at 1000"
eq(process_state(n), 1)
call_process(n)
delay_process(current_process(), 1) --- log: msg="answered at 1016"
delay_process(current_process(), 120) --- log: msg="waited 2000"
-- method waits
local from = milliseconds()
on_outside_call(function() print("answered at " .. milliseconds() - from) end)
delay_process(current_process(), 120)
print("waited " .. milliseconds() - from)
---
-- One that runs answers at its next wait, each call once, one after the other, with the process's variables.
local n = new_process("works", 0, "Works")
local other = new_process("works", 0, "Deaf", true)
delay_process(current_process(), 0.5)
for i = 1, 3 do post_outside_call(n) post_outside_call(other) end
resume_process(n)
resume_process(other)
delay_process(current_process(), 30) --- log: msg="3 in Works"
-- method works
local deaf = ...
delay_process(current_process(), 0.1)
if not deaf then on_outside_call(function() answered = (answered or 0) + 1 end) end
pause_process(current_process())
eq(answered, not deaf and 3 or nil)
delay_process(current_process(), 6)
eq(answered, not deaf and 3 or nil)
if answered then print(answered .. " in " .. current_process_name()) end
---
-- The function may end the wait, as another process may.
local n = new_process("works", 0)
delay_process(current_process(), 60)
call_process(n)
delay_process(current_process(), 1) --- log: msg="quit after 1000"
eq(process_state(n), -100)
-- method works
on_outside_call(function() quit = true resume_process(current_process()) end)
local from = milliseconds()
while not quit do delay_process(current_process(), 60 * 60) end
print("quit after " .. milliseconds() - from)
---
-- The function waits itself: no other call is answered inside it. The delay outside goes on meanwhile; who was called
-- before its end answers.
local n = new_process("works", 0)
delay_process(current_process(), 60)
post_outside_call(n)
post_outside_call(n)
delay_process(current_process(), 30)
eq(process_state(n), 1)
post_outside_call(n) --- log: msg="began 1 at 1000"
delay_process(current_process(), 600) --- log: msg="ended 1 at 2000"
                                      --- log: msg="began 2 at 2000"
                                      --- log: msg="ended 2 at 3000"
                                      --- log: msg="began 3 at 3000"
                                      --- log: msg="ended 3 at 4000"
                                      --- log: msg="waited 4000"
-- method works
local from = milliseconds()
local n = 0
on_outside_call(function()
  n = n + 1
  local mine = n
  print("began " .. mine .. " at " .. milliseconds() - from)
  delay_process(current_process(), 60)
  print("ended " .. mine .. " at " .. milliseconds() - from)
end)
delay_process(current_process(), 150)
print("waited " .. milliseconds() - from)
---
-- A pause is kept, unless somebody resumes the process while it answers; a delay of 0 from elsewhere ends no pause.
local n = new_process("works", 0)
delay_process(current_process(), 1)
post_outside_call(n)
delay_process(current_process(), 1) --- log: msg=answers
eq(process_state(n), 1)
delay_process(n, 0)
delay_process(current_process(), 1) --- log: msg=answered
eq(process_state(n), 5)
post_outside_call(n)
delay_process(current_process(), 1) --- log: msg=answers
eq(process_state(n), 1)
resume_process(n)
delay_process(current_process(), 1) --- log: msg=answered
eq(process_state(n), -100) --- log: msg=resumed
-- method works
on_outside_call(function()
  print("answers")
  delay_process(current_process(), 600)
  print("answered")
end)
pause_process(current_process())
print("resumed")
---
-- An error in it is logged, and the wait goes on. The last function that was given counts; nil takes it away.
local n = new_process("works", 0)
delay_process(current_process(), 1)
post_outside_call(n)
delay_process(current_process(), 1) --- log: level=WARN msg="script failed" method=on_outside_call error="works.lua:\d+: attempt to call.* traceback=
post_outside_call(n)
delay_process(current_process(), 1)
post_outside_call(n)
delay_process(current_process(), 1)
eq(process_state(n), 5)
resume_process(n)
delay_process(current_process(), 1) --- log: msg="resumed 2"
-- method works
local n = 0
local function second() n = n + 1 on_outside_call(nil) n = n + 1 end
on_outside_call(function()
  on_outside_call(second)
  missing()
end)
pause_process(current_process())
print("resumed " .. n)
---
-- It stands beside the code that waits: in a coroutine, in pcall, in sort; it cannot yield, and what it does with
-- coroutines is its own affair.
local n = new_process("works", 0)
for i = 1, 3 do
  delay_process(current_process(), 6)
  post_outside_call(n)
end
delay_process(current_process(), 60) --- log: msg="false 3 2 1"
-- method works
on_outside_call(function()
  count = (count or 0) + 1
  yielded = pcall(coroutine.yield, 1)
  local co = coroutine.wrap(function() coroutine.yield() end)
  co()
end)
local me = current_process()
local co = coroutine.create(function() delay_process(me, 10) coroutine.yield(2) end)
local _, two = coroutine.resume(co)
local _, one = pcall(function() delay_process(me, 6) return 1 end)
table.sort({1, 2}, function(a, b) delay_process(me, 6) return a < b end)
eq(coroutine.running(), nil)
print(tostring(yielded) .. " " .. count .. " " .. two .. " " .. one)
---
-- Ending a process that answers ends it, in every kind of wait.
local n = new_process("works", 0)
delay_process(current_process(), 1)
post_outside_call(n)
delay_process(current_process(), 1)
abort_process_by_id(process_info(n).id)
delay_process(current_process(), 1) --- log: msg="process aborted"
eq(process_state(n), -100)
-- method works
on_outside_call(function() pcall(pause_process, current_process()) print("not reached") error("not reached") end)
pause_process(current_process())
error("not reached")
---
-- A worker answers between its messages; its function stays with its process.
call_worker("Clerk", "begins")
delay_process(current_process(), 1)
local n = process_number("Clerk")
post_outside_call(n)
delay_process(current_process(), 1) --- log: msg="answered 1"
eq(process_state(n), 4)
call_worker(n, "begins_not")
post_outside_call(n)
delay_process(current_process(), 1)
                                    --- log: msg="answered 2"
-- method begins
on_outside_call(function() n = (n or 0) + 1 delay_process(current_process(), 0.1) print("answered " .. n) end)
-- method begins_not
---
-- connection
-- A client process answers when its client asks for the next method, or at a wait before that.
on_outside_call(function() print("answered") end)
post_outside_call(current_process())
delay_process(current_process(), 1) --- log: msg=answered
---
-- Nothing happens for a number that no process has, or that of the host's own.
for _, n in ipairs {99, 0, -1, 1.5, 2^40, 1, 2, current_process()} do
  post_outside_call(n)
  call_process(n)
end
fails(function() post_outside_call() end, "bad argument #1 to post_outside_call (number expected, got nil)")
fails(function() call_process({}) end, "bad argument #1 to call_process (number expected, got table)")
fails(function() on_outside_call() end, "bad argument #1 to on_outside_call (function expected, got nil)")
fails(function() on_outside_call("eq") end, "bad argument #1 to on_outside_call (function expected, got string)")
on_outside_call(nil)
on_outside_call(eq)
on_outside_call(nil)
---
-- A flood of calls does not keep a process from the end of its wait.
local n = new_process("waits", 0)
for i = 1, 60 do
  post_outside_call(n)
  delay_process(current_process(), 1)
end --- log: msg=waited
-- method waits
on_outside_call(function() post_outside_call(current_process()) delay_process(current_process(), 0.5) end)
delay_process(current_process(), 30)
print("waited")
on_outside_call(nil)
---
-- cooperative only
-- The legacy sample of the On Exit page: a flag, a text, and an outside call to every ML_ process, which leaves.
for i = 1, 3 do new_process("edits", 0, "ML_" .. i) end
delay_process(current_process(), 1)
quit_4d()
while not process_aborted() do delay_process(current_process(), 10) end
-- method edits
on_outside_call(function()
  if interprocess.message == "QUIT" then
    leaves = true
    resume_process(current_process())
  end
end)
while not leaves do
  pcall(pause_process, current_process())
end
print(current_process_name() .. " leaves") --- log: msg="ML_\d leaves"
                                           --- log: msg="ML_\d leaves"
                                           --- log: msg="ML_\d leaves"
-- method on_server_shutdown
local finished
repeat
  finished = true
  for i = 1, count_tasks() do
    local name, state = process_properties(i)
    if name and (name:match("^ML_") or name:match("^M_")) and state >= 0 then
      finished = false
      interprocess.message = "QUIT"
      bring_to_front(i)
      call_process(i)
      local start = current_time()
      repeat delay_process(current_process(), 60) until process_state(i) < 0 or current_time() - start >= 60
    end
  end
until finished
print("finished") --- log: msg=finished
---
-- An error in the function that answers is told to the method for errors, as others are; the wait goes on after it.
semaphore("mine")
local n = new_process("waits", 0)
delay_process(current_process(), 1)
post_outside_call(n)
delay_process(current_process(), 1) --- log: msg="told 77 waits"
                                    --- log: msg="script failed" method=on_outside_call error="waits\.lua:\d+: no way out \(77\)"
eq(process_state(n), 4)
delay_process(current_process(), 30) --- log: msg="waited true"
-- method waits
on_err_call("told")
on_outside_call(function() throw(77, "no way out") end)
print("waited " .. tostring(semaphore("mine", 20)))
-- method told
print("told " .. error_code .. " " .. error_method)
---
-- abort in that function, or in the method that is told of an error in it, stops the code that waits.
for _, how in ipairs {"function", "method"} do
  local n = new_process("waits", 0, "Waits", how)
  delay_process(current_process(), 1)
  eq(process_state(n), 5)
  post_outside_call(n)
  delay_process(current_process(), 1) --- log: level=INFO msg="process aborted" process=\d+ name=Waits method=waits
  eq(process_state(n), -100)
end
-- method waits
on_err_call("stops")
local how = ...
on_outside_call(function()
  if how == "function" then abort() end
  error("x")
end)
pcall(pause_process, current_process())
print("not reached")
-- method stops
abort()
