package host_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"moongate/runtime/front"
	"moongate/runtime/gate"
	"moongate/runtime/host"
	"moongate/runtime/session"
)

// both are methods that note what they are told.
var both = files{
	"on_server_open_connection.lua": `local user, connection, ignored = ...
local i = connection_info()
seen = "variable"
print(">", "open", connection, ignored, i.user_name, i.gate, i.upstream)
return 0`,
	"on_server_close_connection.lua": `local user, connection, ignored = ...
local i = connection_info()
print(">", "close", connection, ignored, seen, i.cause, i.ended_by, i.bytes_in, i.bytes_out)`,
}

func TestGateLeadsToItsUpstream(t *testing.T) {
	up := echo(t)
	s := serveGates(t, both, gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{up}})
	c := s.enter("g")
	say(t, c, "hello", "hello")
	report := s.Gates()[0]
	expect(t, "connections of the gate", report.Connections, 1)
	expect(t, "connections of the upstream", report.Upstreams[0].Live, int64(1))
	live := s.Sessions().Live()
	expect(t, "name of the twin", live[0].Process.Name(), "Gate g")
	expect(t, "upstream", live[0].Peer.Passage.Upstream(), up)
	c.(*net.TCPConn).CloseWrite()
	expect(t, "the client's end", end(t, c), "end")
	s.expectNotes("open 1 0 127.0.0.1 g nil", "close 1 0 variable client left client 6 6")
	report = s.Gates()[0]
	expect(t, "accepted", report.Accepted, int64(1))
	expect(t, "bytes in", report.In, int64(6))
	rows := s.rows()
	expect(t, "rows of the journal", len(rows), 1)
	r := rows[0]
	expect(t, "the journal's gate, upstream, cause and user", []string{r.Gate, r.Upstream, r.Cause, r.UserName}, []string{"g", up, "client left", "127.0.0.1"})
	expect(t, "the journal's bytes", []int64{r.BytesIn, r.BytesOut}, []int64{6, 6})
	expect(t, "the journal's user", r.User, int64(-1<<32-0x7f000001))
	expect(t, "the user's name by its number", s.UserName(session.UserNumber(r.User)), "127.0.0.1")
}

// TestCloseMethodIsOverBeforeTheClientSeesTheEnd holds the order at the end: the close method, then the end of file.
func TestCloseMethodIsOverBeforeTheClientSeesTheEnd(t *testing.T) {
	s := serveGates(t, files{"on_server_close_connection.lua": `delay_process(current_process(), 6) print(">", "closed")`},
		gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{echo(t)}})
	c := s.enter("g")
	c.(*net.TCPConn).CloseWrite()
	expect(t, "the end", end(t, c), "end")
	expect(t, "notes by then", s.notes(), []string{"closed"})
}

// TestRefusalAtAGate holds what a refused client gets: nothing, a message, or a reset; and that no upstream hears of it.
func TestRefusalAtAGate(t *testing.T) {
	up := upstream(t, func(*net.TCPConn) { t.Error("the upstream was connected") })
	refuse := files{"on_server_open_connection.lua": `return 403, "not you"`, "on_server_close_connection.lua": `print(">", "close")`}
	s := serveGates(t, refuse,
		gate.Definition{Name: "quiet", Listen: "127.0.0.1:0", Upstreams: []string{up}},
		gate.Definition{Name: "polite", Listen: "127.0.0.1:0", Upstreams: []string{up}, Front: front.Options{RefusalMessage: "go away\n"}},
		gate.Definition{Name: "rough", Listen: "127.0.0.1:0", Upstreams: []string{up}, Reset: true})
	for name, want := range map[string]string{"quiet": "end", "polite": "go away\nend"} {
		expect(t, name, end(t, s.enter(name)), want)
	}
	if rough, err := net.Dial("tcp", s.address("rough")); err == nil { // the reset may be there before the connection is
		expect(t, "rough", end(t, rough), "reset")
		rough.Close()
	} else if !strings.Contains(err.Error(), "reset") {
		t.Errorf("rough: %v", err)
	}
	s.Sessions().RefuseNew(true)
	expect(t, "by a check", end(t, s.enter("polite")), "go away\nend")
	rows := s.rows()
	expect(t, "rows", len(rows), 4)
	for _, r := range rows[:3] {
		expect(t, "code, reason and line of "+r.Gate, fmt.Sprint(r.Code, r.Reason, r.By), "403not youon_server_open_connection.lua:1")
	}
	expect(t, "the check", rows[3].By, "refusing new connections")
	expect(t, "the gate of the check", rows[3].Gate, "polite")
	expect(t, "notes", s.notes(), nil)
}

