-- A project method: write_journal("text") appends a line to the journal. Its fields are separated by tabs: date,
-- time, number and name of the process, text. (4D's sample ends lines by CR; with LF every program shows them as
-- lines.)
local text = ...

-- One process at a time has the document open. false is "the semaphore is mine"; who does not get it waits a tick and
-- asks again, as in 4D. semaphore("$Journal", 60) would do the waiting itself, and give up after a second.
while semaphore("$Journal") do
  delay_process(current_process(), 1)
end

local words = tostring(text):gsub("%c", " ") -- it stays one line, and one field
local line = { current_date(), time_string(current_time()), current_process(), current_process_name(), words }

-- Opened, written and closed each time: only what is closed is sure to be on the disk. assert makes an error of nil
-- and a reason (a full disk, say), which ends the process; its document and its semaphore are free then, too.
local journal = assert(append_document("journal.txt"))
assert(send_packet(journal, table.concat(line, "\t") .. "\n"))
assert(close_document(journal))

clear_semaphore("$Journal")
