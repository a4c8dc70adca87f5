package application_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/application"
	"moongate/runtime/session"
	"moongate/runtime/wire"
)

// command is a command as programs send it.
func command(words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.String()
}

func packed(t *testing.T, values ...any) string {
	t.Helper()
	b, err := wire.Pack(values)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const notLinked = "-ERR %s is for remote sessions; begin one with SESSION, or join one with JOIN\r\n"

// remoteCases are visits of somebody who was let in, each its own.
var remoteCases = []struct{ text, want string }{
	{sessionCommand, welcome},
	{strings.Replace(sessionCommand, "PROTOCOL 1", "protocol 1 colour red COMPILED 1", 1), welcome},
	{sessionCommand + "SESSION PROTOCOL 1\r\n", welcome + "-ERR this connection belongs to a session already; SESSION is said once\r\n"},
	{"SESSION\r\n", "-ERR SESSION: no PROTOCOL; say PROTOCOL 1\r\n"},
	{"SESSION PROTOCOL\r\n", "-ERR SESSION takes keys with their values; the last key has none\r\n"},
	{"SESSION PROTOCOL one\r\n", "-ERR SESSION: the value of PROTOCOL is \"one\", which it cannot be\r\n"},
	{"SESSION PROTOCOL 1 COMPILED perhaps\r\n", "-ERR SESSION: the value of COMPILED is \"perhaps\", which it cannot be\r\n"},
	{"SESSION PROTOCOL 1\r\n", "-ERR a process has a number from 1 on, not 0\r\n"},
	{"SESSION PROTOCOL 1 PROCESS -6\r\n", "-ERR a process has a number from 1 on, not -6\r\n"},
	{"SESSION PROTOCOL 1 PROCESS 1 NAME $hidden\r\n", "-ERR a process whose name begins with $ is the client's own: it has no connection to the server\r\n"},
	{"SESSION PROTOCOL 1 PROCESS 1 MACHINE " + strings.Repeat("x", 256) + "\r\n", "-ERR the value of MACHINE is longer than 255 bytes\r\n"},
	{"SESSION PROTOCOL 2 PROCESS 1\r\n", "-VERSION -10505 the server speaks version 1 of remote sessions, the client 2; the older of the two programs must be renewed (the server is 1.2.3)\r\n"},

	{"LANGUAGE\r\n", fmt.Sprintf(notLinked, "LANGUAGE")},
	{"CALLV m x\r\n", fmt.Sprintf(notLinked, "CALLV")},
	{"do type x\r\n", fmt.Sprintf(notLinked, "DO")},
	{"DATA echo x\r\n", fmt.Sprintf(notLinked, "DATA")},
	{"REGISTER me\r\n", fmt.Sprintf(notLinked, "REGISTER")},
	{"UNREGISTER\r\n", fmt.Sprintf(notLinked, "UNREGISTER")},
	{"DONE 1\r\n", fmt.Sprintf(notLinked, "DONE")},
	{"SLEEP\r\n", fmt.Sprintf(notLinked, "SLEEP")},
	{"PING\r\nJOIN T 3 P\r\n", "+PONG\r\n-ERR JOIN must be the first command of a connection; connect again for it\r\n"},
	{"PING\r\nRESUME T 3 0\r\n", "+PONG\r\n-ERR RESUME must be the first command of a connection; connect again for it\r\n"},
	{sessionCommand + "JOIN T 3 P\r\n", welcome + "-ERR JOIN must be the first command of a connection; connect again for it\r\n"},

	{sessionCommand + "LANGUAGE\r\n", welcome + "%2\r\n$7\r\nprocess\r\n:7\r\n$10\r\nconnection\r\n:2\r\n"},
	{sessionCommand + "REGISTER me\r\nREGISTER taken\r\nREGISTER ''\r\nUNREGISTER\r\n",
		welcome + "#t\r\n#f\r\n-ERR a client registers by a name of 1 to 255 bytes\r\n#f\r\n"},
	{sessionCommand + "DONE 4711\r\nDONE x\r\nSLEEP\r\n", welcome + "+OK\r\n-ERR \"x\" is no number\r\n+OK\r\n"},
	{sessionCommand + "DO type nonsense\r\n", welcome + "-ERR packed: it is no list; pack one, as *1 CR LF and its element\r\n"},
	{sessionCommand + "RESET\r\nHELLO 2\r\nHELLO 3 AUTH a b\r\nAUTH a b\r\nPING\r\n", welcome +
		"-ERR a remote session speaks RESP3 to its end; for anything else connect again\r\n" +
		"-NOPROTO a remote session speaks RESP3 to its end; for anything else connect again\r\n" +
		"-ERR a remote session has its user; to be another one connect again\r\n-ERR a remote session has its user; to be another one connect again\r\n+PONG\r\n"},
	{sessionCommand + "CALL null\r\nCALL nobody\r\n", welcome + "_\r\n-ERR nobody: no such method\r\n"},
}

func TestRemoteCommands(t *testing.T) {
	null := map[string]func(g *guest, args []any) ([]any, error){"null": func(*guest, []any) ([]any, error) { return nil, nil }}
	for _, c := range remoteCases {
		pay(t, terms{methods: null}, func(v *visit) { v.expect(c.text, c.want) })
	}
}

func TestTheSessionKnowsTheMachine(t *testing.T) {
	pay(t, terms{}, func(v *visit) {
		v.expect(sessionCommand, welcome)
		expect(t, "machine", v.announced, session.Machine{Name: "desk", SystemUser: "ann", Version: "1.2.3"})
		expect(t, "number", v.number, 2)
		expect(t, "name", v.process, "Application process")
	})
}

func TestPackedArguments(t *testing.T) {
	methods := map[string]func(g *guest, args []any) ([]any, error){
		"types": func(_ *guest, args []any) ([]any, error) {
			var all []any
			for _, a := range args {
				all = append(all, fmt.Sprintf("%T", a))
			}
			return all, nil
		},
	}
	pay(t, terms{methods: methods}, func(v *visit) {
		v.ask(sessionCommand)
		v.expect(command("CALLV", "types", packed(t, nil, int64(1), 1.5)), "*3\r\n$5\r\n<nil>\r\n$5\r\nint64\r\n$7\r\nfloat64\r\n")
		v.expect(command("CALLV", "types", packed(t)), "*0\r\n")
		v.expect(command("DO", "type", packed(t, wire.Map{})), "*1\r\n$8\r\nwire.Map\r\n")
		v.expect(command("DATA", "echo", packed(t, true, "x")), "*2\r\n#t\r\n$1\r\nx\r\n")
		v.expect(command("DATA", "save", packed(t)), "-DATA duplicate server_log: id 1 is taken; use another\r\n")
		v.expect(command("DO", "quit_4d", packed(t)), "-ERR quit_4d: no command that clients can ask for\r\n")
		v.expect(command("DO", "type", strings.Repeat("*1\r\n", 10_000)), "-ERR packed: lists and maps are nested more than 64 deep\r\n")
		v.expect(command("DO", "type", "*1000000000\r\n"), "-ERR packed: a length is no number, or more than what follows\r\n")
		if got := v.ask(command("DATA", "echo", packed(t, strings.Repeat("x", 5<<20)))); len(got) < 5<<20 {
			t.Errorf("5 MiB of argument: got %.80q", got)
		}
		v.expect("PING\r\n", "+PONG\r\n")
	})
	pay(t, terms{}, func(v *visit) {
		v.ask(sessionCommand)
		v.send <- "*2\r\n$2\r\nDO\r\n$100000000\r\n"
		v.expectEnd(session.ProtocolError, "-ERR Protocol error: invalid bulk length\r\n")
	})
}

func TestJoin(t *testing.T) {
	open(t, func(h *house) {
		v := h.arrive(terms{})
		v.expect("JOIN T 3 'Design process'\r\n", joined)
		expect(t, "name", v.process, "Design process")
		expect(t, "commands that were heard", len(v.heard), 0)
		v.expect("PING\r\nCLIENT ID\r\n", "+PONG\r\n-ERR this process has no connection to the server's language yet; LANGUAGE makes one\r\n")
		v.expectMatch("HELLO 3\r\n", `(?s)%7.*:3\r\n\$2\r\nid\r\n:0\r\n.*`)
		v.ask("HELLO 3 SETNAME x\r\n")
		v.expect("CLIENT GETNAME\r\n", "$1\r\nx\r\n")
		v.expect("QUIT\r\n", "+OK\r\n")
		v.expectEnd(session.ClientLeft, "")
	})
	for _, c := range []struct{ text, want string }{
		{"JOIN stolen 3 P\r\n", "-TOKEN no session here has that token, or not for this address\r\n"},
		{"JOIN T 13 P\r\n", "-INUSE that process has a transport that is not known to be lost\r\n"},
		{"JOIN T 0 P\r\n", "-ERR a process has a number from 1 on, not 0\r\n"},
		{"JOIN T -3 P\r\n", "-ERR a process has a number from 1 on, not -3\r\n"},
		{"JOIN T x P\r\n", "-ERR \"x\" is no number\r\n"},
		{"JOIN T 99999999999999999999 P\r\n", "-ERR \"99999999999999999999\" is no number\r\n"},
		{"JOIN T 3 $P\r\n", "-ERR a process whose name begins with $ is the client's own: it has no connection to the server\r\n"},
		{"RESUME T 3 0\r\n", "-TOKEN no session here has that token, or not for this address\r\n"},
		{"RESUME T 3 x\r\n", "-ERR \"x\" is no number\r\n"},
		{"RESUME T 3 0\r\nPING\r\n", "-ERR RESUME must be alone: wait for its reply before the next command\r\n"},
	} {
		open(t, func(h *house) { // nobody who fails stays
			v := h.arrive(terms{})
			v.send <- c.text
			v.expectEnd(session.ClientLeft, c.want)
			expect(t, c.text+": commands that were heard", len(v.heard), 0)
		})
	}
}

func TestAStrangerWhoIsHeard(t *testing.T) {
	const refused = "-REFUSED 22000 closed\r\n"
	refusal := &application.Refused{Code: 22000, Reason: "closed"}
	for _, c := range []struct {
		text, heard, want string
		refusal           error
		after             time.Duration
	}{
		{text: "ping\r\n", heard: "PING", want: "+PONG\r\n"},
		{text: "GET x\r\n", heard: "GET", want: "-ERR unknown command 'GET'; methods are called by CALL name [argument ...]\r\n"},
		{text: "JOIN\r\n", want: "-ERR wrong number of arguments for 'join' command\r\n"},
		{text: "PING\r\n", heard: "PING", want: refused, refusal: refusal},
		{text: "", heard: "", want: "", after: 300 * time.Millisecond},
		{text: "", heard: "", want: refused, refusal: refusal, after: 300 * time.Millisecond},
	} {
		open(t, func(h *house) {
			v := h.arrive(terms{refusal: c.refusal})
			if c.text != "" {
				v.send <- c.text
			}
			time.Sleep(c.after)
			expect(t, c.text, v.take(), c.want)
			if c.after > 0 || c.heard != "" {
				expect(t, "heard", fmt.Sprint(v.heard), fmt.Sprint([]string{c.heard}))
			}
			expect(t, c.text+": over", v.isOver(), c.refusal != nil)
		})
	}
	open(t, func(h *house) { // one who has begun to speak is waited for
		v := h.arrive(terms{})
		v.expect("PI", "")
		time.Sleep(5 * time.Second)
		v.expect("NG\r\n", "+PONG\r\n")
	})
	open(t, func(h *house) { // as long as anybody is
		v := h.arrive(terms{})
		v.send <- "JOIN T"
		v.expectEnd(session.LoginTimeout, "-CLOSED nobody logged in in time\r\n")
		v.expectTime(30 * time.Second)
	})
}

// A client that loses its transport goes on with another one: what it asked is carried out once, and it has the reply.
func TestResume(t *testing.T) {
	calls := 0
	methods := map[string]func(g *guest, args []any) ([]any, error){
		"count": func(*guest, []any) ([]any, error) {
			calls++
			return []any{int64(calls)}, nil
		},
		"slow": func(*guest, []any) ([]any, error) {
			time.Sleep(3 * time.Second)
			calls++
			return []any{int64(calls)}, nil
		},
	}
	resumed := func(done int) string {
		return fmt.Sprintf("%%2\r\n$7\r\nsession\r\n$1\r\nS\r\n$4\r\ndone\r\n:%d\r\n", done)
	}
	open(t, func(h *house) {
		a := h.arrive(terms{methods: methods})
		a.expect("JOIN T 3 P\r\n", joined)
		a.expect("CALL count\r\nCALL count\r\n", ":1\r\n:2\r\n")
		a.conn.Close()
		b := h.arrive(terms{})
		b.expect("RESUME T 3 2\r\n", resumed(2)) // nothing is owed
		expect(t, "cause of the newcomer's stay", b.isOver() && b.cause == session.Resumed, true)
		b.expect("JOIN T 3 P\r\n", "-ERR JOIN must be the first command of a connection; connect again for it\r\n")
		b.expect("CALL count\r\n", ":3\r\n")
		b.conn.Close()
		c := h.arrive(terms{})
		c.expect("RESUME T 3 3\r\n", resumed(4)+":3\r\n") // the last reply was lost
		c.conn.Close()
		d := h.arrive(terms{})
		d.expect("RESUME T 3 3\r\n", resumed(4)+":3\r\n") // and again
		d.send <- "CALL slow\r\n"
		synctest.Wait()
		d.conn.Close()
		e := h.arrive(terms{})
		e.expect("RESUME T 3 4\r\n", resumed(5)) // it runs on
		time.Sleep(3 * time.Second)
		expect(t, "the reply of what ran on", e.take(), ":4\r\n")
		e.expect("PING\r\n", "+PONG\r\n")
		for _, wrong := range []struct{ got, text string }{{"7", "7 replies, but 6"}, {"-1", "-1 replies, but 6"}, {"4", "4 replies, but 6"}} {
			f := h.arrive(terms{})
			f.send <- "RESUME T 3 " + wrong.got + "\r\n"
			f.expectEnd(session.ClientLeft, "-ERR the client has had "+wrong.text+" requests were carried out\r\n")
		}
		e.expect("PING\r\n", "+PONG\r\n") // which has done no harm
	})
}

// A transport that is not known to be lost, because the session sleeps, carries out nothing any more once another one has
// taken over.
func TestResumeTakesOver(t *testing.T) {
	methods := map[string]func(g *guest, args []any) ([]any, error){
		"slow": func(*guest, []any) ([]any, error) {
			time.Sleep(3 * time.Second)
			return []any{"slow"}, nil
		},
	}
	open(t, func(h *house) {
		a := h.arrive(terms{methods: methods})
		a.expect("JOIN T 3 P\r\nSLEEP\r\n", joined+"+OK\r\n")
		b := h.arrive(terms{})
		b.expectMatch("RESUME T 3 1\r\n", `(?s)%2.*:1\r\n`)
		b.expect("PING\r\n", "+PONG\r\n")
		synctest.Wait()
		a.mu.Lock()
		expect(t, "the first transport is closed", a.eof, true)
		a.mu.Unlock()
	})
	open(t, func(h *house) { // while a request runs, whose reply both clients wait for
		a := h.arrive(terms{methods: methods})
		a.expect("JOIN T 3 P\r\n", joined)
		a.send <- "CALL slow\r\nPING\r\n"
		synctest.Wait()
		b := h.arrive(terms{})
		b.expectMatch("RESUME T 3 0\r\n", `(?s)%2.*:1\r\n`)
		time.Sleep(3 * time.Second)
		expect(t, "the reply on the new transport", b.take(), "$4\r\nslow\r\n")
		expect(t, "the replies on the old one", a.take(), "")
		b.expect("PING\r\n", "+PONG\r\n")
		expect(t, "requests", a.replies.Count(), 2) // the PING on the old one is none of them
	})
}

func TestAReplyThatIsTooBigToBeKept(t *testing.T) {
	methods := map[string]func(g *guest, args []any) ([]any, error){
		"huge": func(*guest, []any) ([]any, error) {
			return []any{strings.Repeat("x", 3<<20), strings.Repeat("y", 3<<20)}, nil
		},
		"slow": func(*guest, []any) ([]any, error) {
			time.Sleep(time.Second)
			return []any{strings.Repeat("x", 5<<20)}, nil
		},
	}
	open(t, func(h *house) {
		a := h.arrive(terms{methods: methods})
		a.ask("JOIN T 3 P\r\n")
		if got := a.ask("CALL huge\r\n"); len(got) < 6<<20 || !strings.HasPrefix(got, "*2\r\n$3145728\r\nxxx") || !strings.HasSuffix(got, "yyy\r\n") {
			t.Errorf("got %d bytes, %.40q", len(got), got)
		}
		a.conn.Close()
		b := h.arrive(terms{})
		b.send <- "RESUME T 3 0\r\n"
		b.expectEnd(session.ClientLeft, "-ERR the reply was too big to be kept\r\n")
		c := h.arrive(terms{})
		c.expectMatch("RESUME T 3 1\r\n", `(?s)%2.*:1\r\n`)
		c.send <- "CALL slow\r\n"
		synctest.Wait()
		c.conn.Close()
		d := h.arrive(terms{})
		d.expectMatch("RESUME T 3 1\r\n", `(?s)%2.*:2\r\n`)
		time.Sleep(time.Second)
		expect(t, "in place of the reply", d.take(), "-ERR the reply was too big to be kept\r\n")
	})
}

func TestTheCausesOfALinksEnd(t *testing.T) {
	pay(t, terms{}, func(v *visit) { // the end of file is no QUIT
		v.ask(sessionCommand)
		v.conn.Close()
		v.expectEnd(session.ConnectionLost, "")
	})
	pay(t, terms{idleTimeout: time.Minute}, func(v *visit) { // a client process that asks nothing is no idle client
		v.ask(sessionCommand)
		time.Sleep(time.Hour)
		v.expect("PING\r\n", "+PONG\r\n")
	})
}

func TestPushes(t *testing.T) {
	open(t, func(h *house) {
		a := h.arrive(terms{})
		a.ask("JOIN T 3 P\r\n")
		stay := a.stay
		expect(t, "Quit", stay.Quit(1500*time.Millisecond, "bye"), true)
		expect(t, "a quit", a.take(), ">3\r\n$4\r\nquit\r\n:2\r\n$3\r\nbye\r\n")
		stay.Quit(-1, "")
		expect(t, "a quit that waits", a.take(), ">3\r\n$4\r\nquit\r\n:-1\r\n$0\r\n\r\n")
		expect(t, "Push", stay.Push("stay", "no"), true)
		expect(t, "a stay", a.take(), ">2\r\n$4\r\nstay\r\n$2\r\nno\r\n")
		stay.Order(session.Order{ID: 4, Method: "m", Args: []any{int64(1), "x"}})
		expect(t, "an order", a.take(), ">4\r\n$5\r\norder\r\n:4\r\n$1\r\nm\r\n$15\r\n*2\r\n:1\r\n$1\r\nx\r\n\r\n")
	})
	pay(t, terms{}, func(v *visit) { // somebody without a session knows messages only
		v.ask("HELLO 3\r\n")
		expect(t, "Quit", v.stay.Quit(0, "bye"), false)
		expect(t, "Push", v.stay.Push("structure", "{}"), false)
		expect(t, "nothing comes", v.take(), "")
	})
}

// While a request runs, what is void by the time it is over is not sent.
func TestPushesThatWait(t *testing.T) {
	pay(t, terms{methods: running}, func(v *visit) {
		v.ask(sessionCommand)
		v.ask("CALL sleep 1m\r\n")
		for i := range 3 {
			v.stay.Quit(time.Duration(i)*time.Second, "q")
			v.stay.Push("structure", fmt.Sprint(i))
		}
		v.stay.Push("stay", "s")
		v.stay.Order(session.Order{ID: 1, Method: "m"})
		time.Sleep(time.Minute)
		expect(t, "pushes", v.take(), "$5\r\nslept\r\n>2\r\n$9\r\nstructure\r\n$1\r\n2\r\n>2\r\n$4\r\nstay\r\n$1\r\ns\r\n>4\r\n$5\r\norder\r\n:1\r\n$1\r\nm\r\n$4\r\n*0\r\n\r\n")
	})
}

// Each command, with no argument and with a hundred, to a stranger, to somebody who was let in, and to a link, is answered
// once, and does not end the server.
func TestEveryCommandWithAnyNumberOfArguments(t *testing.T) {
	for _, name := range application.CommandNames() {
		for _, n := range []int{0, 1, 2, 3, 100} {
			words := append([]string{name}, strings.Split(strings.Repeat("1 ", n), " ")[:n]...)
			pay(t, terms{}, func(v *visit) { v.send <- command(words...); v.take() })
			pay(t, terms{}, func(v *visit) {
				v.ask(sessionCommand)
				if got := v.ask(command(words...)); got == "" {
					t.Errorf("%v: no reply", words)
				}
			})
			open(t, func(h *house) { h.arrive(terms{refusal: errors.New("no")}).ask(command(words...)) })
		}
	}
}
