package host_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/host"
	"moongate/runtime/session"
)

// noticeOf is a message of the administrator as a RESP3 client reads it.
func noticeOf(text string) string {
	return fmt.Sprintf(">2\r\n$6\r\nnotice\r\n$%d\r\n%s\r\n", len(text), text)
}

// A shutdown that waits for clients can be canceled: the server lets clients in again as if nothing had been.
func TestAQuitIsCanceled(t *testing.T) {
	serve(t, leaving, func(t *testing.T, s *server) {
		guest := s.resp3()
		s.AskToQuit(host.QuitRequest{Mode: host.QuitIn, Delay: 100 * second, Message: "we move house"})
		time.Sleep(10 * second)
		expect(t, "what the client reads", guest.take(), noticeOf("we move house (the server stops in 1m40s: please disconnect)"))
		s.connect().expectRefused("-REFUSED -10516 the server is stopping\r\n")
		expect(t, "state", s.Sessions().Stage(), session.Stopping)
		expect(t, "waiting", len(s.Shutdown().Waiting), 1)
		expect(t, "cancelable", s.Shutdown().Cancelable, true)

		expect(t, "canceled", s.CancelQuit(), nil)
		synctest.Wait()
		expect(t, "what the client reads then", guest.take(), noticeOf("the server goes on: its shutdown was canceled"))
		expect(t, "state then", s.Sessions().Stage(), session.Serving)
		expect(t, "asked", s.Shutdown().Asked, false)
		expect(t, "stages", len(s.Shutdown().Over), 0)
		expect(t, "canceled twice", s.CancelQuit(), host.ErrNoQuit)
		s.connect().expectReply("PING", "+PONG\r\n")

		time.Sleep(200 * second)
		guest.expectReply("PING", "+PONG\r\n")
		expect(t, "stopped", s.stopped(), false)
		expect(t, "let in", s.opened.Load(), int32(1))
		s.Interrupt() // the first signal, not the second
		time.Sleep(4 * second)
		expect(t, "stopped before its time", s.stopped(), false)
	})
}

// Whoever asks for the end finds the door shut for new clients, and open again as soon as it is canceled: not only when
// the server has got round to it.
func TestAQuitIsSeenAtOnce(t *testing.T) {
	serve(t, leaving, func(t *testing.T, s *server) {
		guest := s.connect()
		guest.expectReply("PING", "+PONG\r\n")
		for range 100 {
			s.AskToQuit(host.QuitRequest{Mode: host.QuitIn, Delay: 100 * second})
			expect(t, "stage after the request", s.Sessions().Stage(), session.Stopping)
			expect(t, "canceled", s.CancelQuit(), nil)
			expect(t, "stage after that", s.Sessions().Stage(), session.Serving)
		}
		synctest.Wait()
		expect(t, "stage at rest", s.Sessions().Stage(), session.Serving)
		guest.expectReply("PING", "+PONG\r\n")
	})
}

// Past the point of no return there is nothing to cancel.
func TestAQuitIsCanceledTooLate(t *testing.T) {
	f := files{"on_server_shutdown.lua": `delay_process(current_process(), 60 * 5)`}
	serve(t, f, func(t *testing.T, s *server) {
		s.AskToQuit(host.QuitRequest{Mode: host.QuitWait})
		time.Sleep(second)
		expect(t, "stage", s.Shutdown().Stage, "the window")
		if err := s.CancelQuit(); !errors.Is(err, host.ErrTooLate) {
			t.Errorf("got %v, want %v", err, host.ErrTooLate)
		}
		expect(t, "cancelable", s.Shutdown().Cancelable, false)
		s.wait()
		expect(t, "took", s.took, 5*second)
	})
}

// Clients that have asked for nothing for a minute are not waited for in the mode for active clients.
func TestSleepingClientsAreNotWaitedFor(t *testing.T) {
	serve(t, leaving, func(t *testing.T, s *server) {
		sleeper, active := s.resp3(), s.resp3()
		for range 12 {
			time.Sleep(10 * second)
			active.expectReply("PING", "+PONG\r\n")
		}
		s.AskToQuit(host.QuitRequest{Mode: host.QuitWaitActive})
		time.Sleep(second)
		expect(t, "waiting", len(s.Shutdown().Waiting), 1)
		expect(t, "what the sleeping one reads", sleeper.take(), notice(""))
		time.Sleep(30 * second)
		active.expectReply("PING", notice("")+notice("")+"+PONG\r\n") // about every 20 s
		expect(t, "stopped", s.stopped(), false)
		active.conn.Close()
		time.Sleep(2 * second)
		expect(t, "stopped when the active one has left", s.stopped(), true)
		if got := sleeper.take(); !strings.HasSuffix(got, farewell) {
			t.Errorf("the sleeping one reads %q, want the farewell at its end", got)
		}
	})
}

