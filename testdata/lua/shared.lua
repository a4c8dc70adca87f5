-- A shared object: made of a table, read everywhere, changed inside use.
local object = new_shared_object{name = "moon", size = 3.5, full = true, phases = {"new", "full"}, seen = {by = "us"}}
eq(object.name, "moon")
eq(object.size, 3.5)
eq(object.full, true)
eq(object.missing, nil)
eq(object[1], nil)
eq(object.phases[2], "full")
eq(object.phases[3], nil)
eq(object.phases[0], nil)
eq(object.phases[1.5], nil)
eq(object.phases[0/0], nil)
eq(object.phases.length, 2)
eq(object.phases.other, nil)
eq(object.seen.by, "us")
use(object, function()
  object.name = "half moon"
  object.new = 2 ^ 40
  object.size = nil
  object.phases[2] = "half"
  object.phases[3] = false
  object.seen.by = nil
end)
eq(ob_copy(object), {name = "half moon", new = 2 ^ 40, full = true, phases = {"new", "half", false}, seen = {}})
eq(ob_keys(object), {"full", "name", "new", "phases", "seen"})
eq(ob_keys(new_shared_object()), {})
eq(ob_copy(new_shared_object{}), {})
eq(type(object), "userdata")
eq(tostring(object):match("^shared object %d+$") ~= nil, true)
eq(tostring(object.phases):match("^shared collection %d+$") ~= nil, true)
eq(tostring(storage), "storage")
---
-- # and the loops of Lua: pairs goes through what was there when it began, ipairs through what is there.
local object = new_shared_object{b = 2, a = 1, list = {"x", "y"}}
local seen = {}
use(object, function()
  for name, value in pairs(object) do
    seen[#seen + 1] = name
    object["new " .. name] = value
  end
  for i, value in ipairs(object.list) do
    if i < 5 then object.list:push(value) end
    seen[#seen + 1] = i .. value
  end
end)
eq(seen, {"a", "b", "list", "1x", "2y", "3x", "4y", "5x", "6y"})
eq(#object.list, 6)
eq(#new_shared_collection(), 0)
local holes = {}
for i, value in pairs(new_shared_collection(nil, "b", nil, "d")) do holes[i] = value end
eq(holes, {[2] = "b", [4] = "d"})
for _ in pairs(new_shared_object()) do error("nothing is there") end
for _ in ipairs(new_shared_collection(nil, 1)) do error("nothing is there") end
for name in pairs(storage) do error("nothing is there") end
fails(function() return #object end, "attempt to get length of a shared object")
fails(function() ipairs(object) end, "bad argument #1 to ipairs (shared collection expected, got shared object)")
---
-- What is made is a copy, and so is ob_copy's.
local given = {list = {1, 2}}
local object = new_shared_object(given)
given.list[1] = "changed"
eq(object.list[1], 1)
local copy = ob_copy(object)
copy.list[1] = "changed"
eq(object.list[1], 1)
eq(ob_copy{1, {a = object}}, {1, {a = {list = {1, 2}}}})
---
-- The same value is the same everywhere, and a key of a table.
local inner = new_shared_object()
local outer = new_shared_object{inner = inner, list = {inner}}
eq(outer.inner == inner, true)
eq(outer.inner == outer.list[1], true)
eq(outer == inner, false)
eq(rawequal(outer.inner, inner), true)
eq(({[inner] = "found"})[outer.inner], "found")
eq(ob_is_shared(inner), true)
eq(ob_is_shared(outer.list), true)
eq(ob_is_shared(storage), true)
eq(ob_is_shared(new_signal()), true)
eq(ob_is_shared{}, false)
eq(ob_is_shared("text"), false)
---
-- Outside of use: an error at the line of the assignment, and nothing is changed.
local object = new_shared_object{n = 1}
pcall(function() object.n = 2 end)
eq(object.n, 1)
use(object, function() object.n = 3 end)
object.n = 4 --- error: shared object \d+: it can be changed only while it is used: write it inside use\(object, function\(\) ... end\)$
---
fails(function() new_shared_object{n = 1}.n = 2 end, "shared object ")
fails(function() new_shared_collection(1)[1] = 2 end, "shared collection ")
fails(function() storage.name = new_shared_object() end, "storage: it can be changed only while it is used")
fails(function() use(new_shared_object(), function() storage.name = new_shared_object() end) end, "storage: it can be changed only while it is used")
---
-- use gives what the function returns, nests, and ends with it.
local object = new_shared_object{n = 1}
eq({use(object, function() return 1, nil, object.n end)}, {1, nil, 1})
eq(select("#", use(object, function() end)), 0)
eq(select("#", use(object, function(...) return select("#", ...) end, "more")), 1)
use(object, function()
  use(object, function() object.n = 2 end)
  object.n = object.n + 1
end)
eq(object.n, 3)
fails(function() object.n = 4 end, "shared object ")
---
-- An error goes on, and the use is over.
local object = new_shared_object()
local ok, message = pcall(use, object, function() object.n = 1 error("no", 0) end)
eq({ok, message}, {false, "no"})
local ok, message = pcall(use, object, function() use(object, function() error({"table"}) end) end)
eq({ok, message}, {false, {"table"}})
new_process("changes", 0, "", object)
delay_process(current_process(), 1)
eq(object.n, 2)
use(object, function() missing.field = 1 end) --- error: attempt to index
-- method changes
local object = ...
use(object, function() object.n = object.n + 1 end)
---
-- Another process waits for its turn, in the order of coming. Reading needs none.
local object = new_shared_object{order = {}}
use(object, function()
  for i = 1, 3 do
    new_process("appends", 0, "", object, i)
    delay_process(current_process(), 1)
    eq(process_state(i + 3), 4)
  end
  object.order:push("first")
  delay_process(current_process(), 60)
  eq(object.order.length, 1)
end)
eq(object.read, nil)
delay_process(current_process(), 10)
eq(ob_copy(object.order), {"first", 1, 2, 3})
-- method appends
local object, n = ...
eq(object.order.length, 0)
use(object, function()
  object.order:push(n)
  delay_process(current_process(), 1)
end)
---
-- The same object in other lanes.
local object = new_shared_object{n = 0}
for i = 1, 10 do
  new_process(i % 2 == 0 and "counts" or "counts_too", 0, "", object, {object})
end
delay_process(current_process(), 600)
eq(object.n, 1000)
-- method counts
local object, list = ...
eq(list[1] == object, true)
for i = 1, 100 do
  use(object, function()
    local n = object.n
    if i % 10 == 0 then delay_process(current_process(), 0.1) end
    object.n = n + 1
  end)
end
-- method counts_too preemptive
counts(...)
---
-- A group has one lock: whoever uses a member uses all of it.
local a, b = new_shared_object{n = 0}, new_shared_object{n = 0}
use(a, function() a.b = b end)
use(b, function()
  a.n = 1
  new_process("reads", 0, "", a)
  delay_process(current_process(), 1)
  eq(process_state(4), 4)
end)
delay_process(current_process(), 1)
eq(a.n, 2)
use(a, function() a.b = nil end)
use(b, function() a.n = 3 end) -- it belongs to the group for ever
eq(a.n, 3)
-- method reads
local a = ...
use(a, function() a.n = a.n + 1 end)
---
-- A second group is an error, an object of no group joins; a group can be put into what is new.
local a = new_shared_object{inner = {}}
local b = new_shared_object{inner = {}}
use(a, function()
  fails(function() a.b = b end, "shared object ")
  fails(function() a.b = b.inner end, "shared collection ")
  eq(a.b, nil)
  a.a = a
  a.again = a.inner
end)
fails(function() new_shared_object{a = a, b = b} end, "shared object ")
fails(function() new_shared_collection(a, b) end, "shared object ")
local c = new_shared_collection(a, {a})
use(c, function() a.c = "the same group" end)
use(b, function()
  b.storage = storage --- error: storage: it belongs to another group of shared objects, for ever$
end)
---
-- A value that somebody uses joins the group when the use is over.
local a, b = new_shared_object(), new_shared_object()
new_process("uses", 0, "", b)
delay_process(current_process(), 1)
use(a, function()
  local from = milliseconds()
  a.b = b
  eq(milliseconds() - from > 900, true)
  b.n = b.n + 1
end)
eq(b.n, 2)
local c = new_shared_object()
new_process("uses", 0, "", c)
delay_process(current_process(), 1)
local list = new_shared_collection(c) -- what is new joins the group of what is used
eq(c.n, nil)
use(list, function() eq(c.n, 1) end)
-- method uses
local b = ...
use(b, function()
  delay_process(current_process(), 60)
  b.n = 1
end)
---
-- What is used on both sides is used once more.
local a, b = new_shared_object(), new_shared_object()
use(b, function()
  use(a, function()
    a.b = b
    b.n = 1
  end)
  a.n = 2
  b.n = 2
end)
fails(function() a.n = 3 end, "shared object ")
fails(function() b.n = 3 end, "shared object ")
---
-- The storage: there for everybody, shared objects only, and its lock is not that of what is in it.
eq(storage() == storage, true)
eq(ob_keys(storage), {})
use(storage, function()
  storage.flags = new_shared_object{exit_now = false}
  storage.list = new_shared_collection(1, 2)
  storage.same = storage.list
  fails(function() storage.n = 1 end, "storage has shared objects and shared collections only")
  fails(function() storage.n = "text" end, "storage has shared objects and shared collections only")
  fails(function() storage.n = {} end, "a table is not a supported value type in a shared object or shared collection (-10721): new_shared_object or new_shared_collection makes a shared one of it")
  fails(function() storage.n = storage end, "storage has shared objects and shared collections only")
  fails(function() storage.flags.exit_now = true end, "shared object ")
  new_process("changes", 0)
  delay_process(current_process(), 1)
  eq(storage.flags.exit_now, true)
  storage.same = nil
end)
use(storage.list, function() storage.list[3] = 3 end)
use(storage.flags, function()
  fails(function() storage.list[3] = 4 end, "shared collection ")
  storage.flags.list = new_shared_collection()
end)
eq(ob_copy(storage), {flags = {exit_now = true, list = {}}, list = {1, 2, 3}})
new_process("reads", 0)
delay_process(current_process(), 1) --- log: msg="1.t2.t3"
-- method changes
use(storage.flags, function() storage.flags.exit_now = true end)
-- method reads preemptive
print(storage.list[1], storage.list[2], storage.list[3])
---
-- Groups of several objects in the storage stay apart.
use(storage, function()
  storage.a = new_shared_object{inner = {}}
  storage.b = new_shared_object{inner = {}}
end)
use(storage.a, function()
  fails(function() storage.b.n = 1 end, "shared object ")
end)
---
-- Collections: 4D's functions. They use it by themselves, and wait for their turn.
local c = new_shared_collection("b", nil, "c")
eq(c.length, 3)
eq(c[2], nil)
eq(c:push("d", "e") == c, true)
eq(c:unshift("a") == c, true)
eq(ob_copy(c), {"a", "b", nil, "c", "d", "e"})
eq(c:insert(3, "x")[3], "x")
eq(c:remove(4) == c, true)
eq(ob_copy(c), {"a", "b", "x", "c", "d", "e"})
eq(c:pop(), "e")
eq(c:shift(), "a")
eq(c:remove(2, 2):copy(), {"b", "d"})
eq(c:remove(9).length, 2)
eq(c:remove(2, 9).length, 1)
eq(c:remove(1, 0).length, 1)
eq(c:remove(1, -1).length, 1)
eq(c:insert(99, "end"):copy(), {"b", "end"})
eq(c:clear().length, 0)
eq(c:pop(), nil)
eq(c:shift(), nil)
use(c, function()
  c:push(1)
  c[5] = 5
  eq(c.length, 5)
  c[5] = nil
  eq(c.length, 1)
  c[7] = nil
  eq(c.length, 1)
  c[c.length + 1] = {} --- error: a table is not a supported value type
end)
---
local c = new_shared_collection()
use(c, function()
  fails(function() c[0] = 1 end, "shared collection ")
  fails(function() c[1000001] = 1 end, "shared collection ")
  fails(function() c[1.5] = 1 end, "shared collection ")
  fails(function() c.name = 1 end, "shared collection ")
  c[1000000] = 1
  eq(c.length, 1000000)
  fails(function() c:push(2) end, "shared collection ")
end)
fails(function() c:insert(0, 1) end, "bad argument #2 to insert (number of an element expected, 1 or more)")
fails(function() c:remove("x") end, "bad argument #2 to remove (number expected, got string)")
fails(function() c.push(1, 2) end, "bad argument #1 to push (shared collection expected, got number)")
fails(function() c.push(new_shared_object(), 2) end, "bad argument #1 to push (shared collection expected, got shared object)")
fails(function() c:push(print) end, "a function is not a supported value type in a shared object or shared collection (-10721)")
---
-- What cannot be shared.
local object = new_shared_object()
use(object, function()
  fails(function() object.f = print end, "a function is not a supported value type in a shared object or shared collection (-10721)")
  fails(function() object.f = coroutine.create(print) end, "a thread is not a supported value type in a shared object or shared collection (-10721)")
  fails(function() object[1] = 1 end, "shared object ")
  fails(function() object[object] = 1 end, "shared object ")
  fails(function() object[("é"):rep(256)] = 1 end, "shared object ")
  object[("é"):rep(255)] = 1
  object["nul\0"] = 0/0
  object[""] = 1/0
end)
eq(object[("é"):rep(255)], 1)
eq(object["nul\0"] ~= object["nul\0"], true)
eq(object[""], 1/0)
---
fails(function() new_shared_object(1) end, "bad argument #1 to new_shared_object (table expected, got number)")
fails(function() new_shared_object{1} end, "bad argument #1 to new_shared_object (texts as keys expected; new_shared_collection makes lists)")
fails(function() new_shared_object{1, a = 2} end, "bad argument #1 to new_shared_object (keys are texts, or the numbers from 1 on, not both)")
fails(function() new_shared_object{a = {[2] = 1}} end, "bad argument #1 to new_shared_object (a: names are texts, not a number)")
fails(function() new_shared_object{a = {b = print}} end, "bad argument #1 to new_shared_object (a: b: a function is not a supported value type in a shared object or shared collection (-10721))")
fails(function() new_shared_collection(1, print) end, "bad argument #2 to new_shared_collection (a function is not a supported value type in a shared object or shared collection (-10721))")
local circle = {}
circle.circle = circle
fails(function() new_shared_object(circle) end, "bad argument #1 to new_shared_object (circle: ")
fails(function() use() end, "bad argument #1 to use (shared object expected, got nil)")
fails(function() use({}, print) end, "bad argument #1 to use (shared object expected, got table)")
fails(function() use(storage) end, "bad argument #2 to use (function expected, got nil)")
fails(function() use(storage, 1) end, "bad argument #2 to use (function expected, got number)")
fails(function() ob_copy() end, "bad argument #1 to ob_copy (table expected, got nil)")
fails(function() ob_copy{print} end, "bad argument #1 to ob_copy (a function cannot leave its process)")
fails(function() ob_keys{} end, "bad argument #1 to ob_keys (shared object expected, got table)")
fails(function() ob_remove({}, "a") end, "bad argument #1 to ob_remove (shared object expected, got table)")
fails(function() ob_remove(storage) end, "bad argument #2 to ob_remove (string expected, got nil)")
fails(function() ob_remove(new_shared_collection(), "a") end, "bad argument #1 to ob_remove (shared object expected, got shared collection)")
fails(function() ob_is_shared() end, "bad argument #1 to ob_is_shared (value expected)")
fails(function() new_shared_object()() end, "attempt to call a shared object")
fails(function() return new_shared_object().a.b end, "attempt to index")
---
-- Scripts do not reach what is behind.
eq(getmetatable(storage), "shared")
fails(function() setmetatable(storage, {}) end, "bad argument #1 to setmetatable (table expected, got userdata)")
fails(function() rawset(storage, "a", 1) end, "bad argument #1 to rawset (table expected, got userdata)")
fails(function() table.insert(new_shared_collection(), 1) end, "bad argument #1 to insert (table expected, got userdata)")
---
-- ob_remove, also in use.
local object = new_shared_object{a = 1, b = 2}
ob_remove(object, "a")
ob_remove(object, "missing")
use(object, function() ob_remove(object, "b") end)
eq(ob_copy(object), {})
---
-- A circle with itself can be read, but not copied.
local object = new_shared_object()
use(object, function() object.me = object end)
eq(object.me.me.me == object, true)
fails(function() ob_copy(object) end, "bad argument #1 to ob_copy (more than 32 tables inside each other)")
---
-- As a result of a method a shared object stays what it is; for a client it is a copy.
eq(gives() == storage, true)
-- method gives
return storage
---
-- connection
use(storage, function() storage.a = new_shared_object{n = 1} end)
return storage
---
-- Aborted in the middle of nested uses, while waiting for one, and with a coroutine that holds one.
local a, b = new_shared_object{inner = {}}, new_shared_object()
for _, method in ipairs {"nests", "waits", "clings", "yields"} do
  local ended = process_info(new_process(method, 0, "", a, b))
  if method == "waits" then
    use(a, function()
      delay_process(current_process(), 1)
      abort_process_by_id(ended.id)
      delay_process(current_process(), 1)
    end)
  else
    delay_process(current_process(), 1)
    abort_process_by_id(ended.id)
  end
  delay_process(current_process(), 1)
  eq(process_state(ended.number), -100)
  local from = milliseconds()
  use(a, function() use(b, function() end) end)
  eq(milliseconds(), from)
end
-- method nests
local a, b = ...
use(a, function() use(b, function() use(a.inner, function() delay_process(current_process(), 6000) end) end) end)
-- method waits
use((...), function() print("not reached") end)
-- method clings
local a, b = ...
use(b, function()
  while true do pcall(use, a, function() delay_process(current_process(), 6000) end) end
end)
-- method yields
local a, b = ...
local co = coroutine.wrap(function() use(a, function() coroutine.yield() end) end)
co()
use(b, function() delay_process(current_process(), 6000) end)
---
-- The window of a shutdown wakes who waits for a use, but it has its turn first.
local object = new_shared_object()
new_process("holds", 0, "", object)
delay_process(current_process(), 1)
new_process("waits", 0, "", object)
delay_process(current_process(), 1)
quit_4d()
while not process_aborted() do delay_process(current_process(), 10) end --- log: msg="it is my turn.ttrue"
-- method holds
local object = ...
use(object, function()
  while not process_aborted() do delay_process(current_process(), 6000) end
  delay_process(current_process(), 60)
  object.n = 1
end)
-- method waits
local object = ...
use(object, function() print("it is my turn", process_aborted()) eq(object.n, 1) end)
-- method on_server_shutdown
delay_process(current_process(), 120)
---
-- Two processes that use two objects the other way round: the second is told, and its error frees the first.
local a, b = new_shared_object(), new_shared_object()
local n = new_process("other", 0, "Other", a, b)
use(a, function()
  delay_process(current_process(), 30)
  local ok, message = pcall(use, b, function() end)
  eq(ok, false)
  eq(message, "use: waiting for " .. tostring(b) .. " would never end: process " .. n .. " (Other) holds it while it waits for " ..
    tostring(a) .. ", which process " .. current_process() .. " (Chunk) holds")
end)
use(b, function() eq(b.done, true) end)
-- method other
local a, b = ...
use(b, function()
  delay_process(current_process(), 1)
  use(a, function() b.done = true end)
end)
---
-- A large object: its memory and its making count as work.
local list = {}
for i = 1, 100000 do list[i] = "value " .. i end
local object = new_shared_object{list = list}
eq(object.list.length, 100000)
eq(object.list[100000], "value 100000")
eq(ob_copy(object.list)[99999], "value 99999")
use(object, function()
  for i = 1, 1000 do object["name " .. i] = i end
end)
eq(#ob_keys(object), 1001)
