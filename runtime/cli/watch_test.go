package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"moongate/runtime/admin"
)

func exit(code int) *int { return &code }

var threeClients = admin.Quit{
	Mode: "in", Until: time.Date(2026, 11, 21, 10, 1, 20, 0, time.UTC), Waiting: 14, Left: 80, Cancelable: true,
	Connected: []string{"connection 7, ann, 10.0.0.7:51234", "connection 8, \x1b[2Jbob, 10.0.0.8:1", "connection 9, Zoë, 10.0.0.9:1", "connection 10, x, 10.0.0.9:2"},
}

// later is the same a second later.
func later(q admin.Quit) *admin.Quit {
	q.Left--
	return &q
}

// oneClient is the same when all but one have gone.
func oneClient(q admin.Quit) *admin.Quit {
	q.Left, q.Waiting, q.Connected = 3.2, 1, q.Connected[:1]
	return &q
}

var cannedShutdown = []admin.Event{
	{Kind: "quit", Quit: &threeClients},
	{Kind: "stage", Stage: &admin.Stage{Stage: "refuse new connections", Duration: 0.0001}},
	{Kind: "waiting", Quit: &threeClients},
	{Kind: "closed", Connection: 12, User: "bob"},
	{Kind: "waiting", Quit: later(threeClients)},
	{Kind: "waiting", Quit: oneClient(threeClients)},
	{Kind: "stage", Stage: &admin.Stage{Stage: "wait for the clients", Duration: 80.02}},
	{Kind: "waiting", Quit: &admin.Quit{Mode: "in", Waiting: 1}},
	{Kind: "stage", Stage: &admin.Stage{Stage: "end the connections", Duration: 5, Left: []string{"connection 7 (10.0.0.7:51234), process 4 at a.lua:3"}}},
	{Kind: "ended", Exit: exit(3), Quit: &admin.Quit{Mode: "in", Stages: []admin.Stage{
		{Stage: "refuse new connections", Duration: 0.0001}, {Stage: "wait for the clients", Duration: 80.02},
		{Stage: "end the connections", Duration: 5, Left: []string{"connection 7 (10.0.0.7:51234), process 4 at a.lua:3"}},
	}}},
}

// watched shows canned events on a screen.
func watched(w *watch, events []admin.Event) {
	for i := range events {
		raw, _ := json.Marshal(events[i])
		w.see(&events[i], raw)
	}
}

func TestProgressAsLines(t *testing.T) {
	out, written := testScreen(0, 0, false)
	w := &watch{out: out}
	watched(w, cannedShutdown)
	compare(t, written.String(), `
waiting for 14 clients, 1m20s left: connection 7, ann, 10.0.0.7:51234; connection 8, \x1b[2Jbob, 10.0.0.8:1; connection 9, Zoë, 10.0.0.9:1; and 11 more
refuse new connections: 100µs
waiting for 1 client, 3.2s left: connection 7, ann, 10.0.0.7:51234
wait for the clients: 1m20s
end the connections: 5s; 1 did not end by itself
the server has stopped, after 1m25s; this did not end by itself:
  connection 7 (10.0.0.7:51234), process 4 at a.lua:3 (end the connections)
`)
	if w.code != ExitStopped {
		t.Errorf("got exit code %d, want %d", w.code, ExitStopped)
	}
}

func TestProgressInPlace(t *testing.T) {
	out, written := testScreen(60, 20, true)
	w := &watch{out: out}
	watched(w, cannedShutdown[2:7])
	compare(t, written.String(), ""+
		"\rwaiting for 14 clients, 1m20s left: connection 7, ann, 10.…\x1b[K"+
		"\rwaiting for 14 clients, 1m19s left: connection 7, ann, 10.…\x1b[K"+
		"\rwaiting for 1 client, 3.2s left: connection 7, ann, 10.0.0…\x1b[K"+
		"\r\x1b[K"+"wait for the clients: 1m20s\n")
}

func TestProgressAsJSON(t *testing.T) {
	out, written := testScreen(0, 0, false)
	watched(&watch{out: out, json: true}, cannedShutdown)
	lines := strings.Split(strings.TrimSuffix(written.String(), "\n"), "\n")
	if len(lines) != len(cannedShutdown) {
		t.Fatalf("got %d lines, want %d", len(lines), len(cannedShutdown))
	}
	for i, line := range lines {
		var e admin.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Kind != cannedShutdown[i].Kind {
			t.Errorf("got %s and %v", line, err)
		}
	}
}

func TestWaysToWait(t *testing.T) {
	for _, test := range []struct {
		quit admin.Quit
		want string
	}{
		{admin.Quit{Mode: "wait", Waiting: 2, Cancelable: true}, "waiting for 2 clients, without a limit"},
		{admin.Quit{Mode: "wait-active", Waiting: 1, Cancelable: true}, "waiting for 1 client, sleeping ones not counted"},
		{admin.Quit{Mode: "in", Waiting: 1, Cancelable: true, Until: time.Now(), Left: 12.4}, "waiting for 1 client, 12s left"},
		{admin.Quit{Mode: "now"}, "the server is being ended"},
	} {
		if got := waitingFor(&test.quit); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestExitCodesOfTheEnd(t *testing.T) {
	left := &admin.Quit{Stages: []admin.Stage{{Stage: "the window", Left: []string{"process 5"}}}}
	for _, test := range []struct {
		event admin.Event
		want  int
		says  string
	}{
		{admin.Event{Kind: "ended", Exit: exit(0)}, ExitClean, "the server has stopped, after 0s\n"},
		{admin.Event{Kind: "ended", Exit: exit(3), Quit: left}, ExitStopped, "the server has stopped, after 0s; this did not end by itself:\n  process 5 (the window)\n"},
		{admin.Event{Kind: "ended", Exit: exit(1), Text: "on_server_startup.lua:1: no"}, ExitFailed, "the server failed: on_server_startup.lua:1: no\nthe server has stopped, after 0s\n"},
		{admin.Event{Kind: "ended", Quit: left}, ExitStopped, "the server has stopped, after 0s; this did not end by itself:\n  process 5 (the window)\n"},
	} {
		out, written := testScreen(0, 0, false)
		w := &watch{out: out}
		watched(w, []admin.Event{test.event})
		compare(t, written.String(), test.says)
		if w.code != test.want {
			t.Errorf("got exit code %d, want %d", w.code, test.want)
		}
	}
}
