package luabind_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moongate/luabind"
	"moongate/runtime/datastore"
	"moongate/runtime/recording"
	"moongate/runtime/session"
	"moongate/runtime/wire"
)

// What another set of scripts than the one that was recorded decides: from what the recording has, or nobody can say.
func TestRehearsalOfOtherScripts(t *testing.T) {
	const recorded = `
local n = count_connections()
local now = current_time()
local ok = rate_limit("a", 5, 1)
local r = math.random()
use(storage, function() storage.s = storage.s or new_shared_object{n = 0} end)
use(storage.s, function() storage.s.n = storage.s.n + 1 end)
interprocess.n = (interprocess.n or 0) + 1
interprocess.f = interprocess.f or function() end
local f = interprocess.f
local info = connection_info()
return 0`
	for name, c := range map[string]struct{ policy, want string }{
		"fewer reads":               {`return count_connections() + 6`, "refused 7"},
		"more of the same":          {`return count_connections() + count_connections()`, "refused 2"},
		"other arguments":           {`return count_connections{user = 1}`, `cannot say 0  count_connections({user = 1})`},
		"a command that was not":    {`return count_tasks()`, `cannot say 0  count_tasks()`},
		"the clock, anyhow":         {`return between_times("00:00", "24:00") and 5 or 6`, "refused 5"},
		"the clock in other words":  {`return tonumber(os.date("%Y")) > 2000 and 5 or 6`, "refused 5"},
		"a rate twice":              {`rate_limit("a", 5, 1) return rate_limit("a", 5, 1) and 1 or 2`, `cannot say 0  rate_limit("a", 5, 1)`},
		"random numbers twice":      {`math.random() return math.random(5)`, "cannot say 0  a random number"},
		"pcall does not help":       {`local ok = pcall(count_tasks) return ok and 1 or 2`, "cannot say 0  count_tasks()"},
		"nor a coroutine":           {`return coroutine.wrap(function() return count_tasks() end)()`, "cannot say 0  count_tasks()"},
		"storage":                   {`return storage.s.n + 5`, "refused 6"}, // the second connection's is 1
		"storage that was not":      {`return storage.s.m`, "cannot say 0  storage.s.m"},
		"storage by itself":         {`use(storage.s, function() storage.s.n = 41 storage.s.m = 1 end) return storage.s.n + storage.s.m`, "refused 42"},
		"storage without use":       {`storage.s.n = 1`, `failed 0  on_server_open_connection.lua:1: `},
		"all of storage":            {`for k in pairs(storage) do end`, "cannot say 0  all of storage"},
		"interprocess":              {`return interprocess.n + 8`, "refused 9"},
		"interprocess that was not": {`return interprocess.m`, "cannot say 0  interprocess.m"},
		"interprocess of its own":   {`interprocess.m = {1, 2} interprocess.m[3] = 4 return #interprocess.m + interprocess.m[3]`, "refused 7"},
		"all of interprocess":       {`return next(interprocess)`, "cannot say 0  all of interprocess."},
		"a function":                {`return interprocess.f()`, "cannot say 0  interprocess.f"},
		"facts":                     {`local i = connection_info() return 5, i.address .. i.user_name .. tostring(i.gate) .. i.local_port`, "refused 5 10.0.0.7annnil19813"},
		"other connections":         {`return connection_info(3) and 1`, "cannot say 0  connection_info(3)"},
		"users":                     {`return 5, current_user() .. user_name(12)`, "refused 5 annann"},
		"other users":               {`return user_name(13)`, "cannot say 0  user_name(13)"},
		"data without tables":       {`return ds.visits:count()`, "failed 0  on_server_open_connection.lua:1: there is no data: declare tables"},
		"acts":                      {`print("x") quit_4d() call_worker("w", "m") drop_remote_user("x") delay_process(current_process and 1, 60) reject_new_remote_connections(true) return 5`, "refused 5"},
		"a process of its own":      {`local n = new_process("other", 0) return n > 0 and 5 or 6`, "refused 5"},
		"parameters":                {`local user, connection, zero = ... return user, tostring(connection > 0) .. zero`, "refused 12 true0"},
		"nonsense":                  {`return {}`, "failed 0  on_server_open_connection.lua:1: returned a table; return 0 or nothing to accept, another integer (32 bits) to refuse"},
		"a loop":                    {`while true do end`, "failed 0  on_server_open_connection.lua:1: the method ran longer than it may (5s)"},
		"a project method":          {`return other()`, "refused 8"},
		"a document":                {`return open_document("a")`, `cannot say 0  open_document("a")`},
		"a semaphore":               {`return semaphore("a") and 1`, `cannot say 0  semaphore("a")`},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "a loop" && testing.Short() {
				t.Skip("it takes as long as a method may")
			}
			e := mustLoad(t, scripts{"on_server_open_connection.lua": recorded})
			e.record(session.User{Number: 12, Name: "ann"}, "10.0.0.7:5000")
			one := e.record(session.User{Number: 12, Name: "ann"}, "10.0.0.7:5000")
			other := t.TempDir()
			scripts{"on_server_open_connection.lua": c.policy, "other.lua": "return 8"}.write(t, other)
			got, _ := mustRehearse(t, other).Rehearse(one, recording.RehearseOptions{})
			if !strings.HasPrefix(show(got), c.want) {
				t.Errorf("got %s, want %s", show(got), c.want)
			}
			if got.Verdict == recording.CannotSay && got.Line != "on_server_open_connection.lua:1" {
				t.Errorf("got line %q", got.Line)
			}
		})
	}
}

