-- On Server Open Connection: decides about each connection, in the process that will be its client's.
-- Return 0 or nothing to let it in, any other integer to refuse it; a second result is the reason in words.
-- An error refuses too (--on-error). Save this file and the next connection is decided by what it says then.
local user, connection, ignored = ...

local most = 100 -- connections from one address at the same time

local info = connection_info()
if count_connections{ address = info.address } > most then -- this one is counted as well
  return 429, "more than " .. most .. " connections from " .. info.address
end

-- The server log: a row for each connection (structure.lua has its columns), which the close method completes.
local entry = ds.server_log:new{ log_date = current_date(), log_time = current_time(), user_id = user, connection_id = connection }
local saved, problem = entry:save() -- the lane is others' until it is on disk
if not saved then
  print("not in the server log: " .. problem) -- a full disk, say: the door stays open
end
log_id = entry.log_id -- a process variable: the close method finds it again

interprocess.greeted = interprocess.greeted + 1
started = milliseconds() -- a process variable as well
print(info.user_name .. " comes from " .. info.address .. ", visitor " .. interprocess.greeted)
return 0
