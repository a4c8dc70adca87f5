-- The tables that the chunks have.
return {
  server_log = {
    { "log_id", "integer", primary = true, sequence = true },
    { "log_date", "date" },
    { "log_time", "time" },
    { "user_id", "integer" },
    { "connection_id", "integer" },
    { "exit_date", "date" },
    { "exit_time", "time" },
    { "process_id", "integer", default = 0 },
    { "process_name", "text" },
    indexes = { { "user_id", "connection_id" } },
  },
  person = {
    { "id", "integer", primary = true, sequence = true },
    { "name", "text", not_null = true },
    { "email", "text", unique = true },
    { "salary", "real" },
    { "member", "boolean", default = true },
    { "born", "date" },
    { "working", "time" },
    { "info", "object" },
    { "picture", "blob" },
    { "token", "uuid" },
    { "big", "integer" },
  },
  city = {
    { "code", "text", primary = true },
    { "name", "text" },
  },
}
