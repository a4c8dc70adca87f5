-- Try it with: moongate test scripts/examples/simulate
function test_ten_at_once_come_from_one_address()
  for _ = 1, 10 do
    assert_accepted(connect{ address = "127.0.0.2" })
  end
  assert_refused(connect{ address = "127.0.0.2" }, 429)
  assert_accepted(connect{ address = "127.0.0.3" })
end

function test_twenty_come_in_each_second()
  for i = 1, 20 do
    assert_accepted(connect{ address = "127.0.0." .. i })
  end
  assert_refused(connect{ address = "127.0.0.21" }, 503)
  advance(1)
  assert_accepted(connect{ address = "127.0.0.21" })
end
