--%attributes = {"preemptive":"capable"}
-- A project method, that of the processes Background job#1 and #2. The first line lets it run in a lane of its own,
-- beside the others on another core. Such a process does not see interprocess, but storage it does; reading that
-- needs no use.
local minute = 60 * 60 -- ticks

while not storage.global.exit_now do
  print(current_process_name() .. " works")
  delay_process(current_process(), minute) -- on_exit ends the wait
end
print(current_process_name() .. " leaves")
