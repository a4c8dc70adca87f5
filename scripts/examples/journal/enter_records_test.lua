function test_a_record_takes_a_second()
  advance(0.9)
  assert_equal(#interprocess.records, 0)
  advance(0.2)
  assert_equal(#interprocess.records, 2)
end
