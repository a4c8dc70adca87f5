function test_a_text_stays_one_line()
  write_journal("two\nlines\tand a tab")
  local journal = assert(open_document("journal.txt", "", 2))
  receive_packet(journal, "\n") -- session opened
  assert_match(receive_packet(journal, "\n"), "two lines and a tab$")
  assert(close_document(journal))
end
