function test_a_visit_is_written_down()
  at("2026-03-01 12:00:00")
  local client = connect{ user = "guest", address = "10.0.0.7" }
  client:close()
  assert(ds.visits:count() == 1)
end
