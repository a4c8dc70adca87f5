-- On Server Close Connection: runs once for each connection that was let in, when it ends, whatever ended it.
-- It runs in the same process as the open method, with the same three integers and the same process variables.
local user, connection, ignored = ...

local info = connection_info()
print(info.user_name .. " leaves after " .. (milliseconds() - started) .. " ms: " .. info.cause)

-- The row that the open method made; connections are numbered from 1 on at each start, so the latest one it is.
local entry = ds.server_log:query("user_id = :1 and connection_id = :2 and process_id = 0 order by log_id desc", user, connection):first()
if entry then
  entry.exit_date, entry.exit_time = current_date(), current_time()
  entry.process_id, entry.process_name = current_process(), current_process_name()
  entry:save()
end
