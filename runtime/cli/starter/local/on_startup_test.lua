-- A test is a function whose name begins with test_. Each has a host of its own, with an empty database. Run them with
-- moongate test; moongate api lists what tests can call.
function test_somebody_looks_around()
  assert_true(process_number("Look around") > 0)
end
