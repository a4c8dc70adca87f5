-- string: pieces and cases.
eq({("hello"):sub(2, 3), ("hello"):sub(-3), ("hello"):sub(2), ("hello"):sub(4, 2), ("hello"):sub(-100, 100)}, {"el", "llo", "ello", "", "hello"})
eq({("aB"):upper(), ("aB"):lower(), ("abc"):reverse(), ("abc"):len(), ("ab"):rep(3), ("ab"):rep(0), ("ab"):rep(-1)}, {"AB", "ab", "cba", 3, "ababab", "", ""})
eq({("abc"):byte(), ("abc"):byte(-1), ("abc"):byte(1, -1)}, {97, 99, 97, 98, 99})
eq({string.char(), string.char(72, 105)}, {"", "Hi"})
eq(select("#", ("abc"):byte(10)), 0)
fails(function() string.char(256) end, "bad argument #1 to char (invalid value)")
fails(function() ("x"):rep() end, "bad argument #2 to rep (number expected, got nil)")
fails(function() string.sub() end, "bad argument #1 to sub (string expected, got nil)")
---
-- string: find, match, gmatch, gsub.
eq({("hello world"):find("o w")}, {5, 7})
eq({("hello"):find("l+")}, {3, 4})
eq({("hello"):find("(h)(e)")}, {1, 2, "h", "e"})
eq({("a.b"):find(".", 1, true)}, {2, 2})
eq({("a.b"):find(".", 2, true), ("abc"):find("x")}, {2})
eq({("abc"):find("", 10)}, {4, 3})
eq({("abc"):find("b", -1)}, {})
eq({("2026-03-01"):match("(%d+)-(%d+)-(%d+)")}, {"2026", "03", "01"})
eq({("  trim  "):match("^%s*(.-)%s*$")}, {"trim"})
eq({("hello"):match("()ll()")}, {3, 5})
eq({("[x]"):match("%[(.-)%]"), ("f(a(b)c)"):match("%b()"), ("THE (quick)"):match("%f[%a]%a+")}, {"x", "(a(b)c)", "THE"})
eq(("aXb"):match("^[^%u]*"), "a")
local words = {}
for word in ("one two  three"):gmatch("%a+") do words[#words + 1] = word end
eq(words, {"one", "two", "three"})
local pairs_of = {}
for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do pairs_of[k] = v end
eq(pairs_of, {a = "1", b = "2"})
eq({("hello"):gsub("l", "L")}, {"heLLo", 2})
eq({("hello"):gsub("l", "L", 1)}, {"heLlo", 1})
eq({("abc"):gsub("%w", "%0%0")}, {"aabbcc", 3})
eq({("hello world"):gsub("(%w+) (%w+)", "%2 %1")}, {"world hello", 1})
eq({("$name is $age"):gsub("%$(%w+)", {name = "Ann", age = 7})}, {"Ann is 7", 2})
eq({("$x$y"):gsub("%$(%w)", {x = false})}, {"$x$y", 2})
eq({("abc"):gsub(".", function(c) if c == "b" then return "B" end end)}, {"aBc", 3})
eq({("abc"):gsub("", "-")}, {"-a-b-c-", 4})
fails(function() ("x"):find("[") end, "malformed pattern (missing ']')")
fails(function() ("x"):find("(") end, "unfinished capture")
fails(function() ("x"):gsub("x", "%9") end, "invalid capture index")
fails(function() ("x"):gsub("x") end, "bad argument #3 to gsub")
fails(function() ("x"):match({}) end, "bad argument #2 to match (string expected, got table)")
---
-- string.format is C's.
eq(("%d|%5d|%-5d|%05d|%+d"):format(7, 7, 7, 7, 7), "7|    7|7    |00007|+7")
eq(("%s|%10s|%-10s|%.2s"):format("abc", "abc", "abc", "abc"), "abc|       abc|abc       |ab")
eq(("%x|%X|%#x|%o|%c|%%"):format(255, 255, 255, 8, 65), "ff|FF|0xff|10|A|%")
eq(("%f|%.2f|%8.3f|%e|%g|%g"):format(1.5, 1.005, -2.5, 12345.678, 0.0001, 1e20), "1.500000|1.00|  -2.500|1.234568e+04|0.0001|1e+20")
eq(("%q"):format('a "b"\n\\'), '"a \\"b\\"\\\n\\\\"')
eq(("%s %s %s"):format(nil, true, 1.5), "nil true 1.5")
eq(("%s"):format(setmetatable({}, {__tostring = function() return "named" end})), "named")
eq(("%5.1f|%i"):format("2.25", "3"), "  2.2|3")
fails(function() ("%d"):format() end, "bad argument #2 to format (no value)")
fails(function() ("%d"):format("x") end, "bad argument #2 to format (number expected, got string)")
fails(function() ("%y"):format(1) end, "invalid option '%y' to 'format'")
---
-- table.
local t = {1, 2, 3}
table.insert(t, 4)
table.insert(t, 1, 0)
eq(t, {0, 1, 2, 3, 4})
eq({table.remove(t), table.remove(t, 1), table.remove({})}, {4, 0})
eq(t, {1, 2, 3})
eq({table.concat(t), table.concat(t, ", "), table.concat(t, "-", 2, 3), table.concat({}), table.concat({1, "a", 2.5}, " ")}, {"123", "1, 2, 3", "2-3", "", "1 a 2.5"})
local words = {"pear", "apple", "fig"}
table.sort(words)
eq(words, {"apple", "fig", "pear"})
table.sort(words, function(a, b) return #a < #b end)
eq(words, {"fig", "pear", "apple"})
local big = {}
for i = 1, 500 do big[i] = (i * 7919) % 503 end
table.sort(big, function(a, b) return a > b end)
for i = 2, #big do eq(big[i - 1] > big[i], true) end
eq({table.maxn({1, 2, [10] = 3}), table.maxn({}), table.getn({1, 2})}, {10, 0, 2})
eq({unpack({1, 2, 3}, 2), unpack({}, 1, 2)}, {2})
fails(function() table.insert(nil, 1) end, "bad argument #1 to insert (table expected, got nil)")
fails(function() table.concat({1, {}, 3}) end, "invalid value (table) at index 2 in table for 'concat'")
fails(function() table.sort({1, "x"}) end, "attempt to compare")
fails(function() table.insert({}, 1, 2, 3) end, "wrong number of arguments to 'insert'")
fails(function() table.remove() end, "bad argument #1 to remove (table expected, got nil)")
---
-- A sort with an order that is none ends, with an error or without.
local t = {}
for i = 1, 100 do t[i] = i end
pcall(table.sort, t, function() return true end)
eq(#t, 100)
---
-- math.
eq({math.floor(-1.5), math.ceil(-1.5), math.abs(-2), math.max(1, 5, 3), math.min(4, 2, 8)}, {-2, -1, 2, 5, 2})
eq({math.fmod(-7, 3), math.fmod(7, -3), math.modf(-1.5)}, {-1, 1, -1, -0.5})
eq({math.sqrt(16), math.pow(2, 8), math.exp(0), math.log(1), math.log10(1000), math.huge, -math.huge}, {4, 256, 1, 0, 3, 1/0, -1/0})
eq({math.sin(0), math.cos(0), math.tan(0), math.atan2(0, 1), math.deg(math.pi), math.rad(180) == math.pi}, {0, 1, 0, 0, 180, true})
eq({math.ldexp(1, 10), math.frexp(8)}, {1024, 0.5, 4})
eq(math.pi > 3.14159 and math.pi < 3.1416, true)
math.randomseed(7)
local first = {math.random(), math.random(6), math.random(-5, 5), math.random(2^40)}
math.randomseed(7)
eq({math.random(), math.random(6), math.random(-5, 5), math.random(2^40)}, first)
for i = 1, 200 do
  local x, die, range = math.random(), math.random(6), math.random(10, 12)
  eq(x >= 0 and x < 1 and die >= 1 and die <= 6 and die % 1 == 0 and range >= 10 and range <= 12, true)
end
eq(math.random(3, 3), 3)
fails(function() math.random(0) end, "bad argument #1 to random (interval is empty)")
fails(function() math.random(2, 1) end, "bad argument #2 to random (interval is empty)")
fails(function() math.floor("x") end, "bad argument #1 to floor (number expected, got string)")
fails(function() math.max() end, "bad argument #1 to max (number expected, got nil)")
---
-- os: the clock, dates and times.
eq(os.date("!%Y-%m-%d %H:%M:%S", 0), "1970-01-01 00:00:00")
eq(os.date("!%A %d %B %y, day %j", 951782400), "Tuesday 29 February 00, day 060")
local t = os.date("!*t", 951782400)
eq({t.year, t.month, t.day, t.hour, t.min, t.sec, t.wday, t.yday, t.isdst}, {2000, 2, 29, 0, 0, 0, 3, 60, false})
local now = os.time()
eq(os.time(os.date("*t", now)), now)
eq(os.time {year = 2026, month = 3, day = 1, hour = 12} - os.time {year = 2026, month = 2, day = 28, hour = 12}, 86400)
eq(os.time {year = 2026, month = 14, day = 1} == os.time {year = 2027, month = 2, day = 1}, true)
eq(os.difftime(now + 5, now), 5)
local from, clock = os.time(), os.clock()
delay_process(current_process(), 600)
eq(os.time() - from, 10)
eq(type(clock), "number")
fails(function() os.time {year = 2026} end, "field 'month' missing in date table")
fails(function() os.date("%Q") end, "bad argument #1 to date (invalid conversion specifier '%Q')")
---
-- Text and numbers that would take all memory, or all time, are errors.
fails(function() ("x"):rep(2^40) end, "string of")
fails(function() ("%99999d"):format(1) end, "invalid format (width or precision too long)")
local ok = pcall(string.rep, "x", 1/0)
eq(ok, false)
eq(select("#", pcall(unpack, {}, 1, 1e9)), 2)
