package application_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/application"
	"moongate/runtime/session"
)

const (
	idleWords = "-CLOSED no command came for too long\r\n"
	slowWords = "-CLOSED a command took too long to arrive\r\n"
	hello     = "HELLO 3\r\n"
)

func push(text string) string {
	return fmt.Sprintf(">2\r\n$6\r\nnotice\r\n$%d\r\n%s\r\n", len(text), text)
}

// running are methods that take their time: sleep until it is over or somebody interrupts.
var running = map[string]func(g *guest, args []any) ([]any, error){
	"sleep": func(g *guest, args []any) ([]any, error) {
		d, _ := time.ParseDuration(args[0].(string))
		select {
		case cause := <-g.stop:
			return nil, errors.New("sleep.lua:1: stopped: " + cause.String())
		case <-time.After(d):
			return []any{"slept"}, nil
		}
	},
	"large": func(*guest, []any) ([]any, error) { return []any{strings.Repeat("x", 1<<20)}, nil },
}

func TestIdleTimeout(t *testing.T) {
	pay(t, terms{idleTimeout: time.Minute}, func(v *visit) {
		v.expectEnd(session.Idle, idleWords)
		v.expectTime(time.Minute)
	})
	pay(t, terms{idleTimeout: time.Minute}, func(v *visit) { // each command begins the minute anew
		for range 10 {
			time.Sleep(50 * time.Second)
			v.expect("PING\r\n", "+PONG\r\n")
		}
		v.expectEnd(session.Idle, idleWords)
		v.expectTime(560 * time.Second)
	})
	pay(t, terms{idleTimeout: time.Minute, methods: running}, func(v *visit) { // a method that runs is not idle
		v.send <- "CALL sleep 1h\r\n"
		time.Sleep(time.Hour)
		expect(t, "after an hour", v.take(), "$5\r\nslept\r\n")
		v.expectEnd(session.Idle, idleWords)
		v.expectTime(61 * time.Minute)
	})
	pay(t, terms{}, func(v *visit) { // 0 is never
		time.Sleep(3 * time.Hour)
		v.expect("PING\r\n", "+PONG\r\n")
	})
}

// What the server says is no command: a client that is told something every few seconds is as idle as any other.
func TestAMessageDoesNotMakeAClientBusy(t *testing.T) {
	pay(t, terms{idleTimeout: time.Minute}, func(v *visit) {
		v.ask(hello)
		for range 5 {
			time.Sleep(10 * time.Second)
			v.connection.Tell("hello")
		}
		v.expectEnd(session.Idle, strings.Repeat(push("hello"), 5)+idleWords)
		v.expectTime(time.Minute)
	})
}

func TestASlowCommandEnds(t *testing.T) {
	drip := func(v *visit, text string) { // a byte a second
		for _, b := range []byte(text) {
			select {
			case v.send <- string(b):
				time.Sleep(time.Second)
			case <-v.over:
				return
			}
		}
	}
	long := strings.Repeat("x", 100)
	for _, text := range []string{"ECHO " + long, "*2\r\n$4\r\nECHO\r\n$100\r\n" + long, "*1000\r\n" + strings.Repeat("$4\r\nPING\r\n", 10)} {
		pay(t, terms{}, func(v *visit) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				drip(v, text)
			}()
			v.expectEnd(session.TooSlow, slowWords)
			v.expectTime(31 * time.Second)
			<-done
		})
	}
	pay(t, terms{}, func(v *visit) { // the time begins with the command, and not with the connection
		time.Sleep(time.Hour)
		drip(v, "PING 12345678901234567890\r\n")
		expect(t, "a command of 27 seconds", v.take(), "$20\r\n12345678901234567890\r\n")
		v.send <- "PING\r\nPI" // whole, then half
		v.expectEnd(session.TooSlow, "+PONG\r\n"+slowWords)
		v.expectTime(time.Hour + 57*time.Second)
	})
	pay(t, terms{}, func(v *visit) { // and messages to the client do not prolong it
		v.ask(hello)
		v.send <- "PI"
		for range 4 {
			time.Sleep(7 * time.Second)
			v.connection.Tell("hello")
		}
		v.expectEnd(session.TooSlow, strings.Repeat(push("hello"), 4)+slowWords)
		v.expectTime(30 * time.Second)
	})
}

