package host_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/host"
	"moongate/runtime/session"
)

// byFault is what a client is told that was refused because the open method failed.
const byFault = "-REFUSED -10515 the policy failed\r\n"

// verdicts are open methods and what each means: exactly one of accepted, answer and fault is set.
var verdicts = []struct {
	name     string
	method   string
	accepted bool
	answer   string        // the policy refuses, with this answer
	fault    string        // the method is at fault; its message begins so
	after    time.Duration // when it is decided
}{
	{name: "empty", method: "", accepted: true},
	{name: "nothing", method: "return", accepted: true},
	{name: "nil", method: "return nil", accepted: true},
	{name: "nil and a reason", method: "return nil, 'closed'", accepted: true},
	{name: "0", method: "return 0", accepted: true},
	{name: "0 and a reason", method: "return 0, 'closed'", accepted: true},
	{name: "0 and something else", method: "return 0, {}, {}, 5", accepted: true},
	{name: "minus 0", method: "return 0 * -1", accepted: true},
	{name: "22000", method: "return 22000", answer: "-REFUSED 22000\r\n"},
	{name: "22000 and a reason", method: "return 22000, 'closed from 2 to 4'", answer: "-REFUSED 22000 closed from 2 to 4\r\n"},
	{name: "22000, a reason and more", method: "return 22000, 'closed', {}", answer: "-REFUSED 22000 closed\r\n"},
	{name: "22000 and nil", method: "return 22000, nil", answer: "-REFUSED 22000\r\n"},
	{name: "22000 and no words", method: "return 22000, ''", answer: "-REFUSED 22000\r\n"},
	{name: "a reason of two lines", method: `return 22000, "a\r\n-ERR b"`, answer: "-REFUSED 22000 a  -ERR b\r\n"},
	{name: "a long reason", method: "return 1, ('x'):rep(600)", answer: "-REFUSED 1 " + strings.Repeat("x", 512) + "\r\n"},
	{name: "a long reason, cut in a letter", method: `return 1, 'x' .. ("\195\169"):rep(300)`,
		answer: "-REFUSED 1 x" + strings.Repeat("é", 255) + "\r\n"},
	{name: "-1", method: "return -1", answer: "-REFUSED -1\r\n"},
	{name: "1", method: "return 1", answer: "-REFUSED 1\r\n"},
	{name: "4.0 is 4", method: "return 2 * 2.0", answer: "-REFUSED 4\r\n"},
	{name: "the least", method: "return -2147483648", answer: "-REFUSED -2147483648\r\n"},
	{name: "the greatest", method: "return 2147483647", answer: "-REFUSED 2147483647\r\n"},
	{name: "a delay and a refusal", method: "delay_process(current_process(), 60) return 22000", answer: "-REFUSED 22000\r\n", after: time.Second},
	{name: "a delay that is caught in time", method: "pcall(delay_process, current_process(), 240) return 0", accepted: true, after: 4 * time.Second},

	{name: "too small", method: "\nreturn -2147483649", fault: ":2: returned -2147483649; return 0 or nothing"},
	{name: "too great", method: "\nreturn 2147483648", fault: ":2: returned 2147483648; return 0 or nothing"},
	{name: "2^40", method: "\n\nreturn 2^40", fault: ":3: returned 1099511627776; "},
	{name: "1.5", method: "return 1.5", fault: ":1: returned 1.5; "},
	{name: "infinite", method: "return 1/0", fault: ":1: returned +Inf; "},
	{name: "not a number", method: "return 0/0", fault: ":1: returned NaN; "},
	{name: "true", method: "return true", fault: ":1: returned true; "},
	{name: "false", method: "return false", fault: ":1: returned false; "},
	{name: "a text", method: "return 'no'", fault: `:1: returned the text "no"; `},
	{name: "the text 0", method: "return '0'", fault: `:1: returned the text "0"; `},
	{name: "a long text", method: "return ('x'):rep(1000)", fault: `:1: returned the text "` + strings.Repeat("x", 40) + `..."; `},
	{name: "a table", method: "if true then\n  return {}\nend", fault: ":2: returned a table; "},
	{name: "a map", method: "return { code = 22000 }", fault: ":1: returned a table; "},
	{name: "a function", method: "\nreturn print", fault: ":2: "},
	{name: "a table in itself", method: "local t = {}\nt.t = t\nreturn t", fault: ":3: "},
	{name: "by a call at the end", method: "local function decide() return true end\nreturn decide()", fault: ":2: returned true; "},
	{name: "a reason that is no text", method: "return 22000, 5", fault: ":1: returned 22000 and 5; the second result is the reason"},
	{name: "limits that are no table", method: "return 0, nil, 5", fault: ":1: returned 5 as the third result; it is a table of limits"},
	{name: "a reason that is a table", method: "\nreturn 22000, { 'closed' }", fault: ":2: returned 22000 and a table; "},
	{name: "an error", method: "\nlocal x = nil + 1", fault: ":2: cannot perform add operation"},
	{name: "an error by hand", method: "\n\nerror('no idea')", fault: ":3: no idea"},
	{name: "an error without place", method: "\nerror('no idea', 0)", fault: "no idea"},
	{name: "an error that is a table", method: "\nerror({})", fault: ""},
	{name: "an error deeper down", method: "local function f()\n  return curent.x\nend\nf()\nreturn 0", fault: ":2: attempt to index"},
	{name: "the deadline", method: "\ndelay_process(current_process(), 3600)\nreturn 0", fault: ":2: the method ran longer than it may (5s)",
		after: 5 * time.Second},
	{name: "the deadline in many waits", method: "while true do\n  delay_process(current_process(), 50)\nend",
		fault: ":2: the method ran longer than it may (5s)", after: 5 * time.Second},
	{name: "the deadline in a pause", method: "pause_process(current_process())", fault: ":1: the method ran longer than it may (5s)",
		after: 5 * time.Second},
	{name: "the deadline, caught", method: "\npcall(delay_process, current_process(), 3600)\nreturn 0",
		fault: ":2: the method ran longer than it may (5s)", after: 5 * time.Second},
	{name: "the deadline, caught again and again", method: "\nwhile true do pcall(delay_process, current_process(), 3600) end",
		fault: ":2: the method ran longer than it may (5s)", after: 5 * time.Second},
}

