-- On Server Shutdown: runs once, in a process named $xx, when the clients have gone. It cannot refuse. Every other process
-- has its abort flag now and was woken once. The server stops as soon as this method returns, after 13 seconds
-- (--quit-window) at the latest: so wait for the processes that need it, but not for ever.
print(interprocess.visitors .. " visitors were here")
