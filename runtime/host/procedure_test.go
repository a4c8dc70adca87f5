package host_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/host"
	"moongate/runtime/process"
	"moongate/runtime/session"
)

func TestStart(t *testing.T) {
	serve(t, files{
		"job.lua":               `print(">", "job", current_process(), current_process_name(), ...) delay_process(current_process(), 600)`,
		"alone.lua":             "--%attributes = {\"preemptive\":\"capable\"}\n" + `mine = (mine or 0) + 1 print(">", "alone", mine, process_info(current_process()).preemptive)`,
		"shares.lua":            "--%attributes = {\"preemptive\":\"capable\"}\n" + `interprocess.x = 1`,
		"on_server_startup.lua": "",
	}, func(t *testing.T, s *server) {
		for _, c := range []struct {
			p    host.Procedure
			want process.Number
			err  error
		}{
			{p: host.Procedure{Method: "nobody"}, err: host.ErrNoMethod},
			{p: host.Procedure{Method: ""}, err: host.ErrNoMethod},
			{p: host.Procedure{Method: "on_server_startup"}, err: host.ErrNoMethod},
			{p: host.Procedure{Method: "job", Name: "Job", Args: []any{"a", int64(1), nil, true}}, want: 3},
			{p: host.Procedure{Method: "job", Name: "Job"}, want: 4}, // a name may be given twice
			{p: host.Procedure{Method: "job", Name: "JOB", Unique: true}, want: 3},
			{p: host.Procedure{Method: "job", Unique: true}, want: 5}, // one without a name is never found
			{p: host.Procedure{Method: "job", Unique: true}, want: 6},
		} {
			got, err := s.Start(c.p)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("Start(%+v): got %d, %v, want %d, %v", c.p, got, err, c.want, c.err)
			}
			synctest.Wait()
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		expect(t, "highest process when the jobs are over", s.Processes().Highest(), process.Number(2))
		for range 3 { // each has variables of its own, in whichever lane it is
			if n, err := s.Start(host.Procedure{Method: "alone"}); n != 3 || err != nil {
				t.Errorf("a preemptive process: got %d, %v, want 3", n, err)
			}
			synctest.Wait()
		}
		s.expectNotes("0s: job 3 Job a 1 nil true", "0s: job 4 Job", "0s: job 5 ", "0s: job 6 ", "10s: alone 1 true", "10s: alone 1 true", "10s: alone 1 true")
		if _, err := s.Start(host.Procedure{Method: "shares"}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		faults := s.log.with("script failed")
		if len(faults) != 1 || !strings.HasPrefix(faults[0].attrs["error"], "shares.lua:2: interprocess variables belong to cooperative processes, and shares runs in a preemptive one") {
			t.Errorf("got the faults %v, want one that names the method and the line", faults)
		}
	})
}

// What a stored procedure raises is in the log, once, with the calls that led there. An abort is no fault.
func TestAFailedProcedure(t *testing.T) {
	serve(t, files{
		"fails.lua": "local function inner()\n  error('no disk')\nend\ninner()",
		"waits.lua": "delay_process(current_process(), 3600)",
	}, func(t *testing.T, s *server) {
		if _, err := s.Start(host.Procedure{Method: "fails", Name: "Backup"}); err != nil {
			t.Fatal(err)
		}
		n, err := s.Start(host.Procedure{Method: "waits"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.Processes().Get(n).Kill(nil)
		synctest.Wait()
		faults := s.log.with("script failed")
		if len(faults) != 1 {
			t.Fatalf("got %d faults, want 1: %v", len(faults), faults)
		}
		expect(t, "level", faults[0].level, slog.LevelWarn)
		for key, want := range map[string]string{
			"method": "fails", "error": "fails.lua:2: no disk", "version": s.scripts.Version(), "traceback": "fails.lua:2: in inner\nfails.lua:4: in the method",
		} {
			expect(t, key, faults[0].attrs[key], want)
		}
		expect(t, "processes", s.Processes().Count(nil), 2)
	})
}

// A flood of connections is no flood of lines: what is left out is counted and said.
func TestAFloodOfConnectionsIsNoFloodOfLines(t *testing.T) {
	serve(t, files{"on_server_open_connection.lua": `return 22000`}, func(t *testing.T, s *server) {
		peer := session.Peer{Listener: "test"}
		refuse := func(n int) {
			for range n {
				if guest, _ := s.Open(peer, func() {}); guest != nil {
					t.Error("somebody was let in")
				}
			}
			s.Rest()
		}
		refuse(500)
		expect(t, "lines in one second", len(s.log.with("connection refused")), 200)
		time.Sleep(time.Second)
		refuse(1)
		expect(t, "lines in the next", len(s.log.with("connection refused")), 201)
		said := s.log.with("lines were left out: too many in one second")
		if len(said) != 1 || said[0].attrs["lines"] != "300" {
			t.Errorf("got %v, want that 300 lines were left out", said)
		}
		expect(t, "refused", s.Sessions().Totals().Refused, 501)
	})
}

// panicConn is a fault of the host.
type panicConn struct{ net.Conn }

func (panicConn) Read([]byte) (int, error) { panic("a fault for the test") }

// A Go panic in one conversation ends that connection, with its close method, and nothing else.
func TestAPanicInAConversation(t *testing.T) {
	serve(t, noted, func(t *testing.T, s *server) {
		other := s.connectAccepted()
		guest, _ := s.Open(session.Peer{Listener: "test"}, func() {})
		s.Rest()
		ours, theirs := net.Pipe()
		guest.Serve(panicConn{ours})
		if _, err := theirs.Read(make([]byte, 1)); err == nil {
			t.Error("the transport is still open")
		}
		other.expectReply("PING", "+PONG\r\n")
		expect(t, "close calls", s.count("close"), 1)
		faults := s.log.with("fault of the host")
		if len(faults) != 1 || faults[0].level != slog.LevelError || !strings.Contains(faults[0].attrs["stack"], "procedure_test.go") {
			t.Errorf("got %v, want one error with the Go stack", faults)
		}
		closed := s.log.with("connection closed")
		expect(t, "cause", closed[len(closed)-1].attrs["cause"], "connection lost")
		s.log.mu.Lock()
		s.log.lines = nil // it was meant to be
		s.log.mu.Unlock()
		other.conn.Close()
		synctest.Wait()
		s.log.mu.Lock()
		s.log.lines = nil // as were the notes about it
		s.log.mu.Unlock()
	})
}

// The scripts see the same life as the host does: states, names and the session of every process.
func TestWhatProcessesSeeOfEachOther(t *testing.T) {
	serve(t, files{
		"on_server_open_connection.lua": `print(">", "open", process_state(current_process()), count_tasks(), count_user_processes(), count_users(), count_connections())`,
		"look.lua": `local n = tonumber(...) local i = process_info(n)
return process_state(n), i and i.name, i and i.type, i and i.method, i and i.session_id ~= ""`,
		"job.lua": `pause_process(current_process())`,
	}, func(t *testing.T, s *server) {
		c := s.connectAccepted()
		if _, err := s.Start(host.Procedure{Method: "job", Name: "Job", Type: process.ExecuteOnServer}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		text := func(parts ...string) string {
			all := fmt.Sprintf("*%d\r\n", len(parts))
			for _, p := range parts {
				if strings.HasPrefix(p, ":") {
					all += p + "\r\n"
				} else {
					all += fmt.Sprintf("$%d\r\n%s\r\n", len(p), p)
				}
			}
			return all
		}
		c.expectReply("CALL look 3", text(":0", "Application process", ":-18", "on_server_open_connection", ":1"))
		c.expectReply("CALL look 4", text(":5", "Job", ":1", "job", ":0"))
		c.expectReply("CALL look 1", text(":0", "Main process", ":-39", "", ":0"))
		c.expectReply("CALL look 9", "*5\r\n:-100\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n")
		s.Processes().Get(4).Resume()
		s.expectNotes("0s: open 0 3 2 1 1")
	})
}
