package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"moongate/runtime/admin"
)

// cannedSample is what a server says at a number of seconds after its start.
func cannedSample(at float64) *sample {
	began := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	return &sample{
		Time: began.Add(time.Duration(at * float64(time.Second))),
		Server: admin.Server{
			PID: 7, State: "serving", Started: began, Uptime: at, ScriptsVersion: "4e2c1a5d9b07", Connections: 2, Users: 2, MaximumConnections: 100,
			Accepted: int64(12 * at), Refused: int64(300 * at), Journal: admin.Journal{Rows: int64(312 * at)},
		},
		Processes: []admin.Process{
			{Number: 1, ID: 1, Name: "Application process", Type: "main 4D process", State: "waiting for user event", CPU: at},
			{Number: 4, ID: 11, Name: "ann", User: true, Session: "ann", State: "waiting for input output", Running: at, CPU: 5},
			{Number: 5, ID: 12, Name: "nightly", User: true, Method: "nightly", Place: "nightly.lua:3", State: "executing", Running: at, CPU: at / 2},
		},
		Connections: []admin.Connection{{ID: 7, Status: "Sleeping"}, {ID: 8, Status: "Online"}},
		Lanes: []admin.Lane{
			{Number: 0, Kind: "cooperative"},
			{Number: 1, Kind: "preemptive", Holder: 5, Name: "nightly", Method: "nightly", Place: "nightly.lua:3", Held: 0.004, Waiting: []int64{8}},
			{Number: 2, Kind: "preemptive"},
		},
	}
}

func TestTopShowsWhatHasChanged(t *testing.T) {
	inUTC(t)
	v := &view{address: "127.0.0.1:19880"}
	v.heard(cannedSample(100), nil)
	v.heard(cannedSample(102), nil)
	out, _ := testScreen(0, 0, false)
	compare(t, strings.Join(v.lines(out, 0), "\n")+"\n", `
moongate     serving  up 1m42s  at 127.0.0.1:19880  scripts 4e2c1a5d9b07  10:01:42
verdicts     12 accepted  300 refused  a second  1224 and 30600 in all
connections  2 open  100 at the most  2 users  1 asleep
journal      31824 rows  0 waiting

LANE           HOLDER     METHOD   PLACE          HELD  WAITING
0 cooperative  nobody
1 preemptive   5 nightly  nightly  nightly.lua:3   4ms  8
1 other lane

NUMBER  CPU  TIME  STATE                     NAME     USER  METHOD   PLACE          RUNNING
     5  50%   51s  executing                 nightly        nightly  nightly.lua:3    1m42s
     4   0%    5s  waiting for input output  ann      ann                             1m42s
`)
}

func TestTopsFirstRoundIsSinceTheStart(t *testing.T) {
	v := &view{}
	v.heard(cannedSample(100), nil)
	out, _ := testScreen(0, 0, false)
	got := strings.Join(v.lines(out, 0), "\n")
	for _, want := range []string{"12 accepted  300 refused  a second since the start", "     5  50%   50s", "     4   5%"} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %q in it", got, want)
		}
	}
}

func TestTopFitsTheTerminal(t *testing.T) {
	v := &view{address: "127.0.0.1:19880", all: true}
	s := cannedSample(100)
	for i := range 200 {
		s.Processes = append(s.Processes, admin.Process{Number: int64(i + 6), Name: strings.Repeat("日\x1b", 40), Type: "worker process"})
		s.Lanes = append(s.Lanes, admin.Lane{Number: i + 3, Holder: int64(i), Name: strings.Repeat("x", i)})
	}
	s.Server.Journal.Failing, s.Server.ScriptsProblem = strings.Repeat("no ", 100), "a.lua:1\nb.lua:2"
	v.heard(s, nil)
	v.heard(nil, errors.New("no moongate answers at 127.0.0.1:19880: is the server running, and with --admin?"))
	for columns := 1; columns < 200; columns += 7 {
		for rows := 1; rows < 60; rows += 5 {
			out, _ := testScreen(columns, rows, false)
			lines := v.lines(out, rows)
			if len(lines) > rows {
				t.Errorf("got %d lines on %d rows", len(lines), rows)
			}
			for _, line := range lines {
				if got := displayWidth(line); got > columns && columns > aboutWidth {
					t.Errorf("got a line of %d columns on a terminal of %d: %q", got, columns, line)
				}
			}
		}
	}
}

