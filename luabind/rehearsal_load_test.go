package luabind_test

import (
	"fmt"
	"sync"
	"testing"

	"moongate/runtime/host"
	"moongate/runtime/process"
	"moongate/runtime/recording"
	"moongate/runtime/session"
)

// readsMuch is a policy that reads whatever there is, and waits in between while others change it.
const readsMuch = `local user, id = ...
local info = connection_info()
local address = info.address
use(storage, function() if not storage.by then storage.by = new_shared_object() end if not storage.seen then storage.seen = new_shared_collection() end end)
use(storage.by, function() storage.by[address] = (storage.by[address] or 0) + 1 end)
storage.seen:push(address)
interprocess.users = interprocess.users or {}
local users = interprocess.users
users[user] = users[user] or {n = 0, last = {}}
users[user].n = users[user].n + 1
table.insert(users[user].last, id)
if #users[user].last > 5 then table.remove(users[user].last, 1) end
if math.random() < 0.1 then return 10, "by lot " .. math.random(1000) end
ds.visits:new{user = user, at = current_time(), note = {address = address}}:save()
if not rate_limit(address, 25, 60) then return 11, "too fast " .. ds.visits:count("user = :1", user) end
delay_process(current_process(), math.random(0, 1))
if id % 3 == 0 then return 12, storage.by[address] .. "," .. storage.seen.length .. "," .. #users[user].last .. "," .. interprocess.users[user].n .. "," .. tostring(storage.shaken and storage.shaken.n) end
if count_connections{address = address} > 2 then return 13, tostring(count_connections()) .. current_date() end
local last = ds.visits:query("user = :1 order by id desc", user):first()
if last.id % 2 == 0 then return 14, last.id .. last.note.address .. tostring(storage.seen:shift()) end
interprocess.left = {user = user, of = users[user]}
if between_times("00:00", "12:00") then return 15, "am" .. interprocess.left.of.n end`

// A load that was recorded while everything happened at once gives no difference when it is rehearsed on the
// scripts that decided.
func TestRehearsalOfALoad(t *testing.T) {
	e := mustLoad(t, scripts{
		"on_server_open_connection.lua": readsMuch, "structure.lua": visits,
		"shake.lua": `--%attributes = {"preemptive":"capable"}
use(storage, function() storage.shaken = storage.shaken or new_shared_object{n = 0} end)
while not process_aborted() do use(storage.shaken, function() storage.shaken.n = storage.shaken.n + 1 end) if storage.seen then storage.seen:push("shaken") end delay_process(current_process(), 0) end`,
		"shake_here.lua": `while not process_aborted() do if interprocess.users then for user, u in pairs(interprocess.users) do u.n = u.n + 100 end end delay_process(current_process(), 0) end`,
	})
	e.openData()
	var shaking sync.WaitGroup
	var shakers []*process.Process
	for _, name := range []string{"shake", "shake_here"} {
		p, program := e.start(name)
		shakers = append(shakers, p)
		shaking.Go(func() { // ends when the process is killed
			program.Call(host.CallOptions{}, name)
			program.Close()
		})
	}
	const clients, each = 8, 40
	all := make([][]*recording.Recording, clients)
	var going sync.WaitGroup
	for n := range clients {
		going.Go(func() {
			for range each {
				user := session.User{Number: session.UserNumber(3 + n%4), Name: fmt.Sprint("user", n%4)}
				all[n] = append(all[n], e.record(user, fmt.Sprintf("10.0.%d.%d:5000", n/3, n%3)))
			}
		})
	}
	going.Wait()
	for _, p := range shakers {
		p.Kill(nil)
	}
	shaking.Wait()
	r := mustRehearse(t, e.folder)
	counts, bytes := map[string]int{}, 0
	for _, some := range all {
		for _, one := range some {
			counts[fmt.Sprint(one.Outcome.Verdict, one.Outcome.Code)]++
			bytes += len(one.AppendReads(nil))
		}
		going.Go(func() { // several at once wait for each other
			for _, one := range some {
				if got, _ := r.Rehearse(one, recording.RehearseOptions{}); show(got) != show(one.Outcome) {
					t.Errorf("connection %d: got %s, want %s\n%s", one.Connection, show(got), show(one.Outcome), what(one.Reads))
				}
			}
		})
	}
	going.Wait()
	t.Logf("%v, %d bytes of reads each", counts, bytes/clients/each)
	if len(counts) < 5 {
		t.Errorf("got the verdicts %v, want more kinds", counts)
	}
}
