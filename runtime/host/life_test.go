package host_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/host"
	"moongate/runtime/session"
)

// noted are open and close methods that note their parameters and the process they run in.
var noted = files{
	"on_server_open_connection.lua":  `print(">", "open", ...) print(">", "in", current_process(), "<" .. current_process_name() .. ">")`,
	"on_server_close_connection.lua": `print(">", "close", ...) print(">", "in", current_process(), "<" .. current_process_name() .. ">")`,
}

func (f files) and(more files) files {
	all := files{}
	for _, part := range []files{f, more} {
		for name, text := range part {
			all[name] = text
		}
	}
	return all
}

func TestOpenAndCloseHaveTheSameThreeIntegersAndProcess(t *testing.T) {
	serve(t, noted, func(t *testing.T, s *server) {
		a := s.connectAccepted()
		b := s.connectAccepted()
		a.expectReply("PING", "+PONG\r\n")
		time.Sleep(time.Second)
		b.conn.Close()
		synctest.Wait()
		time.Sleep(time.Second)
		a.expectReply("QUIT", "+OK\r\n")
		b.expectEnd(time.Second, session.ClientLeft)
		a.expectEnd(2*time.Second, session.ClientLeft)
		s.expectNotes("0s: open 1 1 0", "0s: in 3 <>", "0s: open 1 2 0", "0s: in 4 <>",
			"1s: close 1 2 0", "1s: in 4 <Application process>", "2s: close 1 1 0", "2s: in 3 <Application process>")
	})
}

func TestTheTwinHasItsClientsNameInTheCloseMethod(t *testing.T) {
	serve(t, noted, func(t *testing.T, s *server) {
		c := s.connectAccepted()
		c.expectReply("CLIENT GETNAME", "$19\r\nApplication process\r\n")
		c.expectReply("CLIENT SETNAME till-7", "+OK\r\n")
		c.conn.Close()
		s.expectNotes("0s: open 1 1 0", "0s: in 3 <>", "0s: close 1 1 0", "0s: in 3 <till-7>")
	})
}

func TestARefusedConnectionLeavesNothing(t *testing.T) {
	serve(t, noted.and(files{"on_server_open_connection.lua": `print(">", "open", ...) return 22000`}), func(t *testing.T, s *server) {
		for range 3 {
			s.connect().expectRefused("-REFUSED 22000\r\n")
			expect(s.t, "processes", len(s.Processes().All()), 2)
			expect(s.t, "users", s.Sessions().Users(), 0)
			expect(s.t, "totals", s.Sessions().Totals(), session.Totals{Refused: s.Sessions().Totals().Refused})
		}
		expect(s.t, "refused", s.Sessions().Totals().Refused, 3)
		s.expectNotes("0s: open 1 1 0", "0s: open 1 2 0", "0s: open 1 3 0")
	})
}

// Process variables last from the open method over the calls to the close method; interprocess variables are everybody's.
func TestVariables(t *testing.T) {
	serve(t, files{
		"on_server_open_connection.lua":  `mine = 1 interprocess.all = (interprocess.all or 0) + 1`,
		"on_server_close_connection.lua": `print(">", "close", mine, interprocess.all)`,
		"add.lua":                        `mine = (mine or 0) + 1 interprocess.all = (interprocess.all or 0) + 1 return mine, interprocess.all`,
		"stored.lua":                     `print(">", "stored", mine, interprocess.all)`,
		"start.lua":                      `new_process("stored", 0)`,
	}, func(t *testing.T, s *server) {
		a, b := s.connectAccepted(), s.connectAccepted()
		a.expectReply("CALL add", "*2\r\n:2\r\n:3\r\n")
		b.expectReply("CALL add", "*2\r\n:2\r\n:4\r\n")
		a.expectReply("CALL add", "*2\r\n:3\r\n:5\r\n")
		a.expectReply("RESET", "+RESET\r\n")
		a.expectReply("CALL start", "$-1\r\n")
		a.conn.Close()
		synctest.Wait()
		b.conn.Close()
		s.expectNotes("0s: stored nil 5", "0s: close 3 5", "0s: close 2 5")
	})
}

