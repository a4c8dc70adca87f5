-- A test is a function whose name begins with test_. Each has a host of its own, with an empty database.
function test_somebody_looks_around()
  assert(process_number("Look around") ~= 0)
end
