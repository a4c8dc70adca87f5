function test_a_round_takes_a_minute()
  local before = interprocess.rounds
  advance(60)
  assert(interprocess.rounds == before + 1)
end