// prefixed is a fault's message with the file in front of the line.
func prefixed(fault string) string {
	if strings.HasPrefix(fault, ":") {
		return "on_server_open_connection.lua" + fault
	}
	return fault
}

func TestVerdicts(t *testing.T) {
	for _, v := range verdicts {
		for _, acceptOnError := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, on error accept %v", v.name, acceptOnError), func(t *testing.T) {
				isFault := !v.accepted && v.answer == ""
				accepted, answer := v.accepted || isFault && acceptOnError, v.answer
				if isFault && !acceptOnError {
					answer = byFault
				}
				serveWith(t, files{"on_server_open_connection.lua": v.method, "on_server_close_connection.lua": `print(">", "close", ...)`},
					func(c *host.Config) { c.AcceptOnError = acceptOnError },
					func(t *testing.T, s *server) {
						c := s.connect()
						time.Sleep(time.Minute)
						expect(t, "decided", c.isDecided(), true)
						expect(t, "decided after", c.verdict, v.after)
						expect(t, "let in", c.accepted, accepted)
						expect(t, "answer", c.answer, answer)
						want := session.Totals{Refused: 1}
						if accepted {
							want = session.Totals{Accepted: 1, Open: 1, Live: 1}
							c.expectReply("PING", "+PONG\r\n")
						}
						expect(t, "totals", s.Sessions().Totals(), want)
						expectFault(t, s, isFault, prefixed(v.fault))
						expectRefusalLogged(t, s, accepted, isFault)
					})
			})
		}
	}
}

// expectFault checks that the fault of the open method, if it was one, is in the log once.
func expectFault(t *testing.T, s *server, isFault bool, message string) {
	t.Helper()
	faults := s.log.with("script failed")
	if !isFault {
		expect(t, "faults", faults, nil)
		return
	}
	if len(faults) != 1 {
		t.Fatalf("got %d faults in the log, want 1", len(faults))
	}
	f := faults[0]
	if !strings.HasPrefix(f.attrs["error"], message) {
		t.Errorf("got the fault %q, want one that begins with %q", f.attrs["error"], message)
	}
	expect(t, "level", f.level, slog.LevelWarn)
	for key, want := range map[string]string{
		"method": "on_server_open_connection", "version": s.scripts.Version(), "connection": "1", "process": "3",
	} {
		expect(t, key, f.attrs[key], want)
	}
}

// expectRefusalLogged checks that the log says who refused, and by which version of the scripts.
func expectRefusalLogged(t *testing.T, s *server, accepted, isFault bool) {
	t.Helper()
	opened, refused := s.log.with("connection opened"), s.log.with("connection refused")
	want := 1
	if accepted {
		want = 0
	}
	if len(refused) != want || len(opened) != 1-want {
		t.Fatalf("got %d refusals and %d acceptances in the log, want %d and %d", len(refused), len(opened), want, 1-want)
	}
	if accepted {
		expect(t, "version", opened[0].attrs["version"], s.scripts.Version())
		return
	}
	expect(t, "version", refused[0].attrs["version"], s.scripts.Version())
	by := "on_server_open_connection.lua:1"
	if isFault {
		by = "a fault of on_server_open_connection"
	}
	expect(t, "by", refused[0].attrs["by"], by)
}

func TestWithoutAnOpenMethodEverybodyGetsIn(t *testing.T) {
	serve(t, files{"on_server_close_connection.lua": `print(">", "close", ...)`}, func(t *testing.T, s *server) {
		s.connectAccepted().conn.Close()
		s.expectNotes("0s: close 1 1 0")
	})
}

