-- A project method, that of the process $On_QUIT. quit_4d stops its caller for good, so it has a process of its own.
delay_process(current_process(), ... * 60) -- a tick is 1/60 second
if not process_aborted() then -- otherwise somebody has pressed Ctrl-C, which has ended the wait
  quit_4d()
end
