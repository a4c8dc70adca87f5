-- The edges of the night, to the second. Try it with: moongate test scripts/examples/night_window
function test_the_night_begins_at_two()
  at("2026-03-01 01:59:59") -- the clock of this test, and of its host
  assert_accepted(connect{ user = "guest", address = "10.0.0.7" })
  advance(1)
  local client = connect{ user = "guest", address = "10.0.0.7" }
  assert_refused(client, 22000)
  assert_equal(client.reason, "closed from 2 to 4")
  assert_equal(client.by, "on_server_open_connection.lua:6") -- the line that returned
end

function test_the_night_ends_at_four()
  at("2026-03-01 03:59:59")
  assert_refused(connect{ user = "guest" })
  advance(1)
  assert_accepted(connect{ user = "guest" })
end

function test_those_who_are_there_stay()
  at("2026-03-01 01:00")
  local client = connect{ user = "guest" }
  at("03:00") -- the next time that it is three
  assert_equal(client:closed(), nil)
end
