package host_test

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/host"
	"moongate/runtime/wire"
)

// policyOfLinks notes what is called, and has methods for client processes to call.
var policyOfLinks = files{
	"on_server_open_connection.lua": `
local user, id = ...
print(">", "open", user, id, current_process(), current_process_name())
mine = id
if interprocess.refuse == id then return 22000, "not you" end`,
	"on_server_close_connection.lua": `local user, id = ... print(">", "close", user, id, current_process(), current_process_name(), mine)`,
	"add.lua":                        `local n = ... mine = mine + (tonumber(n) or 1) return mine`,
	"sleep.lua":                      `local ticks = ... delay_process(current_process(), tonumber(ticks)) calls = (calls or 0) + 1 return "slept", calls`,
	"refuse.lua":                     `interprocess.refuse = tonumber((...)) return true`,
	"hold.lua":                       `return semaphore("s")`,
	"forever.lua":                    `while true do end`,
	"big.lua":                        `return ("x"):rep(5e6)`,
	"note.lua":                       `print(">", ...)`,
	"where.lua":                      `return session().info.ip_address`,
}

// serveLinks is serve for remote sessions, which are kept for 900 seconds.
func serveLinks(t *testing.T, do func(t *testing.T, s *server)) {
	t.Helper()
	serveWith(t, policyOfLinks, func(c *host.Config) { c.SessionTimeout, c.Session = 15*time.Minute, "R" }, do)
}

// words is a command as RESP has it.
func words(args ...any) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		text := fmt.Sprint(a)
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(text), text)
	}
	return b.String()
}

// packed is a list of values as an argument of a command.
func packed(values ...any) string {
	b, err := wire.Pack(values)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// say sends a command, and gives what comes until nothing more happens.
func (c *client) say(args ...any) string {
	c.s.t.Helper()
	if _, err := io.WriteString(c.conn, words(args...)); err != nil {
		c.s.t.Errorf("%v: %v", args, err)
	}
	return c.take()
}

func (c *client) expectSaid(want string, args ...any) {
	c.s.t.Helper()
	expect(c.s.t, fmt.Sprint(args[0]), c.say(args...), want)
}

// field is a text or a number in a reply that is a map.
func field(reply, name string) string {
	found := regexp.MustCompile(`(?s)\$\d+\r\n` + name + `\r\n(?:\$\d+\r\n|:)(.*?)\r\n`).FindStringSubmatch(reply)
	if found == nil {
		return ""
	}
	return found[1]
}

// remoteClient is a client machine.
type remoteClient struct {
	s           *server
	token       string
	session     string
	application *client
	address     string
}

// announce begins a session; its Application process is number 1 there.
func (s *server) announce() *remoteClient { return s.announceFrom("") }

func (s *server) announceFrom(address string) *remoteClient {
	s.t.Helper()
	c := s.connectOn(terms{address: address})
	r := &remoteClient{s: s, application: c, address: address}
	c.say("HELLO", 3)
	reply := c.say("SESSION", "PROTOCOL", 1, "VERSION", "1.0", "MACHINE", "desk", "SYSTEMUSER", "ann", "PROCESS", 1, "NAME", "Application process", "COMPILED", 0)
	r.token, r.session = field(reply, "token"), field(reply, "session")
	if len(r.token) != 43 {
		s.t.Fatalf("SESSION: got %q, want a token", reply)
	}
	return r
}

// join makes a client process, which has no twin yet.
func (r *remoteClient) join(process int, name string) *client {
	r.s.t.Helper()
	c := r.s.connectOn(terms{address: r.address})
	if reply := c.say("JOIN", r.token, process, name); field(reply, "session") != r.session {
		r.s.t.Fatalf("JOIN: got %q, want the session %s", reply, r.session)
	}
	return c
}

// resume tries to have a client process come back by a new transport, and gives that with the reply.
func (r *remoteClient) resume(process, got int) (*client, string) {
	r.s.t.Helper()
	c := r.s.connectOn(terms{address: r.address})
	return c, c.say("RESUME", r.token, process, got)
}

// resumed is resume that must succeed, with so many requests carried out.
func (r *remoteClient) resumed(process, got, done int) (c *client, more string) {
	r.s.t.Helper()
	c, reply := r.resume(process, got)
	ok := fmt.Sprintf("%%2\r\n$7\r\nsession\r\n$36\r\n%s\r\n$4\r\ndone\r\n:%d\r\n", r.session, done)
	more, found := strings.CutPrefix(reply, ok)
	if !found {
		r.s.t.Fatalf("RESUME of process %d: got %q, want %q", process, reply, ok)
	}
	return c, more
}

// cut ends a transport as the death of a client does.
func (c *client) cut() {
	c.conn.Close()
	synctest.Wait()
}

// silence ends a transport as keep-alive does.
func (c *client) silence() {
	c.broken <- syscall.ETIMEDOUT
	c.cut()
}

// state is that of the session.
func (r *remoteClient) state() string {
	synctest.Wait()
	for _, s := range r.s.Sessions().Remotes() {
		if s.ID == r.session {
			state, _ := s.State()
			return state.String()
		}
	}
	return "over"
}

// links are the states of the session's links, by process.
func (r *remoteClient) links() string {
	synctest.Wait()
	text := ""
	for _, s := range r.s.Sessions().Remotes() {
		if s.ID == r.session {
			for _, l := range s.Links() {
				state, _ := l.State()
				text += fmt.Sprintf(" %d:%v", l.Process, state)
			}
		}
	}
	return strings.TrimPrefix(text, " ")
}

func bulk(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }
