package behaviour_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/luabind/behaviour"
	"moongate/runtime/simulate"
	"moongate/runtime/wire"
)

// written puts a text into a file.
func written(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "visitor.lua")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// played runs a behaviour for so many clients at once, until it is over or two seconds of the test's clock have
// passed, against a server in memory that refuses user eve. It gives what was printed, sorted, and the report.
func played(t *testing.T, clients int, text string) (lines []string, report *simulate.Report) {
	t.Helper()
	file := written(t, text)
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		b, err := behaviour.Open(file, func(line string) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, line)
		})
		if err != nil {
			t.Fatal(err)
		}
		var serving sync.WaitGroup
		run, err := simulate.New(simulate.Plan{
			Server: netip.MustParseAddrPort("127.0.0.1:19813"), Rate: float64(clients), Duration: time.Second, Behaviour: b, Seed: 1,
			Users: []simulate.User{{Name: "ann", Password: "secret"}, {Name: "eve", Password: "hidden"}}, Addresses: 5,
			Dial: func(context.Context, netip.Addr) (net.Conn, error) {
				ours, theirs := net.Pipe()
				serving.Go(func() { receive(ours) })
				return theirs, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		report = run.Go(t.Context())
		serving.Wait()
	})
	slices.Sort(lines)
	return lines, report
}

// receive is the server's side of a connection.
func receive(conn net.Conn) {
	defer conn.Close()
	r, w := wire.NewReader(conn, wire.Limits{}), wire.NewWriter(conn)
	w.SetVersion(wire.RESP3)
	for {
		command, err := r.ReadCommand()
		if err != nil {
			return
		}
		name := string(command[0])
		switch {
		case name == "HELLO" && string(command[3]) == "eve":
			w.WriteError("REFUSED", "7 not eve")
			w.Flush()
			return
		case name == "HELLO":
			w.WriteValue(wire.Map{{Key: "server", Value: "moongate"}})
		case name == "QUIT":
			w.WriteSimple("OK")
			w.Flush()
			return
		case string(command[1]) == "die":
			return
		case string(command[1]) == "odd":
			w.WriteValue([]any{wire.SimpleString("simple"), wire.Error{Message: "inside"}, wire.Map{{Key: 1.5, Value: nil}, {Key: nil, Value: true}}})
		default:
			var words []any
			for _, word := range command[1:] {
				words = append(words, string(word))
			}
			w.WriteValue(words)
		}
		w.Flush()
	}
}

// What a behaviour sees, in Lua: each line prints what is expected after it.
func TestCommands(t *testing.T) {
	text := `
print(client().number, client().user, client().address) --> 1 ann 127.1.0.1
print(connected(), call("early")) --> false nil not connected
print(connect().accepted, connected()) --> true true
local list = call("echo", "a b", 12, 1.5, true)
print(#list, list[1], list[2], list[3], list[4], list[5]) --> 5 echo a b 12 1.5 true
local odd = call("odd")
print(odd[1], odd[2], odd[3]["<nil>"]) --> simple ERR inside true
print(sleep(0.5)) --> true
local v = connect{ user = "eve" }
print(v.accepted, v.code, v.reason) --> false 7 not eve
print(connect{ user = "bob", password = "x", address = "127.0.0.9" }.accepted) --> true
print(call("die")) --> nil the connection was lost: closed without a word
print(connected(), sleep(0)) --> false true
print(require("simulate").connect == nil, require("simulate").call ~= nil) --> false true
print(random(3, 3), random(1) == 1, random() < 1) --> 3 true true
print(close(), pcall(close)) --> nil true
`
	var want []string
	for line := range strings.Lines(text) {
		if _, expected, ok := strings.Cut(strings.TrimSpace(line), " --> "); ok {
			want = append(want, "client 1: "+expected)
		}
	}
	slices.Sort(want)
	got, report := played(t, 1, text)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if report.Misbehaved != 0 || report.Lost != 1 || report.Left != 1 {
		t.Errorf("got %d misbehaved, %d lost, %d left, want 0, 1, 1: %v", report.Misbehaved, report.Lost, report.Left, report.Misbehaviours)
	}
}

