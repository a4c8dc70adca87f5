-- On Server Close Connection: runs once for each connection that was let in, when it ends, whatever ended it. It runs in the
-- same process as the open method, with the same three integers and the same process variables.
local user, connection, ignored = ...

local info = connection_info()
local visit = ds.visits:new{ user_name = info.user_name, address = info.address, milliseconds = milliseconds() - came, cause = info.cause }
local saved, problem = visit:save()
if not saved then
  print("the visit of " .. info.user_name .. " is not written down: " .. problem)
end
