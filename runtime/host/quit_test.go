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
	"moongate/runtime/process"
	"moongate/runtime/session"
)

const second = time.Second

// leaving are scripts that note the end of connections and the shutdown, and a method that quits.
var leaving = files{
	"on_server_close_connection.lua": `print(">", "close", ...)`,
	"on_server_shutdown.lua":         `print(">", "shutdown")`,
	"leave.lua":                      `local n = ... quit_4d(tonumber(n)) print(">", "goes on") return "goes on"`,
}

const hello3 = "%7\r\n"

// notice is the message about the shutdown as a RESP3 client reads it; in is "" when there is no time.
func notice(in string) string {
	text := "the server is stopping: please disconnect"
	if in != "" {
		text = fmt.Sprintf("the server stops in %s: please disconnect", in)
	}
	return fmt.Sprintf(">2\r\n$6\r\nnotice\r\n$%d\r\n%s\r\n", len(text), text)
}

const farewell = "-CLOSED the server is stopping\r\n"

// resp3 is a client that reads pushes.
func (s *server) resp3() *client {
	s.t.Helper()
	c := s.connectAccepted()
	if got := c.ask("HELLO 3"); !strings.HasPrefix(got, hello3) {
		s.t.Fatalf("HELLO 3: got %q", got)
	}
	return c
}

func TestQuit4DWithATime(t *testing.T) {
	serve(t, leaving, func(t *testing.T, s *server) {
		a, b := s.resp3(), s.connectAccepted()
		time.Sleep(second)
		a.expectReply("CALL leave 5", "$7\r\ngoes on\r\n"+notice("5s"))
		expect(t, "what the RESP2 client reads", b.take(), "")
		s.connect().expectRefused("-REFUSED -10516 the server is stopping\r\n")
		expect(t, "refused by the check", s.refusedBy("stopping"), 1)
		expect(t, "kept out by then", s.shut.Load(), 0)
		b.expectReply("PING", "+PONG\r\n")
		time.Sleep(4 * second)
		b.expectReply("PING", "+PONG\r\n")
		time.Sleep(second)
		for _, c := range []*client{a, b} {
			expect(t, "what the client reads last", c.take(), farewell)
			c.expectEnd(6*second, session.Shutdown)
		}
		expect(t, "stopped", s.stopped(), true)
		expect(t, "took", s.took, 6*second)
		expect(t, "left", s.report.Left, nil)
		notes := s.notes()
		slices.Sort(notes[1:3])
		expect(t, "notes", notes, []string{"1s: goes on", "6s: close 1 1 0", "6s: close 1 2 0", "6s: shutdown"})
	})
}

// How long the clients may take to leave, and what they are told.
func TestClientsAreWaitedFor(t *testing.T) {
	type step struct {
		at time.Duration
		do func(s *server)
	}
	quit := func(delay time.Duration) func(s *server) { return func(s *server) { s.Quit(delay) } }
	leave := func(s *server) { s.clients[0].conn.Close() }
	for _, c := range []struct {
		name  string
		steps []step
		told  []string      // all that the client reads, in order
		took  time.Duration // until the shutdown method
		cause session.Cause
	}{
		{name: "no time", steps: []step{{0, quit(0)}}, told: []string{farewell}, cause: session.Shutdown},
		{name: "the time is over", steps: []step{{0, quit(5 * second)}}, told: []string{notice("5s"), farewell}, took: 5 * second, cause: session.Shutdown},
		{name: "the last one leaves before", steps: []step{{0, quit(5 * second)}, {2 * second, leave}}, told: []string{notice("5s")},
			took: 2 * second, cause: session.ClientLeft},
		{name: "told every 20 seconds", steps: []step{{0, quit(50 * second)}}, told: []string{notice("50s"), notice("30s"), notice("10s"), farewell},
			took: 50 * second, cause: session.Shutdown},
		{name: "as long as they like", steps: []step{{0, quit(-1)}, {65 * second, leave}}, told: []string{notice(""), notice(""), notice(""), notice("")},
			took: 65 * second, cause: session.ClientLeft},
		{name: "any time below 0 is that", steps: []step{{0, quit(-5 * second)}, {5 * second, leave}}, told: []string{notice("")},
			took: 5 * second, cause: session.ClientLeft},
		{name: "a shorter time wins", steps: []step{{0, quit(100 * second)}, {10 * second, quit(5 * second)}},
			told: []string{notice("1m40s"), notice("5s"), farewell},
			took: 15 * second, cause: session.Shutdown},
		{name: "a longer time loses", steps: []step{{0, quit(10 * second)}, {5 * second, quit(100 * second)}}, told: []string{notice("10s"), farewell},
			took: 10 * second, cause: session.Shutdown},
		{name: "any time wins over none", steps: []step{{0, quit(-1)}, {5 * second, quit(10 * second)}},
			told: []string{notice(""), notice("10s"), farewell},
			took: 15 * second, cause: session.Shutdown},
		{name: "none loses", steps: []step{{0, quit(10 * second)}, {5 * second, quit(-1)}}, told: []string{notice("10s"), farewell},
			took: 10 * second, cause: session.Shutdown},
		{name: "no time wins", steps: []step{{0, quit(-1)}, {5 * second, quit(0)}}, told: []string{notice(""), farewell}, took: 5 * second,
			cause: session.Shutdown},
		{name: "a signal", steps: []step{{0, (*server).Interrupt}}, told: []string{notice("5s"), farewell}, took: 5 * second, cause: session.Shutdown},
		{name: "a signal after a longer time", steps: []step{{0, quit(-1)}, {5 * second, (*server).Interrupt}},
			told: []string{notice(""), notice("5s"), farewell},
			took: 10 * second, cause: session.Shutdown},
		{name: "a second signal", steps: []step{{0, (*server).Interrupt}, {2 * second, (*server).Interrupt}}, told: []string{notice("5s"), farewell},
			took: 2 * second, cause: session.Shutdown},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve(t, leaving, func(t *testing.T, s *server) {
				guest := s.resp3()
				for _, step := range c.steps {
					time.Sleep(step.at - time.Since(s.log.start))
					step.do(s)
				}
				s.wait()
				expect(t, "what the client reads", guest.take(), strings.Join(c.told, ""))
				guest.expectEnd(c.took, c.cause)
				expect(t, "took", s.took, c.took)
				expect(t, "close calls", s.count("close"), 1)
				if len(s.log.with("the shutdown is forced")) == 0 {
					s.expectNotes(fmt.Sprintf("%v: close 1 1 0", c.took), fmt.Sprintf("%v: shutdown", c.took))
				}
			})
		})
	}
}

