function test_guests_come_in_by_day()
  at("2026-03-01 12:00:00") -- the clock of the test
  local client = connect{ user = "guest", address = "10.0.0.7" }
  assert(client.accepted, client.reason)
end

function test_nobody_comes_in_at_night()
  at("2026-03-01 03:59:59")
  local client = connect{ user = "guest", address = "10.0.0.7" }
  assert(client.code == 22000)
  advance(1) -- a second later
  assert(connect{ user = "guest", address = "10.0.0.7" }.accepted)
end
