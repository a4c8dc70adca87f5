package host_test

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/account"
	"moongate/runtime/host"
	"moongate/runtime/session"
	"moongate/runtime/structure"
)

// A newcomer who may be a client process is heard before it is decided about.
func TestTheFirstCommandDecides(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		s.announce()
		silent := s.connectOn(terms{})
		expect(t, "arrivals", s.Sessions().Totals().Arrivals, 1)
		time.Sleep(299 * time.Millisecond)
		expect(t, "open calls", s.count("open"), 1)
		time.Sleep(time.Millisecond)
		expect(t, "open calls", s.count("open"), 2)
		silent.expectSaid("+PONG\r\n", "PING")
		s.connectOn(terms{}).expectSaid("+PONG\r\n", "PING")
		expect(t, "open calls", s.count("open"), 3)
		s.connectOn(terms{address: "198.51.100.7"}) // where no client is, nobody waits
		expect(t, "open calls", s.count("open"), 4)
		s.Sessions().RefuseNew(true)
		refused := s.connectOn(terms{})
		refused.expectSaid("-REFUSED -10515 the server takes no new connections now\r\n", "PING")
		expect(t, "refused and sent away", refused.isOver(), true)
		expect(t, "refusals", s.refusedBy("refusing new connections"), int64(1))
	})
}

// Clients who are there go on as before while nobody else comes in any more.
func TestJoinWhileTheServerRefusesNewClients(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		s.Sessions().RefuseNew(true)
		r.join(2, "P_2").say("LANGUAGE")
		s.Sessions().RefuseNew(false)
		s.Quit(time.Minute)
		synctest.Wait()
		c := r.join(3, "P_3")
		c.say("LANGUAGE")
		expect(t, "open calls", s.count("open"), 3)
		c.cut()
		c, _ = r.resumed(3, 1, 1)
		time.Sleep(time.Minute)
		expect(t, "stopped", s.stopped(), true)
		expect(t, "close calls", s.count("close"), 3)
		expect(t, "last words", c.take(), "-CLOSED the server is stopping\r\n")
	})
}

func TestTheServerTellsRemoteClientsThatItQuits(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		c := r.join(2, "P_2")
		c.say("LANGUAGE")
		s.Quit(30 * time.Second)
		text := "the server stops in 30s: please disconnect"
		expect(t, "the notice", r.application.take(), ">3\r\n"+bulk("quit")+":30\r\n"+bulk(text))
		r.application.cut()
		time.Sleep(time.Second)
		application, more := r.resumed(1, 0, 0) // it may not have heard it
		r.application = application
		expect(t, "when it is back", more, ">3\r\n"+bulk("quit")+":29\r\n"+bulk("the server stops in 29s: please disconnect"))
		time.Sleep(19 * time.Second)
		expect(t, "again", r.application.take(), ">3\r\n"+bulk("quit")+":10\r\n"+bulk("the server stops in 10s: please disconnect"))
		expect(t, "cancel", s.CancelQuit(), nil)
		expect(t, "canceled", strings.HasPrefix(r.application.take(), ">2\r\n"+bulk("stay")), true)
		s.Quit(0)
		expect(t, "now", r.application.take(), ">3\r\n"+bulk("quit")+":0\r\n"+bulk("the server stops now")+"-CLOSED the server is stopping\r\n")
		expect(t, "the other process", c.take(), "-CLOSED the server is stopping\r\n")
	})
}

func TestOrdersForALink(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		c := r.join(2, "desk")
		clients := s.Sessions().Clients()
		c.expectSaid("#t\r\n", "REGISTER", "desk")
		c.expectSaid("#f\r\n", "REGISTER", "desk")
		order := func(id, method string) string {
			return ">4\r\n" + bulk("order") + ":" + id + "\r\n" + bulk(method) + bulk(packed("x"))
		}
		expect(t, "told", clients.Execute("D@", "one", []any{"x"}, 0), 1)
		clients.Execute("desk", "two", []any{"x"}, 0)
		expect(t, "the first", c.take(), order("1", "one"))
		c.expectSaid("+OK\r\n", "DONE", 7) // which is none of its
		c.cut()
		c, more := r.resumed(2, 3, 3)
		expect(t, "what may have been lost", more, order("1", "one"))
		got := c.say("DONE", 1)
		expect(t, "the next", strings.Contains(got, order("2", "two")), true)
		c.expectSaid("#t\r\n", "UNREGISTER")
		c.expectSaid("#f\r\n", "UNREGISTER")
		c.say("REGISTER", "desk")
		c.cut()
		time.Sleep(5 * time.Second)
		expect(t, "links", r.links(), "1:served")
		expect(t, "registered when it has gone", len(clients.List()), 0)
	})
}