func TestCall(t *testing.T) {
	serve(t, files{
		"fails.lua":                     "local x\n\nreturn x.y",
		"echo.lua":                      "return ...",
		"nothing.lua":                   "",
		"on_server_shutdown.lua":        "",
		"state.lua":                     "return process_state(current_process())",
		"on_server_open_connection.lua": "",
	}, func(t *testing.T, s *server) {
		c := s.connectAccepted()
		expect(t, "state at rest", c.connection().Process.State().String(), "waiting for input output")
		c.expectReply("CALL state", ":0\r\n")
		expect(t, "state at rest", c.connection().Process.State().String(), "waiting for input output")
		if got, want := c.ask("CALL fails"), "-ERR fails.lua:3: "; !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want it to begin with %q", got, want)
		}
		c.expectReply("CALL echo a b", "*2\r\n$1\r\na\r\n$1\r\nb\r\n")
		c.expectReply("CALL nothing", "$-1\r\n")
		for _, name := range []string{"absent", "on_server_shutdown", "on_server_open_connection"} {
			c.expectReply("CALL "+name, fmt.Sprintf("-ERR %s: no such method\r\n", name))
		}
		expect(t, "faults logged", len(s.log.with("script failed")), 1)
	})
}

func TestAnOpenMethodThatWaitsHoldsUpNobody(t *testing.T) {
	serve(t, files{
		"on_server_open_connection.lua": `
local _, id = ...
if id == 1 then
  delay_process(current_process(), 60)
  delay_process(current_process(), 60)
end
if id == 3 then return 22000 end`,
		"on_server_close_connection.lua": `print(">", "close", ...)`,
	}, func(t *testing.T, s *server) {
		slow := s.connect()
		expect(t, "the slow one is decided", slow.isDecided(), false)
		expect(t, "live", s.Sessions().Totals().Live, 1)
		expect(t, "open", s.Sessions().Totals().Open, 0)
		fast := s.connectAccepted()
		s.connect().expectRefused("-REFUSED 22000\r\n")
		time.Sleep(1500 * time.Millisecond)
		expect(t, "the slow one is decided", slow.isDecided(), false)
		time.Sleep(time.Second)
		expect(t, "the slow one is decided", slow.isDecided(), true)
		expect(t, "the slow one is let in", slow.accepted, true)
		expect(t, "decided after", slow.verdict, 2*time.Second)
		expect(t, "handovers of the slow one", slow.handover.Load(), 1)
		expect(t, "handovers of the fast one", fast.handover.Load(), 0)
		slow.expectReply("PING", "+PONG\r\n")
	})
}

// What ends a connection ends it once, with one close call, whatever it was doing.
func TestEnds(t *testing.T) {
	const dropped, aborted = "-CLOSED the connection was dropped by the server\r\n", "-CLOSED the process was aborted by the server\r\n"
	drop := func(s *server, c *session.Connection) { s.Drop(c.Session()) }
	abort := func(_ *server, c *session.Connection) { c.Process.Kill(nil) }
	for _, c := range []struct {
		name  string
		busy  string // a command that still runs at the end
		end   func(s *server, c *session.Connection)
		cause session.Cause
		last  string // what the client reads last
	}{
		{name: "dropped at rest", end: drop, cause: session.Dropped, last: dropped},
		{name: "dropped twice", end: func(s *server, c *session.Connection) { drop(s, c); drop(s, c) }, cause: session.Dropped, last: dropped},
		{name: "dropped in a call", busy: "CALL sleep", end: drop, cause: session.Dropped, last: dropped},
		{name: "dropped in a call that catches errors", busy: "CALL stubborn", end: drop, cause: session.Dropped, last: dropped},
		{name: "aborted at rest", end: abort, cause: session.ProcessAborted, last: aborted},
		{name: "aborted in a call", busy: "CALL sleep", end: abort, cause: session.ProcessAborted, last: aborted},
		{name: "aborted, then dropped", end: func(s *server, c *session.Connection) { abort(s, c); drop(s, c) }, cause: session.ProcessAborted,
			last: aborted},
		{name: "dropped, then aborted", end: func(s *server, c *session.Connection) { drop(s, c); abort(s, c) }, cause: session.Dropped, last: dropped},
		{name: "dropped by itself", end: sending("CALL drop"), cause: session.Dropped, last: dropped},
		{name: "aborted by itself", end: sending("CALL abort_it"), cause: session.ProcessAborted, last: aborted},
		{name: "asked to leave", end: sending("QUIT"), cause: session.ClientLeft, last: "+OK\r\n"},
		{name: "a protocol error", end: sending("*x"), cause: session.ProtocolError},
		{name: "the server stops", end: func(s *server, _ *session.Connection) { s.Quit(0) }, cause: session.Shutdown, last: farewell},
		{name: "the server stops in a call", busy: "CALL sleep", end: func(s *server, _ *session.Connection) { s.Quit(0) }, cause: session.Shutdown,
			last: farewell},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve(t, files{
				"on_server_close_connection.lua": `print(">", "close", ...) delay_process(current_process(), 60) print(">", "closed")`,
				"sleep.lua":                      `delay_process(current_process(), 3600)`,
				"stubborn.lua":                   `while true do pcall(delay_process, current_process(), 3600) end`,
				"drop.lua":                       `drop_remote_user(connection_info().session_id) print(">", "went on")`,
				"abort_it.lua":                   `abort_process_by_id(process_info(current_process()).id) print(">", "went on")`,
			}, func(t *testing.T, s *server) {
				guest := s.connectAccepted()
				if c.busy != "" {
					expect(t, c.busy, guest.ask(c.busy), "")
				}
				time.Sleep(time.Second)
				was := guest.connection()
				c.end(s, was)
				if got := guest.take(); !strings.HasSuffix(got, c.last) || strings.Count(got, "-CLOSED") > 1 {
					t.Errorf("the client read %q, want %q at the end", got, c.last)
				}
				expect(t, "over before the close method is", guest.isOver(), false)
				time.Sleep(time.Minute)
				guest.expectEnd(2*time.Second, c.cause)
				expect(t, "state", was.State(), session.Closed)
				s.expectNotes("1s: close 1 1 0", "2s: closed")
			})
		})
	}
}