// A client that reads nothing has a second for the last words, no more.
func TestADeafClientHoldsNothingUp(t *testing.T) {
	serve(t, leaving, func(t *testing.T, s *server) {
		deaf := s.connectOn(terms{deaf: true})
		go io.WriteString(deaf.conn, "HELLO 3\r\nPING\r\n")
		synctest.Wait()
		s.Quit(5 * second)
		s.wait()
		expect(t, "took", s.took, 6*second)
		deaf.expectEnd(6*second, session.Shutdown)
		expect(t, "left", s.report.Left, nil)
		s.expectNotes("6s: close 1 1 0", "6s: shutdown")
	})
}

// Without clients there is nobody to wait for.
func TestQuitWithoutClients(t *testing.T) {
	for _, c := range []struct {
		name string
		quit func(s *server)
	}{
		{name: "no time", quit: func(s *server) { s.Quit(0) }},
		{name: "an hour", quit: func(s *server) { s.Quit(time.Hour) }},
		{name: "until all have left", quit: func(s *server) { s.Quit(-1) }},
		{name: "a signal", quit: (*server).Interrupt},
		{name: "twice", quit: func(s *server) { s.Quit(-1); s.Quit(time.Hour) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve(t, leaving, func(t *testing.T, s *server) {
				synctest.Wait()
				c.quit(s)
				expect(t, "stopped", s.stopped(), true)
				expect(t, "took", s.took, 0)
				s.expectNotes("0s: shutdown")
			})
		})
	}
}

// Everybody who quits inside a method goes on, and the shutdown waits for it as for anybody else.
func TestQuit4DInAMethod(t *testing.T) {
	const quits = `quit_4d(0) print(">", "goes on")`
	for _, c := range []struct {
		name  string
		file  string
		code  string
		notes []string
	}{
		{"open", "on_server_open_connection.lua", quits, []string{"0s: goes on", "0s: close 1 1 0", "0s: shutdown"}},
		{"close", "on_server_close_connection.lua", `print(">", "close", ...) ` + quits, []string{"0s: close 1 1 0", "0s: goes on", "0s: shutdown"}},
		{"shutdown", "on_server_shutdown.lua", `print(">", "shutdown") ` + quits, []string{"0s: close 1 1 0", "0s: shutdown", "0s: goes on"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve(t, leaving.and(files{c.file: c.code}), func(t *testing.T, s *server) {
				s.connectAccepted().conn.Close()
				synctest.Wait()
				s.Quit(0)
				s.wait()
				s.expectNotes(c.notes...)
			})
		})
	}
}

