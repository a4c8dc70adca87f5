-- Processes that wait twice: in the middle of a wait, the function that answers outside calls waits for something else. What
-- one waits for around the other counts as well, and the wait that would close a circle is an error that names all.
semaphore("a")
semaphore("b")
local n = new_process("waits_twice", 0, "Twice")
delay_process(current_process(), 1)
eq(process_state(n), 4)
post_outside_call(n)
delay_process(current_process(), 1)
eq(process_state(n), 4)
fails(function() semaphore("mine", math.huge) end, 'semaphore: waiting for semaphore "mine" would never end: process ' .. n .. ' (Twice) holds it while it waits for semaphore "a", which process ' .. current_process() .. ' (Chunk) holds')
eq(semaphore("mine", 30), true) -- with a limit it may
clear_semaphore("a")
delay_process(current_process(), 1)
eq(process_state(n), 4)
clear_semaphore("b")
-- method waits_twice
semaphore("mine")
on_outside_call(function() semaphore("b", 600) end)
eq(semaphore("a", math.huge), false)
---
-- In that function the circle is found too: the function has the error, and the wait around it goes on.
semaphore("a")
local n = new_process("waits", 0, "Waits")
delay_process(current_process(), 1)
new_process("waits_for_it", 0, "Other")
delay_process(current_process(), 1)
post_outside_call(n)
delay_process(current_process(), 1) --- log: msg="script failed" method=on_outside_call error="waits\.lua:\d+: semaphore: waiting for semaphore \\"theirs\\" would never end: process 5 \(Other\) holds it while it waits for semaphore \\"mine\\", which process 4 \(Waits\) holds"
eq(process_state(n), 4)
clear_semaphore("a")
delay_process(current_process(), 1) --- log: msg="had it"
eq(process_state(n), -100)
-- method waits
semaphore("mine")
on_outside_call(function() semaphore("theirs", math.huge) end)
eq(semaphore("a", math.huge), false)
print("had it")
-- method waits_for_it
semaphore("theirs")
semaphore("mine", math.huge)
---
-- Two processes are in the middle of two endless waits each. Neither closed a circle when it began to wait, but giving a
-- semaphore to the first of them would: it goes to the second, and all come to their end.
semaphore("a")
semaphore("d")
local first = new_process("has_c", 0, "First")
delay_process(current_process(), 1)
local second = new_process("has_b", 0, "Second")
delay_process(current_process(), 1)
post_outside_call(first)
post_outside_call(second)
delay_process(current_process(), 1)
clear_semaphore("a")
delay_process(current_process(), 1)
clear_semaphore("d") --- log: msg="second has a"
delay_process(current_process(), 60) --- log: msg="first has a"
eq({process_state(first), process_state(second)}, {-100, -100})
eq({test_semaphore("a"), test_semaphore("b"), test_semaphore("c"), test_semaphore("d")}, {false, false, false, false})
-- method has_c
semaphore("c")
on_outside_call(function() eq(semaphore("b", math.huge), false) end)
eq(semaphore("a", math.huge), false)
print("first has a")
-- method has_b
semaphore("b")
on_outside_call(function() eq(semaphore("d", math.huge), false) end)
eq(semaphore("a", math.huge), false)
print("second has a")
---
-- The same among uses of shared objects.
local a, b, d = new_shared_object(), new_shared_object(), new_shared_object()
local first, second
use(d, function()
  use(a, function()
    first = new_process("uses_b_inside", 0, "First", a, b)
    delay_process(current_process(), 1)
    second = new_process("uses_b", 0, "Second", a, b, d)
    delay_process(current_process(), 1)
    post_outside_call(first)
    post_outside_call(second)
    delay_process(current_process(), 1)
    eq({process_state(first), process_state(second)}, {4, 4})
  end)
  delay_process(current_process(), 1)
end)
delay_process(current_process(), 1) --- log: msg="second has a and b"
                                    --- log: msg="first has a"
eq({process_state(first), process_state(second)}, {-100, -100})
-- method uses_b_inside
local a, b = ...
on_outside_call(function() use(b, function() end) end)
use(a, function() print("first has a") end)
-- method uses_b
local a, b, d = ...
on_outside_call(function() use(d, function() end) end)
use(b, function()
  use(a, function() print("second has a and b") end)
end)
