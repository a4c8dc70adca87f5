-- On Exit: runs once, in a new process named $xx, whatever has made the host quit. It cannot refuse. Every other process has
-- its abort flag now and was woken once; after 13 seconds (--quit-window) whatever still runs is killed.
local note = ds.notes:new{ day = current_date(), text = interprocess.rounds .. " rounds" }
assert(note:save())
print("good night")