// A recording that was made by strangers, or cut, does no harm.
func TestRehearsalOfNonsense(t *testing.T) {
	e := mustLoad(t, scripts{"on_server_open_connection.lua": readsLittle + `
use(storage, function() storage.a = storage.a or new_shared_object{} end) use(storage.a, function() storage.a.l = new_shared_collection(1) storage.a.n = 1 end)
local x, y, z = storage.a.l[1], #storage.a.l, storage.a.l:pop() for k, v in pairs(storage.a) do end ob_copy(storage.a)
interprocess.t = interprocess.t or {} for k, v in pairs(interprocess.t) do end math.random() session() connection_info(4) os.clock()
ds.visits:new{user = 1}:save() for v in ds.visits:query("user > 0"):each() do v.user = 2 v:save() end ds.visits:count() ds.visits:all():sum("id") ds.visits:get(1)`, "structure.lua": visits})
	e.openData()
	one := e.record(session.DesignerUser, "192.168.0.7:5000")
	one2 := e.record(session.DesignerUser, "10.0.0.7:5000")
	r := mustRehearse(t, e.folder)
	values := [][]any{nil, {}, {nil}, {"x"}, {1.5, "y", nil}, {[]any{}}, {wire.Map{}}, {wire.Map{{Key: "as", Value: int64(3)}}}, {true, nil}, {true, []any{nil}},
		{true, []any{[]any{"id"}, []any{int64(1)}}}, {true, []any{[]any{"id"}, []any{int64(1), "no"}}}, {false, "x", "y"}, {false, nil, nil},
		{wire.Map{{Key: int64(1), Value: "storage.a.l"}}}, {wire.Map{{Key: int64(77), Value: nil}}}, {wire.Map{{Key: nil, Value: nil}}}, {int64(1) << 62, int64(1) << 62}, {true, wire.Map{{Key: int64(9), Value: 1.0}}}}
	for _, original := range []*recording.Recording{one, one2} {
		for i := range original.Reads {
			for _, v := range values {
				changed := *original
				changed.Reads = append([]recording.Read(nil), original.Reads...)
				changed.Reads[i].Value, _ = wire.Pack(v)
				if v == nil {
					changed.Reads[i].Value = []byte("no list")
				}
				got, _ := r.Rehearse(&changed, recording.RehearseOptions{Reads: true})
				if strings.Contains(got.Fault, "interface conversion") || strings.Contains(got.Fault, "runtime error") {
					t.Errorf("%s(%s) = %v: got %s", original.Reads[i].What, original.Reads[i].Key, v, show(got))
				}
			}
		}
		cut := *original
		for n := range original.Reads {
			cut.Reads, cut.Cut = original.Reads[:n], true
			if got, _ := r.Rehearse(&cut, recording.RehearseOptions{}); got.Verdict != recording.CannotSay && got.Lacks == "" && !got.Same(original.Outcome) {
				t.Errorf("cut after %d reads: got %s", n, show(got))
			}
		}
		if got, _ := r.Rehearse(original, recording.RehearseOptions{}); !got.Same(original.Outcome) {
			t.Errorf("after nonsense: got %s, want %s", show(got), show(original.Outcome))
		}
	}
	empty := &recording.Recording{}
	if got, _ := r.Rehearse(empty, recording.RehearseOptions{}); got.Verdict != recording.CannotSay {
		t.Errorf("an empty recording: got %s, want cannot say", show(got))
	}
}

