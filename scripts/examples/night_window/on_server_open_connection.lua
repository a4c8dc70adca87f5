-- Nobody connects between two and four in the morning: the second example of 4D's page On Server Open Connection.
-- Try it with: moongate --scripts scripts/examples/night_window
local user, connection, ignored = ...

if between_times("02:00", "04:00") then -- from 02:00:00 to 03:59:59
  return 22000, "closed from 2 to 4"
end
return 0
