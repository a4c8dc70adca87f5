function test_the_example_ends_after_three_seconds()
  advance(2.9)
  assert_true(process_number("Background job#1") > 0, "the jobs have left")
  advance(0.2)
  assert_equal(process_number("Background job#1"), 0)
end
