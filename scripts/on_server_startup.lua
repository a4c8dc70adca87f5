-- On Server Startup: runs once, before anybody can connect. An error here ends the program.
-- Clients that knock meanwhile wait until this method has returned, so long work belongs in a process of its own.

interprocess.greeted = 0 -- an interprocess variable (4D's <>greeted): all cooperative processes see it
new_process("watch_house", 0, "Watch house")