// A client process that only says SESSION's words without one is told so.
func TestMessagesOutOfOrder(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		c := s.connect()
		for _, command := range [][]any{{"LANGUAGE"}, {"DATA", "level", packed(int64(0))}, {"DO", "current_time", packed()}, {"SLEEP"}, {"REGISTER", "x"}} {
			if got := c.say(command...); !strings.HasPrefix(got, "-ERR ") {
				t.Errorf("%v: got %q, want an error", command[0], got)
			}
		}
		r := s.announce()
		if got := r.application.say("SESSION", "PROTOCOL", 1, "PROCESS", 1); !strings.HasPrefix(got, "-ERR ") {
			t.Errorf("SESSION again: got %q, want an error", got)
		}
		r.application.expectSaid("+PONG\r\n", "PING")
	})
}

func TestMaximumConnectionsCountsLinks(t *testing.T) {
	serveWith(t, policyOfLinks, func(c *host.Config) { c.MaxConnections = 3 }, func(t *testing.T, s *server) {
		r := s.announce()
		c := r.join(2, "P_2")
		s.connectOn(terms{address: "198.51.100.1"})
		s.connectOn(terms{address: "198.51.100.2"}).expectRefused("-REFUSED -10514 the maximum number of connections is reached\r\n")
		c.cut() // its place is kept for it
		heard := s.connectOn(terms{address: "198.51.100.2"})
		expect(t, "while it is lost", heard.say("PING"), "-REFUSED -10514 the maximum number of connections is reached\r\n")
		c, _ = r.resumed(2, 0, 0)
		c.say("QUIT")
		s.connectOn(terms{address: "198.51.100.2"}).expectSaid("+PONG\r\n", "PING")
	})
}

// With accounts only the Application process logs in: the token is the others' proof.
func TestASessionWithAccounts(t *testing.T) {
	serveUsers(t, policyOfLinks, func(c *host.Config) { c.SessionTimeout = time.Minute }, func(t *testing.T, s *server) {
		c := s.connect()
		c.say("HELLO", 3, "AUTH", "ann", "ann")
		reply := c.say("SESSION", "PROTOCOL", 1, "PROCESS", 1, "NAME", "Application process")
		expect(t, "user", field(reply, "user"), "ann")
		r := &remoteClient{s: s, application: c, token: field(reply, "token"), session: field(reply, "session")}
		other := r.join(2, "P_2")
		other.say("LANGUAGE")
		s.expectNotes("0s: open 3 1 3 ", "0s: open 3 2 4 ")
		s.connect().expectSaid("-NOAUTH Authentication required.\r\n", "PING")
		expect(t, "a heard one logs in", strings.HasPrefix(s.connect().say("HELLO", 3, "AUTH", "Bob", "Bob"), "%7"), true)
		expect(t, "users", s.Sessions().Users(), 2)
		r.application.silence()
		time.Sleep(time.Minute)
		expect(t, "session", r.state(), "over")
	})
}

func TestWaitForActiveClientsOnly(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		sleeper, vanished := s.announceFrom("192.0.2.1"), s.announceFrom("192.0.2.2")
		sleeper.application.say("SLEEP")
		time.Sleep(time.Hour) // and a remote client that asks for nothing does not sleep
		s.AskToQuit(host.QuitRequest{Mode: host.QuitWaitActive})
		time.Sleep(time.Minute)
		expect(t, "stopped", s.stopped(), false)
		vanished.application.silence()
		time.Sleep(time.Second)
		expect(t, "stopped", s.stopped(), true)
		expect(t, "close calls", s.count("close"), 2)
	})
}

