function test_whoever_comes_is_in_the_server_log()
  at("2026-03-01 09:30:00") -- when the host of this test was started
  local client = connect{ user = "ann", address = "10.0.0.7" }
  assert_accepted(client)
  assert_equal(interprocess.greeted, 1)

  local entry = ds.server_log:all():first()
  assert_equal(entry.log_date, "2026-03-01")
  assert_equal(time_string(entry.log_time), "09:30:00")
  assert_equal(entry.user_id, client.user)
  assert_equal(entry.connection_id, client.connection)
  assert_equal(entry.process_id, 0, "it has not ended yet")
end

function test_one_address_has_a_hundred_connections_at_most()
  for _ = 1, 100 do
    assert_accepted(connect{ address = "10.0.0.7" })
  end
  assert_refused(connect{ address = "10.0.0.7" }, 429)
  assert_accepted(connect{ address = "10.0.0.8" })
end