// The close methods of those who are left are over before the shutdown method starts; each has the time of a method.
func TestCloseMethodsComeBeforeTheShutdownMethod(t *testing.T) {
	serve(t, leaving.and(files{"on_server_close_connection.lua": `
local _, id = ...
print(">", "close", id)
delay_process(current_process(), 120 * id)
print(">", "done", id)`}), func(t *testing.T, s *server) {
		for range 3 {
			s.connectAccepted()
		}
		s.Quit(0)
		s.wait()
		left := "on_server_close_connection of connection 3: on_server_close_connection.lua:4: the method ran longer than it may (5s)"
		expect(t, "left", s.report.Left, []string{left})
		notes := s.notes()
		slices.Sort(notes[:3])
		expect(t, "notes", notes, []string{"0s: close 1", "0s: close 2", "0s: close 3", "2s: done 1", "4s: done 2", "5s: shutdown"})
	})
}

// At the start of the shutdown method every other process has its flag and is woken once; later waits wait again. It runs once, in a process of its own.
func TestTheWindow(t *testing.T) {
	serve(t, files{
		"on_server_startup.lua": `
new_process("delayed", 0, "Delayed") new_process("paused", 0, "Paused") new_process("runs", 0, "Runs")`,
		"delayed.lua": `
delay_process(current_process(), 3600 * 60)
print(">", "delayed", process_aborted())
delay_process(current_process(), 120)
print(">", "delayed again", process_aborted())`,
		"paused.lua": `
pause_process(current_process())
delay_process(current_process(), 60)
print(">", "paused", process_aborted())
pause_process(current_process())
print(">", "paused again", process_aborted())`,
		"runs.lua": `
while not process_aborted() do delay_process(current_process(), 59) end
print(">", "saw the flag")`,
		"on_server_shutdown.lua": `
local me = current_process()
print(">", "shutdown", ...)
print(">", current_process_name(), process_info(me).type, process_info(me).method, process_aborted(), process_number("$xx") == me)
new_process("delayed", 0, "Late")
delay_process(me, 180)
resume_process(process_number("Paused"))
delay_process(me, 1)
print(">", "returns")`,
	}, func(t *testing.T, s *server) {
		time.Sleep(59 * 10 * second / 60)
		before := s.Processes().Highest()
		for _, p := range s.Processes().All() {
			expect(t, "flag before", p.Aborting(), false)
		}
		expect(t, "highest process", before, process.Number(5))
		time.Sleep(10*second - time.Since(s.log.start))
		s.Quit(0)
		synctest.Wait()
		for _, p := range s.Processes().All() {
			expect(t, "flag of "+p.Name(), p.Aborting(), p.Name() != "$xx" && p.Name() != "Late")
		}
		s.wait()
		notes := s.notes()
		slices.Sort(notes[:len(notes)-1])
		expect(t, "notes", notes, []string{
			"10s: $xx -16 on_server_shutdown false true", "10s: delayed true", "10s: saw the flag", "10s: shutdown", "11s: paused true",
			"12s: delayed again true", "13s: paused again true", "13.017s: returns",
		})
		if want := `"Late" (delayed) at delayed.lua:2`; len(s.report.Left) != 1 || !strings.HasSuffix(s.report.Left[0], want) {
			t.Errorf("left: got %q, want one process: %s", s.report.Left, want)
		}
	})
}