// With no time to come back a client that cannot be reached has gone.
func TestWithoutSessionTimeout(t *testing.T) {
	serveWith(t, policyOfLinks, func(*host.Config) {}, func(t *testing.T, s *server) {
		r := s.announce()
		r.application.silence()
		expect(t, "session", r.state(), "over")
		r.application.expectEnd(0, session.Unreachable)
	})
}

// retabled are scripts whose tables a test changes.
type retabled struct {
	host.Scripts
	tables structure.Structure
}

func (r *retabled) Structure() structure.Structure { return r.tables }

// Each client hears of new tables once, whoever has come since; one that was away when they came hears of them when it is back.
func TestANewStructureIsShown(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		scripts := &retabled{Scripts: quiet{s.scripts}}
		s.SetScripts(scripts)
		r, away := s.announce(), s.announceFrom("192.0.2.8")
		s.ScriptsLoaded("1", nil)
		expect(t, "push when nothing has changed", r.application.take(), "")
		away.application.silence()
		scripts.tables.Tables = []structure.Table{{Name: "jobs", Columns: []structure.Column{{Name: "id", Type: structure.Integer, Primary: true}}}}
		later := s.announceFrom("192.0.2.9")
		s.ScriptsLoaded("2", nil)
		if got := r.application.take(); !strings.HasPrefix(got, ">2\r\n$9\r\nstructure\r\n") || !strings.Contains(got, `"jobs"`) {
			t.Errorf("push: got %q, want the tables", got)
		}
		expect(t, "push to who has come since", later.application.take(), "")
		_, more := away.resumed(1, 0, 0)
		expect(t, "push to who was away", strings.Contains(more, `"jobs"`), true)
		s.ScriptsLoaded("3", nil)
		expect(t, "again", r.application.take(), "")
	})
}

// A link may end while its client is on the way back: then the new transport is closed too.
func TestTheEndOfALinkWhoseClientComesBack(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		c := r.join(2, "P_2")
		c.say("CALLV", "sleep", packed(int64(600)))
		r.lose(2)
		back, _ := r.resumed(2, 0, 1)
		expect(t, "links", r.links(), "1:served 2:claimed")
		s.Drop(r.session)
		synctest.Wait()
		if _, err := back.conn.Write([]byte("x")); err == nil {
			t.Error("the transport by which the client came back is open")
		}
		expect(t, "close calls", s.count("close"), 2)
	})
}

// Who is heard passes the checks that others pass at the door, and with accounts those of who logs in.
func TestTheRulesAreForThoseWhoAreHeardToo(t *testing.T) {
	rules := session.Rules{{Allow: true, Network: netip.MustParsePrefix("192.0.2.0/24")}}
	serveWith(t, policyOfLinks, func(c *host.Config) { c.SessionTimeout, c.Rules = time.Minute, rules }, func(t *testing.T, s *server) {
		r := s.announce()
		r.application.silence()
		s.connectOn(terms{address: "198.51.100.1"}).expectRefused("-REFUSED -10515 connections from this address are not allowed\r\n")
		gone := s.connectOn(terms{address: "192.0.2.9"})
		gone.cut()
		expect(t, "gone", gone.isOver(), true)
		expect(t, "the log", s.log.with("connection refused")[1].attrs["reason"], "left before the first command")
		r.application, _ = r.resumed(1, 0, 0)
	})
	serveUsers(t, policyOfLinks, func(c *host.Config) { c.MaxConnections = 2 }, func(t *testing.T, s *server) {
		c := s.connect()
		c.say("HELLO", 3, "AUTH", "ann", "ann")
		c.say("SESSION", "PROTOCOL", 1, "PROCESS", 1)
		s.connect().say("HELLO", 3, "AUTH", "ann", "ann")
		s.connect().expectSaid("-REFUSED -10514 the maximum number of connections is reached\r\n", "HELLO", 3, "AUTH", "Bob", "Bob")
	})
}

