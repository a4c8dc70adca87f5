-- A test is a function whose name begins with test_. Each has a host of its own, with an empty database.
function test_nobody_was_here_yet()
  assert(interprocess.visitors == 0)
end
