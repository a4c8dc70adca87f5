-- The data: dataclasses and entities. Each chunk has an empty store.

-- the server log of the On Server Open Connection page, opened and closed
local entry = ds.server_log:new{ log_date = current_date(), log_time = current_time(), user_id = 1, connection_id = 7 }
assert(entry:is_new() and entry:touched() and entry:get_key() == nil)
assert(entry:save() == true)
assert(entry.log_id == 1 and entry:get_key() == 1 and not entry:is_new() and not entry:touched())
entry = ds.server_log:query("user_id = :1 and connection_id = :2 and process_id = 0", 1, 7):first()
assert(entry.log_id == 1 and entry.log_date == current_date() and entry.exit_date == nil)
entry.exit_date, entry.exit_time = current_date(), current_time()
entry.process_id, entry.process_name = current_process(), current_process_name()
assert(entry:touched())
assert(entry:save())
assert(ds.server_log:query("user_id = 1 and process_id = 0"):first() == nil)
assert(ds.server_log:get(1).process_name == current_process_name())
assert(ds.server_log:get(2) == nil and select("#", ds.server_log:get(2)) == 1)
---
-- every type, written and read
local p = ds.person:new{
  name = "Ann Größe ☃", email = "ann@example.com", salary = 1.5, member = false, born = "1990-02-28", working = "36:30:15",
  info = { name = "x", list = { 1, 2, { deep = true } }, none = {} }, picture = "\0\255bytes", token = "00112233-4455-6677-8899-aabbccddeeff",
  big = 2 ^ 53,
}
assert(p.working == 36 * 3600 + 30 * 60 + 15)
assert(p:save())
p = ds.person:get(p.id)
assert(p.name == "Ann Größe ☃" and p.salary == 1.5 and p.member == false and p.born == "1990-02-28")
assert(p.working == 131415, p.working)
assert(p.info.name == "x" and p.info.list[3].deep == true and #p.info.list == 3 and #p.info.none == 0)
assert(p.picture == "\0\255bytes")
assert(p.token == "00112233445566778899AABBCCDDEEFF")
assert(p.big == 2 ^ 53)
local all = p:to_object()
assert(all.name == p.name and all.info.list[1] == 1 and all.id == p.id)
p.name, p.email, p.salary, p.info, p.picture = "B", nil, 3, nil, ""
assert(p.email == nil and p:save())
p = ds.person:get(p.id)
assert(p.name == "B" and p.email == nil and p.salary == 3 and p.info == nil and p.picture == "")
---
-- defaults, and null
local p = ds.person:new{ name = "A" }
assert(p.member == true and p.born == nil)
p.member = nil
assert(p:save() and ds.person:get(p.id).member == nil)
---
-- an object that was read is a copy
local p = ds.person:new{ name = "A", info = { n = 1 } }
local info = p.info
info.n = 2
assert(p.info.n == 1)
p.info = info
info.n = 3
assert(p.info.n == 2)
p.info = new_shared_object{ a = 1, list = new_shared_collection(1, 2) }
assert(p.info.a == 1 and p.info.list[2] == 2)
---
-- integers beyond 2^53 are texts of digits, both ways
local p = ds.person:new{ name = "A", big = "9007199254740993" }
assert(p.big == "9007199254740993" and p:save())
p = ds.person:get(p.id)
assert(p.big == "9007199254740993")
local q = ds.person:new{ name = "B", big = p.big }
assert(q:save() and q.big == "9007199254740993")
assert(#ds.person:query("big = :1", "9007199254740993") == 2)
assert(#ds.person:query("big in :1", { "9007199254740993" }) == 2)
assert(ds.person:all():max("big") == "9007199254740993")
---
-- an integer beyond 2^53 that is a number
ds.person:new{ name = "A", big = 2 ^ 53 + 2 } --- error: person: big: .*beyond 2\^53
---
ds.person:new{ name = "A", big = 1.5 } --- error: person: big: 1.5 is not whole
---
ds.person:new{ name = "A", big = 0 / 0 } --- error: person: big: .*NaN
---
ds.person:new{ name = "A", big = "12" } --- error: person: big: "12" is no integer
---
ds.person:new{ name = "A", salary = math.huge } --- error: person: salary: .*no number that can be kept
---
ds.person:new{ name = "A", salary = "1" } --- error: person: salary: "1" is no real
---
-- a value of the wrong type
ds.person:new{ name = 5 } --- error: person: name: 5 is no text
---
-- a NUL byte
ds.person:new{ name = "a\0b" } --- error: person: name: the text has a NUL byte
---
-- a text that is not UTF-8
ds.person:new{ name = "a\255b" } --- error: person: name: the text is not valid UTF-8
---
ds.person:new{ name = "A", member = 1 } --- error: person: member: 1 is no boolean; it is true or false
---
-- a date that does not exist
ds.person:new{ name = "A", born = "2026-02-29" } --- error: person: born: 2026-02-29 is no day that exists
---
ds.person:new{ name = "A", born = "01.03.2026" } --- error: person: born: "01.03.2026" is no date; write it as "2026-03-01"
---
ds.person:new{ name = "A", born = 5 } --- error: person: born: 5 is no date
---
ds.person:new{ name = "A", working = "1:75" } --- error: person: working: "1:75" is no time; write it in seconds, or as "13:05:00"
---
ds.person:new{ name = "A", token = "xyz" } --- error: person: token: "xyz" is no uuid
---
ds.person:new{ name = "A", info = { f = print } } --- error: person: info: a function cannot leave its process
---
ds.person:new{ name = "A", info = { [1.5] = 1 } } --- error: person: info: keys are texts, or the numbers from 1 on
---
ds.person:new{ name = "A", info = { a = 1, 2 } } --- error: person: info: keys are texts, or the numbers from 1 on
---
ds.person:new{ name = "A", info = { n = 0 / 0 } } --- error: person: info: .*NaN
---
local circle = {}
circle.circle = circle
ds.person:new{ name = "A", info = circle } --- error: person: info: more than 32 tables inside each other
---
ds.person:new{ name = {} } --- error: person: name: an object is no text
---
ds.person:new{ name = ds.person:new{} } --- error: person: name: a entity new of person is no value of a column
---
-- a wrong type raises where it is assigned
local p = ds.person:new()
p.name = "A"
p.born = "2026-13-01" --- error: person: born: 2026-13-01 is no day that exists
---
local p = ds.person:new()
p.nmae = "A" --- error: person: there is no column nmae; did you mean name\?
---
local p = ds.person:new()
print(p.salery) --- error: person: there is no column salery; did you mean salary\?
---
-- a column that does not exist
ds.person:new{ nmae = "A", name = "B" } --- error: person: there is no column nmae; did you mean name\?
---
ds.person:new{ "A" } --- error: person: new: names of columns expected, got the key 1
---
local p = ds.person:new()
p.save = 1 --- error: save is a function of entities
---
-- a table that does not exist
print(ds.servr_log) --- error: there is no table servr_log; did you mean server_log\?
---
-- injection by a table
print(ds["x; drop table person"]) --- error: there is no table x; drop table person$
---
ds.person = 1 --- error: only entities have fields that can be set
---
ds.person.x = 1 --- error: only entities have fields that can be set
---
ds.person:qurey("") --- error: a dataclass has no qurey; did you mean query\?
---
ds.person.query("name = 1") --- error: query: dataclass expected, got string; call it with a colon, as in ds.table:query\(\)
---
print(ds.person.name) --- error: person.name is a column: entities have it
---
local p = ds.person:new()
p.save() --- error: save: entity expected, got nil; call it with a colon, as in entity:save\(\)
---
-- without a value that must be there nothing is saved
local p = ds.person:new{ email = "x" }
p:save() --- error: person.*name
---
-- a value that must be there once
assert(ds.person:new{ name = "A", email = "a" }:save())
local saved, message, code = ds.person:new{ name = "B", email = "a" }:save()
assert(saved == nil and code == -9998, code)
assert(message:find("email"), message)
assert(last_errors()[1].err_code == -9998)
assert(#ds.person:all() == 1)
---
-- a key that is there already, and one that cannot be changed
assert(ds.city:new{ code = "B", name = "Berlin" }:save())
local saved, message, code = ds.city:new{ code = "B", name = "Bern" }:save()
assert(saved == nil and code == -9998, message)
local city = ds.city:get("B")
assert(city.name == "Berlin")
assert(city:get_key() == "B")
city.code = "C" --- error: city
---
-- the key is needed, and of its type
ds.city:get(nil) --- error: value expected|nil is none
---
ds.person:get("x") --- error: person
---
-- a save over a newer row fails; a reload helps
local a = ds.person:new{ name = "A" }
assert(a:save())
local b = ds.person:get(a.id)
b.name = "B"
assert(b:save())
a.name = "C"
local saved, message, code = a:save()
assert(saved == nil and code == 2, message)
assert(ds.person:get(a.id).name == "B" and a.name == "C" and a:touched())
assert(a:reload() and a.name == "B" and not a:touched())
a.name = "C"
assert(a:save() and ds.person:get(a.id).name == "C")
---
-- a row that was dropped
local a = ds.person:new{ name = "A" }
assert(a:save())
local b = ds.person:get(a.id)
assert(a:drop() == true)
b.name = "B"
local saved, message, code = b:save()
assert(saved == nil and code == 5, message)
assert(b:reload() == nil)
assert(ds.person:get(b.id) == nil and #ds.person:all() == 0)
assert(a:drop() == nil)
---
-- an entity saved twice is there once; nothing set is nothing saved
local a = ds.person:new{ name = "A" }
assert(a:save() and a:save() and a:save())
assert(ds.person:count() == 1)
---
-- values are values: what is in them does nothing
local evil = [['; drop table person; -- " :1 \]]
assert(ds.person:new{ name = evil, email = "x" }:save())
assert(ds.person:query("name = :1", evil):first().name == evil)
assert(#ds.person:query("name = :1 or email = :2", evil, "' or 1=1 --") == 1)
assert(#ds.person:query("email = :1", "' or '1'='1") == 0)
---
-- ten megabytes of text
local long = ("größe"):rep(1500000)
assert(#long > 10 * 1000 * 1000)
local p = ds.person:new{ name = long, picture = long }
assert(p:save())
p = ds.person:get(p.id)
assert(#p.name == #long and p.name == long and p.picture == long)
---
-- sequence numbers
assert(sequence_number("city") == 1 and sequence_number(ds.city) == 2)
start_transaction()
assert(sequence_number("city") == 3)
cancel_transaction()
assert(sequence_number("city") == 4)
---
sequence_number("citty") --- error: there is no table citty; did you mean city\?
---
-- ds is a value and can be called, as 4D has it
assert(ds() == ds and ds().person ~= nil)
assert(tostring(ds) == "ds" and tostring(ds.person) == "dataclass person")
local p = ds.person:new{ name = "A" }
assert(tostring(p) == "entity new of person")
p:save()
assert(tostring(p) == "entity 1 of person" and tostring(ds.person:all()) == "selection of 1 of person")
assert(getmetatable(p) == "entity" and type(p) == "userdata")
---
-- an entity does not leave its process
set_process_variable(current_process(), "x", ds.person:new()) --- error: cannot leave its process
---
-- cooperative only
-- another process's entity is refused: its data is in that process's transaction
interprocess.shared = ds.person:new{ name = "A" }
new_process("other", 0, "Other")
while not interprocess.done do delay_process(current_process(), 1) end
assert(interprocess.done:find("another process's %(%d+%): query it here"), interprocess.done)
-- method other
local ok, message = pcall(function() return interprocess.shared.name end)
interprocess.done = message
---
-- no tables
print(ds.person) --- error: there is no table person: structure.lua in the scripts folder declares none
-- structure
return {}
---
-- a table of its own
assert(ds.thing:new{ id = "a" }:save())
assert(ds.thing:get("a").n == 5)
-- structure
local tables = {}
tables.thing = { { "id", "text", primary = true }, { "n", "integer", default = 5 } }
return tables
