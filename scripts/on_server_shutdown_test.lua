function test_the_watch_leaves_when_it_is_told_to()
  connect()
  local report = quit{ within = 1 } -- the watch sleeps for a minute, but is woken
  assert_equal(#report.left, 0)
end