// Nobody connected: at once, whatever the mode.
func TestNobodyIsWaitedFor(t *testing.T) {
	for _, r := range []host.QuitRequest{
		{Mode: host.QuitIn, Delay: time.Hour}, {Mode: host.QuitWait}, {Mode: host.QuitWaitActive}, {Mode: host.QuitNow},
	} {
		t.Run(r.Mode.String(), func(t *testing.T) {
			serve(t, leaving, func(t *testing.T, s *server) {
				time.Sleep(5 * second)
				s.AskToQuit(r)
				s.wait()
				expect(t, "took", s.took, 5*second)
			})
		})
	}
}

// Who reads the events of a server sees its end, stage by stage, and how it ended.
func TestEventsTellTheEnd(t *testing.T) {
	serve(t, leaving, func(t *testing.T, s *server) {
		var kinds []string
		var last host.Event
		read := make(chan struct{})
		events := s.Events(t.Context())
		go func() {
			defer close(read)
			for e := range events {
				kind := string(e.Kind)
				if e.Stage != nil {
					kind += ": " + e.Stage.Stage
				}
				kinds, last = append(kinds, kind), e
			}
		}()
		guest := s.connect()
		guest.expectReply("PING", "+PONG\r\n")
		s.AskToQuit(host.QuitRequest{Mode: host.QuitIn, Delay: 2 * second})
		s.wait()
		<-read
		expect(t, "kinds", kinds, []string{
			"accepted", "quit", "stage: refuse new connections", "waiting", "waiting", "stage: wait for the clients", "closed",
			"stage: end the connections", "process ended", "stage: the window", "stage: write the journal", "ended",
		})
		expect(t, "stages of the report", len(last.Report.Stages), 5)
		for range s.Events(context.Background()) {
			t.Error("an event after the end")
		}
	})
}

// A reader that is too slow misses events, and learns how many; nobody waits for it.
func TestASlowReaderMissesEvents(t *testing.T) {
	serve(t, files{}, func(t *testing.T, s *server) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		events := s.Events(ctx)
		for range 1500 {
			s.ScriptsLoaded("v", nil)
		}
		var lost int64
		n := 0
		for e := range events {
			if n++; n == 1024 {
				s.ScriptsLoaded("last", nil)
			}
			if e.Text == "last" {
				lost = e.Lost
				break
			}
		}
		expect(t, "lost", lost, int64(1500-1024))
	})
}

// Cancel and quit again: the new terms count, whatever the stage that waits has seen of the old ones.
func TestAQuitAfterACancelHasItsOwnTerms(t *testing.T) {
	serve(t, leaving, func(t *testing.T, s *server) {
		guest := s.resp3()
		for range 1000 {
			s.AskToQuit(host.QuitRequest{Mode: host.QuitIn, Delay: 90 * second})
			if err := s.CancelQuit(); err != nil {
				t.Fatal(err)
			}
		}
		s.AskToQuit(host.QuitRequest{Mode: host.QuitIn, Delay: 90 * second})
		time.Sleep(80 * second)
		expect(t, "stopped before its time", s.stopped(), false)
		guest.take()
		time.Sleep(11 * second)
		expect(t, "stopped", s.stopped(), true)
	})
}

// What did not end by itself while a shutdown waited that was canceled belongs to no other.
func TestACanceledQuitLeavesNothing(t *testing.T) {
	f := files{"on_server_close_connection.lua": `delay_process(current_process(), 6000)`}
	serve(t, f, func(t *testing.T, s *server) {
		leaver, stayer := s.connectAccepted(), s.connectAccepted()
		s.AskToQuit(host.QuitRequest{Mode: host.QuitWait})
		leaver.conn.Close()
		time.Sleep(10 * second) // its close method is stopped after 5
		if err := s.CancelQuit(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(second)
		stayer.conn.Close()
		time.Sleep(10 * second)
		s.AskToQuit(host.QuitRequest{Mode: host.QuitNow})
		s.wait()
		expect(t, "left", s.report.Left, nil)
	})
}

// Nobody who wants the server to stop waits for an endless startup method.
func TestAnEndlessStartupIsEnded(t *testing.T) {
	serve(t, files{"on_server_startup.lua": `while true do delay_process(current_process(), 60) end`}, func(t *testing.T, s *server) {
		time.Sleep(5 * second)
		s.AskToQuit(host.QuitRequest{Mode: host.QuitWait})
		s.wait()
		expect(t, "took", s.took, 5*second)
		expect(t, "let in", s.opened.Load(), int32(0))
	})
}

// The end is what no reader misses, however slow.
func TestASlowReaderSeesTheEnd(t *testing.T) {
	serve(t, files{}, func(t *testing.T, s *server) {
		events := s.Events(t.Context())
		for range 3000 {
			s.ScriptsLoaded("v", nil)
		}
		s.AskToQuit(host.QuitRequest{Mode: host.QuitNow})
		s.wait()
		var last host.Event
		for e := range events {
			last = e
		}
		expect(t, "the last event", last.Kind, host.Ended)
	})
}