// The token proves a login: when that would not succeed any more, nobody joins by it or comes back.
func TestATokenIsNoMoreThanTheLogin(t *testing.T) {
	for name, becomes := range map[string]func(file string) error{
		"a disabled account": func(file string) error { return account.SetDisabled(file, "ann", true) },
		"another password":   func(file string) error { return account.SetPassword(file, "ann", []byte("another")) },
	} {
		t.Run(name, func(t *testing.T) {
			users := accounts(t, "ann")
			var known *account.Users
			serveUsers(t, policyOfLinks, func(c *host.Config) {
				c.SessionTimeout = time.Minute
				known, _ = account.Open(users, slog.New(slog.DiscardHandler))
				c.Users = known
			}, func(t *testing.T, s *server) {
				c := s.connect()
				c.say("HELLO", 3, "AUTH", "ann", "ann")
				r := &remoteClient{s: s, application: c}
				reply := c.say("SESSION", "PROTOCOL", 1, "PROCESS", 1)
				r.token, r.session = field(reply, "token"), field(reply, "session")
				other := r.join(2, "P_2")
				if err := becomes(users); err != nil {
					t.Fatal(err)
				}
				stop := make(chan struct{})
				go known.Watch(stop)
				time.Sleep(3 * time.Second)
				close(stop)
				want := "-TOKEN the account was disabled, or has another password, since the client logged in: log in again\r\n"
				s.connect().expectSaid(want, "JOIN", r.token, 3, "P_3")
				other.expectSaid("+PONG\r\n", "PING")
				other.cut()
				_, reply = r.resume(2, 1)
				expect(t, "RESUME", reply, want)
			})
		})
	}
}

// Who floods the door from a client's address keeps that client's processes waiting for a moment, and no longer.
func TestJoinInAFlood(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		for range 1000 { // as many as are heard
			s.connectOn(terms{})
		}
		s.connectOn(terms{}).expectSaid("-INUSE that process has a transport that is not known to be lost\r\n", "JOIN", r.token, 2, "P_2")
		s.connectOn(terms{}).expectSaid("-TOKEN no session here has that token, or not for this address\r\n", "JOIN", "x", 2, "P_2")
		time.Sleep(time.Second)
		r.join(2, "P_2")
	})
}

// Whoever begins a session can use all tables: a server, and a policy for one connection, can keep to plain clients.
func TestSessionsThatAreNotAllowed(t *testing.T) {
	begin := []any{"SESSION", "PROTOCOL", 1, "PROCESS", 1}
	serveWith(t, policyOfLinks, func(c *host.Config) { c.NoRemote = true }, func(t *testing.T, s *server) {
		c := s.connect()
		c.expectSaid("-REFUSED -10515 the server takes no client machines\r\n", begin...)
		c.expectSaid("+PONG\r\n", "PING")
		expect(t, "sessions", len(s.Sessions().Remotes()), 0)
	})
	policy := files{"on_server_open_connection.lua": `local _, id = ... return 0, "", { remote = id ~= 1 }`}
	serveWith(t, policy, func(*host.Config) {}, func(t *testing.T, s *server) {
		c := s.connect()
		c.expectSaid("-REFUSED -10515 the policy takes no client machine here\r\n", begin...)
		c.expectSaid("-ERR DATA is for remote sessions; begin one with SESSION, or join one with JOIN\r\n", "DATA", "level", packed())
		s.announce()
	})
}

// A client has no say in the semaphores that are the server's own.
func TestAClientDoesNotReachTheServersOwnSemaphores(t *testing.T) {
	serveLinks(t, func(t *testing.T, s *server) {
		r := s.announce()
		for _, command := range []string{"semaphore", "test_semaphore", "clear_semaphore"} {
			want := "-ERR bad argument #1 to " + command + " (name of a semaphore of all machines expected; one that begins with $ is a machine's own)\r\n"
			r.application.expectSaid(want, "DO", command, packed("$Journal"))
		}
		r.application.expectSaid("*1\r\n#f\r\n", "DO", "semaphore", packed("Journal"))
	})
}
