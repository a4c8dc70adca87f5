-- Assignments: all values first, then the targets.
local a, b, c = 1, 2, 3
a, b = b, a
eq({a, b}, {2, 1})
a, b, c = c, a, b
eq({a, b, c}, {3, 2, 1})
local t, i = {10, 20, 30}, 1
i, t[i] = i + 1, "first"
eq({i, t[1], t[2]}, {2, "first", 20})
t[1], t[2], t[3] = t[3], t[1], t[2]
eq(t, {30, "first", 20})
x, y = 1, 2
x, y = y, x
eq({x, y}, {2, 1})
t.a, a, x = a, x, t[1]
eq({t.a, a, x}, {3, 2, 30})
local function three() return 1, 2, 3 end
a, b, c = three()
eq({a, b, c}, {1, 2, 3})
a, b, c = three(), 9
eq({a, b, c}, {1, 9, nil})
a, b, c = 0, three()
eq({a, b, c}, {0, 1, 2})
a, b = (three())
eq({a, b}, {1, nil})
local p, q, r = 1
eq({p, q, r}, {1, nil, nil})
local function swap(x, y) x, y = y, x return x, y end
eq({swap(1, 2)}, {2, 1})
local n = 1
local function outer() n, t.n = t.n, n end
t.n = "field"
outer()
eq({n, t.n}, {"field", 1})
---
-- A local is not in scope in its own expression, a local function is.
local x = 1
local x = x + 1
eq(x, 2)
do local x = x * 10 eq(x, 20) end
eq(x, 2)
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
eq(fib(15), 610)
---
-- and, or, not, comparisons.
eq({nil and 1, false or nil, 0 and "zero", "" or 1, not nil, not 0}, {nil, nil, "zero", "", true, false})
eq(nil == false, false)
eq(1 == "1", false)
eq("a" < "b" and "a" < "aa" and "Z" < "a" and "" < "\0", true)
eq(0/0 == 0/0, false)
eq({} == {}, false)
local calls = 0
local function called() calls = calls + 1 return true end
eq(false and called() or "no", "no")
eq(true or called(), true)
eq(calls, 0)
local s = 5
local function nothing() end
s = nothing() or s
eq(s, 5)
s = s and nothing() or s
eq(s, 5)
---
-- Loops.
local function run(from, to, step)
  local t = {}
  for i = from, to, step or 1 do t[#t + 1] = i end
  return t
end
eq(run(1, 3), {1, 2, 3})
eq(run(3, 1, -1), {3, 2, 1})
eq(run(1, 0), {})
eq(run(0, 1, 0.25), {0, 0.25, 0.5, 0.75, 1})
local functions = {}
for i = 1, 3 do functions[i] = function() i = i + 10 return i end end
eq({functions[1](), functions[1](), functions[3]()}, {11, 21, 13})
local n = 0
while true do n = n + 1 if n == 5 then break end end
repeat local done = n >= 8 n = n + 1 until done
eq(n, 9)
for i = 1, 3 do for j = 1, 3 do if j == 2 then break end n = n + 1 end end
eq(n, 12)
---
-- A loop whose body begins with break, wherever it stands.
local reached = 0
for i = 1, 3 do tostring(i) end
for key in pairs({1, 2}) do break end
reached = reached + 1
for i = 1, 3 do
  for key in pairs({1, 2}) do break end
  reached = reached + 1
  while true do break end
  for j = 1, 3 do break end
  repeat break until false
  for word in ("a b"):gmatch("%a") do break end
  reached = reached + 1
end
eq(reached, 7)
---
-- goto: continue, out of nested loops, and back.
local t = {}
for i = 1, 5 do
  if i % 2 == 0 then goto continue end
  t[#t + 1] = i
  ::continue::
end
eq(t, {1, 3, 5})
for i = 1, 3 do
  for j = 1, 3 do
    if i * j == 4 then goto found end
    t = {i, j}
  end
end
::found::
eq(t, {2, 1})
local n = 0
::again::
n = n + 1
if n < 10 then goto again end
eq(n, 10)
local kept = {}
do
  local i = 1
  ::next::
  local x = i
  kept[i] = function() return x end
  i = i + 1
  if i <= 3 then goto next end
end
eq({kept[1](), kept[2](), kept[3]()}, {1, 2, 3})
---
-- Varargs.
local function count(...) return select("#", ...) end
local function pack(...) return {n = select("#", ...), ...} end
eq(count(), 0)
eq(count(nil, nil), 2)
eq(pack(1, nil, 3, nil).n, 4)
eq({(function(...) return ... end)(1, 2, 3)}, {1, 2, 3})
eq({(function(...) return (...) end)(1, 2, 3)}, {1})
eq({(function(a, ...) local b, c = ... return c, b, a end)(1, 2, 3, 4)}, {3, 2, 1})
eq({select(2, "a", "b", "c")}, {"b", "c"})
eq({select(-1, "a", "b", "c")}, {"c"})
eq(select("#", unpack({}, 1, 5)), 5)
eq(count(unpack({1, 2, 3})), 3)
eq(count(unpack({1, 2, 3}), 4), 2)
local many = {}
for i = 1, 200 do many[i] = i end
eq(count(unpack(many)), 200)
eq(select(200, unpack(many)), 200)
eq((function(...) local t = {} for i, v in ipairs({...}) do t[i] = v * 2 end return t end)(1, 2), {2, 4})
---
-- Constructors: more than 50 elements, with a call at the end, and holes.
local function two() return "x", "y" end
local t = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
  31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, two()}
eq({#t, t[1], t[50], t[51], t[52]}, {52, 1, 50, "x", "y"})
local t = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
  31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, two()}
eq({#t, t[49], t[50], t[51]}, {51, 49, "x", "y"})
local t = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
  31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, n = 1, 51, (two())}
eq({#t, t.n, t[51], t[52]}, {52, 1, 51, "x"})
eq({two(), two()}, {"x", "x", "y"})
eq({two(), nil}, {"x"})
eq({[1] = "a", "b"}, {"b"})
eq({["end"] = 1, [2^53] = 2, f = function() end} ~= nil, true)
eq(#{n = 1}, 0)
local literal = {}
for i = 1, 1000 do literal[i] = tostring(i) end
eq(#loadstring("return {" .. table.concat(literal, ",") .. "}")(), 1000)
---
-- Metatables.
local vector = {}
vector.__index = vector
vector.__add = function(a, b) return setmetatable({x = a.x + b.x}, vector) end
vector.__sub = function(a, b) return a.x - (type(b) == "table" and b.x or b) end
vector.__mul = function(a, b) return "mul" end
vector.__div = function(a, b) return "div" end
vector.__mod = function(a, b) return "mod" end
vector.__pow = function(a, b) return "pow" end
vector.__unm = function(a) return -a.x end
vector.__concat = function(a, b) return (type(a) == "table" and a.x or a) .. "|" .. (type(b) == "table" and b.x or b) end
vector.__eq = function(a, b) return a.x == b.x end
vector.__lt = function(a, b) return a.x < b.x end
vector.__le = function(a, b) return a.x <= b.x end
vector.__call = function(self, ...) return self.x, ... end
vector.__tostring = function(self) return "vector " .. self.x end
function vector:double() return self.x * 2 end
local function new(x) return setmetatable({x = x}, vector) end
local a, b = new(1), new(2)
eq({(a + b).x, a - b, a - 1, a * 2, 2 * a, a / a, a % 2, a ^ 2, -b}, {3, -1, 0, "mul", "mul", "div", "mod", "pow", -2})
eq({a == new(1), a ~= b, a < b, a <= b, a > b, a >= b}, {true, true, true, true, false, false})
eq({a(2, 3)}, {1, 2, 3})
eq({a .. b, a .. "s", "s" .. a, 1 .. a}, {"1|2", "1|s", "s|1", "1|1"})
eq(tostring(a), "vector 1")
eq(a:double(), 2)
eq(rawequal(a, new(1)), false)
eq(getmetatable(a) == vector, true)
eq(getmetatable({}), nil)
---
-- __index and __newindex, as functions and as tables, and how to go round them.
local log = {}
local t = setmetatable({}, {
  __index = function(t, k) log[#log + 1] = "get " .. k return k .. "!" end,
  __newindex = function(t, k, v) log[#log + 1] = "set " .. k rawset(t, k, v) end,
})
eq(t.a, "a!")
t.a = 1
t.a = 2
eq(t.a, 2)
eq(log, {"get a", "set a"})
eq(rawget(t, "b"), nil)
local base = {inherited = 1}
local derived = setmetatable({}, {__index = setmetatable({}, {__index = base}), __newindex = base})
eq(derived.inherited, 1)
derived.new = 2
eq({rawget(derived, "new"), base.new}, {nil, 2})
local protected = setmetatable({}, {__metatable = "locked"})
eq(getmetatable(protected), "locked")
fails(function() setmetatable(protected, {}) end, "cannot change a protected metatable")
fails(function() setmetatable("x", {}) end, "bad argument #1 to setmetatable (table expected, got string)")
fails(function() setmetatable({}, 1) end, "bad argument #2 to setmetatable (nil or table expected)")
fails(function() setmetatable({}) end, "bad argument #2 to setmetatable (nil or table expected)")
---
-- Concatenation: numbers, chains, metamethods from the right.
eq(1 .. 2, "12")
eq("a" .. 1 .. "b" .. 2.5 .. "c", "a1b2.5c")
eq(0.1 .. "", "0.1")
eq(-1 .. "|" .. 2^53 .. "|" .. 1e100, "-1|9007199254740992|1e+100")
eq(("x" .. "y") .. ("z" .. 1), "xyz1")
local order = {}
local m = setmetatable({}, {__concat = function(a, b)
  order[#order + 1] = (type(a) == "table" and "m" or a) .. "," .. (type(b) == "table" and "m" or b)
  return "r"
end})
eq("a" .. "b" .. m .. "c" .. "d", "abr")
eq(order, {"m,cd"})
local s = ""
for i = 1, 300 do s = s .. i .. "," end
eq(#s, 9 * 2 + 90 * 3 + 201 * 4)
local function two() return "x", "y" end
eq("<" .. two(), "<x")
eq({"<" .. two()}, {"<x"})
---
-- Integers are exact to 2^53; what a number looks like.
eq(2^53, 9007199254740992)
eq(2^53 - 1 ~= 2^53, true)
eq(tostring(9007199254740991), "9007199254740991")
eq(tostring(-9007199254740991), "-9007199254740991")
eq(9007199254740991 + 1, 9007199254740992)
eq(string.format("%d", 9007199254740991), "9007199254740991")
eq(tonumber("9007199254740991"), 9007199254740991)
eq({7 / 2, -7 % 3, 7 % -3, 5.5 % 2, 2^10, 2^0.5 == math.sqrt(2), 1e3, 0x10, .5}, {3.5, 2, -2, 1.5, 1024, true, 1000, 16, 0.5})
eq({-2 ^ 2, 2 ^ 3 ^ 2, not 1 == 2, 1 .. 2 == "12", 2 * 3 % 4}, {-4, 512, false, true, 2})
eq({"10" + 5, "3" * "4", 10 .. 20, -"2", "0x10" + 0}, {15, 12, "1020", -2, 16})
eq({1/0, -1/0, 1/0 == math.huge}, {math.huge, -math.huge, true})
eq({tostring(1/2), tostring(3.0), tostring(1e15), tostring(100)}, {"0.5", "3", "1000000000000000", "100"})
eq({010, 0010.5, 1e2, 0xff}, {10, 10.5, 100, 255})
---
-- Strings: escapes, long brackets, comments, length, unicode as bytes.
eq("\65\066\t\n\\\"\'\z", 'AB\9\10\92"' .. "'z")
eq([[
first
second]], "first\nsecond")
eq([==[a]]b]=]c]==], "a]]b]=]c")
--[[ a comment
over lines ]] eq(1, 1)
--[==[ ]] ]==] eq(2, 2)
eq(#"späß", 6)
eq(#"a\0b", 3)
eq("a\
b", "a\nb")
---
-- Methods, upvalues and deep closures.
local account = {balance = 0}
function account:deposit(n) self.balance = self.balance + n return self end
function account.new(n) return setmetatable({balance = n}, {__index = account}) end
eq(account.new(5):deposit(3):deposit(2).balance, 10)
local function counter()
  local n = 0
  return function() n = n + 1 return function() n = n * 2 return n end end, function() return n end
end
local step, read = counter()
local double = step()
step()
eq({double(), read()}, {4, 4})
local f = {g = {}}
function f.g.h(x) return x end
function f.g:i(x) return self == f.g and x end
eq({f.g.h(1), f.g:i(2)}, {1, 2})
eq(#"abc" + ("x"):len() + ("%d"):format(7), 11)
---
-- The length of a table without holes, and of one that shrinks.
local t = {}
for i = 1, 100 do t[i] = i end
eq(#t, 100)
for i = 100, 51, -1 do t[i] = nil end
eq(#t, 50)
t[#t + 1] = "next"
eq(t[51], "next")
for key in pairs(t) do t[key] = nil end
eq({#t, next(t)}, {0, nil})
---
local x = = 1 --- error: syntax error|unexpected
---
goto nowhere --- error: nowhere
