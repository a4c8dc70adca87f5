-- A project method, that of the processes ML_1 and ML_2. In 4D each shows a form in which somebody enters records;
-- here the typing is a wait. The user saves all records but the last: that one is still in the form when he goes for
-- coffee.
local seconds_a_record, names = ...
if interprocess.quit_4d then
  return -- nobody opens a form in a house that is closing
end
local entered -- the record in the form, not saved yet
local leaves = false

local function save()
  table.insert(interprocess.records, entered)
  write_journal("record added: " .. entered)
  entered = nil
end

-- The form event On Outside Call: the function runs in this process, whenever somebody calls it while it waits.
-- Afterwards the process waits on, unless it is resumed. (Without all this a record in entry is lost when 4D quits.)
on_outside_call(function()
  if interprocess.message == "QUIT" then
    leaves = true
    resume_process(current_process())
  end
end)

for i, name in ipairs(names) do
  entered = name
  if i == #names then
    break
  end
  delay_process(current_process(), seconds_a_record * 60) -- a tick is 1/60 second
  if leaves then
    break
  end
  save()
end

interprocess.typing = interprocess.typing - 1
while not leaves do
  -- When the host quits it wakes every process, once. This one goes back to its wait: on_exit is going to call it.
  pause_process(current_process())
end
save()