// What the window ends, by what its processes do; all is named in the report with the place where it stood.
func TestWhatStillRunsIsKilled(t *testing.T) {
	const loops = "\nwhile true do\n  delay_process(current_process(), 30)\nend"
	for _, c := range []struct {
		name     string
		job      string
		shutdown string // "": there is no such method
		took     time.Duration
		left     []string
		notes    []string
	}{
		{name: "when the method returns", job: loops, shutdown: `delay_process(current_process(), 120) print(">", "returns")`, took: 2 * second,
			left: []string{`process 3 "Job" (job) at job.lua:3`}, notes: []string{"2s: returns"}},
		{name: "when the method returns at once", job: loops, shutdown: `print(">", "returns")`,
			left: []string{`process 3 "Job" (job) at job.lua:3`}, notes: []string{"0s: returns"}},
		{name: "when the method fails", job: loops, shutdown: `delay_process(current_process(), 60) error("no")`, took: second,
			left: []string{`process 3 "Job" (job) at job.lua:3`}},
		{name: "with the method when the time is over", job: loops, shutdown: "\n" + loops, took: 13 * second,
			left: []string{`process 3 "Job" (job) at job.lua:3`, `process 4 "$xx" (on_server_shutdown) at on_server_shutdown.lua:4`}},
		{name: "the method alone when the time is over", job: "pause_process(current_process())", shutdown: loops, took: 13 * second,
			left: []string{`process 4 "$xx" (on_server_shutdown) at on_server_shutdown.lua:3`}},
		{name: "at once without the method", job: loops, left: []string{`process 3 "Job" (job) at job.lua:3`}},
		{name: "a process that catches errors", job: "\nwhile true do\n  pcall(delay_process, current_process(), 30)\nend",
			left: []string{`process 3 "Job" (job) at job.lua:3`}},
		{name: "nothing, if all leave", job: "while not process_aborted() do delay_process(current_process(), 30) end",
			shutdown: "delay_process(current_process(), 60)", took: second},
		{name: "nothing, without processes", shutdown: `print(">", "returns")`, notes: []string{"0s: returns"}},
		{name: "nothing, without processes and method"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := files{"job.lua": c.job, "start.lua": `new_process("job", 0, "Job")`}
			if c.shutdown != "" {
				f["on_server_shutdown.lua"] = c.shutdown
			}
			serve(t, f, func(t *testing.T, s *server) {
				guest := s.connectAccepted()
				guest.expectReply("QUIT", "+OK\r\n")
				if c.job != "" {
					if _, err := s.Start(host.Procedure{Method: "job", Name: "Job", Type: process.ExecuteOnServer}); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
				s.Quit(0)
				s.wait()
				expect(t, "took", s.took.Round(100*time.Millisecond), c.took) // who was woken has a slice to leave
				expect(t, "left", s.report.Left, c.left)
				s.expectNotes(c.notes...)
				expect(t, "lines that name what is left", len(s.log.with("did not end by itself")), len(c.left))
			})
		})
	}
}

// Processes can be started until the shutdown method has returned, not after.
func TestStartDuringTheShutdown(t *testing.T) {
	serve(t, files{
		"on_server_shutdown.lua": `new_process("job", 0, "Job") delay_process(current_process(), 60)`,
		"job.lua":                `print(">", "job", ...)`,
	}, func(t *testing.T, s *server) {
		job := host.Procedure{Method: "job", Type: process.ExecuteOnServer}
		synctest.Wait()
		s.Quit(0)
		synctest.Wait()
		job.Args = []any{"from outside"}
		if _, err := s.Start(job); err != nil {
			t.Errorf("in the window: got %v, want no error", err)
		}
		s.wait()
		if n, err := s.Start(job); !errors.Is(err, host.ErrStopped) || n != 0 {
			t.Errorf("after the window: got %d, %v, want 0, %v", n, err, host.ErrStopped)
		}
		s.expectNotes("0s: job", "0s: job from outside")
		expect(t, "left", s.report.Left, nil)
	})
}

// When the shutdown is forced every stage's time is over, but close methods get a slice each.
func TestForcedShutdown(t *testing.T) {
	const slice = 10 * time.Millisecond
	force := func(s *server) { s.Interrupt(); s.Interrupt() }
	for _, c := range []struct {
		name   string
		close  string
		do     func(s *server)
		within time.Duration // when it is over at the latest
		notes  []string      // of the close method
		left   int           // how many things the report names
	}{
		{name: "with quick close methods", close: `print(">", "close", ...)`, do: force, notes: []string{"0s: close 1 1 0"}},
		{name: "with slow close methods", close: `print(">", "close", ...) delay_process(current_process(), 60)`, do: force, within: slice,
			notes: []string{"0s: close 1 1 0"}, left: 1},
		{name: "while close methods run", close: `print(">", "close", ...) delay_process(current_process(), 240)`, within: 3 * second,
			notes: []string{"0s: close 1 1 0"}, left: 1, do: func(s *server) {
				s.Quit(0)
				time.Sleep(2 * second)
				s.Interrupt()
				s.Interrupt()
			}},
		{name: "a third signal changes nothing", close: `print(">", "close", ...)`, do: func(s *server) { force(s); s.Interrupt() },
			notes: []string{"0s: close 1 1 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve(t, files{
				"on_server_close_connection.lua": c.close,
				"on_server_shutdown.lua":         "while true do delay_process(current_process(), 60) end",
				"job.lua":                        "while true do delay_process(current_process(), 60) end",
			}, func(t *testing.T, s *server) {
				guest := s.connectAccepted()
				if _, err := s.Start(host.Procedure{Method: "job"}); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				c.do(s)
				s.wait()
				if s.took > c.within {
					t.Errorf("took %v, want %v at the most", s.took, c.within)
				}
				expect(t, "the client is gone", guest.isOver(), true)
				s.expectNotes(c.notes...)
				if got, want := len(s.report.Left), c.left+2; got != want {
					t.Errorf("left: got %q, want the job, the shutdown method and %d more", s.report.Left, c.left)
				}
				expect(t, "said so", len(s.log.with("the shutdown is forced")), 1)
			})
		})
	}
}
