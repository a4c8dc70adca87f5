-- place(lines) is file:line of the call, so many lines further.
local file, line = debug.traceback():match("\n(%S+):(%d+): in")
return file .. ":" .. line + (... or 0)
