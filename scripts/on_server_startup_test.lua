-- moongate test runs this: each function test_... in a host of its own, with an empty database and a clock of its own.
function test_the_watch_begins()
  assert_equal(interprocess.greeted, 0)
  assert_true(process_number("Watch house") > 0, "nobody watches the house")
end