// The client asks for a megabyte and reads none of it: the socket's buffers are full, and the reply waits.
func TestAReaderThatNeverReadsIsEnded(t *testing.T) {
	pay(t, terms{methods: running, deaf: true}, func(v *visit) {
		v.send <- "CALL large\r\n"
		v.expectEnd(session.TooSlow, "")
		if v.ended < 30*time.Second || v.ended > 33*time.Second {
			t.Errorf("ended after %v, want 30 s and a moment for the last words", v.ended)
		}
	})
	pay(t, terms{methods: running, deaf: true}, func(v *visit) { // one who comes back in time stays
		v.send <- "CALL large\r\n"
		time.Sleep(29 * time.Second)
		v.sent.Go(v.listen)
		if got := len(v.take()); got < 1<<20 {
			t.Errorf("got %d bytes, want more than a megabyte", got)
		}
		v.expect("PING\r\n", "+PONG\r\n")
	})
}

// Whoever ends a connection ends it in whatever it does; the client is told why if it did not ask for it.
func TestEnds(t *testing.T) {
	reasons := map[session.Cause]string{
		session.ClientLeft: "", session.ConnectionLost: "", session.TooSlow: slowWords, session.Idle: idleWords,
		session.Dropped:        "-CLOSED the connection was dropped by the server\r\n",
		session.ProcessAborted: "-CLOSED the process was aborted by the server\r\n",
		session.Shutdown:       "-CLOSED the server is stopping\r\n",
	}
	for _, c := range []struct{ name, send, before string }{
		{"idle", "PING\r\n", "+PONG\r\n"},
		{"in the middle of a command", "PING\r\nPI", "+PONG\r\n"},
		{"in a method", "PING\r\nCALL sleep 1h\r\nPING\r\n", "+PONG\r\n-ERR sleep.lua:1: stopped: %v\r\n"},
	} {
		for cause, reason := range reasons {
			t.Run(fmt.Sprint(c.name, ", ", cause), func(t *testing.T) {
				pay(t, terms{methods: running}, func(v *visit) {
					v.send <- c.send
					synctest.Wait()
					expect(t, "the cause that stays", v.connection.End(cause), cause)
					v.connection.End(session.ProtocolError)
					want := strings.Replace(c.before, "%v", cause.String(), 1) + reason
					if cause == session.ClientLeft && strings.Contains(c.before, "sleep") {
						want = "" // nobody reads it
					}
					v.expectEnd(cause, want)
					expect(t, "time", v.ended, 0)
				})
			})
		}
	}
}

// The reply is stuck, so the reason has a second to leave.
func TestAnEndWhileAReplyIsStuck(t *testing.T) {
	pay(t, terms{methods: running, deaf: true}, func(v *visit) {
		v.send <- "CALL large\r\n"
		synctest.Wait()
		v.connection.End(session.Shutdown)
		v.expectEnd(session.Shutdown, "")
		expect(t, "time", v.ended, time.Second)
	})
}

func TestAnEndThatWasAskedForBeforeTheStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := session.NewRegistry(nil, 0)
		server := application.NewServer(application.Options{Sessions: registry})
		client, transport := net.Pipe()
		defer client.Close()
		c := registry.New(session.Peer{}, session.User{Number: session.Designer}, nil, time.Now())
		registry.Accept(c)
		c.End(session.Dropped)
		over := make(chan session.Cause)
		go func() { over <- server.Serve(transport, &guest{connection: c, stop: make(chan session.Cause, 1)}) }()
		got := make([]byte, 100)
		n, _ := client.Read(got)
		expect(t, "last words", string(got[:n]), "-CLOSED the connection was dropped by the server\r\n")
		expect(t, "cause", <-over, session.Dropped)
		registry.Close(c)
	})
}

