-- On Server Close Connection: runs once for each connection that was let in, when it ends, whatever ended it.
-- It runs in the same process as the open method, with the same three integers and the same process variables.
local user, connection, ignored = ...

local info = connection_info()
print(info.user_name .. " leaves after " .. (milliseconds() - started) .. " ms: " .. info.cause)
