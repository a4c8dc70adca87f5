-- A policy to try "moongate simulate" on: twenty clients come in each second, and ten are there at once from one address.
--
--   moongate --scripts scripts/examples/simulate
--   moongate simulate --rate 50 --duration 5s --addresses 20 --call greet,moon
--   moongate simulate --rate 50 --duration 5s --behaviour scripts/examples/simulate/visitors/visitor.lua
--
-- The reasons have no numbers in them that change, so that the report can count those that are alike.
local user, connection, ignored = ...

if count_connections{ address = connection_info().address } > 10 then
  return 429, "too many connections from one address"
end
if not rate_limit("door", 20, 1) then
  return 503, "too many come at once, try again"
end
return 0