// TestEndsOfAPassage holds the cause of each way to end, as the close method and the journal have it, and what the client sees.
func TestEndsOfAPassage(t *testing.T) {
	reset := func(c *net.TCPConn) {
		io.ReadFull(c, make([]byte, 1))
		c.SetLinger(0)
	}
	led := func(s *gated) {
		s.until("it is led", func() bool {
			live := s.Sessions().Live()
			return len(live) == 1 && live[0].State() == session.Open && live[0].Peer.Passage.Upstream() != ""
		})
	}
	slow := upstream(t, func(c *net.TCPConn) { io.Copy(io.Discard, c) })
	down := nobody(t)
	for name, c := range map[string]struct {
		upstreams []string
		allow     []string
		terms     string // of the open method
		do        func(s *gated, c net.Conn)
		cause, by string
		end       string
	}{
		"client ends": {[]string{echo(t)}, nil, "", func(_ *gated, c net.Conn) { c.(*net.TCPConn).CloseWrite() }, "client left", "client", "end"},
		"client resets": {[]string{slow}, nil, "", func(s *gated, c net.Conn) {
			led(s) // before that nobody would have come
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}, "connection lost", "client", ""},
		"upstream closes first": {[]string{upstream(t, func(c *net.TCPConn) { io.WriteString(c, "bye") })}, nil, "", func(_ *gated, c net.Conn) {
			io.ReadAll(c) // to its end, or the client might be the first
			c.(*net.TCPConn).CloseWrite()
		}, "upstream left", "upstream", "end"},
		"upstream resets": {[]string{upstream(t, reset)}, nil, "", func(_ *gated, c net.Conn) { io.WriteString(c, "x") }, "upstream lost", "upstream", "reset"},
		"nobody listens":  {[]string{down}, nil, "", nil, "upstream refused", "upstream", "end"},
		"no such host":    {[]string{"no.such.host.invalid:1"}, nil, "", nil, "upstream unreachable", "upstream", "end"},
		"idle":            {[]string{slow}, nil, "{ idle_timeout = 0.05 }", nil, "idle", "server", "end"},
		"too long":        {[]string{slow}, nil, "{ max_duration = 0.05 }", nil, "over time", "server", "end"},
		"too much":        {[]string{slow}, nil, "{ max_bytes = 10 }", func(_ *gated, c net.Conn) { io.WriteString(c, "0123456789a") }, "over bytes", "server", ""},
		"dropped": {[]string{slow}, nil, "", func(s *gated, _ net.Conn) {
			led(s)
			s.DropConnection(1)
		}, "dropped", "server", "end"},
		"process aborted": {[]string{slow}, nil, "", func(s *gated, _ net.Conn) {
			led(s)
			s.Abort(s.Sessions().Live()[0].Process.Number(), 0)
		}, "process aborted", "server", "end"},
		"shutdown": {[]string{slow}, nil, "", func(s *gated, _ net.Conn) {
			led(s)
			s.stop()
		}, "shutdown", "server", "end"},
	} {
		t.Run(name, func(t *testing.T) {
			terms := c.terms
			if terms == "" {
				terms = "nil"
			}
			s := serveGates(t, files{
				"on_server_open_connection.lua":  "return 0, nil, " + terms,
				"on_server_close_connection.lua": `local i = connection_info() print(">", i.cause .. " by " .. i.ended_by)`,
			}, gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: c.upstreams})
			client := s.enter("g")
			if c.do != nil {
				c.do(s, client)
			}
			if c.end != "" {
				expect(t, "the client's end", end(t, client), c.end)
			}
			s.expectNotes(c.cause + " by " + c.by)
			rows := s.rows()
			expect(t, "rows", len(rows), 1)
			expect(t, "the journal's cause", rows[0].Cause, c.cause)
			expect(t, "the journal's upstream", rows[0].Upstream, c.upstreams[0])
		})
	}
}

func TestUpstreamsThatFailAreRetried(t *testing.T) {
	down, up := nobody(t), echo(t)
	s := serveGates(t, both, gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{down, up}},
		gate.Definition{Name: "once", Listen: "127.0.0.1:0", Upstreams: []string{down, up}, Retries: -1})
	for range 3 {
		c := s.enter("g")
		say(t, c, "hello", "hello")
		c.Close()
	}
	expect(t, "without another try", end(t, s.enter("once")), "end")
	s.until("all have ended", func() bool { return s.Sessions().Totals().Live == 0 })
	report := s.Gates()[0]
	expect(t, "failures of who is down", report.Upstreams[0].Failed, int64(1)) // then it is avoided
	expect(t, "why", strings.Contains(report.Upstreams[0].Problem, "refused"), true)
	expect(t, "those who were led to the other", report.Upstreams[1].Connected, int64(3))
}

