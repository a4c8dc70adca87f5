package host_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/luabind"
	"moongate/runtime/document"
	"moongate/runtime/host"
	"moongate/runtime/journal"
)

// still opens shadows whose folders nobody watches.
func still(c host.ShadowConfig) (host.Scripts, error) {
	scripts, err := luabind.OpenShadow(c)
	if err != nil {
		return nil, err
	}
	return quiet{scripts}, nil
}

// shadowed is serve with a shadow of these files.
func shadowed(t *testing.T, real, shadow files, do func(t *testing.T, s *server)) {
	t.Helper()
	folder := shadow.write(t)
	serve(t, real, func(t *testing.T, s *server) {
		s.SetShadows(host.Shadows{Open: still})
		if err := s.ShadowOn(folder); err != nil {
			t.Fatal(err, s.err)
		}
		do(t, s)
	})
}

// counts are what the shadow has found when it has nothing to do any more.
func (s *server) counts() host.ShadowCounts {
	s.t.Helper()
	for range 1000 {
		synctest.Wait()
		r, ok := s.Shadow()
		if !ok {
			s.t.Fatal("there is no shadow")
		}
		if r.Queued == 0 {
			return r.Counts
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatal("the shadow does not come to an end")
	return host.ShadowCounts{}
}

func TestShadowDiffers(t *testing.T) {
	real := files{"on_server_open_connection.lua": `
local _, id = ...
if id == 2 then return 403, "no" end
if id == 4 then return 403, "no" end
if id == 6 then error("broken") end
return 0`}
	shadow := files{"on_server_open_connection.lua": `
local _, id = ...
if id == 1 then return 429, "too many" end
if id == 4 then return 403, "not you" end
if id == 5 then return oops.x end
if id == 7 then return 0, nil, { idle_timeout = 60 } end
return 0`}
	shadowed(t, real, shadow, func(t *testing.T, s *server) {
		for range 7 {
			s.connect()
		}
		expect(t, "counts", s.counts(), host.ShadowCounts{Same: 1, Refuses: 1, Accepts: 2, Other: 2, Failed: 1})
		r, _ := s.Shadow()
		var said []string
		for _, e := range r.Examples {
			said = append(said, string(e.Difference)+": "+e.Verdict+" / "+e.Shadow)
		}
		expect(t, "examples", said, []string{
			"other code, reason or limits: accepted (on_server_open_connection.lua:6) / accepted with idle_timeout = 60 (on_server_open_connection.lua:6)",
			"refuse to accept: refused -10515 the policy failed (a fault of on_server_open_connection) / accepted (on_server_open_connection.lua:7)",
			"failed: accepted (on_server_open_connection.lua:6) / failed: on_server_open_connection.lua:5: attempt to index a non-table object(nil) with key 'x'",
			"other code, reason or limits: refused 403 no (on_server_open_connection.lua:4) / refused 403 not you (on_server_open_connection.lua:4)",
			"refuse to accept: refused 403 no (on_server_open_connection.lua:3) / accepted (on_server_open_connection.lua:7)",
			"accept to refuse: accepted (on_server_open_connection.lua:6) / refused 429 too many (on_server_open_connection.lua:3)",
		})
		expect(t, "lines", len(s.log.with("shadow differs")), 6)
	})
}

func TestShadowIsIsolated(t *testing.T) {
	real := files{
		"on_server_startup.lua":         `interprocess.n = 100; use(storage, function() storage.n = new_shared_object{ v = 100 } end)`,
		"on_server_open_connection.lua": `interprocess.n = interprocess.n + 1; return 0`,
		"look.lua":                      `return interprocess.n, storage.n.v, semaphore("mine"), rate_limit("k", 1, 1000)`,
		"work.lua":                      `print(">", "worked")`,
	}
	shadow := files{
		"on_server_startup.lua": `interprocess.n = 5; use(storage, function() storage.n = new_shared_object{ v = 5 } end)`,
		"on_server_open_connection.lua": `
local user, id = ...
semaphore("mine")
rate_limit("k", 1, 1000)
interprocess.n = interprocess.n + 1
use(storage.n, function() storage.n.v = storage.n.v + 1 end)
assert(new_process("work", 0) > 0)
assert(not pcall(new_process, "nowhere", 0))
call_worker("w", "work")
quit_4d()
drop_remote_user(connection_info().session_id)
reject_new_remote_connections(true)
set_user_alias("shade")
abort_process_by_id(process_info(1).id)
pause_process(1)
assert(current_user() == "shade")
assert(connection_info(id).user_name == "shade")
assert(connection_info().process == current_process())
assert(process_info(current_process()).name == "", "own name")
assert(process_number("Main process") == 1)
assert(set_process_variable(1, "x", 1) == nil)
assert(session().storage and session_storage(session().id))
return interprocess.n * 1000 + storage.n.v`,
		"work.lua": `print(">", "shadow worked")`,
	}
	shadowed(t, real, shadow, func(t *testing.T, s *server) {
		c := s.connectAccepted()
		expect(t, "counts", s.counts(), host.ShadowCounts{Refuses: 1})
		r, _ := s.Shadow()
		expect(t, "shadow", r.Examples[0].Shadow, "refused 6006 (on_server_open_connection.lua:23)")
		c.expectReply("CALL look", "*4\r\n:101\r\n:100\r\n:0\r\n:1\r\n")
		s.expectNotes()
		expect(t, "refuses new", s.Sessions().RefusesNew(), false)
		expect(t, "processes", s.Processes().Count(nil), 3)
		expect(t, "alias", c.connection().Alias(), "")
		if s.stopped() {
			t.Error("the shadow has stopped the host")
		}
	})
}

func TestShadowCountsTheConnectionItself(t *testing.T) {
	real := files{"on_server_open_connection.lua": `if count_connections() ~= 1 or count_users() ~= 1 then return 1 end return 7`}
	shadow := files{"on_server_open_connection.lua": `
return count_connections() * 10000 + count_users() * 1000 + count_connections{ address = "192.0.2.1" } * 100 + count_connections{ user = 1 } * 10 +
  count_connections{ network = "10.0.0.0/8" }`}
	shadowed(t, real, shadow, func(t *testing.T, s *server) {
		s.connect()
		s.counts()
		r, _ := s.Shadow()
		expect(t, "verdict", r.Examples[0].Verdict, "refused 7 (on_server_open_connection.lua:1)")
		expect(t, "shadow", r.Examples[0].Shadow, "refused 11110 (on_server_open_connection.lua:2)")
	})
}

func TestShadowClosesToo(t *testing.T) {
	real := files{"on_server_open_connection.lua": `local _, id = ... return id == 3 and 5 or 0`}
	shadow := files{
		"on_server_open_connection.lua":  `interprocess.n = (interprocess.n or 0) + 1; mine = interprocess.n; return mine > 2 and 429 or 0`,
		"on_server_close_connection.lua": `assert(mine); interprocess.n = interprocess.n - 1`,
	}
	shadowed(t, real, shadow, func(t *testing.T, s *server) {
		for range 2 { // one after the other
			c := s.connectAccepted()
			s.counts()
			c.conn.Close()
			s.counts()
		}
		s.connect() // refused by the host, and open to the shadow: it closes at once
		expect(t, "counts", s.counts(), host.ShadowCounts{Same: 2, Accepts: 1})
		for range 3 { // at once
			s.connectAccepted()
		}
		expect(t, "counts", s.counts(), host.ShadowCounts{Same: 4, Accepts: 1, Refuses: 1})
	})
}

func TestShadowThatWaitsHoldsNobodyUp(t *testing.T) {
	real := files{"on_server_open_connection.lua": `return 0`}
	shadow := files{"on_server_open_connection.lua": `
local _, id = ...
if id == 1 then delay_process(current_process(), 240) return 9 end
if id == 2 then while true do delay_process(current_process(), 60) end end
return 0`}
	shadowed(t, real, shadow, func(t *testing.T, s *server) {
		for range 3 {
			s.connectAccepted()
		}
		expect(t, "at once", s.counts(), host.ShadowCounts{Same: 1})
		time.Sleep(4 * time.Second)
		expect(t, "after 4 s", s.counts(), host.ShadowCounts{Same: 1, Refuses: 1})
		time.Sleep(time.Second)
		expect(t, "after 5 s", s.counts(), host.ShadowCounts{Same: 1, Refuses: 1, Failed: 1})
	})
}

func TestShadowEndsInTheMiddle(t *testing.T) {
	real := files{"on_server_open_connection.lua": `return 0`}
	shadow := files{"on_server_open_connection.lua": `pause_process(current_process()) return 1`}
	shadowed(t, real, shadow, func(t *testing.T, s *server) {
		s.connectAccepted()
		s.counts()
		r, err := s.ShadowOff()
		expect(t, "error", err, nil)
		expect(t, "counts", r.Counts, host.ShadowCounts{NotAsked: 1})
		_, err = s.ShadowOff()
		expect(t, "error", err, host.ErrNoShadow)
		s.connectAccepted()
	})
}

func TestPromote(t *testing.T) {
	real := files{"on_server_open_connection.lua": `return 0`}
	shadow := files{"on_server_open_connection.lua": `return 429, "full"`}
	shadowed(t, real, shadow, func(t *testing.T, s *server) {
		s.connectAccepted()
		expect(t, "counts", s.counts(), host.ShadowCounts{Refuses: 1})
		before := s.scripts.Folder()
		done, err := s.Promote()
		expect(t, "error", err, nil)
		expect(t, "before", done.Before, before)
		expect(t, "folder", s.scripts.Folder(), done.Folder)
		expect(t, "version", s.scripts.Version(), done.Version)
		s.connect().expectRefused("-REFUSED 429 full\r\n")
		if _, err := s.Promote(); err != host.ErrNoShadow {
			t.Errorf("got %v, want %v", err, host.ErrNoShadow)
		}
		file := filepath.Join(done.Folder, "on_server_open_connection.lua")
		if err := os.WriteFile(file, []byte("return 430"), 0o600); err != nil {
			t.Fatal(err)
		}
		expect(t, "reload", s.scripts.Reload(), nil)
		s.connect().expectRefused("-REFUSED 430\r\n")
	})
}

func TestShadowThatDoesNotLoad(t *testing.T) {
	broken := files{"on_server_open_connection.lua": `return (`}.write(t)
	serve(t, files{"on_server_open_connection.lua": `return 0`}, func(t *testing.T, s *server) {
		expect(t, "without", s.ShadowOn(broken), host.ErrNoShadows)
		s.SetShadows(host.Shadows{Open: still})
		err := s.ShadowOn(broken)
		if err == nil || !strings.HasPrefix(err.Error(), "on_server_open_connection.lua:1:") {
			t.Errorf("got %v, want the line", err)
		}
		if err := s.ShadowOn(filepath.Join(broken, "nowhere")); err == nil {
			t.Error("a folder that is not there was taken")
		}
		_, there := s.Shadow()
		expect(t, "there", there, false)
		s.connectAccepted()
	})
}

func TestShadowChangesNoDataAndNoDocuments(t *testing.T) {
	structure := `return { visits = { { "id", "integer", primary = true, sequence = true }, { "who", "text" } } }`
	real := files{
		"structure.lua":                 structure,
		"on_server_open_connection.lua": `ds.visits:new{ who = "real" }:save() local d = create_document("real.txt") send_packet(d, "one;two") close_document(d) return 0`,
		"look.lua":                      `return ds.visits:count(), ds.visits:all():first().who, test_path_name("real.txt"), test_path_name("new.txt"), sequence_number("visits")`,
	}
	shadow := files{"structure.lua": structure, "on_server_open_connection.lua": `
local n = ds.visits:count()
local new = ds.visits:new{ who = "shadow" }
assert(new:save() and new.id > 2 ^ 39 and not new:is_new())
new.who = "again"
assert(new:save())
local first = ds.visits:get(1)
first.who = "changed"
assert(first:save() and first:lock() and first:unlock())
assert(start_transaction())
assert(first:drop())
assert(cancel_transaction())
assert(first:save() == true and first:drop() == true)
assert(ds.visits:all():drop() == n)
assert(sequence_number("visits") > 2 ^ 39)
assert(not pcall(function() ds.visits:new{ id = "no number" } end))
assert(ds.visits:new{ id = 1 }:save() == nil, "the key is taken")

local d = assert(create_document("new.txt"))
assert(send_packet(d, "text") and receive_packet(d, 4) == nil and close_document(d))
assert(close_document(d) == nil)
assert(create_document("../new.txt") == nil)
assert(append_document("real.txt"))
d = assert(open_document("real.txt"))
assert(receive_packet(d, ";") == "one")
assert(send_packet(d, "no") and close_document(d))
assert(open_document("new.txt") == nil)
assert(delete_document("real.txt") and delete_document("new.txt") == nil)
return 100 + n`}
	folder, data := shadow.write(t), t.TempDir()
	serve(t, real, func(t *testing.T, s *server) {
		s.SetData(host.Data{Store: s.Store(), Documents: document.New(data)})
		s.SetShadows(host.Shadows{Open: still, Documents: document.New(data)})
		expect(t, "error", s.ShadowOn(folder), nil)
		c := s.connectAccepted()
		s.counts()
		r, _ := s.Shadow()
		expect(t, "shadow", r.Examples[0].Shadow, "refused 101 (on_server_open_connection.lua:29)")
		c.expectReply("CALL look", "*5\r\n:1\r\n$4\r\nreal\r\n:1\r\n:-43\r\n:2\r\n")
	})
}

// What the verdict has asked of the host is answered to the shadow in the same way, although the host has changed since.
func TestShadowHearsWhatTheVerdictHeard(t *testing.T) {
	policy := `
local _, id = ...
if id == 1 and count_connections() > 1 then return 429 end
return 0`
	folder := files{
		"on_server_startup.lua":         `delay_process(current_process(), 60)`,
		"on_server_open_connection.lua": policy,
	}.write(t)
	for record, want := range map[bool]host.ShadowCounts{true: {Same: 2}, false: {Same: 1, Refuses: 1}} {
		change := func(c *host.Config) { c.Record, c.Session = record, "S-1" }
		serveWith(t, files{"on_server_open_connection.lua": policy}, change, func(t *testing.T, s *server) {
			s.SetData(host.Data{Journal: journal.Open(journal.Options{Folder: t.TempDir(), Session: "S-1", Log: slog.New(slog.DiscardHandler)})})
			s.SetShadows(host.Shadows{Open: still})
			expect(t, "error", s.ShadowOn(folder), nil)
			s.connectAccepted()
			s.connectAccepted()
			time.Sleep(2 * time.Second)
			expect(t, "counts", s.counts(), want)
		})
	}
}

// What the verdict has heard is for the open method: the close method asks anew.
func TestShadowsCloseMethodAsksAnew(t *testing.T) {
	open := `if count_connections() > 5 then return 429 end`
	folder := files{
		"on_server_open_connection.lua":  open,
		"on_server_close_connection.lua": `local _, id = ... if id == 1 then error("there are " .. count_connections()) end`,
	}.write(t)
	change := func(c *host.Config) { c.Record, c.Session = true, "S-1" }
	serveWith(t, files{"on_server_open_connection.lua": open}, change, func(t *testing.T, s *server) {
		s.SetData(host.Data{Journal: journal.Open(journal.Options{Folder: t.TempDir(), Session: "S-1", Log: slog.New(slog.DiscardHandler)})})
		s.SetShadows(host.Shadows{Open: still})
		expect(t, "error", s.ShadowOn(folder), nil)
		first := s.connectAccepted()
		s.connectAccepted()
		s.connectAccepted()
		expect(t, "counts", s.counts(), host.ShadowCounts{Same: 3})
		first.conn.Close()
		s.counts()
		synctest.Wait()
		lines := s.log.with("shadow failed")
		expect(t, "lines", len(lines), 1)
		if text := fmt.Sprint(lines[0].attrs["error"]); strings.Contains(text, "there are 1") {
			t.Errorf("got %s, want what is so when the connection ends", text)
		}
	})
}
