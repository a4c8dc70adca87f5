-- On Server Close Connection: runs once for each connection that was let in, when it ends, whatever ended it.
-- It runs in the same process as the open method, with the same three integers and the same process variables.
local user, connection, ignored = ...

local info = connection_info()
print(info.user_name .. " leaves after " .. (milliseconds() - started) .. " ms: " .. info.cause)

-- The row that the open method made. (Its connection_id would not do: each host counts from 1 on, at each start.)
local entry = log_id and ds.server_log:get(log_id)
if entry then
  entry.exit_date, entry.exit_time = current_date(), current_time()
  entry.process_id, entry.process_name = current_process(), current_process_name()
  entry:save()
end
