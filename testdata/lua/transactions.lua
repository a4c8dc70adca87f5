-- Transactions and locks. Each chunk has an empty store.

assert(not in_transaction() and transaction_level() == 0)
assert(start_transaction() == true)
assert(in_transaction() and transaction_level() == 1)
assert(ds.city:new{ code = "A" }:save())
assert(ds.city:count() == 1)
assert(cancel_transaction() == true)
assert(not in_transaction() and ds.city:count() == 0)
start_transaction()
ds.city:new{ code = "B" }:save()
assert(validate_transaction() == true)
assert(ds.city:count() == 1)
---
-- nested: the outer one decides
start_transaction()
ds.city:new{ code = "A" }:save()
start_transaction()
assert(transaction_level() == 2)
ds.city:new{ code = "B" }:save()
cancel_transaction()
assert(transaction_level() == 1 and ds.city:count() == 1)
start_transaction()
ds.city:new{ code = "C" }:save()
validate_transaction()
assert(ds.city:count() == 2)
cancel_transaction()
assert(transaction_level() == 0 and ds.city:count() == 0)
---
-- without a transaction there is none to end
local ok, message = validate_transaction()
assert(ok == nil and message, message)
ok, message = cancel_transaction()
assert(ok == nil and message, message)
---
-- a save that fails in a transaction undoes itself alone
assert(ds.city:new{ code = "A" }:save())
start_transaction()
assert(ds.city:new{ code = "B" }:save())
assert(ds.city:new{ code = "A" }:save() == nil)
assert(ds.city:new{ code = "C" }:save())
assert(validate_transaction())
assert(ds.city:count() == 3)
---
-- the end of a process cancels its transaction
use(storage, function() storage.at = new_shared_object() end)
new_process("half", 0, "Half")
repeat delay_process(current_process(), 1) until storage.at.half
delay_process(current_process(), 60)
assert(ds.city:count() == 0)
assert(ds.city:new{ code = "A" }:save())
-- method half
start_transaction()
ds.city:new{ code = "A" }:save()
use(storage.at, function() storage.at.half = true end)
---
-- an error does so too
use(storage, function() storage.at = new_shared_object() end)
new_process("failing", 0, "Failing") --- log: script failed.*enough
repeat delay_process(current_process(), 1) until storage.at.half
delay_process(current_process(), 60)
assert(ds.city:count() == 0)
-- method failing
start_transaction()
ds.city:new{ code = "A" }:save()
use(storage.at, function() storage.at.half = true end)
error("enough")
---
-- other processes do not see what is not validated, and their saves of the same row wait for it
use(storage, function() storage.at = new_shared_object() end)
local a = ds.city:new{ code = "A", name = "old" }
assert(a:save())
new_process("writer", 0, "Writer")
repeat delay_process(current_process(), 1) until storage.at.written
assert(ds.city:get("A").name == "old")
a.name = "mine"
local saved, message, code = a:save()
assert(saved == nil and code == 2, message) -- it is another row now
assert(storage.at.over and ds.city:get("A").name == "theirs")
-- method writer
start_transaction()
local a = ds.city:get("A")
a.name = "theirs"
a:save()
use(storage.at, function() storage.at.written = true end)
delay_process(current_process(), 60)
use(storage.at, function() storage.at.over = true end)
validate_transaction()
---
-- they do not wait for ever
use(storage, function() storage.at = new_shared_object() end)
local a = ds.city:new{ code = "A", name = "old" }
assert(a:save())
new_process("writer", 0, "Writer")
repeat delay_process(current_process(), 1) until storage.at.written
a.name = "mine"
local saved, message, code = a:save()
assert(saved == nil and code == 3, tostring(message))
assert(ds.city:get("A").name == "old")
use(storage.at, function() storage.at.over = true end)
repeat delay_process(current_process(), 1) until process_number("Writer") == 0
assert(ds.city:get("A").name == "theirs")
-- method writer
start_transaction()
local a = ds.city:get("A")
a.name = "theirs"
a:save()
use(storage.at, function() storage.at.written = true end)
repeat delay_process(current_process(), 1) until storage.at.over
validate_transaction()
---
-- PostgreSQL only
-- saves of other rows do not wait
use(storage, function() storage.at = new_shared_object() end)
new_process("writer", 0, "Writer")
repeat delay_process(current_process(), 1) until storage.at.written
assert(ds.city:new{ code = "B" }:save())
assert(ds.city:count() == 1)
use(storage.at, function() storage.at.over = true end)
repeat delay_process(current_process(), 1) until process_number("Writer") == 0
assert(ds.city:count() == 2)
-- method writer
start_transaction()
ds.city:new{ code = "A" }:save()
use(storage.at, function() storage.at.written = true end)
repeat delay_process(current_process(), 1) until storage.at.over
validate_transaction()
---
-- SQLite only
-- saves of other rows wait too
use(storage, function() storage.at = new_shared_object() end)
new_process("writer", 0, "Writer")
repeat delay_process(current_process(), 1) until storage.at.written
assert(ds.city:count() == 0)
assert(ds.city:new{ code = "B" }:save())
assert(storage.at.over and ds.city:count() == 2)
-- method writer
start_transaction()
ds.city:new{ code = "A" }:save()
use(storage.at, function() storage.at.written = true end)
delay_process(current_process(), 60)
use(storage.at, function() storage.at.over = true end)
validate_transaction()
---
-- SQLite only
-- they do not wait for ever: who has it is said
use(storage, function() storage.at = new_shared_object() end)
new_process("writer", 0, "Writer")
repeat delay_process(current_process(), 1) until storage.at.written
local saved, message, code = ds.city:new{ code = "B" }:save()
assert(saved == nil and code == 3, tostring(message))
assert(message:find("Writer"), message)
assert(ds.city:count() == 0)
use(storage.at, function() storage.at.over = true end)
delay_process(current_process(), 60)
assert(ds.city:count() == 1)
-- method writer
start_transaction()
ds.city:new{ code = "A" }:save()
use(storage.at, function() storage.at.written = true end)
while not storage.at.over do delay_process(current_process(), 60) end
validate_transaction()
---
-- locks
use(storage, function() storage.at = new_shared_object() end)
local a = ds.city:new{ code = "A" }
a:save()
assert(a:lock() == true)
new_process("other", 0, "Other")
repeat delay_process(current_process(), 1) until storage.at.tried
assert(storage.at.locked:find("locked") and storage.at.saved, storage.at.locked)
a.name = "mine"
assert(a:save() and a:unlock() == true)
use(storage.at, function() storage.at.free = true end)
repeat delay_process(current_process(), 1) until storage.at.over
assert(ds.city:get("A").name == "theirs")
-- method other
local mine = ds.city:get("A")
local locked, message, code = mine:lock()
assert(locked == nil and code == 3, message)
mine.name = "no"
local saved, why, code = mine:save()
assert(saved == nil and code == 3, why)
use(storage.at, function() storage.at.locked, storage.at.saved, storage.at.tried = message, why, true end)
repeat delay_process(current_process(), 1) until storage.at.free
assert(mine:lock() and mine:reload())
assert(mine.name == "mine")
mine.name = "theirs"
assert(mine:save())
use(storage.at, function() storage.at.over = true end)
---
-- the end of a process frees its locks
use(storage, function() storage.at = new_shared_object() end)
local a = ds.city:new{ code = "A" }
a:save()
new_process("holder", 0, "Holder")
repeat delay_process(current_process(), 1) until storage.at.locked
delay_process(current_process(), 60)
assert(a:lock())
-- method holder
assert(ds.city:get("A"):lock())
use(storage.at, function() storage.at.locked = true end)
---
-- a process that waits for a turn ends when it is aborted
use(storage, function() storage.at = new_shared_object() end)
ds.city:new{ code = "A" }:save()
new_process("writer", 0, "Writer")
repeat delay_process(current_process(), 1) until storage.at.written
local waiting = new_process("waiting", 0, "Waiting")
delay_process(current_process(), 60)
assert(process_state(waiting) >= 0)
abort_process_by_id(process_info(waiting).id) --- log: aborted
repeat delay_process(current_process(), 1) until process_number("Waiting") == 0
assert(not storage.at.saved)
use(storage.at, function() storage.at.over = true end)
-- method writer
start_transaction()
local a = ds.city:get("A")
a.name = "writer"
a:save()
use(storage.at, function() storage.at.written = true end)
repeat delay_process(current_process(), 10) until storage.at.over
-- method waiting
local a = ds.city:get("A")
a.name = "waiting"
pcall(function() a:save() end)
use(storage.at, function() storage.at.saved = true end)
