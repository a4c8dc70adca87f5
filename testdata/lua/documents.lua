-- Documents: written and read by packets.
local ref = create_document("log.txt")
eq(type(ref), "number")
eq(send_packet(ref, "one\ntwo\n"), true)
eq(send_packet(ref, 3), true)
eq(close_document(ref), true)
ref = open_document("log.txt")
eq({receive_packet(ref, "\n"), receive_packet(ref, 1), receive_packet(ref, "\n"), receive_packet(ref, "\n")}, {"one", "t", "wo", "3"})
eq({receive_packet(ref, "\n")}, {})
eq({receive_packet(ref, 1)}, {})
eq(select("#", receive_packet(ref, 1)), 1)
eq(close_document(ref), true)
---
-- Create empties, append goes on at the end, open overwrites from the beginning.
local function all(name)
  local ref = open_document(name, 2)
  local text = receive_packet(ref, 1e6) or ""
  close_document(ref)
  return text
end
local function put(ref, text)
  send_packet(ref, text)
  close_document(ref)
end
put(create_document("a/b/note", "TEXT"), "first")
eq(all("a/b/note"), "first")
put(append_document("a/b/note", "TEXT"), " second")
eq(all("a/b/note"), "first second")
put(open_document("a/b/note", "TEXT", 1), "FIRST")
eq(all("a/b/note"), "FIRST second")
put(open_document("a/b/note", nil, 0), "f")
eq(all("a/b/note"), "fIRST second")
put(create_document("a/b/note"), "")
eq(all("a/b/note"), "")
eq({test_path_name("a/b/note"), test_path_name("a/b"), test_path_name("a/c"), test_path_name("../a")}, {1, 0, -43, -37})
eq(open_document("a/b/note", 3), "a/b/note")
eq({open_document("a/b", 3)}, {nil, "a/b: it is a folder (-43)", -43})
eq(delete_document("a/b/note"), true)
eq({delete_document("a/b/note")}, {nil, "a/b/note: there is no such document (-43)", -43})
eq(test_path_name("a/b/note"), -43)
---
-- Characters are those of UTF-8, a stop may be several of them.
local ref = create_document("text")
send_packet(ref, "ação🌙\r\nÉ\r\n\r\nend\0zero")
close_document(ref)
ref = open_document("text", 2)
eq(receive_packet(ref, 3), "açã")
eq(receive_packet(ref, "\r\n"), "o🌙")
eq(receive_packet(ref, "\r\n\r\n"), "É")
eq(receive_packet(ref, "\0"), "end")
eq(receive_packet(ref, "no such stop"), "zero")
eq(receive_packet(ref, "no such stop"), nil)
---
-- What cannot be done gives nil, the reason and 4D's number.
eq({open_document("nothing")}, {nil, "nothing: there is no such document (-43)", -43})
eq({append_document("nothing")}, {nil, "nothing: there is no such document (-43)", -43})
for _, name in ipairs {"", "/etc/passwd", "..", "../x", "a/../../x", "a\\b", "c:x", "a//b"} do
  for _, command in ipairs {create_document, open_document, append_document, delete_document} do
    local ref, message, code = command(name)
    eq({ref, code}, {nil, -37})
    eq(message:find("(-37)", 1, true) ~= nil, true)
  end
end
local ref = create_document("mine")
eq({create_document("mine")}, {nil, "mine: process " .. current_process() .. " has it open (-47)", -47})
eq({open_document("mine")}, {nil, "mine: process " .. current_process() .. " has it open for writing (-43)", -43})
eq({delete_document("mine")}, {nil, "mine: process " .. current_process() .. " has it open (-47)", -47})
local reader = open_document("mine", 2)
eq({send_packet(reader, "x")}, {nil, "mine: it was opened for reading only (-61)", -61})
close_document(ref)
local writer = open_document("mine", 1)
eq({receive_packet(writer, 1)}, {nil, "mine: it was opened for writing only (-61)", -61})
for _, wrong in ipairs {ref, 0, -1, 2.5, 1e300, 0/0} do
  eq(select(3, send_packet(wrong, "x")), -51)
  eq(select(3, receive_packet(wrong, 1)), -51)
  eq(select(3, close_document(wrong)), -51)
