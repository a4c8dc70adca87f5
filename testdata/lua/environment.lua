-- _G is the process's own: what is global is a field of it, and what is a field of it is global.
x = 1
eq(_G.x, 1)
_G.y = 2
eq(y, 2)
_G["z"] = 3
eq(z, 3)
eq(_G._G == _G, true)
eq(rawget(_G, "x"), 1)
eq(rawget(_G, "print"), nil)
eq(type(_G.print), "function")
eq(_G.print == print, true)
eq(_G.eq == eq, true)
eq(_G.nobody, nil)
eq(nobody, nil)
local names = {}
for name in pairs(_G) do names[#names + 1] = name end
table.sort(names)
eq(names, {"x", "y", "z"})
x = nil
eq(_G.x, nil)
---
-- Nothing of it reaches another process.
_G.mine = 1
print2 = print
new_process("looks", 0)
delay_process(current_process(), 1) --- log: msg=looked
eq(theirs, nil)
-- method looks
eq(mine, nil)
eq(_G.print2, nil)
theirs = 1
print("looked")
---
-- Its metatable is protected.
eq(getmetatable(_G), "read-only")
fails(function() setmetatable(_G, {}) end, "cannot change a protected metatable")
fails(function() setmetatable(_G, nil) end, "cannot change a protected metatable")
fails(function() getmetatable("").__index = {} end, "attempt to index")
eq(getmetatable(""), "read-only")
eq(getmetatable(string), "read-only")
---
-- Libraries are read-only, for assignment, rawset and the functions that change tables.
for _, name in ipairs {"string", "table", "math", "os", "debug", "io", "coroutine"} do
  local library = _G[name]
  eq(type(library), "table")
  eq({pcall(function() library.new = 1 end)}, {false, place() .. ": " .. name .. " is read-only"})
  eq(pcall(rawset, library, "new", 1), false)
  eq(pcall(table.insert, library, 1), false)
  eq(pcall(table.remove, library), false)
  eq(pcall(table.sort, library), false)
  eq(pcall(setmetatable, library, {}), false)
  eq(library.new, nil)
end
fails(function() string.rep = nil end, "string is read-only")
fails(function() string.rep = print end, "string is read-only")
fails(function() rawset(string, "rep", print) end, "string is read-only")
fails(function() function string.trim() end end, "string is read-only")
fails(function() math.pi = 3 end, "math is read-only")
eq(rawget(string, "rep") == string.rep, true)
local found = false
for name, f in pairs(string) do found = found or name == "rep" and f == string.rep end
eq(found, true)
eq(next(math) ~= nil, true)
---
-- What standard Lua has and scripts have not says why.
local function refused(name, why)
  local f = loadstring("return " .. name)()
  local ok, message = pcall(function() f("x") end)
  eq(ok, false)
  eq(message, place(-2) .. ": " .. name .. " is not available in scripts: " .. why)
end
refused("dofile", "require() reads modules from subfolders of the scripts folder")
refused("loadfile", "require() reads modules from subfolders of the scripts folder")
refused("module", "a module is a table that its file returns")
refused("newproxy", "setmetatable() works on tables")
refused("getfenv", "every process has its own environment")
refused("setfenv", "every process has its own environment")
refused("os.execute", "scripts do not reach the operating system")
refused("os.exit", "quit_4d() ends the host")
refused("os.getenv", "scripts do not reach the operating system")
refused("os.remove", "scripts have no files of the operating system")
refused("os.rename", "scripts have no files of the operating system")
refused("os.tmpname", "scripts have no files of the operating system")
refused("os.setlocale", "the locale is always C")
refused("io.open", "scripts have no files of the operating system")
refused("io.lines", "scripts have no files of the operating system")
refused("io.popen", "scripts do not reach the operating system")
refused("io.write", "print() writes to the log")
refused("string.dump", "a function has no text")
refused("debug.getinfo", "only debug.traceback() is")
refused("debug.sethook", "only debug.traceback() is")
refused("debug.setmetatable", "only debug.traceback() is")
refused("debug.getregistry", "only debug.traceback() is")
refused("package.loadlib", "modules are written in Lua")
---
os.exit(0) --- error: os.exit is not available in scripts: quit_4d\(\) ends the host$
---
-- loadstring and load: with the process's own variables, and errors with the chunk's name.
x = 1
eq(loadstring("x = x + 1 return x, ...")("a"), 2)
eq(x, 2)
eq({loadstring("return ...")(1, nil, 3)}, {1, nil, 3})
eq(loadstring("return current_process()")(), current_process())
eq(loadstring("local t = {} t[1], t[2] = 1, 2 return t[2] .. t[1]")(), "21")
local f, message = loadstring("x = = 1", "=mine")
eq(f, nil)
eq(message:match("^mine:1") ~= nil, true)
local f, message = loadstring("\n\nx = ", "@file.lua")
eq(f, nil)
eq(type(message), "string")
eq({pcall(loadstring("\nerror('inside')", "=mine"))}, {false, "mine:2: inside"})
local pieces = {"return ", "x ", "* 10", nil}
local i = 0
eq(load(function() i = i + 1 return pieces[i] end)(), 20)
eq({load(function() return 7 end)}, {nil, "reader function must return a string"})
eq({pcall(load, function() error("broken reader", 0) end)}, {false, "broken reader"})
eq(type(load(function() return nil end)), "function")
fails(function() loadstring() end, "bad argument #1 to loadstring (string expected, got nil)")
fails(function() load("return 1") end, "bad argument #1 to load (function expected, got string)")
eq({loadstring((" "):rep(70000))}, {nil, "chunk is too long (the limit is 65536 bytes)"})
eq(loadstring(("("):rep(1000) .. "1" .. (")"):rep(1000)), nil)
eq(loadstring("\27Lua"), nil)
eq(loadstring("goto nowhere"), nil)
eq(loadstring("break"), nil)
---
-- What a loaded chunk defines is the process's own too.
loadstring("function made() return 'made' end")()
eq(made(), "made")
new_process("looks", 0)
delay_process(current_process(), 1) --- log: msg=looked
-- method looks
eq(made, nil)
print("looked")
---
-- The rest of the library of global functions.
eq(_VERSION, "Lua 5.1")
eq({type(nil), type(1), type("x"), type({}), type(print), type(eq), type(coroutine.create(eq)), type(true)},
  {"nil", "number", "string", "table", "function", "function", "thread", "boolean"})
fails(function() type() end, "bad argument #1 to type (value expected)")
eq({tostring(nil), tostring(true), tostring(1.5), tostring("x")}, {"nil", "true", "1.5", "x"})
eq(tostring({}):match("^table: 0x") ~= nil, true)
eq({tonumber("10"), tonumber(" 0x1F "), tonumber("1e2"), tonumber("z", 36), tonumber("11", 2), tonumber("1.5")}, {10, 31, 100, 35, 3, 1.5})
for _, text in ipairs {"", " ", "ten", "1x", "1e", "0x", "1_000", "inf", "nan", "0b1", "1 2", "--1"} do
  eq(tonumber(text), nil)
end
eq({tonumber({}), tonumber(nil), tonumber("9", 8)}, {})
fails(function() tonumber("1", 99) end, "bad argument #2 to tonumber (base out of range)")
eq(type(collectgarbage("count")), "number")
eq(collectgarbage(), 0)
fails(function() collectgarbage("everything") end, "bad argument #1 to collectgarbage (invalid option 'everything')")
eq({rawequal("a", "a"), rawequal({}, {}), rawget({5}, 1), #rawset({}, 1, 2)}, {true, false, 5, 1})
fails(function() ipairs() end, "bad argument #1 to ipairs (table expected, got nil)")
fails(function() pairs(nil) end, "bad argument #1 to pairs (table expected, got nil)")
fails(function() select(0) end, "bad argument #1 to select (index out of range)")
local seen = {}
for k, v in pairs {1, 2, a = "b"} do seen[k] = v end
eq(seen, {1, 2, a = "b"})
local seen = 0
for i, v in ipairs {1, 2, nil, 4} do seen = seen + i end
eq(seen, 3)
eq({next({})}, {})
eq({next({7})}, {1, 7})
