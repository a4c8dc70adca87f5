package luabind_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moongate/luabind"
	"moongate/runtime/datastore"
	"moongate/runtime/host"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/recording"
	"moongate/runtime/session"
)

func mustAddress(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

// record asks the open method about a connection, as the door does, and makes the recording of it.
func (e *engine) record(user session.User, address string) *recording.Recording {
	e.t.Helper()
	p := e.Processes().Start(process.Spec{Type: process.InternalServer, Method: method.OnServerOpenConnection})
	defer p.End()
	peer := session.Peer{Address: netip.MustParseAddrPort(address), Local: netip.MustParseAddrPort("127.0.0.1:19813"), Listener: "127.0.0.1:19813"}
	c := e.Sessions().New(peer, user, p, time.Now())
	defer e.Sessions().Refuse(c)
	program := e.NewProgram(p, c)
	defer program.Close()
	results, err := program.Call(host.CallOptions{Door: true, Record: true, Limit: 5 * time.Second}, method.OnServerOpenConnection, int64(c.User), int64(c.ID), int64(0))
	return recorded(c, program, results, err)
}

// recorded is what the journal keeps of a connection.
func recorded(c *session.Connection, program host.Program, results []any, err error) *recording.Recording {
	r := &recording.Recording{
		Version: program.Version(), Connection: int64(c.ID), User: int64(c.User), UserName: c.Account, Address: c.Peer.Address,
		Local: c.Peer.Local, Listener: c.Peer.Listener, Gate: c.Peer.Gate, Opened: c.Opened, Began: program.Began(),
	}
	defer func() { r.Outcome.Steps = program.Steps() }()
	var parsed error
	if r.Reads, r.Cut, parsed = recording.ParseReads([]byte(program.Reads())); parsed != nil {
		panic(parsed)
	}
	refusal, wrong := host.ReadVerdict(results)
	if wrong != nil {
		wrong = fmt.Errorf("%s: %w", program.Returned(), wrong)
	}
	switch err = errors.Join(err, wrong); {
	case err != nil:
		r.Outcome = recording.Outcome{Verdict: recording.Failed, Fault: err.Error()}
	case refusal.Code != 0:
		r.Outcome = recording.Outcome{Verdict: recording.Refused, Code: refusal.Code, Reason: refusal.Reason, Line: program.Returned()}
	default:
		r.Outcome = recording.Outcome{Verdict: recording.Accepted, Line: program.Returned()}
	}
	return r
}

func mustRehearse(t testing.TB, folder string) recording.Rehearsal {
	t.Helper()
	r, err := luabind.Rehearse(recording.RehearsalConfig{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// show is an outcome in a line.
func show(o recording.Outcome) string {
	return strings.TrimSpace(fmt.Sprintf("%s %d %s %s%s", o.Verdict, o.Code, o.Reason, o.Lacks, o.Fault))
}

// what are the reads in short.
func what(reads []recording.Read) string {
	var all []string
	for _, r := range reads {
		all = append(all, fmt.Sprintf("%s(%s)=%v@%s", r.What, r.Key, r.Unpacked(), r.Line))
	}
	return strings.Join(all, "\n")
}

// policies read the outside each in their way. each is run a few times on one host.
var policies = map[string]string{
	"clock": `if between_times("00:00", "24:00") and current_time() >= 0 then return 3, current_date() .. " " .. os.time() .. os.date() .. os.clock() end`,
	"random": `if math.random() < 0.5 then return math.random(100), tostring(math.random(5, 7)) end
math.randomseed(7) return math.random(1000)`,
	"counters":     `return count_connections{user = 1} * 100 + count_connections(), tostring(count_tasks()) .. current_process() .. tickcount() .. milliseconds()`,
	"info":         `local i = connection_info() local j = connection_info(i.connection) return 1, i.address .. i.port .. i.process .. i.session_id .. i.opened .. i.listener .. i.user_name .. i.local_address .. j.process`,
	"all info":     `local s = "" for k, v in pairs(connection_info()) do s = s .. k .. v .. " " end local c = ob_copy(connection_info()) local i = connection_info() i.mine = 1 return 1, s .. c.process .. i.mine .. #i .. tostring(i.no) .. tostring(i.gate) .. type(i) .. (next(i))`,
	"nobody":       `return 1, tostring(connection_info(99999))`,
	"argument":     `local ok, why = pcall(count_connections, {nobody = 1}) return 1, tostring(ok) .. why`,
	"rate":         `if not rate_limit("a", 2, 60) then return 7, "too fast" end`,
	"storage":      `use(storage, function() storage.c = storage.c or new_shared_object{n = 0} end) use(storage.c, function() storage.c.n = storage.c.n + 1 end) if storage.c.n > 2 then return storage.c.n, "many" end`,
	"nested":       `use(storage, function() if not storage.o then storage.o = new_shared_object{n = 0, l = new_shared_collection("a")} end end) use(storage.o, function() storage.o.n = storage.o.n + 1 storage.o.l:push(tostring(storage.o.n)) storage.o.l[1] = "b" end) return storage.o.n, storage.o.l[1] .. storage.o.l[#storage.o.l] .. storage.o.l.length .. #ob_keys(storage.o)`,
	"pairs":        `use(storage, function() storage.p = storage.p or new_shared_object{x = 0} end) local p = storage.p use(p, function() p["k" .. count_connections() .. p.x] = 1 p.x = p.x + 1 end) local s = "" for k, v in pairs(p) do s = s .. k .. tostring(v) end return 2, s .. ob_copy(p).x`,
	"pop":          `use(storage, function() if not storage.q then storage.q = new_shared_collection(1, 2, 3, 4, 5, 6, 7, 8, 9) end end) return storage.q:pop(), tostring(storage.q.length) .. tostring(storage.q:shift())`,
	"interprocess": `interprocess.n = (interprocess.n or 0) + 1 if interprocess.n > 2 then return interprocess.n end`,
	"tables":       `interprocess.by = interprocess.by or {} local by = interprocess.by by[select(1, ...)] = (by[select(1, ...)] or 0) + 1 local t = interprocess.t or {n = 0, l = {}} interprocess.t = t t.n = t.n + 1 interprocess.t.l[#interprocess.t.l + 1] = t.n table.insert(interprocess.t.l, 5) return by[select(1, ...)], table.concat(interprocess.t.l, ",") .. #interprocess.t.l`,
	"interpairs":   `interprocess.a = interprocess.a or {x = 1, y = {2}} local s = "" for k, v in pairs(interprocess.a) do s = s .. k .. type(v) end interprocess.a.x = interprocess.a.x + 1 interprocess.a.y[1] = interprocess.a.y[1] + 1 return 1, s .. interprocess.a.x .. interprocess.a.y[1] .. tostring(next(interprocess) ~= nil)`,
	"aliases":      `interprocess.a = interprocess.a or {x = 1} interprocess.b = interprocess.b or interprocess.a local s = interprocess.b.x .. interprocess.a.x interprocess.a, interprocess.b = {x = interprocess.b.x + 1}, interprocess.a return 1, s .. interprocess.a.x .. interprocess.b.x`,
	"process":      `local n = new_process("loop", 0, "name") return n, process_info(n) and process_info(n).name or "gone"`,
	"wait":         `delay_process(current_process(), 1) return 4, tostring(process_state(current_process()))`,
	"semaphore":    `local a = semaphore("s") clear_semaphore("s") return 1, tostring(a) .. tostring(test_semaphore("s"))`,
	"session":      `local s = session() use(s.storage, function() s.storage.x = new_shared_object{y = 1} end) use(s.storage.x, function() s.storage.x.y = 2 end) return 1, s.id .. s.info.state .. tostring(s.storage.x.y) .. tostring(session_storage("no")) .. current_user()`,
	"fault":        `local x = nil return x.y`,
	"nonsense":     `return "yes"`,
	"nothing":      `if select(1, ...) == 1 then return end return 5`,
}

// A recording that is rehearsed on the scripts that made it gives what was recorded.
func TestRehearsalIsTheSame(t *testing.T) {
	for name, policy := range policies {
		t.Run(name, func(t *testing.T) {
			e := mustLoad(t, scripts{"on_server_open_connection.lua": policy, "loop.lua": "delay_process(current_process(), 60)"})
			var all []*recording.Recording
			for range 4 {
				all = append(all, e.record(session.DesignerUser, "10.0.0.7:5000"), e.record(session.User{Number: 12, Name: "ann"}, "10.0.0.8:5000"))
			}
			e.expectSame(all)
		})
	}
}

// dataPolicies read and write rows.
var dataPolicies = map[string]string{
	"count":       `local user, id = ... ds.visits:new{user = user, at = current_time()}:save() local n = ds.visits:count("user = :1", user) if n > 1 then return n, "again" end`,
	"query":       `local user, id = ... for v in ds.visits:query("user = :1 order by id desc", user):each() do if v.id > 0 then v.at = v.at + 1 v:save() end end local n = ds.visits:new{user = user, at = 5, note = {a = {1, 2}, b = "x"}} n:save() return n.id, tostring(ds.visits:get(n.id).note.b)`,
	"transaction": `local user = ... start_transaction() local v = ds.visits:new{user = user, at = 1} v:save() local id = v.id cancel_transaction() return sequence_number("visits"), tostring(v.id) .. tostring(v:is_new()) .. tostring(in_transaction()) .. ds.visits:all().length`,
	"missing":     `local v, why, code = ds.visits:new{user = "x", id = 1}:save() local w, why2, code2 = ds.visits:new{id = 1, user = 4, at = 3}:save() return 3, tostring(why) .. tostring(why2) .. tostring(ds.visits:get(77))`,
	"aggregate":   `local user = ... ds.visits:new{user = user, at = 7}:save() local all = ds.visits:all() return all:sum("at"), tostring(all:max("id")) .. tostring(all:order_by("id desc"):first().id) .. all:slice(0, 1).length`,
	"lock":        `local v = ds.visits:get(1) if not v then ds.visits:new{id = 1, user = 1, at = 1}:save() return end v:lock() v.at = v.at + 1 v:save() v:reload() v:unlock() return v.at`,
}

const visits = `return {visits = {{"id", "integer", primary = true, sequence = true}, {"user", "integer"}, {"at", "integer"}, {"note", "object"}}}`

// Rows of data are answered as they were read.
func TestRehearsalOfDataIsTheSame(t *testing.T) {
	for name, policy := range dataPolicies {
		t.Run(name, func(t *testing.T) {
			e := mustLoad(t, scripts{"on_server_open_connection.lua": policy, "structure.lua": visits})
			e.openData()
			e.expectSame([]*recording.Recording{
				e.record(session.DesignerUser, "10.0.0.7:5000"), e.record(session.User{Number: 12, Name: "ann"}, "10.0.0.8:5000"),
				e.record(session.DesignerUser, "10.0.0.7:5000"), e.record(session.User{Number: 12, Name: "ann"}, "10.0.0.8:5000"),
			})
		})
	}
}

// openData gives the host a data store.
func (e *engine) openData() {
	e.t.Helper()
	store, err := datastore.Open(context.Background(), datastore.Config{
		Path: filepath.Join(e.t.TempDir(), "data.sqlite"), Structure: e.Structure(), Durability: datastore.Normal,
	})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { store.Close() })
	e.SetData(host.Data{Store: store})
}

// expectSame rehearses recordings on the scripts that made them.
func (e *engine) expectSame(all []*recording.Recording) {
	e.t.Helper()
	r := mustRehearse(e.t, e.folder)
	for i, one := range all {
		if got, _ := r.Rehearse(one, recording.RehearseOptions{}); show(got) != show(one.Outcome) {
			e.t.Errorf("connection %d, without reads: got %s, want %s", i, show(got), show(one.Outcome))
		}
		got, reads := r.Rehearse(one, recording.RehearseOptions{Reads: true})
		if show(got) != show(one.Outcome) || got.Line != one.Outcome.Line && one.Outcome.Line != "" {
			e.t.Errorf("connection %d: got %s %s, want %s %s\n%s", i, show(got), got.Line, show(one.Outcome), one.Outcome.Line, what(one.Reads))
		}
		if more := one.Outcome.Steps - got.Steps; more < 0 || more > 100 { // what the first parsing of a query is charged
			e.t.Errorf("connection %d: got %d steps, want %d", i, got.Steps, one.Outcome.Steps)
		}
		if got, want := what(reads), what(one.Reads); got != want {
			e.t.Errorf("connection %d: read\n%s\nwant\n%s", i, got, want)
		}
	}
}
