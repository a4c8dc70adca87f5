-- What print writes.
print("text") --- log: level=INFO msg=text process=3$
print("two words", 1, 1.5, nil, true, false, 2^53, -0.25) --- log: msg="two words\\t1\\t1.5\\tnil\\ttrue\\tfalse\\t9007199254740992\\t-0.25" process
print() --- log: msg="" process=3$
print(nil) --- log: msg=nil process
print(nil, nil) --- log: msg="nil\\tnil" process
print("line\nline\0zero\"quote\"") --- log: msg="line\\nline\\x00zero\\"quote\\"" process
print("späß") --- log: msg=späß process
print({}) --- log: msg="?table: 0x
print(print, function() end) --- log: msg="function: .*\\tfunction: 
print(coroutine.create(print)) --- log: msg="thread: 
print(setmetatable({}, {__tostring = function() return "named" end})) --- log: msg=named process
print(1/0, -1/0) --- log: msg="\+Inf\\t-Inf" process
eq(select("#", print("x")), 0) --- log: msg=x
---
-- An error while a value is made a text is the caller's, and nothing is written.
local bad = setmetatable({}, {__tostring = function() error("no text") end}) --- error: no text$
print("nothing", bad)
---
-- A line is cut after 8 KiB.
print(("x"):rep(8192)) --- log: msg=x{1000}x{1000}x{1000}x{1000}x{1000}x{1000}x{1000}x{1000}x{192} process
print(("y"):rep(10000)) --- log: msg=y{1000}y{1000}y{1000}y{1000}y{1000}y{1000}y{1000}y{1000}y{192}\.\.\. process
---
-- connection
print("mine") --- log: msg=mine process=3 connection=1$
log_event("mine too", 1) --- log: level=WARN msg="mine too" process=3 connection=1$
---
-- log_event([output,] message [, importance]): every output is the log, and a bad importance is information.
log_event("plain") --- log: level=INFO msg=plain process=3$
log_event("information", 0) --- log: level=INFO msg=information process
log_event("warning", 1) --- log: level=WARN msg=warning process
log_event("error", 2) --- log: level=ERROR msg=error process
log_event("bad", 9) --- log: level=INFO msg=bad process
log_event("nil", nil) --- log: level=INFO msg=nil process
log_event(0, "to an output") --- log: level=INFO msg="to an output" process
log_event(3, "warning to an output", 1) --- log: level=WARN msg="warning to an output" process
log_event(1, 2, 2) --- log: level=ERROR msg=2 process
eq(select("#", log_event("x")), 0) --- log: msg=x
---
fails(function() log_event() end, "bad argument #1 to log_event (string expected, got nil)")
fails(function() log_event({}) end, "bad argument #1 to log_event (string expected, got table)")
fails(function() log_event(1) end, "bad argument #2 to log_event (string expected, got nil)")
fails(function() log_event(1, true) end, "bad argument #2 to log_event (string expected, got boolean)")
fails(function() log_event("text", "urgent") end, "bad argument #2 to log_event (number expected, got string)")
fails(function() log_event(1, "text", {}) end, "bad argument #3 to log_event (number expected, got table)")
