-- fails(f, text) is an error at the caller's line unless f raises an error there whose message begins with the text.
-- The function f must stand in the line of the call.
local f, text = ...
local place = debug.traceback():match("\n(%S+:%d+): in")
local ok, message = pcall(f)
if ok then
  error("no error, want " .. text, 2)
end
local want = place .. ": " .. text
if type(message) ~= "string" or message:sub(1, #want) ~= want then
  error("got the error " .. tostring(message) .. ", want " .. want, 2)
end
