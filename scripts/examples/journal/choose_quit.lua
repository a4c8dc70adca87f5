-- A project method, that of the process $On_QUIT, which does what a user does who chooses Quit in the menu. It is a
-- process of its own because quit_4d stops its caller for good: a process with a record in its form could not save it
-- any more.
while interprocess.typing > 0 and not interprocess.quit_4d do
  delay_process(current_process(), 6) -- looks ten times a second
end
if not interprocess.quit_4d then -- otherwise somebody has pressed Ctrl-C, and the house is closing already
  write_journal("exit")
  quit_4d()
end
