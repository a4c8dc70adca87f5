package application_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"moongate/runtime/application"
	"moongate/runtime/session"
	"moongate/runtime/wire"
)

const wrongCount = "-ERR wrong number of arguments for '%s' command\r\n"

// commandCases has every row of the commands table. Each case is a visit of its own.
var commandCases = []struct{ text, want string }{
	{"PING\r\n", "+PONG\r\n"},
	{"ping\r\n", "+PONG\r\n"},
	{"PiNg\n", "+PONG\r\n"},
	{"*1\r\n$4\r\nPING\r\n", "+PONG\r\n"},
	{"PING hello\r\n", "$5\r\nhello\r\n"},
	{"PING ''\r\n", "$0\r\n\r\n"},
	{"PING a b\r\n", fmt.Sprintf(wrongCount, "ping")},

	{"ECHO hello\r\n", "$5\r\nhello\r\n"},
	{"*2\r\n$4\r\nECHO\r\n$4\r\n\x00\xff\r\n\r\n", "$4\r\n\x00\xff\r\n\r\n"},
	{"ECHO\r\n", fmt.Sprintf(wrongCount, "echo")},
	{"ECHO a b\r\n", fmt.Sprintf(wrongCount, "echo")},

	{"AUTH secret\r\n", "-ERR this server has no accounts: everybody is Designer, so log in without AUTH\r\n"},
	{"AUTH default secret\r\n", "-ERR this server has no accounts: everybody is Designer, so log in without AUTH\r\n"},
	{"AUTH\r\n", fmt.Sprintf(wrongCount, "auth")},
	{"AUTH a b c\r\n", fmt.Sprintf(wrongCount, "auth")},

	{"CALL\r\n", fmt.Sprintf(wrongCount, "call")},
	{"CALL nobody\r\n", "-ERR nobody: no such method\r\n"},
	{"CALL nobody 1 2 3\r\n", "-ERR nobody: no such method\r\n"},

	{"CLIENT\r\n", fmt.Sprintf(wrongCount, "client")},
	{"CLIENT ID\r\n", ":1\r\n"},
	{"client id\r\n", ":1\r\n"},
	{"CLIENT ID 1\r\n", fmt.Sprintf(wrongCount, "client|id")},
	{"CLIENT GETNAME\r\n", "$19\r\nApplication process\r\n"},
	{"CLIENT GETNAME x\r\n", fmt.Sprintf(wrongCount, "client|getname")},
	{"CLIENT SETNAME me\r\nCLIENT GETNAME\r\n", "+OK\r\n$2\r\nme\r\n"},
	{"CLIENT SETNAME\r\n", fmt.Sprintf(wrongCount, "client|setname")},
	{"CLIENT SETNAME a b\r\n", fmt.Sprintf(wrongCount, "client|setname")},
	{"CLIENT SETNAME 'a b'\r\nCLIENT GETNAME\r\n",
		"-ERR Client names cannot contain spaces, newlines or special characters.\r\n$19\r\nApplication process\r\n"},
	{"CLIENT SETNAME \"\\n\"\r\n", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
	{"CLIENT SETNAME \"\\xe4\"\r\n", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
	{"CLIENT SETINFO LIB-NAME test\r\n", "+OK\r\n"},
	{"CLIENT SETINFO LIB-NAME\r\n", fmt.Sprintf(wrongCount, "client|setinfo")},
	{"CLIENT INFO x\r\n", fmt.Sprintf(wrongCount, "client|info")},
	{"CLIENT KILL\r\n", "-ERR unknown subcommand 'KILL'. Try ID, GETNAME, SETNAME, SETINFO or INFO.\r\n"},

	{"COMMAND\r\n", "*0\r\n"},
	{"COMMAND DOCS\r\n", "*0\r\n"},
	{"COMMAND docs PING ECHO\r\n", "*0\r\n"},
	{"HELLO 3\r\nCOMMAND DOCS\r\nCOMMAND\r\n", hello3 + "%0\r\n*0\r\n"},
	{"COMMAND INFO PING\r\n", "*0\r\n"},
	{"COMMAND COUNT\r\n", ":0\r\n"}, // as many as COMMAND names

	{"HELLO\r\n", hello2},
	{"HELLO 2\r\n", hello2},
	{"HELLO 3\r\n", hello3},
	{"HELLO 3\r\nHELLO\r\n", hello3 + hello3},
	{"HELLO 3\r\nHELLO 2\r\nPING\r\n", hello3 + hello2 + "+PONG\r\n"},
	{"HELLO 3 SETNAME me\r\nCLIENT GETNAME\r\n", hello3 + "$2\r\nme\r\n"},
	{"HELLO 3 setname me setname you\r\nCLIENT GETNAME\r\n", hello3 + "$3\r\nyou\r\n"},
	{"HELLO 1\r\n", "-NOPROTO unsupported protocol version\r\n"},
	{"HELLO 4\r\n", "-NOPROTO unsupported protocol version\r\n"},
	{"HELLO x\r\n", "-NOPROTO unsupported protocol version\r\n"},
	{"HELLO 99999999999999999999\r\n", "-NOPROTO unsupported protocol version\r\n"},
	{"HELLO 3 AUTH default secret\r\nCALL null\r\n", "-ERR this server has no accounts: everybody is Designer, so log in without AUTH\r\n$-1\r\n"},
	{"HELLO 3 AUTH default\r\n", "-ERR syntax error in HELLO option 'AUTH'\r\n"},
	{"HELLO 3 SETNAME\r\n", "-ERR syntax error in HELLO option 'SETNAME'\r\n"},
	{"HELLO 3 NONSENSE\r\n", "-ERR syntax error in HELLO option 'NONSENSE'\r\n"},
	{"HELLO 3 SETNAME 'a b'\r\nCALL null\r\n", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n$-1\r\n"},

	{"RESET\r\n", "+RESET\r\n"},
	{"HELLO 3 SETNAME me\r\nRESET\r\nCALL null\r\nCLIENT GETNAME\r\n", hello3 + "+RESET\r\n$-1\r\n$0\r\n\r\n"},
	{"RESET x\r\n", fmt.Sprintf(wrongCount, "reset")},

	{"TIME\r\n", "*2\r\n$9\r\n946684800\r\n$1\r\n0\r\n"},
	{"TIME x\r\n", fmt.Sprintf(wrongCount, "time")},

	{"\r\n\r\n*0\r\nPING\r\n", "+PONG\r\n"},
	{"GET key\r\n", "-ERR unknown command 'GET'; methods are called by CALL name [argument ...]\r\n"},
	{"verylongcommandnamebeyondall\r\n", "-ERR unknown command 'verylongcommandnamebeyondall'; methods are called by CALL name [argument ...]\r\n"},
	{strings.Repeat("x", 1000) + "\r\n", "-ERR unknown command '" + strings.Repeat("x", 64) + "'; methods are called by CALL name [argument ...]\r\n"},
	{"''\r\n", "-ERR unknown command ''; methods are called by CALL name [argument ...]\r\n"},
	{"\"a\\r\\nb\"\r\n", "-ERR unknown command 'a  b'; methods are called by CALL name [argument ...]\r\n"},
}

const hello2 = "*14\r\n$6\r\nserver\r\n$8\r\nmoongate\r\n$7\r\nversion\r\n$5\r\n1.2.3\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:1\r\n" +
	"$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"

var hello3 = strings.NewReplacer("*14\r\n", "%7\r\n", ":2\r\n", ":3\r\n").Replace(hello2)

func TestCommands(t *testing.T) {
	null := map[string]func(g *guest, args []any) ([]any, error){
		"null": func(*guest, []any) ([]any, error) { return nil, nil },
	}
	for _, c := range commandCases {
		pay(t, terms{methods: null}, func(v *visit) {
			v.expect(c.text, c.want)
			expect(t, fmt.Sprintf("%.40q: over", c.text), v.isOver(), false)
		})
	}
}

// The cases above and the tests below know every row: a new one comes with a test.
func TestEveryCommandHasATest(t *testing.T) {
	known := map[string]bool{"QUIT": true, "HOST:": true, "POST": true, "INFO": true, "CALLV": true, "DATA": true, "JOIN": true, "RESUME": true}
	for _, c := range append(commandCases, remoteCases...) {
		if words := strings.Fields(c.text); len(words) > 0 {
			known[strings.ToUpper(words[0])] = true
		}
	}
	for _, name := range application.CommandNames() {
		if !known[name] {
			t.Errorf("%s has no test", name)
		}
	}
}

func TestInfo(t *testing.T) {
	pay(t, terms{}, func(v *visit) {
		time.Sleep(90 * time.Second)
		got := v.ask("INFO\r\n")
		for _, line := range []string{"# Server", "moongate_version:1.2.3", "redis_mode:standalone", "uptime_in_seconds:90", "connected_clients:1",
			"total_connections_accepted:1", "total_connections_closed:0"} {
			if !strings.Contains(got, line+"\r\n") {
				t.Errorf("INFO: got %q, want the line %q", got, line)
			}
		}
		if again := v.ask("INFO server clients\r\n"); again != got {
			t.Errorf("INFO of a section: got %q, want %q", again, got)
		}
	})
}

// Client libraries split the line at its spaces and every part at its equals sign, and give up on anything else.
func TestClientInfo(t *testing.T) {
	pay(t, terms{}, func(v *visit) {
		time.Sleep(90 * time.Second)
		_, line, _ := strings.Cut(v.ask("CLIENT INFO\r\n"), "\r\n")
		for _, want := range []string{"id=1", "addr=192.0.2.1:40000", "laddr=127.0.0.1:19813", "age=90", "user=1", "resp=2"} {
			if !strings.Contains(" "+strings.TrimSpace(line)+" ", " "+want+" ") {
				t.Errorf("CLIENT INFO: got %q, want %s in it", line, want)
			}
		}
		for _, field := range strings.Fields(line) {
			if strings.Count(field, "=") != 1 {
				t.Errorf("CLIENT INFO: got the field %q in %q, want key=value", field, line)
			}
		}
		v.ask("HELLO 3 SETNAME me\r\n")
		v.expectMatch("CLIENT INFO\r\n", `(?s).* name=me .* resp=3\n\r\n`)
	})
}

func TestCallResults(t *testing.T) {
	for _, c := range []struct {
		name         string
		results      []any
		resp2, resp3 string
	}{
		{"nothing", nil, "$-1\r\n", "_\r\n"},
		{"nil", []any{nil}, "$-1\r\n", "_\r\n"},
		{"booleans", []any{true, false}, "*2\r\n:1\r\n:0\r\n", "*2\r\n#t\r\n#f\r\n"},
		{"an integer", []any{int64(-7)}, ":-7\r\n", ":-7\r\n"},
		{"the largest exact integer", []any{int64(1 << 53)}, ":9007199254740992\r\n", ":9007199254740992\r\n"},
		{"a double", []any{1.5}, "$3\r\n1.5\r\n", ",1.5\r\n"},
		{"no number", []any{math.Inf(-1)}, "$4\r\n-inf\r\n", ",-inf\r\n"},
		{"text", []any{"a\r\nb"}, "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"},
		{"several", []any{int64(1), nil, "x"}, "*3\r\n:1\r\n$-1\r\n$1\r\nx\r\n", "*3\r\n:1\r\n_\r\n$1\r\nx\r\n"},
		{"a list", []any{[]any{"a", []any{}}}, "*2\r\n$1\r\na\r\n*0\r\n", "*2\r\n$1\r\na\r\n*0\r\n"},
		{"a map", []any{wire.Map{{Key: "a", Value: wire.Map{{Key: int64(2), Value: true}}}}}, "*2\r\n$1\r\na\r\n*2\r\n:2\r\n:1\r\n", "%1\r\n$1\r\na\r\n%1\r\n:2\r\n#t\r\n"},
	} {
		methods := map[string]func(g *guest, args []any) ([]any, error){"m": func(*guest, []any) ([]any, error) { return c.results, nil }}
		pay(t, terms{methods: methods}, func(v *visit) {
			v.expect("CALL m\r\n", c.resp2)
			v.ask("HELLO 3\r\n")
			v.expect("CALL m\r\n", c.resp3)
		})
	}
}

func TestCallArgumentsAreText(t *testing.T) {
	var got []any
	methods := map[string]func(g *guest, args []any) ([]any, error){
		"m":    func(_ *guest, args []any) ([]any, error) { got = args; return nil, nil },
		"fail": func(*guest, []any) ([]any, error) { return nil, errors.New("fail.lua:3: first\nsecond") },
	}
	pay(t, terms{methods: methods}, func(v *visit) {
		v.expect("*5\r\n$4\r\nCALL\r\n$1\r\nm\r\n$0\r\n\r\n$2\r\n12\r\n$2\r\n\x00\xff\r\n", "$-1\r\n")
		expect(t, "arguments", fmt.Sprintf("%q", got), `["" "12" "\x00\xff"]`)
		v.expect("CALL m\r\n", "$-1\r\n")
		expect(t, "no arguments", len(got), 0)
		v.expect("CALL fail\r\nPING\r\n", "-ERR fail.lua:3: first second\r\n+PONG\r\n") // and the connection goes on
	})
}

func TestQuit(t *testing.T) {
	for _, text := range []string{"QUIT\r\n", "quit now\r\n", "QUIT\r\nPING\r\n"} {
		pay(t, terms{}, func(v *visit) {
			v.send <- text
			v.expectEnd(session.ClientLeft, "+OK\r\n")
		})
	}
}

// A browser that was made to talk to this port by a page it shows gets no further than its first lines.
func TestAWebBrowserIsSentAway(t *testing.T) {
	const reason = "-ERR this is not a web server\r\n"
	for _, c := range []struct{ text, want string }{
		{"GET / HTTP/1.1\r\nHost: localhost:19813\r\nX: y\r\n\r\nCALL steal\r\n",
			"-ERR unknown command 'GET'; methods are called by CALL name [argument ...]\r\n" + reason},
		{"POST / HTTP/1.1\r\nHost: localhost:19813\r\n\r\nCALL steal\r\n", reason},
		{"post / HTTP/1.1\r\n", reason},
		{"host: localhost\r\n", reason},
	} {
		methods := map[string]func(g *guest, args []any) ([]any, error){
			"steal": func(*guest, []any) ([]any, error) { t.Errorf("%q: the method ran", c.text); return nil, nil },
		}
		pay(t, terms{methods: methods}, func(v *visit) {
			v.send <- c.text
			v.expectEnd(session.ClientLeft, c.want)
		})
	}
}

func TestProtocolErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"*x\r\n", "invalid multibulk length"},
		{"*20000\r\n", "invalid multibulk length"},
		{"*1\r\nPING\r\n", "expected '$', got 'P'"},
		{"*1\r\n$-1\r\n", "invalid bulk length"},
		{"*1\r\n$1000000000\r\n", "invalid bulk length"},
		{"*2\r\n*1\r\n*1\r\n", "expected '$', got '*'"},
		{"*1\r\n$4\r\nPINGPONG\r\n", "expected CR LF after bulk"},
		{"PING 'x\r\n", "unbalanced quotes in request"},
		{"\x16\x03\x01\x02\x00\x01\x00'\n", "unbalanced quotes in request"},
		{strings.Repeat("x", 70_000), "too big inline request"},
	} {
		pay(t, terms{}, func(v *visit) {
			v.send <- c.text
			v.expectEnd(session.ProtocolError, "-ERR Protocol error: "+c.want+"\r\n")
		})
	}
	pay(t, terms{}, func(v *visit) { // what came whole before it is answered
		v.send <- "PING\r\nECHO a\r\n*1\r\nx"
		v.expectEnd(session.ProtocolError, "+PONG\r\n$1\r\na\r\n-ERR Protocol error: expected '$', got 'x'\r\n")
	})
}

func TestPipelining(t *testing.T) {
	var calls int
	methods := map[string]func(g *guest, args []any) ([]any, error){
		"count": func(*guest, []any) ([]any, error) { calls++; return []any{int64(calls)}, nil },
	}
	pay(t, terms{methods: methods}, func(v *visit) {
		var text, want strings.Builder
		for i := range 2000 {
			fmt.Fprintf(&text, "*2\r\n$4\r\nECHO\r\n$%d\r\n%d\r\nCALL count\r\n", len(fmt.Sprint(i)), i)
			fmt.Fprintf(&want, "$%d\r\n%d\r\n:%d\r\n", len(fmt.Sprint(i)), i, i+1)
		}
		v.expect(text.String(), want.String())
	})
}

// Half a command does not hold back the replies to the ones before it.
func TestHalfACommandHoldsNothingBack(t *testing.T) {
	pay(t, terms{}, func(v *visit) {
		v.expect("PING\r\nPI", "+PONG\r\n")
		v.expect("NG\r\n", "+PONG\r\n")
		for _, b := range "*1\r\n$4\r\nPING\r" {
			v.expect(string(b), "")
		}
		v.expect("\n", "+PONG\r\n")
	})
}
