-- A project method, that of the process Look around: other scripts call it by its name, or start it with new_process.
local minute = 60 * 60 -- ticks

while not process_aborted() do
  interprocess.rounds = interprocess.rounds + 1
  delay_process(current_process(), minute) -- the end of the host ends the wait
end
