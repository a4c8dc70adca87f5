function test_the_watch_goes_on_all_day()
  advance(24 * 60 * 60) -- a day, which takes no time here
  assert_true(process_number("Watch house") > 0, "the watch has left")
end
