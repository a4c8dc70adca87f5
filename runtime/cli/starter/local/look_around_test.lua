function test_a_round_takes_a_minute()
  local before = interprocess.rounds
  advance(60) -- seconds, which take no time
  assert_equal(interprocess.rounds, before + 1)
end
