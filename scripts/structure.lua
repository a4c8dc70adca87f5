-- The tables of this database. At the start, and when this file changes, what is missing is added; nothing is ever taken away.
return {
  -- One row for each connection that was let in: see on_server_open_connection.lua and on_server_close_connection.lua.
  -- `sqlite3 data.sqlite 'select * from server_log'` in the data folder shows it.
  server_log = {
    { "log_id", "integer", primary = true, sequence = true },
    { "log_date", "date" },
    { "log_time", "time" },
    { "user_id", "integer" },
    { "connection_id", "integer" },
    { "exit_date", "date" },
    { "exit_time", "time" },
    { "process_id", "integer", default = 0 }, -- 0 until the connection has ended
    { "process_name", "text" },
    indexes = { { "user_id", "connection_id" } },
  },
}
