function test_a_visit_is_written_down()
  at("2026-03-01 12:00:00")
  local client = connect{ user = "guest", address = "10.0.0.7" }
  advance(90)
  client:close()
  local visit = ds.visits:all():first()
  assert_equal(visit.user_name, "guest")
  assert_equal(visit.milliseconds, 90000)
end
