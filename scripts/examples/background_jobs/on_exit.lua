-- On Exit: runs once, in a new process named $xx, whatever has made the host quit: quit_4d or Ctrl-C. It cannot
-- refuse. The jobs sleep for a minute, and the host waits for 13 seconds (--quit-window), then it kills: so set the
-- flag, wake them, and look, ten seconds at the most.
local patience = 10 * 60 -- ticks
local begin = tickcount()

use(storage.global, function()
  storage.global.exit_now = true
end)

local left
repeat
  left = 0
  for _, p in ipairs(process_activity(1).processes) do -- 1: processes only
    if p.name:match("^Background job") and p.state >= 0 then -- -1: it has ended
      left = left + 1
      resume_process(p.number) -- ends its sleep; no effect on one that runs
    end
  end
  if left > 0 then
    delay_process(current_process(), 1)
  end
until left == 0 or tickcount() - begin >= patience

print(left == 0 and "all jobs have left" or "jobs that have not left: " .. left)
