function test_the_end_is_in_the_server_log()
  at("2026-03-01 23:59:58")
  local client = connect{ user = "ann" }
  advance(3)
  assert_equal(client:close(), "client left")

  local entry = ds.server_log:all():first()
  assert_equal(entry.log_date, "2026-03-01")
  assert_equal(entry.exit_date, "2026-03-02")
  assert_equal(time_string(entry.exit_time), "00:00:01")
  assert_equal(entry.process_id, client.process)
end

function test_a_client_that_is_lost_is_in_the_server_log_too()
  local client = connect()
  client:close("connection lost")
  assert_equal(ds.server_log:query("process_id # 0").length, 1)
end
