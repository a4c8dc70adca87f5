package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"moongate/runtime/admin"
)

// fakeServer is an admin listener with canned answers, by method and path. Acts are noted.
type fakeServer struct {
	address string
	mu      sync.Mutex
	answers map[string]string // those that begin with a digit are a status and a body
	acts    []string
}

func newFakeServer(t *testing.T, answers map[string]string) *fakeServer {
	t.Helper()
	f := &fakeServer{answers: answers}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.address = server.Listener.Addr().String()
	return f
}

func (f *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	route := r.Method + " " + r.URL.EscapedPath()
	if r.Method != http.MethodGet {
		body, _ := io.ReadAll(r.Body)
		f.acts = append(f.acts, strings.TrimSpace(route+" "+string(body)))
	}
	w.Header().Set("Content-Type", "application/json")
	answer, ok := f.answers[route]
	var status int
	switch n, _ := fmt.Sscanf(answer, "%d ", &status); {
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"error":"`+r.URL.Path+`: gone"}`)
	case n == 1:
		w.WriteHeader(status)
		io.WriteString(w, answer[4:])
	default:
		io.WriteString(w, answer)
	}
}

// outcomeOf is what a run of a command gave.
type outcomeOf struct {
	code           int
	stdout, stderr string
}

// run runs a command for operators.
func run(name string, args ...string) outcomeOf {
	var stdout, stderr bytes.Buffer
	m := &invocation{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr}
	for _, c := range operatorCommands {
		if c.name == name {
			return outcomeOf{c.run(m, args), stdout.String(), stderr.String()}
		}
	}
	panic("no command " + name)
}

func (f *fakeServer) run(name string, args ...string) outcomeOf {
	return run(name, append([]string{"--admin", f.address}, args...)...)
}

func (got outcomeOf) want(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if got.code != code {
		t.Errorf("got exit code %d, want %d\n%s%s", got.code, code, got.stdout, got.stderr)
	}
	compare(t, got.stdout, stdout)
	compare(t, got.stderr, stderr)
}

func TestEveryCommandHasAManual(t *testing.T) {
	for _, c := range operatorCommands {
		got := run(c.name, "--help")
		m := manualOf(c.name)
		if got.code != ExitClean || m.meaning == "" || len(m.examples) == 0 || !strings.Contains(got.stdout, "\nExamples:\n  moongate "+c.name) {
			t.Errorf("moongate %s --help: got %d and %s", c.name, got.code, got.stdout)
		}
		for line := range strings.Lines(got.stdout) {
			if displayWidth(strings.TrimSuffix(line, "\n")) > 120 {
				t.Errorf("moongate %s --help has a line of more than 120 columns: %s", c.name, line)
			}
		}
	}
	for _, m := range manuals {
		if !slices.ContainsFunc(operatorCommands, func(c command) bool { return c.name == m.name }) {
			t.Errorf("there is a manual of %s, but no command", m.name)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Setenv("MOONGATE_ADMIN", "")
	for line, want := range map[string]string{
		"ps --nobody":                      "unknown flag: --nobody",
		"ps 7":                             `unexpected argument "7"`,
		"ps --admin none":                  "--admin is none, but this command asks the server by its admin listener: give host:port",
		"ps --admin 19880":                 `--admin is "19880"; it must be host:port, as 127.0.0.1:19880`,
		"ps --admin 127.0.0.1:0":           `--admin is "127.0.0.1:0"; it must be host:port, as 127.0.0.1:19880`,
		"abort":                            "it needs more arguments: moongate abort [flags] NUMBER ...",
		"abort 7 x":                        `"x" is no number of a process`,
		"pause -- -1":                      `"-1" is no number of a process`,
		"kick":                             "say whom: numbers of connections, or --user NAME, or --session ID",
		"kick 7 --user ann":                "say whom: numbers of connections, or --user NAME, or --session ID",
		"kick --user=":                     "say whom: numbers of connections, or --user NAME, or --session ID",
		"kick ann":                         `"ann" is no number of a connection`,
		"send":                             "it needs more arguments: moongate send [flags] TEXT",
		"send please leave":                `the text is one argument: quote it, as in moongate send "please save your work"`,
		"send hi --user ann --session 1":   "give one of --user, --connection and --session, or none for everybody",
		"send hi --user=":                  "--user, --connection and --session need somebody; without them the message is for everybody",
		"send hi --connection 0":           "--user, --connection and --session need somebody; without them the message is for everybody",
		"quit":                             "choose one way to quit: --in 90s, --wait, --wait-active or --now",
		"quit --message bye":               "choose one way to quit: --in 90s, --wait, --wait-active or --now",
		"quit --wait --now":                "choose one way to quit: --in 90s, --wait, --wait-active or --now",
		"quit --in soon":                   `--in is "soon"; it must be a time as 90s or 5m, or a number of seconds`,
		"quit --in -5s":                    `--in is "-5s"; it must be a time as 90s or 5m, or a number of seconds`,
		"quit --in -5":                     `--in is "-5"; it must be a time as 90s or 5m, or a number of seconds`,
		"quit --cancel --now":              "--cancel stands alone",
		"quit --cancel --message x":        "--cancel stands alone",
		"top --interval 1ms":               "--interval is 1ms; it must be 100ms or more",
		"top --count -1":                   "--count is -1; it must be 0 or more",
		"log --json --csv":                 "--json and --csv are two ways to write the same; choose one",
		"log --last -1":                    "--last is -1; it must be 0 or more",
		"log --connection -1":              "--connection is -1; it must be the number of a connection",
		"log --follow --until 1h":          "--follow has no end, but --until has one; choose one",
		"log --since 1h --until 2h":        "--since is not before --until, so that nothing could be shown",
		"log --since yesterday":            `invalid argument "yesterday" for "--since" flag: "yesterday" is no time: write it as 1h, 30d, 2026-11-21, "2026-11-21 10:00" or 10:00`,
		"log --admin 127.0.0.1:1":          "unknown flag: --admin",
		"connections --user ann --session": "unknown flag: --session",
	} {
		words := strings.Fields(line)
		run(words[0], words[1:]...).want(t, ExitUsage, "", fmt.Sprintf("moongate %s: %s\nTry 'moongate %s --help'.\n", words[0], want, words[0]))
	}
}

func TestReachable(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:19880": "127.0.0.1:19880", ":19880": "127.0.0.1:19880", "0.0.0.0:1": "127.0.0.1:1", "[::]:1": "[::1]:1", "host:1": "host:1",
	} {
		if got, err := reachable(address); got != want || err != nil {
			t.Errorf("got %s and %v of %s, want %s", got, err, address, want)
		}
	}
}

func TestEnvironmentOfOperators(t *testing.T) {
	f := newFakeServer(t, map[string]string{"GET /v1/users": "[]"})
	t.Setenv("MOONGATE_ADMIN", f.address)
	run("users").want(t, ExitClean, "", "no users\n")
	run("users", "--admin", "none").want(t, ExitUsage, "",
		"moongate users: --admin is none, but this command asks the server by its admin listener: give host:port\nTry 'moongate users --help'.\n")
	t.Setenv("MOONGATE_DATA", t.TempDir())
	if got := run("log"); !strings.Contains(got.stderr, "no journal in ") {
		t.Errorf("got %+v, want that there is no journal", got)
	}
}

func TestTokenFile(t *testing.T) {
	const token = "sesame-sesame-sesame"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, `{"error":"a token is needed"}`)
			return
		}
		io.WriteString(w, "[]")
	}))
	defer server.Close()
	t.Setenv("MOONGATE_ADMIN", server.Listener.Addr().String())
	run("users").want(t, ExitFailed, "", "moongate: "+server.Listener.Addr().String()+
		" asks for a token: give the file that has it with --admin-token-file (MOONGATE_ADMIN_TOKEN_FILE)\n")
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run("users", "--admin-token-file", file).want(t, ExitClean, "", "no users\n")
	t.Setenv("MOONGATE_ADMIN_TOKEN_FILE", file)
	run("users").want(t, ExitClean, "", "no users\n")
	if got := run("users", "--admin-token-file", file+".missing"); got.code != ExitFailed || !strings.Contains(got.stderr, file+".missing") {
		t.Errorf("got %+v, want that there is no such file", got)
	}
}

func TestNoServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	for _, line := range []string{"ps", "status", "kick 1 2 3", "reload", "top", "quit --now", "quit --cancel", "quit --wait --detach"} {
		words := strings.Fields(line)
		run(words[0], append(words[1:], "--admin", address)...).want(t, ExitFailed, "",
			"moongate: no moongate answers at "+address+": is the server running, and with --admin? (give its address with --admin, MOONGATE_ADMIN)\n")
	}
}

// inUTC has the machine's clock show UTC.
func inUTC(t *testing.T) {
	t.Helper()
	before := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = before })
}

const cannedProcesses = `[
 {"number":1,"id":1,"name":"Application process","type":"main 4D process","state":"waiting for user event","running":80},
 {"number":4,"id":11,"name":"\u001b[31mann","type":"internal 4D server process","user":true,"session":"ann","connection":7,"method":"on_server_open_connection","state":"waiting for input output","running":7500,"cpu":0.0125,"activity":0.02,"new_field":1},
 {"number":5,"id":12,"name":"nightly","type":"execute on server process","user":true,"method":"nightly","place":"nightly.lua:3","state":"executing","preemptive":true,"running":42,"cpu":41.5,"activity":0.99},
 {"number":6,"id":13,"name":"$xx","type":"on exit process","state":"delayed","running":0.5}
]`

func TestProcesses(t *testing.T) {
	f := newFakeServer(t, map[string]string{"GET /v1/processes": cannedProcesses})
	f.run("ps").want(t, ExitClean, `
NUMBER  NAME         TYPE                           USER  METHOD                     STATE                     PLACE          RUNNING     CPU  ACTIVITY
     4  \x1b[31mann  internal 4D server             ann   on_server_open_connection  waiting for input output                    2h5m  12.5ms        2%
     5  nightly      execute on server, preemptive        nightly                    executing                 nightly.lua:3      42s     42s       99%
     6  $xx          on exit                                                         delayed                                    500ms      0s        0%
`[1:], "")
	if got := f.run("ps", "--all"); !strings.Contains(got.stdout, "Application process") {
		t.Errorf("got %s, want the host's own processes too", got.stdout)
	}
	f.run("ps", "--user", "nobody").want(t, ExitClean, "", "no processes\n")
	got := f.run("ps", "--user", "ANN", "--json")
	if want := `[` + "\n" + `{"number":4,"id":11,"name":"\u001b[31mann",`; !strings.HasPrefix(got.stdout, want) || !strings.Contains(got.stdout, `"new_field":1`) {
		t.Errorf("got %s, want what the server sent", got.stdout)
	}
	var rows []admin.Process
	if err := json.Unmarshal([]byte(got.stdout), &rows); err != nil || len(rows) != 1 {
		t.Errorf("got %d rows and %v, want 1", len(rows), err)
	}
}

func TestLists(t *testing.T) {
	inUTC(t)
	f := newFakeServer(t, map[string]string{
		"GET /v1/connections": `[{"id":0,"state":"logging in","address":"10.0.0.1:5","status":"Online","opened":"2026-11-21T10:00:00Z","idle":2},
			{"id":7,"state":"open","user_name":"ann","address":"10.0.0.7:51234","process":4,"name":"front desk","status":"Sleeping","opened":"2026-11-21T10:00:00Z","idle":80,"bytes_in":2048,"bytes_out":10,"version":"4e2c1a5d9b07","gate":"db","upstream":"10.1.0.5:5432"},
			{"id":8,"state":"open","user_name":"bob","address":"10.0.0.8:1","process":5,"status":"Online","opened":"2026-11-21T10:00:00Z","cause":"dropped"}]`,
		"GET /v1/sessions": `[{"id":"A-1","origin":"Client","user_name":"ann","login":"2026-11-21T10:00:00Z","address":"10.0.0.7","machine":"desk","connections":1,"processes":4,"cpu":0.5,"activity":0.25,"status":"Online"}]`,
		"GET /v1/users":    `[{"number":3,"name":"ann","alias":"Annie","connections":2,"addresses":["10.0.0.7","10.0.0.8"],"login":"2026-11-21T10:00:00Z","status":"Sleeping"}]`,
		"GET /v1/methods": `[{"name":"greet","kind":"project method","hash":"4e2c1a5d9b07","calls":3,"errors":1,"mean":0.0004,"last_error":"greet.lua:3: no","last_error_at":"2026-11-21T10:00:00Z"},
			{"name":"on_exit","kind":"database method","hash":"000000000000","not_run":"not a role of serve"}]`,
		"GET /v1/lanes": `[{"number":0,"kind":"cooperative","holder":5,"name":"nightly","method":"nightly","place":"nightly.lua:3","held":0.003,"waiting":[6,7,8,9,10,11,12],"waits":2,"waited":0.5,"slices":1,"aborts":0,"programs":9},
			{"number":1,"kind":"preemptive","waiting":[]}]`,
	})
	f.run("connections").want(t, ExitClean, `
CONNECTION  USER  ADDRESS         STATE            PROCESS  NAME        OPENED                IDLE  CPU   IN  OUT  VERSION       GATE  UPSTREAM
                  10.0.0.1:5      logging in                            2026-11-21 10:00:00     2s   0s    0    0
         7  ann   10.0.0.7:51234  open, sleeping         4  front desk  2026-11-21 10:00:00  1m20s   0s  2KB   10  4e2c1a5d9b07  db    10.1.0.5:5432
         8  bob   10.0.0.8:1      ending: dropped        5              2026-11-21 10:00:00     0s   0s    0    0
`[1:], "")
	f.run("connections", "--user", "nobody").want(t, ExitClean, "", "no connections\n")
	f.run("connections", "--user", "nobody", "--json").want(t, ExitClean, "[]\n", "")
	f.run("sessions").want(t, ExitClean, `
SESSION  ORIGIN  USER  ADDRESS   MACHINE  LOGIN                CONNECTIONS  PROCESSES    CPU  ACTIVITY  STATUS
A-1      Client  ann   10.0.0.7  desk     2026-11-21 10:00:00            1          4  500ms       25%  Online
`[1:], "")
	f.run("users").want(t, ExitClean, `
NUMBER  NAME  ALIAS  CONNECTIONS  ADDRESSES          LOGIN                CPU  ACTIVITY  STATUS
     3  ann   Annie            2  10.0.0.7 10.0.0.8  2026-11-21 10:00:00   0s        0%  Sleeping
`[1:], "")
	f.run("methods").want(t, ExitClean, `
METHOD   KIND             VERSION       CALLS   MEAN  ERRORS  LAST ERROR
greet    project method   4e2c1a5d9b07      3  400µs       1  2026-11-21 10:00:00  greet.lua:3: no
on_exit  database method  000000000000      0              0  not run: not a role of serve
`[1:], "")
	f.run("lanes").want(t, ExitClean, `
LANE  KIND         HOLDER     METHOD   PLACE          HELD  WAITING                WAITS  WAITED  SLICES  ABORTS  PROCESSES
   0  cooperative  5 nightly  nightly  nightly.lua:3   3ms  6 7 8 9 10 and 2 more      2   500ms       1       0          9
   1  preemptive   nobody                                                              0      0s       0       0          0
`[1:], "")
}

func TestActs(t *testing.T) {
	done := func(text string) string { return `{"count":1,"text":"` + text + `"}` }
	f := newFakeServer(t, map[string]string{
		"POST /v1/connections/17/drop":     done("connection 17 is being dropped"),
		"POST /v1/connections/18/drop":     `404 {"error":"connection 18: there is no such thing (any more)"}`,
		"POST /v1/connections/19/drop":     done("connection 19 is being dropped"),
		"POST /v1/users/ann%2Fx/drop":      done("gone"),
		"POST /v1/sessions/A-1/drop":       done("gone"),
		"POST /v1/processes/5/abort":       `409 {"error":"process 5 (main process): only user processes"}`,
		"POST /v1/processes/6/pause":       done("paused"),
		"POST /v1/processes/6/activate":    done("goes on"),
		"POST /v1/messages":                done("sent to \\u001b[31m 1 client"),
		"POST /v1/new-connections":         done("so be it"),
		"POST /v1/reload":                  `422 {"error":"scripts not loaded:\na.lua:1: \u001b[2J"}`,
		"POST /v1/quit":                    done("the server stops"),
		"DELETE /v1/quit":                  `409 {"error":"too late"}`,
		"POST /v1/processes/7/abort":       done("7 is being aborted"),
		"POST /v1/connections/999999/drop": "500 <html>",
	})
	f.run("kick", "17", "18", "19").want(t, ExitFailed, "connection 17 is being dropped\nconnection 19 is being dropped\n",
		"moongate: connection 18: there is no such thing (any more)\n")
	f.run("kick", "17", "18", "--json").want(t, ExitFailed, `
[
{"target":"17","count":1,"text":"connection 17 is being dropped"},
{"target":"18","count":0,"text":"","error":"connection 18: there is no such thing (any more)"}
]
`[1:], "moongate: connection 18: there is no such thing (any more)\n")
	f.run("kick", "--user", "ann/x").want(t, ExitClean, "gone\n", "")
	f.run("kick", "--session", "A-1").want(t, ExitClean, "gone\n", "")
	f.run("abort", "5", "7").want(t, ExitFailed, "7 is being aborted\n", "moongate: process 5 (main process): only user processes\n")
	f.run("pause", "6").want(t, ExitClean, "paused\n", "")
	f.run("resume", "6").want(t, ExitClean, "goes on\n", "")
	f.run("send", "hi there", "--connection", "7").want(t, ExitClean, "sent to \\x1b[31m 1 client\n", "")
	f.run("send", "hi", "--json").want(t, ExitClean, `{"count":1,"text":"sent to \u001b[31m 1 client"}`+"\n", "")
	f.run("refuse-new").want(t, ExitClean, "so be it\n", "")
	f.run("accept-new").want(t, ExitClean, "so be it\n", "")
	f.run("reload").want(t, ExitFailed, "", "moongate: scripts not loaded:\nmoongate: a.lua:1: \\x1b[2J\n")
	f.run("quit", "--in", "90", "--message", "bye", "--detach").want(t, ExitClean, "the server stops\n", "")
	f.run("quit", "--in", "1m30s", "--detach").want(t, ExitClean, "the server stops\n", "")
	f.run("quit", "--wait-active", "--detach").want(t, ExitClean, "the server stops\n", "")
	f.run("quit", "--cancel").want(t, ExitFailed, "", "moongate: too late\n")
	f.run("kick", "999999", "17").want(t, ExitFailed, "", "moongate: "+f.address+
		" is no moongate: something else has that port; give the address of the admin listener with --admin\n")
	want := []string{
		"POST /v1/connections/17/drop", "POST /v1/connections/18/drop", "POST /v1/connections/19/drop",
		"POST /v1/connections/17/drop", "POST /v1/connections/18/drop",
		"POST /v1/users/ann%2Fx/drop", "POST /v1/sessions/A-1/drop",
		"POST /v1/processes/5/abort {}", "POST /v1/processes/7/abort {}", "POST /v1/processes/6/pause {}", "POST /v1/processes/6/activate {}",
		`POST /v1/messages {"text":"hi there","connection":7}`, `POST /v1/messages {"text":"hi"}`,
		`POST /v1/new-connections {"refuse":true}`, `POST /v1/new-connections {"refuse":false}`, "POST /v1/reload",
		`POST /v1/quit {"mode":"in","seconds":90,"message":"bye"}`, `POST /v1/quit {"mode":"in","seconds":90}`, `POST /v1/quit {"mode":"wait-active"}`,
		"DELETE /v1/quit", "POST /v1/connections/999999/drop",
	}
	if !slices.Equal(f.acts, want) {
		t.Errorf("got the acts\n%s\nwant\n%s", strings.Join(f.acts, "\n"), strings.Join(want, "\n"))
	}
}
