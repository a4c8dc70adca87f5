function test_the_rounds_are_written_down()
  quit{ within = 10 }
  assert(ds.notes:count() == 1)
end