func TestTheClientLeaves(t *testing.T) {
	for _, text := range []string{"", "PING\r\n", "PI", "*3\r\n$4\r\nPING"} {
		pay(t, terms{}, func(v *visit) {
			v.ask(text)
			v.conn.Close()
			v.expectEnd(session.ClientLeft, "")
		})
	}
}

// brokenConn fails as a transport does whose other end has crashed.
type brokenConn struct{ net.Conn }

func (brokenConn) Read([]byte) (int, error) { return 0, errors.New("connection reset by peer") }

func TestALostConnection(t *testing.T) {
	registry := session.NewRegistry(nil, 0)
	server := application.NewServer(application.Options{Sessions: registry})
	_, transport := net.Pipe()
	c := registry.New(session.Peer{}, session.User{Number: session.Designer}, nil, time.Now())
	expect(t, "cause", server.Serve(brokenConn{transport}, &guest{connection: c}), session.ConnectionLost)
}

func TestMessages(t *testing.T) {
	pay(t, terms{}, func(v *visit) { // RESP2 has no way to say what was not asked for
		v.ask("PING\r\n")
		v.connection.Tell("hello")
		expect(t, "in RESP2", v.take(), "")
		v.expect("PING\r\n", "+PONG\r\n")
		v.ask(hello)
		v.connection.Tell("hello")
		expect(t, "in RESP3", v.take(), push("hello"))
		v.connection.Tell("again")
		v.connection.Tell("and again")
		expect(t, "twice", v.take(), push("again")+push("and again"))
		v.expect("PI", "")
		v.connection.Tell("in between")
		expect(t, "in the middle of a command", v.take(), push("in between"))
		v.expect("NG\r\n", "+PONG\r\n")
		v.ask("RESET\r\n")
		v.connection.Tell("hello")
		expect(t, "in RESP2 again", v.take(), "")
	})
}

// A push stands between two replies. While a method runs only the newest are kept.
func TestMessagesWhileAMethodRuns(t *testing.T) {
	pay(t, terms{methods: running}, func(v *visit) {
		v.ask(hello)
		v.expect("CALL sleep 1m\r\nPING\r\n", "")
		want := "$5\r\nslept\r\n"
		for i := range 20 {
			v.connection.Tell(fmt.Sprint("message ", i))
			if i >= 4 {
				want += push(fmt.Sprint("message ", i))
			}
		}
		expect(t, "while the method runs", v.take(), "")
		time.Sleep(time.Minute)
		expect(t, "when it is over", v.take(), want+"+PONG\r\n")
	})
}

// Everything at once, under -race: nobody's reply is lost, and all stays end.
func TestManyVisits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := session.NewRegistry(nil, 0)
		server := application.NewServer(application.Options{IdleTimeout: 20 * time.Second, Sessions: registry})
		stop := make(chan struct{})
		var all, others sync.WaitGroup
		others.Go(func() { server.Sweep(stop) })
		others.Go(func() {
			for range 100 {
				for _, c := range registry.Live() {
					c.Tell("hello")
				}
				time.Sleep(100 * time.Millisecond)
			}
		})
		for i := range 50 {
			all.Go(func() {
				v := begin(t, server, registry, terms{methods: running})
				for j := range 20 {
					v.send <- fmt.Sprintf("CALL sleep %dms\r\nECHO %d\r\n", i, j)
					time.Sleep(time.Duration(i+1) * time.Millisecond)
				}
				if i%2 == 0 {
					v.send <- "QUIT\r\n"
				} else {
					time.Sleep(time.Minute)
				}
				<-v.over
				v.finish()
				var want strings.Builder
				for j := range 20 {
					fmt.Fprintf(&want, "$5\r\nslept\r\n$%d\r\n%d\r\n", len(fmt.Sprint(j)), j)
				}
				if i%2 == 0 {
					want.WriteString("+OK\r\n")
				} else {
					want.WriteString(idleWords)
				}
				if got := v.came.String(); got != want.String() {
					t.Errorf("visit %d: got %q, want %q", i, got, want.String())
				}
			})
		}
		all.Wait()
		close(stop)
		others.Wait()
		totals := registry.Totals()
		expect(t, "closed", totals.Closed, 50)
		expect(t, "live", totals.Live, 0)
	})
}
