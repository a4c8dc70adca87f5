-- On Startup: runs once, in the main process, number 1. This folder is the older sample of 4D's page On Exit: a
-- journal of the session, users who enter records, and a quit that asks them to save before it closes.
-- Try it with: moongate local --scripts scripts/examples/journal
local ends_by_itself = true -- once the users have gone for coffee; false: it goes on until you press Ctrl-C
local seconds_a_record = 1  -- how long a user types

interprocess.quit_4d = false -- 4D's <>vbQuit4D: on_exit sets it
interprocess.message = ""    -- the text that goes with an outside call
interprocess.records = {}    -- what has been saved, in place of a table of a database
interprocess.typing = 2      -- users at their keyboards

if test_path_name("journal.txt") ~= 1 then -- 1: there is such a document, in the folder documents of the data folder
  assert(close_document(assert(create_document("journal.txt"))))
end
write_journal("session opened")

-- ML_ begins the names of processes that a menu has started. Nobody waits for them here: each lives for itself.
new_process("enter_records", 0, "ML_1", seconds_a_record, { "Ada", "Grace", "Mary" })
new_process("enter_records", 0, "ML_2", seconds_a_record, { "Rome", "Oslo", "Lima" })
if ends_by_itself then
  new_process("choose_quit", 0, "$On_QUIT")
end
