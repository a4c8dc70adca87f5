-- A test is a function whose name begins with test_. Each has a host of its own, with an empty database. Run them with
-- moongate test; moongate api lists what tests can call.
function test_nobody_was_here_yet()
  assert_equal(interprocess.visitors, 0)
end