func TestErrorsOfBehaviours(t *testing.T) {
	for code, want := range map[string]string{
		`local x = nil; x()`:                "visitor.lua:1: attempt to call a non-function object",
		`error("no")`:                       "visitor.lua:1: no",
		`connect{ usr = "ann" }`:            `visitor.lua:1: bad argument #1 to connect (unknown option "usr"; there are user, password and address)`,
		`connect{ user = 5 }`:               "visitor.lua:1: bad argument #1 to connect (option user is a number; it must be a text)",
		`connect{ address = "here" }`:       "visitor.lua:1: bad argument #1 to connect (option address is no IP address, as 127.0.0.5 is)",
		`connect("ann")`:                    "visitor.lua:1: bad argument #1 to connect (table expected, got string)",
		`connect() call("m", {})`:           "visitor.lua:1: bad argument #2 to call (text, number or boolean expected: that is what can be sent)",
		`call()`:                            "visitor.lua:1: bad argument #1 to call (string expected, got nil)",
		`sleep(-1)`:                         "visitor.lua:1: bad argument #1 to sleep (number of seconds expected, 0 or more)",
		`sleep(0/0)`:                        "visitor.lua:1: bad argument #1 to sleep (number of seconds expected, 0 or more)",
		`random(2, 1)`:                      "visitor.lua:1: bad argument #2 to random (interval is empty)",
		`require("lib.util")`:               `visitor.lua:1: module lib.util not found: a behaviour has one file, and can require "simulate"`,
		`require("simulate").connect = nil`: "visitor.lua:1: simulate is read-only",
		`local s = ("x"):rep(2^30)`:         "visitor.lua:1: string of 1073741824 bytes is too long (the limit is 16777216)",
		`connect() local function f() f() f() end f()`: "visitor.lua:1: stack overflow",
	} {
		_, report := played(t, 1, code)
		if len(report.Misbehaviours) != 1 || !strings.HasPrefix(report.Misbehaviours[0].Example, want) {
			t.Errorf("%s: got %v, want %s", code, report.Misbehaviours, want)
		}
	}
}

// Clients have variables of their own, and interprocess together; a loop that waits ends with the run, and is no
// failure.
func TestClientsTogether(t *testing.T) {
	lines, report := played(t, 10, `
n = (n or 0) + 1
interprocess.n = (interprocess.n or 0) + 1
if interprocess.n == 10 then print("all", n) end
while true do connect() pcall(sleep, 60) end`)
	if fmt.Sprint(lines) != "[client 10: all 1]" {
		t.Errorf("got %q, want the tenth client to find ten", lines)
	}
	if report.Misbehaved > 0 || report.Started != 10 {
		t.Errorf("got %d started and %v, want 10 and nothing", report.Started, report.Misbehaviours)
	}
}

func TestFilesThatAreWrong(t *testing.T) {
	for code, want := range map[string]string{
		"connect(":                    "visitor.lua:1: syntax error at the end of the file: is a ')' missing for the '(' in line 1?",
		"-- conect\nconect() slep(1)": "visitor.lua:2:1: unknown name conect; did you mean connect?\nvisitor.lua:2:10: unknown name slep; did you mean sleep?",
		"delay_process(1, 60)":        "visitor.lua:1:1: unknown name delay_process",
		strings.Repeat("-", 300<<10):  "has 307200 bytes; the limit is 262144",
	} {
		_, err := behaviour.Open(written(t, code), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: got %v, want %s", code, err, want)
		}
	}
	for _, file := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none.lua")} {
		if _, err := behaviour.Open(file, nil); err == nil {
			t.Errorf("%s: got no error", file)
		}
	}
}

func TestEveryCommandIsDocumented(t *testing.T) {
	signatures, meanings := behaviour.Commands()
	for i, s := range signatures {
		if !strings.Contains(s, "(") || meanings[i] == "" || strings.HasSuffix(meanings[i], ".") {
			t.Errorf("%s: %s", s, meanings[i])
		}
	}
}
