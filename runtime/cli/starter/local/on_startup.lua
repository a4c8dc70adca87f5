-- On Startup: runs once, in the main process, number 1. Start what the host is there for in processes of their own; it
-- goes on until somebody calls quit_4d or presses Ctrl-C.
interprocess.rounds = 0 -- an interprocess variable (4D's <>rounds): all processes see it
new_process("look_around", 0, "Look around")
