-- On Server Open Connection: decides about each connection, in the process that will be its client's. Return 0 to let it
-- in, or another integer to refuse it, with the reason in words as a second result. An error refuses as well (--on-error).
-- Save this file, and the next connection is decided by what it says then.
local user, connection, ignored = ... -- the user's number, the connection's, and 4D's third parameter, always 0

local info = connection_info()

if count_connections{ address = info.address } > 20 then -- this one is counted as well
  return 429, "too many connections from " .. info.address
end
if between_times("02:00", "04:00") then -- from 02:00:00 to 03:59:59
  return 22000, "closed from 2 to 4"
end

interprocess.visitors = interprocess.visitors + 1
came = milliseconds() -- a process variable: without local, so that the close method finds it again
return 0
