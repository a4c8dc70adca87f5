-- The tables of the data. They are made and extended when the host starts; nothing is ever taken away. A column has a name
-- and a type: text, integer, real, boolean, date, time, object, blob or uuid.
return {
  notes = {
    { "id", "integer", primary = true, sequence = true },
    { "day", "date" },
    { "text", "text" },
  },
}
