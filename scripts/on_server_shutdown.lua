-- On Server Shutdown: runs once, in a process named $xx, when the clients have gone. It cannot refuse.
-- Every other process has its abort flag now and was woken once. The server stops as soon as this method returns,
-- and kills what still runs then: so wait for the processes, but not for ever. After 13 s (--quit-window) it ends anyway.
local patience = tickcount() + 10 * 60 -- ten seconds

while process_number("Watch house") ~= 0 and tickcount() < patience do
  delay_process(current_process(), 6) -- a tenth of a second
end
print(interprocess.greeted .. " visitors were here")
