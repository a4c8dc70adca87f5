function test_guests_come_in_by_day()
  at("2026-03-01 12:00:00") -- the clock of the test
  assert_accepted(connect{ user = "guest", address = "10.0.0.7" })
end

function test_nobody_comes_in_at_night()
  at("2026-03-01 03:59:59")
  local client = connect{ user = "guest", address = "10.0.0.7" }
  assert_refused(client, 22000)
  assert_equal(client.reason, "closed from 2 to 4")
  advance(1) -- a second later, which takes no time
  assert_accepted(connect{ user = "guest", address = "10.0.0.7" })
end
