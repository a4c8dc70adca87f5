function test_it_greets()
  assert_equal(connect():call("greet", "moon"), "hello moon")
end
