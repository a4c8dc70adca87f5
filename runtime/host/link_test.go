package host_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/host"
	"moongate/runtime/session"
)

func TestASessionOfThreeProcesses(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		registration := r.join(2, "Client registration process")
		expect(t, "twins before the language", s.Processes().Count(nil), 3)
		registration.expectSaid("%2\r\n$7\r\nprocess\r\n:4\r\n$10\r\nconnection\r\n:2\r\n", "LANGUAGE")
		registration.expectSaid("%2\r\n$7\r\nprocess\r\n:4\r\n$10\r\nconnection\r\n:2\r\n", "LANGUAGE")
		design := r.join(3, "Design process")
		design.expectSaid("*1\r\n:4\r\n", "CALLV", "add", packed(int64(1)))
		s.expectNotes("0s: open 1 1 3 ", "0s: open 1 2 4 ", "0s: open 1 3 5 ")
		expect(t, "users", s.Sessions().Users(), 1)
		expect(t, "name of the twin", s.Processes().Get(4).Name(), "Client registration process")
		time.Sleep(time.Second)
		r.application.expectSaid("+OK\r\n", "QUIT")
		notes := s.notes()
		slices.Sort(notes[3:5]) // these two end at the same time
		expect(t, "notes of the scripts", notes, []string{"0s: open 1 1 3 ", "0s: open 1 2 4 ", "0s: open 1 3 5 ",
			"1s: close 1 2 4 Client registration process 2", "1s: close 1 3 5 Design process 4", "1s: close 1 1 3 Application process 1"})
		expect(t, "last words", design.take(), "-CLOSED the session has ended\r\n")
		registration.expectEnd(time.Second, session.SessionEnded)
		r.application.expectEnd(time.Second, session.ClientLeft)
	})
}

// The page's sequence: what touches data only never calls the method.
func TestAClientProcessWithoutLanguage(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		c := r.join(7, "P_7")
		expect(t, "links", r.links(), "1:served 7:served")
		expect(t, "connections", s.Sessions().Totals().Live, 1)
		expect(t, "links without one", s.Sessions().Totals().Links, 1)
		if got := c.say("DATA", "count", packed("x")); !strings.HasPrefix(got, "-ERR ") {
			t.Errorf("DATA without a store: got %q, want an error", got)
		}
		c.expectSaid("+OK\r\n", "QUIT")
		expect(t, "over", c.isOver(), true)
		expect(t, "links", r.links(), "1:served")
		s.expectNotes("0s: open 1 1 3 ")
	})
}

func TestARefusedLanguageTwin(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		c := r.join(2, "P_2")
		r.application.say("CALLV", "refuse", packed(int64(2)))
		c.expectSaid("-REFUSED 22000 not you\r\n", "LANGUAGE")
		expect(t, "link", r.links(), "1:served 2:served")
		expect(t, "links without a connection", s.Sessions().Totals().Links, 1)
		c.expectSaid("%2\r\n$7\r\nprocess\r\n:4\r\n$10\r\nconnection\r\n:3\r\n", "LANGUAGE")
		expect(t, "links without a connection", s.Sessions().Totals().Links, 0)
	})
}

func TestALostLinkEndsAfterAGrace(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		c := r.join(2, "P_2")
		c.say("CALLV", "hold", packed())
		c.cut()
		expect(t, "links", r.links(), "1:served 2:lost")
		time.Sleep(4999 * time.Millisecond)
		expect(t, "links", r.links(), "1:served 2:lost")
		r.application.expectSaid("*1\r\n#t\r\n", "CALLV", "hold", packed()) // somebody has it
		time.Sleep(time.Millisecond)
		expect(t, "links", r.links(), "1:served")
		r.application.expectSaid("*1\r\n#f\r\n", "CALLV", "hold", packed())
		c.expectEnd(5*time.Second, session.ConnectionLost)
		r.application.cut()
		time.Sleep(5 * time.Second)
		expect(t, "session", r.state(), "over")
		r.application.expectEnd(10*time.Second, session.ConnectionLost)
	})
}

func TestALinkThatCannotBeReachedIsKept(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		c := r.join(2, "P_2")
		c.say("LANGUAGE")
		c.silence()
		expect(t, "session", r.state(), "active")
		r.application.silence()
		expect(t, "session", r.state(), "postponed")
		expect(t, "links", r.links(), "1:unreachable 2:unreachable")
		time.Sleep(899 * time.Second)
		r.address = "198.51.100.7" // it has another address now
		r.application, _ = r.resumed(1, 0, 0)
		expect(t, "session", r.state(), "active")
		c, _ = r.resumed(2, 1, 1)
		c.expectSaid("*1\r\n:3\r\n", "CALLV", "add", packed(int64(1)))
		r.join(3, "P_3") // from the new address
		r.application.expectSaid("*1\r\n"+bulk(r.address), "CALLV", "where", packed())
		time.Sleep(time.Hour)
		expect(t, "links", r.links(), "1:served 2:served 3:served")
		expect(t, "close calls", s.count("close"), 0)
		r.application.silence()
		time.Sleep(900 * time.Second)
		expect(t, "session", r.state(), "over")
		expect(t, "close calls", s.count("close"), 2)
		expect(t, "cause", r.cause(), "unreachable")
	})
}

