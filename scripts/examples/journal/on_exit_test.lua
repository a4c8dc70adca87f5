-- Try it with: moongate test scripts/examples/journal

-- lines are those of the journal without what is another in each of them: date, time and number of the process.
local function lines()
  local all = {}
  local journal = assert(open_document("journal.txt", "", 2)) -- to read
  local line = receive_packet(journal, "\n")
  while line and line ~= "" do
    table.insert(all, (line:gsub("^[^\t]*\t[^\t]*\t[^\t]*\t", "")))
    line = receive_packet(journal, "\n")
  end
  assert(close_document(journal))
  return all
end

function test_the_record_that_is_being_entered_is_saved()
  advance(1.5) -- each user has typed one record, and is at the second one
  assert_equal(#interprocess.records, 2)
  quit{ within = 10 }
  table.sort(interprocess.records)
  assert_equal(interprocess.records, { "Ada", "Grace", "Lima", "Oslo", "Rome" }) -- ML_2 goes on while ML_1 is asked
end

function test_a_whole_session_is_in_the_journal()
  advance(20) -- the users have gone for coffee, and $On_QUIT has ended the host
  local journal = lines()
  assert_match(journal[1], "session opened$")
  assert_match(journal[#journal], "session closed, records: 6$")
  assert_equal(#journal, 9)
end
