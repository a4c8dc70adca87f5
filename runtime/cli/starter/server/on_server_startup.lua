-- On Server Startup: runs once, before anybody can connect. An error here ends the program, so it is the place to see that
-- everything is there that the other methods need. Clients that knock meanwhile wait, so long work belongs into a process
-- of its own: new_process("project_method", 0, "Name").

interprocess.visitors = 0 -- an interprocess variable (4D's <>visitors): all processes see it
print("visits so far: " .. ds.visits:count()) -- the table visits is declared in structure.lua
