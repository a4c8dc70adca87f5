-- A project method. on_server_startup starts it as a stored procedure: a process of the server that belongs to no client.
-- It says once a minute who is there, and leaves when it is told to.
local minute = 60 * 60 -- ticks

while not process_aborted() do
  delay_process(current_process(), minute) -- the shutdown ends the wait
  local guests = count_connections()
  if guests > 0 and not process_aborted() then
    print("connected: " .. guests)
  end
end
print("the watch is over")
