-- On Exit: runs once, in a new process named $xx, whatever has made the host quit: quit_4d or Ctrl-C. It cannot
-- refuse. It has every process of the menu save what is in its form, waits until they have left, and closes the
-- journal.

-- The host gives all of this 13 seconds (--quit-window), then it kills whoever is left, this process included. The
-- sample of 4D waits up to a minute for each process, from a time when there was no such limit: the closing line
-- would be lost with it.
local for_all = 10 * 60 -- ticks
local for_each = 4 * 60

interprocess.quit_4d = true
local begin = tickcount() -- not current_time(), which begins again at midnight
local finished

repeat
  finished = true
  for n = 1, count_tasks() do
    local name, state = process_properties(n) -- nothing for a number that no process has
    if name and (name:match("^ML_") or name:match("^M_")) and state >= 0 then -- -1: it has ended
      finished = false
      interprocess.message = "QUIT"
      bring_to_front(n) -- no effect where there are no windows
      call_process(n)   -- the former name of post_outside_call
      local called = tickcount()
      repeat
        delay_process(current_process(), 60)
      until process_state(n) < 0 or tickcount() - called >= for_each or tickcount() - begin >= for_all
    end
  end
until finished or tickcount() - begin >= for_all

write_journal("session closed, records: " .. #interprocess.records .. (finished and "" or ", not everybody has left"))
