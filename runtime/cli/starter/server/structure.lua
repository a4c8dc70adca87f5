-- The tables of the data. They are made and extended when the server starts; nothing is ever taken away. A column has a
-- name and a type: text, integer, real, boolean, date, time, object, blob or uuid.
return {
  visits = {
    { "id", "integer", primary = true, sequence = true },
    { "user_name", "text" },
    { "address", "text" },
    { "milliseconds", "integer" },
    { "cause", "text" },
    indexes = { { "user_name" } },
  },
}
