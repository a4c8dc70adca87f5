package host_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"moongate/runtime/host"
	"moongate/runtime/process"
	"moongate/runtime/session"
)

// crowdScripts decide and behave by the connection's number: some let in at once, some late, some refuse, fail or hang.
var crowdScripts = files{
	"on_server_open_connection.lua": `
local _, id = ...
local kind = id % 9
interprocess.open = (interprocess.open or 0) + 1
if kind == 1 then delay_process(current_process(), id % 200) end
if kind == 2 then delay_process(current_process(), id % 30) return 22000, "late" end
if kind == 3 then return 429 end
if kind == 4 then error("failed") end
if kind == 5 and id % 2 == 0 then delay_process(current_process(), 3600) end
if kind == 6 then new_process("job", 0, "Job", id) end
mine = id`,
	"on_server_close_connection.lua": `
local user, id, zero = ...
print(">", "close", id, mine == id, user, zero)
if id % 4 == 0 then delay_process(current_process(), id % 300) end
if id % 11 == 0 then delay_process(current_process(), 3600) end
if id % 13 == 0 then error("failed") end`,
	"on_server_shutdown.lua": `print(">", "shutdown") delay_process(current_process(), 120)`,
	"sleep.lua":              `delay_process(current_process(), tonumber((...))) return "slept"`,
	"job.lua":                `local id = ... for i = 1, 20 do delay_process(current_process(), 60) if process_aborted() and id % 2 == 0 then return end end`,
	"drop.lua":               `drop_remote_user(connection_info().session_id)`,
	"stop.lua":               `abort_process_by_id(process_info(current_process()).id)`,
}

// behave is what one client does: a few commands, and one way to leave.
func behave(r *rand.Rand, c io.WriteCloser) {
	defer c.Close()
	pause := func() { time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond) }
	for range r.IntN(6) {
		pause()
		commands := []string{"PING", "HELLO 3", "CALL sleep 30", "CALL sleep 200", "CALL nobody", "CLIENT SETNAME n", "CALL drop", "CALL stop", "RESET", "", "*x", "PI"}
		text := commands[r.IntN(len(commands))]
		if text != "PI" { // half a command
			text += "\r\n"
		}
		if _, err := io.WriteString(c, text); err != nil {
			return
		}
	}
	pause()
	if r.IntN(2) == 0 {
		io.WriteString(c, "QUIT\r\n")
		pause()
	}
	if r.IntN(4) == 0 {
		time.Sleep(time.Hour) // stays until the server ends it
	}
}

// meddle does to processes and connections what scripts and administrators may do, at random.
func meddle(r *rand.Rand, s *server) {
	var processes []*process.Process
	for _, p := range s.Processes().All() {
		if p.RunsScripts() {
			processes = append(processes, p)
		}
	}
	if len(processes) > 0 {
		p := processes[r.IntN(len(processes))]
		[]func(){
			func() { p.Kill(nil) }, p.Pause, p.Resume, p.Resume, func() { p.Delay(time.Second) }, func() { p.Delay(0) }, func() { p.SetName("x") }, p.SetAbortFlag,
		}[r.IntN(8)]()
	}
	if live := s.Sessions().Live(); len(live) > 0 {
		c := live[r.IntN(len(live))]
		switch r.IntN(4) {
		case 0:
			s.Drop(c.Session())
		case 1:
			c.Tell("hello")
		}
	}
	s.Sessions().RefuseNew(r.IntN(10) == 0)
}

// Whatever a crowd of clients does, and whoever meddles, every connection that was let in is closed once, in its own
// process with its own variables.
func TestACrowd(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			serveWith(t, crowdScripts, func(c *host.Config) {
				c.AcceptOnError = seed%2 == 0
				c.IdleTimeout = 20 * time.Second
				c.MaxConnections = 40
			}, func(t *testing.T, s *server) {
				r := rand.New(rand.NewPCG(seed, 7))
				var others sync.WaitGroup
				for range 120 {
					time.Sleep(time.Duration(r.IntN(150)) * time.Millisecond)
					c := s.connect()
					own := rand.New(rand.NewPCG(seed, r.Uint64()))
					others.Go(func() { behave(own, c.conn) })
					meddle(r, s)
				}
				for _, p := range s.Processes().All() {
					p.Resume() // or nothing would ever end who is paused
				}
				s.Quit(time.Duration(r.IntN(20)-1) * time.Second)
				if seed%3 == 0 {
					time.Sleep(time.Duration(r.IntN(10)) * time.Second)
					s.Interrupt()
					s.Interrupt()
				}
				s.wait()
				for _, c := range s.clients {
					c.conn.Close()
				}
				others.Wait()
				s.expectCloses(seed%2 == 0)
			})
		})
	}
}

// expectCloses checks that the close calls are those of the connections that the log says were opened, one for each.
// Only who was let in in spite of an error may lack the variable that the open method sets last.
func (s *server) expectCloses(acceptOnError bool) {
	s.t.Helper()
	var opened, closed, called []string
	for _, l := range s.log.with("connection opened") {
		opened = append(opened, l.attrs["connection"])
	}
	for _, l := range s.log.with("connection closed") {
		closed = append(closed, l.attrs["connection"])
	}
	for _, note := range s.notes() {
		if _, text, _ := strings.Cut(note, ": "); strings.HasPrefix(text, "close ") {
			var id, user, zero int
			var mine bool
			if _, err := fmt.Sscanf(text, "close %d %t %d %d", &id, &mine, &user, &zero); err != nil || user != int(session.Designer) || zero != 0 {
				s.t.Errorf("close call %q: want the user and a zero (%v)", text, err)
			}
			if !mine && !acceptOnError {
				s.t.Errorf("the close method of connection %d does not see the variable of its open method", id)
			}
			called = append(called, fmt.Sprint(id))
		}
	}
	for _, ids := range [][]string{opened, closed, called} {
		slices.Sort(ids)
	}
	expect(s.t, "connections closed", closed, opened)
	expect(s.t, "close calls", called, opened)
	if len(opened) < 10 {
		s.t.Errorf("only %d connections were opened: the crowd is too small to show anything", len(opened))
	}
}