end
---
fails(function() create_document() end, "bad argument #1 to create_document (string expected, got nil)")
fails(function() create_document({}) end, "bad argument #1 to create_document (string expected, got table)")
fails(function() create_document("x", {}) end, "bad argument #2 to create_document (string expected, got table)")
fails(function() append_document() end, "bad argument #1 to append_document (string expected, got nil)")
fails(function() open_document() end, "bad argument #1 to open_document (string expected, got nil)")
fails(function() open_document("x", 4) end, "bad argument #2 to open_document (mode 0 (read and write), 1 (write), 2 (read) or 3 (name) expected)")
fails(function() open_document("x", "TEXT", -1) end, "bad argument #3 to open_document (mode 0 (read and write), 1 (write), 2 (read) or 3 (name) expected)")
fails(function() open_document("x", {}) end, "bad argument #2 to open_document (number expected, got table)")
fails(function() send_packet() end, "bad argument #1 to send_packet (number expected, got nil)")
fails(function() send_packet(1) end, "bad argument #2 to send_packet (string expected, got nil)")
fails(function() send_packet(1, {}) end, "bad argument #2 to send_packet (string expected, got table)")
fails(function() receive_packet() end, "bad argument #1 to receive_packet (number expected, got nil)")
fails(function() receive_packet(1) end, "bad argument #2 to receive_packet (text or number of characters expected, got nil)")
fails(function() receive_packet(1, "") end, "bad argument #2 to receive_packet (stop of 1 to 255 bytes expected)")
fails(function() receive_packet(1, ("x"):rep(256)) end, "bad argument #2 to receive_packet (stop of 1 to 255 bytes expected)")
fails(function() receive_packet(1, 0) end, "bad argument #2 to receive_packet (number of characters expected, 1 to 16777216)")
fails(function() receive_packet(1, 0/0) end, "bad argument #2 to receive_packet (number of characters expected, 1 to 16777216)")
fails(function() receive_packet(1, 1e9) end, "bad argument #2 to receive_packet (number of characters expected, 1 to 16777216)")
fails(function() close_document() end, "bad argument #1 to close_document (number expected, got nil)")
fails(function() test_path_name() end, "bad argument #1 to test_path_name (string expected, got nil)")
fails(function() delete_document() end, "bad argument #1 to delete_document (string expected, got nil)")
---
-- Large packets and many small ones: what is sent is what comes back.
local ref = create_document("large")
local large = ("x"):rep(3000000)
send_packet(ref, large .. ";")
for i = 1, 5000 do send_packet(ref, i .. ";") end
close_document(ref)
ref = open_document("large", 2)
eq(receive_packet(ref, ";") == large, true)
for i = 1, 5000 do
  if receive_packet(ref, ";") ~= tostring(i) then error("packet " .. i) end
end
eq(receive_packet(ref, ";"), nil)
---
-- A process has a hundred open documents.
close_document(create_document("x"))
local refs = {}
for i = 1, 100 do refs[i] = open_document("x", 2) end
eq(#refs, 100)
eq({open_document("x", 2)}, {nil, "x: the process has 100 documents open already; close_document closes one (-42)", -42})
close_document(refs[7])
eq(type(open_document("x", 2)), "number")
---
-- A process that ends closes its documents, whatever ends it: what it sent is there.
local function lines(name)
  local ref = open_document(name)
  local text = receive_packet(ref, "\n")
  close_document(ref)
  return text
end
for _, method in ipairs {"returns", "fails_late", "sleeps", "clings"} do
  local n = new_process(method, 0, "Writer", method)
  delay_process(current_process(), 1)
  if process_info(n) and process_state(n) > 0 then
    eq({open_document(method)}, {nil, method .. ": process " .. n .. " has it open for writing (-43)", -43})
    abort_process_by_id(process_info(n).id)
    delay_process(current_process(), 1)
  end
  eq(lines(method), "sent by " .. method)
end
-- method returns
send_packet(create_document((...)), "sent by " .. ... .. "\n")
-- method fails_late
send_packet(create_document((...)), "sent by " .. ... .. "\n")
error("failed") --- log: level=WARN msg="script failed" method=fails_late
-- method sleeps
send_packet(create_document((...)), "sent by " .. ... .. "\n")
delay_process(current_process(), 6000)
-- method clings
send_packet(create_document((...)), "sent by " .. ... .. "\n")
while true do
  try(function() delay_process(current_process(), 6000) end)
end
---
-- cooperative only
-- A reference is good in every cooperative process while the one that opened the document lives; not in a preemptive one.
local ref = create_document("shared")
send_packet(ref, "one,")
new_process("writes", 0, "", ref)
new_process("reads_alone", 0, "", ref)
delay_process(current_process(), 1)
send_packet(ref, "three")
close_document(ref)
ref = open_document("shared")
eq(receive_packet(ref, 100), "one,two,three")
new_process("opens", 0)
delay_process(current_process(), 1)
eq(select(3, receive_packet(interprocess.ref, 1)), -51)
-- method writes
eq(send_packet(..., "two,"), true)
-- method reads_alone preemptive
eq(select(3, send_packet(..., "no,")), -51)
-- method opens
interprocess.ref = open_document("shared", 2)
---
-- Two processes write one document in turns; the one that comes second is refused until the first has closed it.
local first = create_document("turns")
new_process("second", 0)
delay_process(current_process(), 1)
send_packet(first, "first ")
close_document(first)
delay_process(current_process(), 60)
local ref = open_document("turns", 2)
eq(receive_packet(ref, 100), "first second")
-- method second
local ref, message, code
repeat
  ref, message, code = append_document("turns")
  if not ref then
    eq(code, -43)
    delay_process(current_process(), 6)
  end
until ref
send_packet(ref, "second")
---
-- connection
-- A client's documents are closed with its connection, after its close method; until then a CALL finds them open.
ref = create_document("session")
eq(send_packet(ref, "asked\n"), true)
-- method on_server_close_connection
eq(send_packet(ref, "closed\n"), true)
-- method on_server_shutdown
local log = open_document("session")
print(receive_packet(log, "\n"), receive_packet(log, "\n")) --- log: msg="asked\\tclosed"
---
-- The method for errors is told of what could not be done, and the command goes on.
on_err_call("told")
local ref, message = open_document("missing")
eq({ref, message, told_of}, {nil, "missing: there is no such document (-43)", {-43, "documents", place(-1), "open_document"}})
eq(test_path_name("missing"), -43)
eq(last_errors(), {{err_code = -43, message = "missing: there is no such document (-43)", component_signature = "4DRT", method = "documents", line = error_line}})
-- method told
told_of = {error_code, error_method, error_method .. ".lua:" .. error_line, error_formula}
---
-- What on_server_startup has open is closed when it has returned.
local ref = open_document("begin")
eq(receive_packet(ref, 100), "started")
-- method on_server_startup
send_packet(create_document("begin"), "started")