// Whoever ends a connection while it is being decided ends it without a close call, whatever --on-error says and whatever the method tries.
func TestEndsDuringTheOpenMethod(t *testing.T) {
	kill := func(s *server) { s.Sessions().Live()[0].Process.Kill(nil) }
	drop := func(s *server) { s.Drop(s.Sessions().Live()[0].Session()) }
	for _, c := range []struct {
		name, method string
		end          func(s *server) // after a second; nil: the method itself
		accept       bool            // on error
		after        time.Duration
		answer       string
	}{
		{name: "aborted", method: "delay_process(current_process(), 240)", end: kill, after: time.Second,
			answer: "-REFUSED -10515 the process was aborted\r\n"},
		{name: "aborted, on error accept", method: "delay_process(current_process(), 240)", end: kill, accept: true, after: time.Second,
			answer: "-REFUSED -10515 the process was aborted\r\n"},
		{name: "aborted, caught", method: "pcall(delay_process, current_process(), 240) return 0", end: kill, accept: true, after: time.Second,
			answer: "-REFUSED -10515 the process was aborted\r\n"},
		{name: "aborted by itself", method: "abort_process_by_id(process_info(current_process()).id) return 0", accept: true,
			answer: "-REFUSED -10515 the process was aborted\r\n"},
		{name: "aborted by another process",
			method: "new_process('abort_it', 0, '', process_info(current_process()).id) delay_process(current_process(), 240)", accept: true,
			answer: "-REFUSED -10515 the process was aborted\r\n"},
		{name: "dropped", method: "delay_process(current_process(), 240)", end: drop, after: time.Second,
			answer: "-REFUSED -10515 the process was aborted\r\n"},
		{name: "dropped, on error accept", method: "delay_process(current_process(), 240)", end: drop, accept: true, after: time.Second,
			answer: "-REFUSED -10515 the process was aborted\r\n"},
		{name: "dropped by itself", method: "drop_remote_user(connection_info().session_id) return 0", accept: true,
			answer: "-REFUSED -10515 the process was aborted\r\n"},
		{name: "dropped in a pause", method: "pause_process(current_process())", end: drop, after: time.Second,
			answer: "-REFUSED -10515 the process was aborted\r\n"},
		{name: "the server stops", method: "delay_process(current_process(), 240)", end: func(s *server) { s.Quit(0) }, accept: true, after: time.Second,
			answer: "-REFUSED -10515 the process was aborted\r\n"},
		{name: "resumed", method: "delay_process(current_process(), 240) return 22000", after: time.Second, answer: "-REFUSED 22000\r\n",
			end: func(s *server) { s.Sessions().Live()[0].Process.Resume() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			serveWith(t, files{
				"on_server_open_connection.lua":  c.method,
				"on_server_close_connection.lua": `print(">", "close", ...)`,
				"abort_it.lua":                   "abort_process_by_id(...)",
			}, func(config *host.Config) { config.AcceptOnError = c.accept }, func(t *testing.T, s *server) {
				guest := s.connect()
				time.Sleep(time.Second)
				if c.end != nil {
					synctest.Wait()
					c.end(s)
				}
				time.Sleep(time.Minute)
				guest.expectRefused(c.answer)
				expect(t, "decided after", guest.verdict.Round(100*time.Millisecond), c.after) // it may have a slice to come to its end
				expect(t, "totals", s.Sessions().Totals(), session.Totals{Refused: 1})
				s.expectNotes()
			})
		})
	}
}

// The checks come before the method: no script runs for those whom they refuse.
func TestChecksComeBeforeTheMethod(t *testing.T) {
	denied, err := session.ParseRule(false, "192.0.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		config func(*host.Config)
		do     func(s *server)
		check  string
		answer string
	}{
		{name: "refusing", do: func(s *server) { s.Sessions().RefuseNew(true) }, check: "refusing new connections",
			answer: "-REFUSED -10515 the server takes no new connections now\r\n"},
		{name: "rules", config: func(c *host.Config) { c.Rules = session.Rules{denied} }, check: "address rules",
			answer: "-REFUSED -10515 connections from this address are not allowed\r\n"},
		{name: "maximum", config: func(c *host.Config) { c.MaxConnections = 2 }, do: func(s *server) { s.connectAccepted(); s.connectAccepted() },
			check: "maximum connections", answer: "-REFUSED -10514 the maximum number of connections is reached\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			serveWith(t, files{"on_server_open_connection.lua": `print(">", "open")`}, func(config *host.Config) {
				if c.config != nil {
					c.config(config)
				}
			}, func(t *testing.T, s *server) {
				if c.do != nil {
					c.do(s)
				}
				before := len(s.clients)
				guest := s.connect()
				guest.expectRefused(c.answer)
				expect(t, "handovers", guest.handover.Load(), 0)
				expect(t, "refused by the check", s.refusedBy(c.check), 1)
				expect(t, "open methods", s.count("open"), before)
				expect(t, "refused by the method", s.Sessions().Totals().Refused, 0)
			})
		})
	}
}