// A connection that somebody ends after its acceptance, before its stay has begun, ends as well.
func TestEndsBeforeTheStay(t *testing.T) {
	for _, c := range []struct {
		name    string
		between func(s *server, c *session.Connection)
		cause   session.Cause
	}{
		{name: "aborted", between: func(_ *server, c *session.Connection) { c.Process.Kill(nil) }, cause: session.ProcessAborted},
		{name: "dropped", between: func(s *server, c *session.Connection) { s.Drop(c.Session()) }, cause: session.Dropped},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve(t, noted, func(t *testing.T, s *server) {
				guest := s.connectOn(terms{between: func(connection *session.Connection) { c.between(s, connection) }})
				guest.expectEnd(0, c.cause)
				s.expectNotes("0s: open 1 1 0", "0s: in 3 <>", "0s: close 1 1 0", "0s: in 3 <Application process>")
			})
		})
	}
}

// Somebody asks for the end of a connection; before the request has come through, the client leaves. The close method, which runs by then, is not what was
// to be interrupted.
func TestALateInterruptDoesNotStopTheCloseMethod(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(s *server, c *session.Connection)
	}{
		{"dropped", func(s *server, c *session.Connection) { s.Drop(c.Session()) }},
		{"the server stops", func(s *server, _ *session.Connection) { s.Quit(0) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve(t, files{
				"on_server_close_connection.lua": `print(">", "close", ...) delay_process(current_process(), 120) print(">", "done")`,
			}, func(t *testing.T, s *server) {
				guest := s.connectOn(terms{slow: time.Second})
				go c.end(s, guest.connection())
				time.Sleep(500 * time.Millisecond)
				guest.expectReply("QUIT", "+OK\r\n")
				time.Sleep(time.Minute)
				s.expectNotes("500ms: close 1 1 0", "2.5s: done")
				expect(t, "faults", s.log.with("script failed"), nil)
			})
		})
	}
}

// sending makes the first client send a command whose reply it does not look at.
func sending(command string) func(*server, *session.Connection) {
	return func(s *server, _ *session.Connection) {
		if _, err := io.WriteString(s.clients[0].conn, command+"\r\n"); err != nil {
			s.t.Error(err)
		}
	}
}