// cause is why the session's connection closed that closed last.
func (r *remoteClient) cause() string {
	all := r.s.log.with("connection closed")
	return all[len(all)-1].attrs["cause"]
}

// A request runs on when its transport is lost, and its reply is kept.
func TestResumeWhileARequestRuns(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		c := r.join(2, "P_2")
		c.say("CALLV", "sleep", packed(int64(60)))
		time.Sleep(time.Second)
		expect(t, "reply", c.take(), "*2\r\n"+bulk("slept")+":1\r\n")
		c.say("CALLV", "sleep", packed(int64(240)))
		r.lose(2)
		c.cut()
		time.Sleep(2 * time.Second)
		c, more := r.resumed(2, 1, 2)
		expect(t, "reply before it is there", more, "")
		time.Sleep(1900 * time.Millisecond)
		expect(t, "reply before it is there", c.take(), "")
		time.Sleep(100 * time.Millisecond)
		expect(t, "reply", c.take(), "*2\r\n"+bulk("slept")+":2\r\n")
		c.expectSaid("*2\r\n"+bulk("slept")+":3\r\n", "CALLV", "sleep", packed(int64(0)))
		c.cut()
		c, more = r.resumed(2, 2, 3) // it has not had the last reply
		expect(t, "reply again", more, "*2\r\n"+bulk("slept")+":3\r\n")
		c.cut()
		c, more = r.resumed(2, 3, 3) // it has
		expect(t, "nothing owed", more, "")
		c.cut()
		_, reply := r.resume(2, 1)
		expect(t, "too far back", strings.HasPrefix(reply, "-ERR the client has had 1 replies"), true)
		_, reply = r.resume(2, 9)
		expect(t, "in the future", strings.HasPrefix(reply, "-ERR the client has had 9 replies"), true)
		expect(t, "links", r.links(), "1:served 2:lost")
	})
}

// lose says what the sweep does where it can see it: a pipe shows nothing.
func (r *remoteClient) lose(process int64) {
	for _, s := range r.s.Sessions().Remotes() {
		for _, l := range s.Links() {
			if s.ID == r.session && l.Process == process {
				r.s.LoseTransport(l)
			}
		}
	}
}

// A request whose client does not come back is ended, and with it the link.
func TestARequestOfALostLinkIsEnded(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		c := r.join(2, "P_2")
		c.say("CALLV", "sleep", packed(int64(6000)))
		r.lose(2)
		time.Sleep(5 * time.Second)
		c.expectEnd(5*time.Second, session.ConnectionLost)
		expect(t, "links", r.links(), "1:served")
		expect(t, "close calls", s.count("close"), 1)
	})
}

func TestWhoMayResume(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		c := r.join(2, "P_2")
		const inUse, token = "-INUSE that process has a transport that is not known to be lost\r\n", "-TOKEN no session here has that token, or not for this address\r\n"
		_, reply := r.resume(2, 0)
		expect(t, "while the transport is there", reply, inUse)
		_, reply = r.resume(3, 0)
		expect(t, "a process that there is not", reply, token)
		c.cut()
		thief := &remoteClient{s: s, token: strings.Repeat("A", 43)}
		_, reply = thief.resume(2, 0)
		expect(t, "another token", reply, token)

		first, second := s.connectOn(terms{}), s.connectOn(terms{}) // at the same time
		go first.conn.Write([]byte(words("RESUME", r.token, 2, 0)))
		go second.conn.Write([]byte(words("RESUME", r.token, 2, 0)))
		synctest.Wait()
		one, other := first.take(), second.take()
		if !strings.HasPrefix(one, "-INUSE") {
			one, other = other, one
		}
		expect(t, "the one that came later", one, inUse)
		expect(t, "the one that came first", field(other, "done"), "0")

		r.application.say("QUIT")
		_, reply = r.resume(2, 0)
		expect(t, "after the end", reply, token)
	})
}