// TestPolicyChoosesTheUpstream holds what the open method can choose, and that its variables live as long as the connection.
func TestPolicyChoosesTheUpstream(t *testing.T) {
	up := echo(t)
	s := serveGates(t, files{
		"on_server_open_connection.lua": `info = connection_info()
print(">", pcall(function() info.upstream = "10.9.9.9:1" end))
print(">", pcall(function() info.upsteam = "x" end))
print(">", pcall(function() info.upstream = 5 end))
print(">", pcall(function() info.address = "10.0.0.1" end))
print(">", pcall(rawset, info, "address", "10.0.0.1"))
local seen = {} for name, value in pairs(info) do seen[name] = value end
print(">", info.address, seen.address, rawget(info, "gate"))
info.upstream = "` + up + `"
print(">", info.upstream == "` + up + `")`,
		"on_server_close_connection.lua": `print(">", pcall(function() info.upstream = "` + up + `" end))
print(">", connection_info().upstream == "` + up + `")`,
	}, gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{nobody(t)}, Allow: []string{"127.0.0.0/8:*"}})
	c := s.enter("g")
	say(t, c, "hello", "hello")
	c.Close()
	s.expectNotes(
		"false on_server_open_connection.lua:2: the gate g does not allow the upstream 10.9.9.9:1; name it in the gate's allow",
		"false on_server_open_connection.lua:3: connection_info has no field upsteam that can be set; did you mean upstream?",
		"false on_server_open_connection.lua:4: upstream: host:port expected, got number",
		"false on_server_open_connection.lua:5: connection_info has no field address that can be set; only upstream can, in on_server_open_connection",
		"false connection_info is read-only",
		"127.0.0.1 127.0.0.1 g",
		"true",
		"false on_server_close_connection.lua:1: the upstream can only be chosen while on_server_open_connection decides",
		"true",
	)
}

// TestTermsThatAreWrongRefuse holds that a limit that is misspelt is a fault of the policy.
func TestTermsThatAreWrongRefuse(t *testing.T) {
	for terms, want := range map[string]string{
		"{ idle_timout = 1 }": "returned the limit idle_timout, which there is not; the limits are idle_timeout, max_duration, max_bytes, bytes_per_second and remote",
		"{ max_bytes = 0 }":   "returned the limit max_bytes = 0; a limit is a number above 0",
		"{ max_bytes = '9' }": `returned the limit max_bytes = the text "9"; a limit is a number above 0`,
		"{ max_bytes = 0/0 }": "returned the limit max_bytes = NaN; a limit is a number above 0",
		"'fast'":              `returned the text "fast" as the third result; it is a table of limits, as in { idle_timeout = 60 }`,
		"{ 60 }":              "returned a table as the third result; it is a table of limits, as in { idle_timeout = 60 }",
	} {
		t.Run(terms, func(t *testing.T) {
			s := serveGates(t, files{"on_server_open_connection.lua": "return 0, nil, " + terms},
				gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{echo(t)}})
			expect(t, "the end", end(t, s.enter("g")), "end")
			failed := s.log.with("script failed")
			expect(t, "faults", len(failed), 1)
			expect(t, "the fault", failed[0].attrs["error"], "on_server_open_connection.lua:1: "+want)
		})
	}
}

// TestGatesOpenAndCloseInScripts holds open_gate and close_gate.
func TestGatesOpenAndCloseInScripts(t *testing.T) {
	up := echo(t)
	s := serveGates(t, files{
		"on_server_startup.lua": `open_gate{ name = "g", listen = "127.0.0.1:0", upstream = "` + up + `" }
print(">", pcall(open_gate, { listen = "127.0.0.1:0", upstreem = "x:1" }))
print(">", pcall(open_gate, { listen = "127.0.0.1:0", upstream = {} }))
print(">", pcall(open_gate, { listen = "127.0.0.1:0", upstream = "x:1", tls = { certifcate = "a" } }))
print(">", pcall(open_gate, { listen = "127.0.0.1:0", upstream = "x:1", balance = "fair" }))
print(">", pcall(open_gate, { name = "g", listen = "127.0.0.1:0", upstream = "127.0.0.1:1" }))
print(">", close_gate("h"))`,
		"on_server_open_connection.lua":  `gates = count_connections{ gate = "g" } print(">", gates, count_connections{ gate = "h" }, count_connections{ gate = "g", user = (...) })`,
		"on_server_close_connection.lua": `print(">", close_gate("g"))`,
	})
	c := s.enter("g")
	say(t, c, "hello", "hello")
	address := s.address("g")
	c.Close()
	s.expectNotes(
		"false open_gate: there is no field upstreem; did you mean upstream?",
		"false open_gate: upstream: an empty list",
		"false open_gate: tls: there is no field certifcate; did you mean certificate?",
		`false open_gate: balance: "fair" is none of round_robin, least_connections`,
		"false open_gate: gate g: there is a gate of that name already; close it first, or give this one another name",
		"false", "1 0 1", "true")
	if c, err := net.DialTimeout("tcp", address, patience); err == nil {
		c.Close()
		t.Error("the gate is closed, and somebody gets in")
	}
}

// TestQuitInLetsTransfersFinish holds that a shutdown with a delay waits for what flows.
func TestQuitInLetsTransfersFinish(t *testing.T) {
	s := serveGates(t, both, gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{echo(t)}})
	c := s.enter("g")
	say(t, c, "one", "one")
	s.AskToQuit(host.QuitRequest{Mode: host.QuitIn, Delay: time.Hour})
	say(t, c, "two", "two")
	late := s.enter("g")
	expect(t, "who comes now", end(t, late), "end")
	c.Close()
	s.until("it has ended", func() bool { return s.Sessions().Totals().Live == 0 })
	s.stop()
	notes := s.notes()
	expect(t, "the last note", notes[len(notes)-1], "close 1 0 variable client left client 8 8")
}