func TestTopOutlivesItsServer(t *testing.T) {
	v := &view{}
	out, _ := testScreen(80, 24, false)
	gone := errors.New("no moongate answers at 127.0.0.1:19880")
	v.heard(nil, gone)
	if got := v.lines(out, 24); len(got) != 1 || !strings.HasPrefix(got[0], gone.Error()+"; trying again since ") {
		t.Errorf("got %q, want that nobody answers", got)
	}
	v.heard(cannedSample(100), nil)
	v.heard(nil, gone)
	got := v.lines(out, 24)
	if !strings.HasPrefix(got[0], gone.Error()) || !strings.HasPrefix(got[1], "moongate     serving") {
		t.Errorf("got %q, want that nobody answers, above what was seen last", got)
	}
	again := cannedSample(1)
	again.Server.Started = again.Server.Started.Add(time.Hour)
	v.heard(again, nil)
	if got := v.lines(out, 24); !strings.Contains(got[1], "12 accepted  300 refused  a second since the start") {
		t.Errorf("got %q, want rates of the new server", got[1])
	}
}

// topServer answers as a server does that has run for longer each time.
func topServer(t *testing.T) *fakeServer {
	t.Helper()
	s := cannedSample(100)
	answers := map[string]string{}
	for path, row := range map[string]any{"server": s.Server, "processes": s.Processes, "connections": s.Connections, "lanes": s.Lanes} {
		content, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		answers["GET /v1/"+path] = string(content)
	}
	return newFakeServer(t, answers)
}

func TestTopWithoutATerminal(t *testing.T) {
	f := topServer(t)
	got := f.run("top")
	if got.code != ExitClean || strings.Count(got.stdout, "moongate     serving") != 1 || strings.Contains(got.stdout, "\x1b") {
		t.Errorf("got %+v, want one plain round", got)
	}
	got = f.run("top", "--json", "--count", "2", "--interval", "100ms")
	lines := strings.Split(strings.TrimSuffix(got.stdout, "\n"), "\n")
	if len(lines) != 2 {
		t.Fatalf("got %d lines, want 2", len(lines))
	}
	var d document
	if err := json.Unmarshal([]byte(lines[1]), &d); err != nil || d.Server.PID != 7 || len(d.Processes) != 3 || d.CPU["12"] != 0 {
		t.Errorf("got %s and %v", lines[1], err)
	}
}

// TestLiveTop drives the screen of a terminal: it is entered, drawn, drawn again when its size changes, and left as it was.
func TestLiveTop(t *testing.T) {
	f := topServer(t)
	var mu sync.Mutex
	rows := 24
	var written strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	w := &watching{operation: newOperation(&invocation{stdin: strings.NewReader("")}, "top"), interval: time.Hour}
	if ok, _ := w.parse([]string{"--admin", f.address}, 0, 0); !ok {
		t.Fatal("it was not parsed")
	}
	w.view = view{address: f.address}
	frames := 0
	w.out = &screen{terminal: true, size: func() (int, int) {
		mu.Lock()
		defer mu.Unlock()
		return 80, rows
	}, Writer: &overheard{&written, func(text string) {
		if !strings.HasPrefix(text, homeward) {
			return
		}
		switch frames++; frames {
		case 1:
			mu.Lock()
			rows = 5
			mu.Unlock()
		case 2:
			if got := strings.Count(text, "\r\n"); got != 4 {
				t.Errorf("got %d line ends on a screen of 5 rows, want 4", got)
			}
			cancel()
		}
	}}}
	if got := w.live(ctx); got != ExitClean {
		t.Errorf("got exit code %d, want %d", got, ExitClean)
	}
	if got := written.String(); !strings.HasPrefix(got, enterScreen+homeward) || !strings.HasSuffix(got, leaveScreen) {
		t.Errorf("got %q, want that the screen is entered and left", got)
	}
}

func TestKeys(t *testing.T) {
	for pressed, want := range map[string]string{
		"q": "", "Q": "", "\x03": "", "xyq": "", "\x1b": "", "": "", "xy": "", "xyqz": "z",
	} {
		left := 0
		rest := strings.NewReader(pressed)
		keys(iotest.OneByteReader(rest), func() { left++ })
		if got := fmt.Sprint(left, rest.Len()); got != fmt.Sprint(1, len(want)) {
			t.Errorf("got %s of %q, want that it leaves once", got, pressed)
		}
	}
	arrow := strings.NewReader("\x1b[A")
	left := 0
	keys(arrow, func() { left++ })
	if left != 1 || arrow.Len() != 0 {
		t.Error("an arrow key is no Escape")
	}
}