// A close method that fails or hangs is logged and does not stop the end.
func TestACloseMethodThatDoesNotEndWell(t *testing.T) {
	for _, c := range []struct {
		name, method string
		end          time.Duration // of the connection
		fault        string        // how its message begins; "": none
	}{
		{name: "it fails", method: "\nlocal x = nil + 1", fault: "on_server_close_connection.lua:2: "},
		{name: "it hangs", method: "\ndelay_process(current_process(), 3600)\nprint('>', 'went on')", end: 5 * time.Second,
			fault: "on_server_close_connection.lua:2: "},
		{name: "it catches the deadline", method: "\nwhile true do pcall(delay_process, current_process(), 3600) end", end: 5 * time.Second,
			fault: "on_server_close_connection.lua:2: "},
		{name: "it is in time", method: "delay_process(current_process(), 299)", end: 299 * time.Second / 60},
		{name: "it aborts itself", method: "abort_process_by_id(process_info(current_process()).id) print('>', 'went on')",
			fault: "on_server_close_connection.lua:1: "},
		{name: "its results do not matter", method: "return 22000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve(t, files{"on_server_close_connection.lua": c.method}, func(t *testing.T, s *server) {
				guest := s.connectAccepted()
				guest.conn.Close()
				time.Sleep(time.Minute)
				guest.expectEnd(c.end, session.ClientLeft)
				s.expectNotes()
				faults := s.log.with("script failed")
				if c.fault == "" {
					expect(t, "faults", faults, nil)
					return
				}
				if len(faults) != 1 || !strings.HasPrefix(faults[0].attrs["error"], c.fault) {
					t.Fatalf("got the faults %v, want one that begins with %q", faults, c.fault)
				}
				expect(t, "version", faults[0].attrs["version"], s.scripts.Version())
				expect(t, "level", faults[0].level.String(), "WARN")
				s.Quit(0)
				s.wait()
				expect(t, "left at a shutdown later on", s.report.Left, nil)
			})
		})
	}
}

// Nobody gets in before on_server_startup has returned; its process stays, at rest.
func TestStartup(t *testing.T) {
	for _, c := range []struct {
		name    string
		startup string
		do      func(s *server) // after a client was refused
		opened  int32           // whether clients were let in
		took    time.Duration   // until the server was over, which is asked to stop after a minute
		err     string          // how the message of Run's error begins
		notes   []string
	}{
		{name: "it waits", startup: `delay_process(current_process(), 120) print(">", "ready")`, opened: 1, took: time.Minute,
			notes: []string{"1m0s: shutdown", "2s: ready"}},
		{name: "it fails", startup: "new_process('job', 0, 'Job')\ndelay_process(current_process(), 60)\nerror('no disk')", took: time.Second,
			err: "the host cannot start: on_server_startup.lua:3: no disk", notes: []string{"1s: shutdown", "1s: woken true"}},
		{name: "it quits", startup: `delay_process(current_process(), 60) quit_4d(3600) print(">", "goes on") delay_process(current_process(), 60)`,
			took:  2 * time.Second,
			notes: []string{"1s: goes on", "2s: shutdown"}},
		{name: "it quits and fails", startup: `delay_process(current_process(), 60) quit_4d() error("all the same")`, took: time.Second,
			err: "the host cannot start: on_server_startup.lua:1: all the same", notes: []string{"1s: shutdown"}},
		{name: "somebody else quits meanwhile", startup: `delay_process(current_process(), 60) print(">", "went on")`, took: time.Second,
			do: func(s *server) { s.Quit(0) }, notes: []string{"1s: shutdown", "1s: went on"}},
		{name: "a signal comes meanwhile", startup: `delay_process(current_process(), 60) print(">", "went on")`,
			do: (*server).Interrupt, notes: []string{"0s: shutdown"}},
		{name: "it quits, and a signal comes", startup: `quit_4d(0) delay_process(current_process(), 3600) print(">", "went on")`,
			do: (*server).Interrupt, notes: []string{"0s: shutdown"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve(t, files{
				"on_server_startup.lua":  c.startup,
				"on_server_shutdown.lua": `print(">", "shutdown") while process_number("Job") > 0 do delay_process(current_process(), 1) end`,
				"job.lua":                `delay_process(current_process(), 3600) print(">", "woken", process_aborted())`,
			}, func(t *testing.T, s *server) {
				s.connect().expectRefused("-REFUSED -10516 the server is starting\r\n")
				expect(t, "refused by the check", s.refusedBy("starting"), 1)
				if c.do != nil {
					c.do(s)
				}
				time.Sleep(30 * time.Second)
				if c.opened > 0 {
					s.connectAccepted().conn.Close()
				}
				time.Sleep(30 * time.Second)
				s.Quit(0)
				s.wait()
				expect(t, "opened", s.opened.Load(), c.opened)
				expect(t, "took", s.took.Round(time.Second), c.took)
				if c.err == "" {
					expect(t, "error", s.err, nil)
				} else if !errors.Is(s.err, host.ErrStartup) || !strings.HasPrefix(s.err.Error(), c.err) {
					t.Errorf("got the error %v, want ErrStartup: %s", s.err, c.err)
				}
				expect(t, "left", s.report.Left, nil)
				expect(t, "notes", slices.Sorted(slices.Values(s.notes())), c.notes) // who is woken at the same time runs in any order
			})
		})
	}
}
