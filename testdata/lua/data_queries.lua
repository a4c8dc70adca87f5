-- The data: queries and selections. Each chunk has an empty store.

local function fill()
  for i, name in ipairs{ "Ann", "bob", "Müller", "Anna", "Mc@donald" } do
    assert(ds.person:new{ name = name, email = name .. "@x", salary = i * 100, working = i, info = { n = i, name = name } }:save())
  end
end
fill()
local function names(...)
  local found = {}
  for entity in ds.person:query(...):each() do
    found[#found + 1] = entity.name
  end
  return table.concat(found, " ")
end
local function is(got, want)
  if got ~= want then
    error("got " .. got .. ", want " .. want, 2)
  end
end
is(names(""), "Ann bob Müller Anna Mc@donald")
is(names("name = 'ann'"), "Ann")
is(names("name == :1", "ANN"), "Ann")
is(names("name = 'an@'"), "Ann Anna")
is(names("name = '@n@'"), "Ann Anna Mc@donald")
is(names("name = '@A'"), "Anna")
is(names("name = 'm@R'"), "Müller")
is(names("name = 'MÜLLER'"), "Müller")
is(names("name === 'Mc@donald'"), "Mc@donald")
is(names("name === 'mc@'"), "")
is(names("name # 'an@'"), "bob Müller Mc@donald")
is(names("name != 'ann' order by name"), "Anna bob Mc@donald Müller")
is(names("salary > 100 and salary <= 300"), "bob Müller")
is(names("salary < 200 or salary >= :1 order by salary desc", 500), "Mc@donald Ann")
is(names("salary in (100, 200) & name # 'ann'"), "bob")
is(names("salary in :1", { 100, 300, 12345 }), "Ann Müller")
is(names("salary in :1", {}), "")
is(names("name in :1", { "ANN", "mü@" }), "Ann Müller")
is(names("name not in ('ann', 'bob')"), "Müller Anna Mc@donald")
is(names("name = 'a@' except name = 'anna'"), "Ann")
is(names("not (name = 'a@' or name = 'm@')"), "bob")
is(names("born = null and salary is not null and name = 'ann'"), "Ann")
is(names("born = :1 and name = 'bob'", nil), "bob")
is(names("born # null"), "")
is(names("working = '00:00:03'"), "Müller")
is(names("working < :1", 3), "Ann bob")
is(names("info.n = 2"), "bob")
is(names("info.name = 'ann@' order by info.n desc"), "Anna Ann")
is(names("info.nothing = null and info.n > 4"), "Mc@donald")
is(names("member = true and name = 'bob'"), "bob")
is(names("name % 'mc'"), "Mc@donald")
assert(ds.person:count() == 5 and ds.person:count("name = :1", "a@") == 2)
---
-- selections
for i = 1, 250 do
  assert(ds.server_log:new{ user_id = i % 10, connection_id = i, process_id = i }:save())
end
local all = ds.server_log:all()
assert(#all == 250 and all.length == 250)
assert(all[1].connection_id == 1 and all[250].connection_id == 250 and all[251] == nil and all[0] == nil and all[1.5] == nil)
assert(all:first().connection_id == 1 and all:last().connection_id == 250)
local n, sum = 0, 0
for entry in all:each() do
  n, sum = n + 1, sum + entry.connection_id
end
assert(n == 250 and sum == 250 * 251 / 2)
assert(all:sum("connection_id") == sum and all:min("connection_id") == 1 and all:max("connection_id") == 250)
assert(all:average("connection_id") == sum / 250 and all:count("connection_id") == 250 and all:count("exit_date") == 0)
local back = all:order_by("user_id desc, connection_id")
assert(back[1].user_id == 9 and back[1].connection_id == 9 and #back == 250)
local rows = all:slice(2, 3):to_collection()
assert(#rows == 2 and rows[1].connection_id == 2 and rows[2].connection_id == 3 and rows[2].exit_date == nil)
assert(#all:slice(-10) == 10 and all:slice(-1)[1].connection_id == 250 and #all:slice(5, 4) == 0 and #all:slice(300) == 0)
assert(#all:slice(-1000, 1000) == 250)
local none = ds.server_log:query("user_id = 77")
assert(#none == 0 and none:first() == nil and none:last() == nil and #none:to_collection() == 0)
assert(none:sum("user_id") == 0 and none:min("user_id") == nil and none:average("user_id") == nil and none:count("user_id") == 0)
for _ in none:each() do error("nothing is there") end
-- a selection is what was found when it was made
all:first():drop()
assert(#all == 250 and all:first() == nil)
n = 0
for _ in all:each() do n = n + 1 end
assert(n == 249 and ds.server_log:count() == 249)
assert(ds.server_log:query("user_id = 1"):drop() == 24)
assert(ds.server_log:count() == 225)
---
-- what is saved in a loop over a selection is not lost
for i = 1, 150 do ds.city:new{ code = ("%03d"):format(i) }:save() end
for city in ds.city:all():each() do
  city.name = "city " .. city.code
  assert(city:save())
end
assert(ds.city:count("name = 'city @'") == 150)
---
-- a query that makes no sense: where
ds.person:query("name = ") --- error: person: query: at character 8: a value expected, got the end of the query
---
ds.person:query("name = 'x") --- error: person: query: at character 8: a value expected, got a text without its closing '
---
ds.person:query("nmae = 1") --- error: person: query: at character 1: there is no column nmae; did you mean name\?
---
ds.person:query("name = 'ä' and emial = 1") --- error: person: query: at character 16: there is no column emial; did you mean email\?
---
-- injection by a query
ds.person:query("name = 1; drop table person") --- error: person: query: at character 9: "and", "or", "except", "order by" or the end of the query expected, got a character ';'
---
ds.person:query("1 = 1") --- error: person: query: at character 1: a column expected, got "1"
---
ds.person:query("name.first = 1") --- error: person: query: at character 1: name is text, so nothing is in it
---
ds.person:query("name = :1 and email = :2", "a") --- error: person: query: the query has the placeholders up to :2, and 1 values came with it
---
ds.person:query("name = 'a'", "a") --- error: person: query: the query has the placeholders up to :0, and 1 values came with it
---
-- a date that does not exist, in a query
ds.person:query("born = :1", "2026-02-30") --- error: born: 2026-02-30 is no day that exists
---
ds.person:query("born > 5") --- error: born: 5 is no date
---
-- a value of the wrong type, in a query
ds.person:query("name = 5") --- error: name: 5 is no text
---
-- a NUL byte, in a query
ds.person:query("name = :1", "a\0b") --- error: name: the text has a NUL byte
---
-- a text that is not UTF-8, in a query
ds.person:query("name = :1", "a\255b") --- error: name: the text is not valid UTF-8
---
ds.person:query("name = :1", print) --- error: query: value 1: a function cannot leave its process
---
ds.person:query("name = :1", { a = 1 }) --- error: query: value 1: a value or a list of values expected
---
ds.person:query("name in :1", "a") --- error: in needs a list of values
---
ds.person:query("name = :1", { "a" }) --- error: name
---
ds.person:query("name > null") --- error: null has no order
---
ds.person:query("info = 1") --- error: info: an object compares with null only
---
ds.person:query(("("):rep(100000)) --- error: the query has 100000 bytes; the limit is 65536
---
ds.person:query(("("):rep(10000)) --- error: at character 51: more than 50 conditions inside each other
---
ds.person:query("name = '\255'") --- error: the query is not UTF-8
---
ds.person:all():order_by("nmae") --- error: person: order_by: at character 1: there is no column nmae; did you mean name\?
---
-- injection by an order
ds.person:all():order_by("name; drop table person") --- error: person: order_by: at character 5
---
ds.person:all():sum("name") --- error: person.*name
---
ds.person:all():sum("salery") --- error: person: sum: there is no column salery; did you mean salary\?
---
ds.person:all():frist() --- error: a selection has no frist; did you mean first\?
---
print(ds.person:all().name) --- error: a selection has no name; its functions are first, last
---
local all = ds.person:all()
all.first() --- error: first: selection expected, got nil; call it with a colon, as in selection:first\(\)
---
-- a loop that is stopped before its end leaves nothing behind
for i = 1, 300 do ds.city:new{ code = tostring(i) }:save() end
for city in ds.city:all():each() do break end
