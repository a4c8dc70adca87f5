package host_test

import (
	"maps"
	"testing"
	"time"

	"moongate/runtime/host"
)

// serveData is serveLinks with a table, and a row in it whose key is 1.
func serveData(t *testing.T, do func(t *testing.T, s *server, r *remoteClient)) {
	t.Helper()
	f := maps.Clone(policyOfLinks)
	f["structure.lua"] = `return { jobs = { { "id", "integer", primary = true }, { "text", "text" } } }`
	f["begin.lua"] = `start_transaction() ds.jobs:new{id = 7, text = "unfinished"}:save() return transaction_level()`
	f["has.lua"] = `return ds.jobs:get((...)) ~= nil`
	f["lock.lua"] = `local e = ds.jobs:get((...)) return e:lock().success`
	serveWith(t, f, func(c *host.Config) { c.SessionTimeout = 15 * time.Minute }, func(t *testing.T, s *server) {
		r := s.announce()
		if reply := r.application.say("DATA", "save", packed(int64(0), "jobs", nil, int64(0), []any{"id", "text"}, []any{int64(1), "one"})); reply[0] == '-' {
			t.Fatalf("save: got %q", reply)
		}
		do(t, s, r)
	})
}

// DATA makes a process for data, and calls nothing.
func TestTheDataTwin(t *testing.T) {
	serveData(t, func(t *testing.T, s *server, r *remoteClient) {
		c := r.join(2, "P_2")
		c.expectSaid(":1\r\n", "DATA", "count", packed(int64(0), "jobs", nil, []any{}))
		expect(t, "open calls", s.count("open"), 1)
		twin := s.Processes().Named("P_2")
		if twin == nil {
			t.Fatal("there is no data twin")
		}
		expect(t, "session of the twin", twin.Session(), r.session)
		expect(t, "preemptive", twin.Preemptive(), true)
		c.expectSaid("*1\r\n#t\r\n", "CALLV", "has", packed(int64(1)))
		expect(t, "open calls", s.count("open"), 2)
		c.expectSaid("+OK\r\n", "QUIT")
		expect(t, "processes when it has gone", s.Processes().Named("P_2"), nil)
	})
}

// Both twins of a client process have the same transaction and the same locks.
func TestTheTwinsHaveTheSameData(t *testing.T) {
	serveData(t, func(t *testing.T, s *server, r *remoteClient) {
		for _, c := range []*client{r.application, r.join(2, "P_2")} {
			c.expectSaid("*1\r\n:1\r\n", "CALLV", "begin", packed())
			c.expectSaid(":2\r\n", "DATA", "count", packed(int64(1), "jobs", nil, []any{}))
			c.expectSaid(":0\r\n", "DATA", "cancel", packed(int64(1), int64(0)))
			c.expectSaid("*1\r\n#f\r\n", "CALLV", "has", packed(int64(7)))
		}
	})
}

// Who dies without a word loses its transaction and its locks when the grace is over; before that others have to wait.
func TestALostLinkLeavesNoLock(t *testing.T) {
	serveData(t, func(t *testing.T, s *server, r *remoteClient) {
		c := r.join(2, "P_2")
		c.expectSaid("_\r\n", "DATA", "lock", packed(int64(0), "jobs", int64(1)))
		c.cut()
		time.Sleep(4 * time.Second)
		if got := r.application.say("DATA", "lock", packed(int64(0), "jobs", int64(1))); got[0] != '-' {
			t.Errorf("lock while another has it: got %q, want an error", got)
		}
		time.Sleep(time.Second)
		expect(t, "links", r.links(), "1:served")
		r.application.expectSaid("_\r\n", "DATA", "lock", packed(int64(0), "jobs", int64(1)))
		expect(t, "close calls for a client process without language", s.count("close"), 0)
	})
}

// What a client that has gone left unfinished is undone before its close method runs.
func TestTheCloseMethodSeesNothingUnfinished(t *testing.T) {
	serveData(t, func(t *testing.T, s *server, r *remoteClient) {
		r.application.say("CALLV", "begin", packed())
		r.application.silence()
		time.Sleep(15 * time.Minute)
		expect(t, "session", r.state(), "over")
		other := s.announce()
		other.application.expectSaid("*1\r\n#f\r\n", "CALLV", "has", packed(int64(7)))
	})
}

// What the open method left open is the plain connection's until SESSION, and does not stay behind.
func TestASessionBeginsWithCleanData(t *testing.T) {
	f := files{
		"structure.lua":                 `return { jobs = { { "id", "integer", primary = true } } }`,
		"on_server_open_connection.lua": `start_transaction() ds.jobs:new{id = 7}:save()`,
	}
	serveWith(t, f, func(*host.Config) {}, func(t *testing.T, s *server) {
		r := s.announce()
		r.application.expectSaid(":0\r\n", "DATA", "level", packed(int64(0)))
		r.application.expectSaid(":0\r\n", "DATA", "count", packed(int64(0), "jobs", nil, []any{}))
	})
}
