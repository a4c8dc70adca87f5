package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/simulate"
	"moongate/runtime/wire"
)

var updateSimulations = flag.Bool("update-simulate", false, "write the golden files of simulate anew")

// crowd is a run against a server in memory, under a clock of its own: the same each time.
func crowd(t *testing.T) *simulate.Report {
	t.Helper()
	var report *simulate.Report
	synctest.Test(t, func(t *testing.T) {
		var serving sync.WaitGroup
		var came atomic.Int64
		run, err := simulate.New(simulate.Plan{
			Server: netip.MustParseAddrPort("127.0.0.1:19813"), Rate: 200, Duration: 5 * time.Second, Stay: simulate.Stay{Mean: 300 * time.Millisecond}, Seed: 42,
			Calls: []simulate.Call{{Method: "greet"}, {Method: "broken"}},
			Dial: func(context.Context, netip.Addr) (net.Conn, error) {
				ours, theirs := net.Pipe()
				n := int(came.Add(1))
				serving.Go(func() { receive(ours, n) })
				return theirs, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		report = run.Go(t.Context())
		serving.Wait()
	})
	return report
}

// receive is the server's side of the n-th connection.
func receive(conn net.Conn, n int) {
	defer conn.Close()
	r := wire.NewReader(conn, wire.Limits{})
	if _, err := r.ReadCommand(); err != nil {
		return
	}
	time.Sleep(time.Duration(n*n%1009)*3*time.Microsecond + time.Duration(n%97/96)*150*time.Millisecond)
	switch {
	case n%250 == 0:
		return
	case n%11 == 0:
		io.WriteString(conn, "-REFUSED 429 too many connections from one address\r\n")
		return
	case n%40 == 0:
		io.WriteString(conn, "-REFUSED 22000\r\n")
		return
	}
	io.WriteString(conn, "+PONG\r\n")
	for {
		command, err := r.ReadCommand()
		if err != nil || n%333 == 0 {
			return
		}
		time.Sleep(700 * time.Microsecond)
		switch {
		case string(command[0]) == "QUIT":
			io.WriteString(conn, "+OK\r\n")
			return
		case string(command[1]) == "broken":
			io.WriteString(conn, "-ERR broken.lua:1: \x1b[31mno\r\n")
		default:
			io.WriteString(conn, "_\r\n")
		}
	}
}

func TestReportsOfSimulations(t *testing.T) {
	report := crowd(t)
	wide := func() (int, int) { return 100, 40 }
	for name, s := range map[string]screen{
		"piped":    {size: func() (int, int) { return 0, 0 }},
		"terminal": {terminal: true, colors: true, size: wide},
		"plain":    {terminal: true, size: wide},
		"narrow":   {terminal: true, colors: true, size: func() (int, int) { return 48, 40 }},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			s.Writer = &out
			if err := writeReport(&s, report); err != nil {
				t.Fatal(err)
			}
			goldenReport(t, "report_"+name+".txt", out.Bytes())
		})
	}
	document, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	goldenReport(t, "report.json", append(document, '\n'))
}

// goldenReport compares with a file, or writes it when the flag -update-simulate is given.
func goldenReport(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "simulate", name)
	if *updateSimulations {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

func TestProgressOfSimulations(t *testing.T) {
	p := simulate.Progress{Elapsed: 4500 * time.Millisecond, Duration: 10 * time.Second, Started: 900, Accepted: 800, Refused: 90, Failed: 10, Open: 300}
	for _, test := range []struct {
		columns int
		blocks  bool
		want    string
	}{
		{0, false, "[######       ]  45%  5.5s left  300 there  800 accepted  90 refused  10 failed"},
		{80, true, "[█████▉       ]  45%  5.5s left  300 there  800 accepted  90 refused  10 failed"},
		{200, true, "[█████████████▌                ]  45%  5.5s left  300 there  800 accepted  90 refused  10 failed"},
		{60, true, " 45%  5.5s left  300 there  800 accepted  90 refused  10 f…"},
		{20, true, " 45%  5.5s left  3…"},
	} {
		got := progressLine(p, test.columns, test.blocks)
		if got != test.want {
			t.Errorf("in %d columns: got %q, want %q", test.columns, got, test.want)
		}
		if w := displayWidth(got); test.columns > 0 && w >= test.columns {
			t.Errorf("in %d columns: got %d", test.columns, w)
		}
	}
	if got, want := progressLine(simulate.Progress{Elapsed: time.Minute, Duration: time.Second}, 40, false), "[###########] 100%  the last ones leave"; got != want {
		t.Errorf("at the end: got %q, want %q", got, want)
	}
}

func TestBars(t *testing.T) {
	for share, want := range map[float64]string{0: "|        |        ", 0.001: "|▏       |#       ", 0.5: "|████    |####    ", 0.55: "|████▍   |####    ", 1: "|████████|########", 7: "|████████|########"} {
		if got := "|" + bar(share, 8, true) + "|" + bar(share, 8, false); got != want {
			t.Errorf("%v: got %s, want %s", share, got, want)
		}
	}
}

// Lines of a behaviour and the progress do not disturb each other.
func TestNotesKeepTheProgressBelow(t *testing.T) {
	var out bytes.Buffer
	n := newNotes(&screen{Writer: &out, terminal: true, size: func() (int, int) { return 80, 24 }})
	n.say("first")
	n.draw("half way")
	n.say("a\x07b\nc")
	n.draw("")
	want := "first\n\r" + wholeLine + "half way\r" + wholeLine + "a\\ab\nc\n\r" + wholeLine + "half way\r" + wholeLine
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	out.Reset()
	newNotes(&screen{Writer: &out}).show(nil)()
	if out.Len() > 0 {
		t.Errorf("without a terminal: got %q, want nothing", out.String())
	}
}

func TestUsersOfSimulations(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	one, list := write("one", "a:b secret\r\n"), write("list", "ann:x:y\n\nbob:\n")
	for _, test := range []struct{ users, file, want string }{
		{"", "", "[]"},
		{"ann, bob", one, "[{ann a:b secret} {bob a:b secret}]"},
		{"2", one, "[{user1 a:b secret} {user2 a:b secret}]"},
		{"", list, "[{ann x:y} {bob }]"},
		{"bob", list, "[{bob }]"},
		{"", one, "[{a b secret}]"},
	} {
		got, err := readUsers(test.users, test.file)
		if fmt.Sprint(got) != test.want || err != nil {
			t.Errorf("%q and %s: got %v and %v, want %s", test.users, filepath.Base(test.file), got, err, test.want)
		}
	}
	for _, file := range []string{write("bad", "ann:x\nhidden\n"), write("nobody", "\n"), filepath.Join(folder, "none")} {
		if got, err := readUsers("", file); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: got %v and %v, want an error without what the file has", filepath.Base(file), got, err)
		}
	}
}
