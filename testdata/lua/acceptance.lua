-- Semaphore: a second process gets true, the same process false; when the owner dies a third one gets false.
eq(semaphore("door"), false)
eq(semaphore("door"), false)
clear_semaphore("door")
local owner = new_process("owns", 0)
delay_process(current_process(), 1)
eq(semaphore("door"), true)
new_process("third", 0)
delay_process(current_process(), 1)
abort_process_by_id(process_info(owner).id)
delay_process(current_process(), 1) --- log: msg="third: false"
-- method owns
semaphore("door")
pause_process(current_process())
-- method third
print("third: " .. tostring(semaphore("door", 600)))
---
-- PAUSE and then RESUME of a delayed process: it continues at once.
local from = milliseconds()
local n = new_process("sleeps", 0, "", from)
delay_process(current_process(), 60)
eq(process_state(n), 1)
pause_process(n)
eq(process_state(n), 5)
resume_process(n)
delay_process(current_process(), 1) --- log: msg="continues after 1000 ms"
eq(process_state(n), -100)
-- method sleeps
delay_process(current_process(), 60 * 60)
print("continues after " .. milliseconds() - ... .. " ms")
---
-- GET PROCESS VARIABLE of a dead process gives nothing; SET PROCESS VARIABLE is an error.
local n = new_process("ends", 0)
delay_process(current_process(), 1)
eq(process_state(n), -100)
eq({get_process_variable(n, "left")}, {})
fails(function() set_process_variable(n, "left", 1) end, "set_process_variable: ")
left = 1
fails(function() variable_to_variable(n, "left", "left") end, "variable_to_variable: ")
-- method ends
left = "behind"
---
-- KILL WORKER and CALL WORKER: the second process starts after the first has ended.
call_worker("Clerk", "works", 1)
delay_process(current_process(), 1) --- log: msg="begins 1 nil"
kill_worker("Clerk")
call_worker("Clerk", "works", 2)
delay_process(current_process(), 30)
eq(count_user_processes(), 3)
delay_process(current_process(), 31) --- log: msg="ends 1"
eq(count_user_processes(), 3)        --- log: msg="begins 2 nil"
-- method works
print("begins " .. ... .. " " .. tostring(worked))
worked = true
delay_process(current_process(), 60)
print("ends " .. ...)
---
-- A stored procedure: its number is positive on the server, and a name that begins with $ is an error.
local n = execute_on_server("stays", 0, "Keeper")
eq(n > 0, true)
eq(process_number("Keeper", "*"), n)
eq(process_info(n).type, 1)
fails(function() execute_on_server("stays", 0, "$Keeper") end, 'execute_on_server: "$Keeper" is no name for a process of the server')
-- method stays
pause_process(current_process())
-- method on_server_open_connection
error("no open call for a stored procedure")
---
-- cooperative only
-- A thousand processes count in an interprocess variable, without a lock between two waits: nothing is lost.
interprocess.n = 0
for i = 1, 1000 do new_process("counts", 0) end
delay_process(current_process(), 600)
eq(interprocess.n, 3000)
-- method counts
for i = 1, 3 do
  interprocess.n = interprocess.n + 1
  delay_process(current_process(), 1)
end