// What the recording lacks a live rehearsal answers as a fresh host does.
func TestLiveRehearsal(t *testing.T) {
	folder, data := t.TempDir(), t.TempDir()
	scripts{"on_server_open_connection.lua": `
local user, id = ...
local info = connection_info()
use(storage, function() storage.s = storage.s or new_shared_object{n = 0} end)
use(storage.s, function() storage.s.n = storage.s.n + 1 end)
interprocess.n = (interprocess.n or 0) + 1
local limited = rate_limit("a", 1, 60)
local visit = ds.visits:new{user = user}
visit:save()
return count_connections() + 100 * storage.s.n + 1000 * interprocess.n, info.user_name .. info.address .. tostring(limited) .. current_time() .. ds.visits:count() .. tostring(info.subject) .. connection_info(id).connection .. (math.random() < 1 and "r" or "")`,
		"structure.lua": visits}.write(t, folder)
	tables, err := luabind.ReadStructure(folder)
	if err != nil {
		t.Fatal(err)
	}
	store, err := datastore.Open(context.Background(), datastore.Config{Path: filepath.Join(data, "data.sqlite"), Structure: tables})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r, err := luabind.Rehearse(recording.RehearsalConfig{Folder: folder, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ask := &recording.Recording{Connection: 7, User: 12, UserName: "ann", Address: mustAddress("10.0.0.7:5000"), Local: mustAddress("127.0.0.1:19813"),
		Facts: `{"subject":"ann@example","tls_version":"1.3"}`, Opened: time.Date(2026, 3, 1, 3, 0, 0, 0, time.Local), Began: time.Date(2026, 3, 1, 3, 0, 0, 0, time.Local)}
	for _, connection := range []string{"7", "8"} { // the first leaves nothing for the second, but its number
		got, reads := r.Rehearse(ask, recording.RehearseOptions{Live: true, Reads: true})
		if want := "refused 1101 ann10.0.0.7true108000ann@example" + connection + "r"; show(got) != want {
			t.Errorf("got %s, want %s", show(got), want)
		}
		if len(reads) < 8 || got.Steps < 10 || got.Took <= 0 {
			t.Errorf("got %d reads, %d steps, took %v", len(reads), got.Steps, got.Took)
		}
	}
	if _, err := luabind.Rehearse(recording.RehearsalConfig{Folder: folder, Data: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "there is no database") {
		t.Errorf("got %v, want an error", err)
	}
}

// A live rehearsal finds what the startup method has set, and says where that could not go on.
func TestLiveRehearsalAfterStartup(t *testing.T) {
	const startup = `
print("starting")
interprocess.n = 4
use(storage, function() storage.limits = new_shared_object{guest = 2} end)
delay_process(current_process(), 600)
mine = 1
`
	for name, c := range map[string]struct{ startup, verdict, said string }{
		"ends":  {startup, "refused 6 nil", "opening"},
		"fails": {startup + "error'no'", "refused 6 nil", "on_server_startup failed, and was left there: on_server_startup.lua:7: no; opening"},
		"lacks": {startup + "ds.visits:count()", "refused 6 nil", "on_server_startup.lua:7: on_server_startup was left here: nobody can say what it would get of data, of which there is none here: count visits; opening"},
		"quits": {startup + "quit_4d()", "refused 6 nil", "opening"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			scripts{"on_server_startup.lua": c.startup, "structure.lua": visits, "on_server_open_connection.lua": `print("opening")
interprocess.n = interprocess.n + 2 - storage.limits.guest
return interprocess.n + storage.limits.guest, tostring(mine)`}.write(t, folder)
			var said []string
			r, err := luabind.Rehearse(recording.RehearsalConfig{Folder: folder, Say: func(line string) { said = append(said, line) }})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			for range 2 { // the first leaves nothing for the second
				said = nil
				got, reads := r.Rehearse(&recording.Recording{Connection: 1, User: 1, Opened: time.Now(), Began: time.Now()}, recording.RehearseOptions{Live: true, Reads: true})
				if show(got) != c.verdict {
					t.Errorf("got %s, want %s", show(got), c.verdict)
				}
				if got := strings.Join(said, "; "); got != c.said {
					t.Errorf("said %q, want %q", got, c.said)
				}
				if len(reads) == 0 || reads[0].What != "interprocess" || reads[0].Key != "n" || reads[0].Unpacked()[0] != any(int64(4)) {
					t.Errorf("got reads %v, want interprocess.n, 4, first", reads)
				}
			}
		})
	}
}

// What others have made meanwhile of a name that the call has written is there when it reads the whole table.
func TestRehearsalOfATableThatOthersChange(t *testing.T) {
	e := mustLoad(t, scripts{
		"on_server_open_connection.lua": `
interprocess.h = interprocess.h or {}
interprocess.done = false
interprocess.h.a = 1
new_process("other", 0)
repeat delay_process(current_process(), 1) until interprocess.done
local sum = 0
for name, n in pairs(interprocess.h) do sum = sum + n end
return 1, tostring(sum)`,
		"other.lua": "interprocess.h.a = interprocess.h.a + 5 interprocess.h.b = 7 interprocess.done = true",
	})
	all := []*recording.Recording{e.record(session.DesignerUser, "10.0.0.7:5000"), e.record(session.DesignerUser, "10.0.0.7:5000")}
	if got, want := show(all[0].Outcome), "refused 1 13"; got != want {
		t.Fatalf("recorded %s, want %s", got, want)
	}
	e.expectSame(all)
}
