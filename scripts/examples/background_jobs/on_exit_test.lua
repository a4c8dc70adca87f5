-- Try it with: moongate test scripts/examples/background_jobs
function test_the_jobs_leave_by_themselves()
  assert_true(process_number("Background job#1") > 0)
  assert_true(process_number("Background job#2") > 0)
  quit{ within = 1 } -- fails if a job had to be killed
end
