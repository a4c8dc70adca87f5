function test_the_server_ends_in_time()
  quit{ within = 10 }
end