func TestWhoMayJoin(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		const inUse, token = "-INUSE that process has a transport that is not known to be lost\r\n", "-TOKEN no session here has that token, or not for this address\r\n"
		for _, c := range []struct {
			name, address, token string
			process              any
			want                 string
		}{
			{"another token", "", strings.Repeat("A", 43), 2, token},
			{"no token", "", "", 2, token},
			{"the Application process again", "", r.token, 1, inUse},
			{"a $ process", "", r.token, "x", `-ERR "x" is no number` + "\r\n"},
		} {
			client := s.connectOn(terms{address: c.address})
			expect(t, c.name, client.say("JOIN", c.token, c.process, "P"), c.want)
			expect(t, c.name+": sent away", client.isOver(), true)
		}
		stranger := s.connectOn(terms{address: "198.51.100.7"}) // who is let in as anybody
		expect(t, "from elsewhere", stranger.say("JOIN", r.token, 2, "P"), token)
		expect(t, "links", r.links(), "1:served")

		given := r.join(2, "P_2")
		given.say("CALLV", "sleep", packed(int64(6000)))
		r.lose(2)
		again := r.join(2, "P_2") // it has given up what it asked for
		expect(t, "the link before", given.isOver(), true)
		again.expectSaid("*1\r\n:5\r\n", "CALLV", "add", packed(int64(1)))
	})
}

func TestTheEndOfALostLink(t *testing.T) {
	for name, end := range map[string]func(r *remoteClient){
		"the Application process quits":  func(r *remoteClient) { r.application.say("QUIT") },
		"the session is dropped":         func(r *remoteClient) { r.s.Drop(r.session) },
		"its process is aborted":         func(r *remoteClient) { r.s.Abort(4, 0) },
		"its connection is dropped":      func(r *remoteClient) { r.s.DropConnection(2) },
		"the server stops":               func(r *remoteClient) { r.s.Quit(0) },
		"the user is dropped":            func(r *remoteClient) { r.s.DropUser("designer") },
		"the Application process is too": func(r *remoteClient) { r.application.cut(); time.Sleep(5 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			serveLinks(t, func(t *testing.T, s *server) {
				r := s.announce()
				c := r.join(2, "P_2")
				c.say("LANGUAGE")
				c.silence()
				end(r)
				synctest.Wait()
				expect(t, "over", c.isOver(), true)
				expect(t, "close calls of process 4", len(regexp.MustCompile(`close 1 2 4`).FindAllString(strings.Join(s.notes(), "\n"), -1)), 1)
			})
		})
	}
}

func TestSleep(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		c := r.join(2, "P_2")
		c.say("CALLV", "hold", packed())
		c.expectSaid("+OK\r\n", "SLEEP") // only the Application process speaks for the machine
		expect(t, "session", r.state(), "active")
		r.application.expectSaid("+OK\r\n", "SLEEP")
		expect(t, "session", r.state(), "sleeping")
		r.application.expectSaid("+PONG\r\n", "PING") // any command
		expect(t, "session", r.state(), "active")
		r.application.expectSaid("+OK\r\n", "SLEEP")
		c.cut()
		r.application.cut()
		time.Sleep(890 * time.Second)
		expect(t, "links", r.links(), "1:lost 2:lost")
		r.application, _ = r.resumed(1, 3, 3)
		expect(t, "session", r.state(), "active")
		time.Sleep(4 * time.Second) // the others come one after the other
		r.resumed(2, 2, 2)
		r.application.expectSaid("*1\r\n#t\r\n", "CALLV", "hold", packed()) // P_2 has it yet

		r.application.say("SLEEP")
		_, reply := r.resume(2, 9) // in vain: what is there stays
		expect(t, "links", r.links()+" "+reply[:4], "1:served 2:served -ERR")
		_, reply = r.resume(2, 2) // the network does not know yet that the transport is lost
		expect(t, "resume of a transport that is there", field(reply, "done"), "2")
		expect(t, "session", r.state(), "active")
		r.application.say("SLEEP")
		r.application.cut()
		time.Sleep(900 * time.Second)
		expect(t, "session", r.state(), "over")
		expect(t, "close calls", s.count("close"), 2)
	})
}

// A message for a session's user comes once, by the Application process's link, and not to nobody by another.
func TestAMessageForASession(t *testing.T) {
	f := files{"tell.lua": `send_message_to_remote_user(...)`}
	serveWith(t, f, func(c *host.Config) { c.SessionTimeout = time.Minute }, func(t *testing.T, s *server) {
		r := s.announce()
		c := r.join(2, "P_2")
		c.say("LANGUAGE")
		c.expectSaid("*0\r\n", "CALLV", "tell", packed("hello"))
		expect(t, "Application process", r.application.take(), ">2\r\n"+bulk("notice")+bulk("hello"))
		r.application.cut()
		c.expectSaid("*0\r\n", "CALLV", "tell", packed("are you there?", r.session))
	})
}
