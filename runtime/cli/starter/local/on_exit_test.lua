function test_the_rounds_are_written_down()
  quit{ within = 10 } -- seconds; otherwise the test fails, and says what was left
  assert_equal(ds.notes:count(), 1)
end
