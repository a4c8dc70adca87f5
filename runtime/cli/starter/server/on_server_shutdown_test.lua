function test_the_server_ends_in_time()
  quit{ within = 10 } -- seconds; otherwise the test fails, and says what was left
end
