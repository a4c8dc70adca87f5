package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"moongate/runtime/journal"
	"moongate/runtime/recording"
	"moongate/runtime/wire"
)

var opened = time.Date(2026, 3, 1, 9, 0, 0, 123456000, time.UTC)

// packed is a list of values as a read has it.
func packed(t testing.TB, values ...any) []byte {
	t.Helper()
	b, err := wire.Pack(values)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// full is a row that has everything.
func full(t testing.TB) *journal.Row {
	form := recording.Recording{Cut: true, Reads: []recording.Read{
		{What: "count_connections", Key: `{address = "203.0.113.7"}`, Value: packed(t, int64(21)), Line: "on_server_open_connection.lua:6"},
		{What: "data", Key: "\xff", Value: packed(t, "\xff\x00", nil, 1.5, wire.Map{{Key: "login", Value: "ann"}}, []any{true}), Line: "lib/a.lua:1"},
		{What: "storage", Key: "a.b"},
	}}
	return &journal.Row{
		Session: "0197A5C2-B1E3-4F6D-8A9B-0C1D2E3F4A5B", Connection: 7, User: 12, UserName: "ann\xff", Address: netip.MustParseAddrPort("203.0.113.7:51234"),
		Listener: "127.0.0.1:5432", Version: "4e2c1a5d9b07", Verdict: journal.Refused, Code: 429, Reason: "too many from 203.0.113.7",
		By: "on_server_open_connection.lua:6", Opened: opened, Decided: opened.Add(time.Millisecond), Closed: opened.Add(time.Millisecond),
		BytesIn: 1, BytesOut: 2, Cause: "idle", Gate: "shop", Upstream: "10.0.0.5:5432", Facts: `{"database":"shop"}`, Shadow: "accepted",
		Recorded: journal.Recorded{Local: netip.MustParseAddrPort("[2001:db8::1]:5432"), Began: opened.Add(time.Microsecond), Took: 40 * time.Microsecond,
			Steps: 17, Line: "on_server_open_connection.lua:6", Fault: "oh no", Reads: string(form.AppendReads(nil))},
	}
}

// exported is an archive of rows, with its last line.
func exported(t testing.TB, rows ...*journal.Row) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, "0.1.0", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.End(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readAll is what a reader gives of an archive: its rows, what was wrong with lines, and the error that ended it.
func readAll(b []byte) (rows []*journal.Row, lines []string, end error) {
	r, err := NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, nil, err
	}
	for {
		row, err := r.Next()
		var bad *LineError
		switch {
		case err == nil:
			rows = append(rows, row)
		case errors.As(err, &bad):
			lines = append(lines, bad.Error())
		default:
			return rows, lines, err
		}
	}
}

// TestRoundTrip holds that a row comes back as it was, whatever it has.
func TestRoundTrip(t *testing.T) {
	bare := &journal.Row{Session: "s", Opened: opened, Decided: opened, Closed: opened}
	open := &journal.Row{Session: "s", Connection: 2, Opened: opened, Decided: opened, Recorded: journal.Recorded{Began: opened}}
	want := []*journal.Row{full(t), bare, open}
	rows, lines, end := readAll(exported(t, want...))
	if end != io.EOF || len(lines) != 0 || len(rows) != len(want) {
		t.Fatalf("got %d rows, %v, %v", len(rows), lines, end)
	}
	for i := range want {
		if *rows[i] != *want[i] {
			t.Errorf("row %d:\n got %+v\nwant %+v", i, *rows[i], *want[i])
		}
	}
}

// TestBadArchives holds what a reader says of files that are not as they should be, and that it gives what is good of
// them.
func TestBadArchives(t *testing.T) {
	good := string(exported(t, full(t), full(t)))
	lines := strings.SplitAfter(good, "\n")
	for _, c := range []struct {
		name, content string
		rows          int
		wrong         string // of lines, in one
		end           error
	}{
		{"good", good, 2, "", io.EOF},
		{"empty", "", 0, "", ErrForeign},
		{"binary", "\x00\x01\x02", 0, "", ErrForeign},
		{"another JSON", `{"a":1}` + "\n", 0, "", ErrForeign},
		{"a newer form", strings.Replace(good, `"version":1`, `"version":2`, 1), 0, "", ErrVersion},
		{"cut between lines", lines[0] + lines[1], 1, "", ErrCut},
		{"cut in a line", lines[0] + lines[1] + lines[2][:50], 1, "line 3: it is no JSON of a connection: unexpected end of JSON input", ErrCut},
		{"only the head", lines[0], 0, "", ErrCut},
		{"the last line has no end", strings.TrimSuffix(good, "\n"), 2, "", io.EOF},
		{"empty lines", lines[0] + "\n \n" + strings.Join(lines[1:], ""), 2, "", io.EOF},
		{"nonsense in between", lines[0] + lines[1] + "nonsense\n" + lines[2] + `{"end":3}`, 2, "line 3: it is no JSON of a connection: invalid character 'o' in literal null (expecting 'u')", io.EOF},
		{"a line is missing", lines[0] + lines[1] + lines[3], 1, "line 3: there are 1 connections, and should be 2", io.EOF},
		{"no session", lines[0] + "{}\n{\"end\":1}", 0, "line 2: it has no session", io.EOF},
		{"a long line", lines[0] + `{"session":"` + strings.Repeat("x", longestLine) + "\"}\n" + lines[1] + `{"end":2}`, 1, "line 2: it has more than 1048576 bytes", io.EOF},
		{"nonsense in fields", lines[0] + `{"session":"s","opened":"2026-03-01T09:00:00Z","decided":"2026-03-01T09:00:00Z","verdict":"perhaps","address":"x","recorded":{"reads":[]}}` + "\n" + `{"end":1}`,
			0, `line 2: journal: "perhaps" is no verdict: want accepted or refused` + "\n" + `address: "x" is no address with a port` + "\nrecorded: it does not say when the method began", io.EOF},
	} {
		rows, wrong, end := readAll([]byte(c.content))
		if len(rows) != c.rows || strings.Join(wrong, "|") != c.wrong || !errors.Is(end, c.end) {
			t.Errorf("%s: got %d rows, %q, %v; want %d, %q, %v", c.name, len(rows), wrong, end, c.rows, c.wrong, c.end)
		}
		if r, err := NewReader(strings.NewReader(c.content)); err == nil {
			same(t, c.name, r, rows, wrong, end)
		}
	}
}

// same holds that Rows gives what Next has given.
func same(t *testing.T, name string, r *Reader, want []*journal.Row, wrong []string, end error) {
	t.Helper()
	var rows []journal.Row
	var lines []string
	var last error
	for row, err := range r.Rows() {
		var bad *LineError
		switch {
		case err == nil:
			rows = append(rows, row)
		case errors.As(err, &bad):
			lines = append(lines, bad.Error())
		default:
			last = err
		}
	}
	if end == io.EOF {
		end = nil
	}
	if !slices.EqualFunc(rows, want, func(a journal.Row, b *journal.Row) bool { return a == *b }) || !slices.Equal(lines, wrong) || !errors.Is(last, end) {
		t.Errorf("%s: Rows gave %d rows, %q, %v; Next gave %d, %q, %v", name, len(rows), lines, last, len(want), wrong, end)
	}
}

// TestRowsInOrder holds that many lines come in their order, and that a loop may end early.
func TestRowsInOrder(t *testing.T) {
	var many []*journal.Row
	for n := range 3000 {
		r := full(t)
		r.Connection = int64(n + 1)
		many = append(many, r)
	}
	b := exported(t, many...)
	for _, most := range []int{1, 700, 3000} {
		r, err := NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for row, err := range r.Rows() {
			if n++; err != nil || row.Connection != int64(n) {
				t.Fatalf("row %d: connection %d, %v", n, row.Connection, err)
			}
			if n == most {
				break
			}
		}
		if n != most {
			t.Errorf("got %d rows, want %d", n, most)
		}
	}
}

// FuzzReader holds that no file makes the reader panic or run for ever, and that what it takes it takes again.
func FuzzReader(f *testing.F) {
	f.Add(exported(f, full(f)))
	f.Add([]byte("{\"moongate\":\"recordings\",\"version\":1}\n{\"session\":{\"base64\":\"/w==\"}}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, _, _ := readAll(b)
		if len(rows) == 0 {
			return
		}
		again, lines, end := readAll(exported(t, rows...))
		if end != io.EOF || len(lines) != 0 || len(again) != len(rows) {
			t.Fatalf("got %d rows, %v, %v; want %d", len(again), lines, end, len(rows))
		}
	})
}

// TestRecording holds what is made of a row for who decides again.
func TestRecording(t *testing.T) {
	row := full(t)
	row.Fault = ""
	r, recorded, err := Recording(row)
	if !recorded || err != nil || len(r.Reads) != 3 || !r.Cut {
		t.Fatalf("got %+v, %v, %v", r, recorded, err)
	}
	want := recording.Outcome{Verdict: recording.Refused, Code: 429, Reason: "too many from 203.0.113.7", Line: "on_server_open_connection.lua:6", Took: 40 * time.Microsecond, Steps: 17}
	if r.Outcome != want {
		t.Errorf("outcome: got %+v, want %+v", r.Outcome, want)
	}
	row.By = "a fault of on_server_open_connection"
	if got := Outcome(row).Verdict; got != recording.Failed {
		t.Errorf("a fault: got %s", got)
	}
	row.Reads = "\x09"
	if _, recorded, err := Recording(row); !recorded || err == nil {
		t.Errorf("nonsense: got %v, %v", recorded, err)
	}
	if _, recorded, err := Recording(&journal.Row{}); recorded || err != nil {
		t.Errorf("nothing: got %v, %v", recorded, err)
	}
}

// TestText holds that every text comes back, and that JSON of others is read as package json reads it.
func TestText(t *testing.T) {
	for _, s := range []string{"", "plain", "a\"b\\c/\r\n\t\b\f", "\x00\x1b\u2028é日", "\xff", "<&>"} {
		b, err := json.Marshal(text(s))
		var back text
		if err == nil {
			err = json.Unmarshal(b, &back)
		}
		if err != nil || string(back) != s {
			t.Errorf("%q: got %q, %v by %s", s, back, err, b)
		}
	}
	for _, s := range []string{`"\u0041\ud83d\ude00\/"`, `"\ud800"`, "\"\xff\""} {
		var got text
		var want string
		if err := errors.Join(json.Unmarshal([]byte(s), &got), json.Unmarshal([]byte(s), &want)); err != nil || string(got) != want {
			t.Errorf("%s: got %q, want %q, %v", s, got, want, err)
		}
	}
	for _, s := range []string{"1", "[]", `{"base64":1}`} {
		var got text
		if json.Unmarshal([]byte(s), &got) == nil {
			t.Errorf("%s: taken as %q", s, got)
		}
	}
}
