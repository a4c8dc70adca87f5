-- On Startup: runs once, in the main process, number 1. This folder is the newer sample of 4D's page On Exit:
-- background jobs that sleep most of the time, and leave when a flag in the storage says so.
-- Try it with: moongate local --scripts scripts/examples/background_jobs
local seconds = 3 -- after which the example ends by itself; 0: it goes on until you press Ctrl-C

-- storage is what all processes of the host share. What is put there is a shared object, inside use, which keeps
-- others from changing it meanwhile.
use(storage, function()
  storage.global = new_shared_object { exit_now = false }
end)

for i = 1, 2 do
  new_process("background_job", 0, "Background job#" .. i)
end
if seconds > 0 then
  new_process("quit_later", 0, "$On_QUIT", seconds)
end
