package cli_test

import (
	"bufio"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	resp "moongate/runtime/wire"
)

// rawLink is a client process that says what it likes.
type rawLink struct {
	t    *testing.T
	conn net.Conn
	r    *resp.ReplyReader
}

func dialRaw(t *testing.T, address string) *rawLink {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return &rawLink{t, conn, resp.NewReplyReader(bufio.NewReader(conn), resp.Limits{})}
}

// ask sends a command and gives its reply, an error as its text.
func (l *rawLink) ask(words ...string) any {
	l.t.Helper()
	l.send(words...)
	return l.reply()
}

func (l *rawLink) send(words ...string) {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	l.conn.Write([]byte(b.String())) // an error is found by the reading
}

func (l *rawLink) reply() any {
	l.t.Helper()
	reply, err := l.r.ReadReply()
	if err != nil {
		return err.Error()
	}
	if failed, ok := reply.(resp.Error); ok {
		return failed.Error()
	}
	return reply
}

func (l *rawLink) expect(want any, words ...string) {
	l.t.Helper()
	got := l.ask(words...)
	if prefix, ok := want.(string); ok && strings.HasPrefix(fmt.Sprint(got), prefix) {
		return
	}
	if !reflect.DeepEqual(got, want) {
		l.t.Errorf("%q: got %v, want %v", words, got, want)
	}
}

func pack(t *testing.T, values ...any) string {
	t.Helper()
	b, err := resp.Pack(values)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// field is a value of a reply that is a map.
func field(reply any, key string) any {
	m, _ := reply.(resp.Map)
	for _, p := range m {
		if p.Key == key {
			return p.Value
		}
	}
	return nil
}

func beginRaw(t *testing.T, address string) (*rawLink, string) {
	t.Helper()
	l := dialRaw(t, address)
	reply := l.ask("SESSION", "PROTOCOL", "1", "PROCESS", "1", "NAME", "Application process")
	token, _ := field(reply, "token").(string)
	if token == "" {
		t.Fatalf("SESSION: got %v, want a token", reply)
	}
	return l, token
}

var rawMethods = map[string]string{
	"on_server_open_connection.lua":  `interprocess.opened = (interprocess.opened or 0) + 1; if interprocess.closed then return 7, "not now" end`,
	"on_server_close_connection.lua": `interprocess.ended = (interprocess.ended or 0) + 1`,
	"opened.lua":                     `return interprocess.opened`,
	"ended.lua":                      `return interprocess.ended or 0`,
	"shut.lua":                       `interprocess.closed = ...`,
}

// TestLinksThatMisbehave: clients that lie, and clients that share a token, against the whole program.
func TestLinksThatMisbehave(t *testing.T) {
	address := serveHouse(t, rawMethods, "--admin", "none")
	first, token := beginRaw(t, address)
	join := func(number string) *rawLink {
		l := dialRaw(t, address)
		if reply := l.ask("JOIN", token, number, "P"+number); field(reply, "user") != "Designer" {
			t.Fatalf("JOIN: got %v", reply)
		}
		return l
	}
	second := join("2")
	for _, c := range []struct {
		want  string
		words []string
	}{
		{"INUSE ", []string{"JOIN", token, "2", "P2"}}, // two clients with one token
		{"INUSE ", []string{"JOIN", token, "1", "P1"}}, // the Application process's number
		{"INUSE ", []string{"RESUME", token, "2", "0"}},
		{"INUSE ", []string{"RESUME", token, "1", "0"}},
		{"TOKEN ", []string{"RESUME", token, "99", "0"}},
		{"TOKEN ", []string{"JOIN", token[1:], "3", "P3"}},
		{"TOKEN ", []string{"JOIN", "", "3", "P3"}},
		{"ERR a process has a number", []string{"JOIN", token, "0", "P0"}},
		{"ERR a process has a number", []string{"JOIN", token, "-2", "P"}},
		{"ERR a process whose name begins with $", []string{"JOIN", token, "3", "$hidden"}},
		{"ERR LANGUAGE is for remote sessions", []string{"LANGUAGE"}},
	} {
		dialRaw(t, address).expect(c.want, c.words...)
	}
	second.expect("ERR JOIN must be the first", "JOIN", token, "4", "P4")
	second.expect("ERR RESUME must be the first", "RESUME", token, "2", "0")
	second.expect("ERR ", "SESSION", "PROTOCOL", "1", "PROCESS", "2")
	second.expect(resp.SimpleString("OK"), "DONE", "4711")
	second.expect(false, "UNREGISTER")
	second.expect("ERR packed: ", "DO", "current_time", strings.Repeat("*1\r\n", 10_000))
	second.expect("ERR ", "DO", "no_such_command", pack(t))
	second.expect("ERR ", "DATA", "get", pack(t))              // there are no tables, or it is nonsense: an error in any case
	second.expect([]any{int64(3)}, "CALLV", "opened", pack(t)) // the first, the stranger with LANGUAGE, and now this

	if first.ask("CALL", "shut", "true"); field(join("5").ask("LANGUAGE"), "process") != nil {
		t.Error("a language twin was made although the open method refuses")
	}
	third := join("6") // the refused one of process 5 has been lost by now, or not: either way it is another's
	third.expect("REFUSED 7 not now", "LANGUAGE")
	third.expect("REFUSED 7 not now", "CALLV", "opened", pack(t))
	third.expect(resp.SimpleString("PONG"), "PING") // the link stays

	first.expect(resp.SimpleString("OK"), "QUIT") // and all are ended
	if got := fmt.Sprint(second.reply()); got != "CLOSED the session has ended" {
		t.Errorf("the end of another link: got %v", got)
	}
}

// TestALostLinkFreesWhatItHas: nobody comes back for it within the grace.
func TestALostLinkFreesWhatItHas(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for the grace of 5 seconds")
	}
	address := serveHouse(t, rawMethods, "--admin", "none")
	first, token := beginRaw(t, address)
	second := dialRaw(t, address)
	second.ask("JOIN", token, "2", "P2")
	second.expect([]any{false}, "DO", "semaphore", pack(t, "door"))
	began := time.Now()
	second.conn.Close()
	first.expect([]any{true}, "DO", "semaphore", pack(t, "door"))
	first.expect([]any{false}, "DO", "semaphore", pack(t, "door", int64(60*20))) // waits for it
	if took := time.Since(began); took < 4*time.Second || took > 15*time.Second {
		t.Errorf("the semaphore was free after %v, want about 5 s", took)
	}
	first.expect([]any{int64(1)}, "CALLV", "ended", pack(t))
}
