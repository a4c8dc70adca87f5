package recording

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestReadsComeBack(t *testing.T) {
	var n Notes
	n.Add("clock", "", "on_server_open_connection.lua", 3, int64(1), int64(3600))
	n.Add("count_connections", `{user = 3}`, "on_server_open_connection.lua", 4, int64(7))
	n.Add("storage", "storage.a", "", 0, nil)
	n.AddUnkept("interprocess", "f", "lib.lua", 9)
	n.Add("thing", "k", "lib.lua", 10, struct{}{}) // nothing packs that
	n.Add("rate_limit", `"a", 2, 60`, "on_server_open_connection.lua", 5, false)
	got, cut, err := ParseReads([]byte(n.String()))
	if cut || err != nil {
		t.Fatalf("got cut %v, error %v", cut, err)
	}
	var text []string
	for _, r := range got {
		text = append(text, fmt.Sprintf("%s %s %v %v %s", r.What, r.Key, r.Value != nil, r.Unpacked(), r.Line))
	}
	want := []string{
		"clock  true [1 3600] on_server_open_connection.lua:3", "count_connections {user = 3} true [7] on_server_open_connection.lua:4",
		"storage storage.a true [<nil>] ", "interprocess f false [] lib.lua:9", "thing k false [] lib.lua:10",
		`rate_limit "a", 2, 60 true [false] on_server_open_connection.lua:5`,
	}
	if !reflect.DeepEqual(text, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(text, "\n"), strings.Join(want, "\n"))
	}
	again := (&Recording{Reads: got}).AppendReads([]byte("before"))
	if !bytes.Equal(again, append([]byte("before"), n.String()...)) {
		t.Errorf("got %q, want %q after before", again, n.String())
	}
}

func TestNothingReadIsNothing(t *testing.T) {
	var n Notes
	if got := n.String(); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
	if got := (&Recording{}).AppendReads(nil); len(got) != 0 {
		t.Errorf("got %q, want nothing", got)
	}
	if reads, cut, err := ParseReads(nil); reads != nil || cut || err != nil {
		t.Errorf("got %v %v %v, want nothing", reads, cut, err)
	}
}

func TestBounds(t *testing.T) {
	var n Notes
	for range MaxReads + 5 {
		n.Add("clock", "", "f.lua", 1, int64(1))
	}
	if reads, cut, err := ParseReads([]byte(n.String())); len(reads) != MaxReads || !cut || err != nil {
		t.Errorf("got %d reads, cut %v, error %v; want %d, true", len(reads), cut, err, MaxReads)
	}
	n.Reset()
	n.Add("clock", "", "f.lua", 1, int64(1))
	n.Add("data", "get", "f.lua", 1, strings.Repeat("x", MaxBytes))
	n.Add("clock", "", "f.lua", 1, int64(1)) // what would fit is left out too: order counts
	if reads, cut, err := ParseReads([]byte(n.String())); len(reads) != 1 || !cut || err != nil {
		t.Errorf("got %d reads, cut %v, error %v; want 1, true", len(reads), cut, err)
	}
	n.Reset()
	n.Add("data", "get", "f.lua", 1, strings.Repeat("x", MaxBytes))
	if reads, cut, err := ParseReads([]byte(n.String())); len(reads) != 0 || !cut || err != nil {
		t.Errorf("got %d reads, cut %v, error %v; want 0, true", len(reads), cut, err)
	}
	n.Reset()
	if n.String() != "" || n.Cut() {
		t.Error("Reset has left something")
	}
}

func TestNotesKeepNoMemoryOfWhatDidNotFit(t *testing.T) {
	var n Notes
	n.Add("data", "get", "f.lua", 1, strings.Repeat("x", 10*MaxBytes))
	n.Reset()
	if got := cap(n.Room()); got > MaxBytes {
		t.Errorf("got room for %d bytes, want %d or less", got, MaxBytes)
	}
}

func TestMalformedReads(t *testing.T) {
	for b, want := range map[string]string{
		"\x02\x00":        "reads: their form is of version 2; this program knows 1",
		"\x01":            errEnd.Error(),
		"\x01\x02":        errEnd.Error(),
		"\x01\x00\x08abc": errEnd.Error(),
		"\x01\x00\x03":    errText.Error(),
		"\x01\x00\x02a\x00\x00\x02f\xff\xff\xff\xff\xff\x0f":            errEnd.Error(),
		"\x01\x00\x02a\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01":     errEnd.Error(),
		string(append([]byte{1, 0}, bytes.Repeat([]byte{2}, 70000)...)): errSize.Error(),
	} {
		if reads, _, err := ParseReads([]byte(b)); fmt.Sprint(err) != want || reads != nil {
			t.Errorf("%.20q: got %v %v, want %s", b, reads, err, want)
		}
	}
}

func TestPlayer(t *testing.T) {
	var p Player
	p.Play([]Read{{What: "a", Key: "1", Line: "1"}, {What: "b", Line: "2"}, {What: "a", Key: "1", Line: "3"}, {What: "a", Key: "2", Line: "4"}})
	next := func(what, key, want string) {
		t.Helper()
		got := ""
		if r, ok := p.Next(what, key); ok {
			got = r.Line
		}
		if got != want {
			t.Errorf("%s(%s): got %q, want %q", what, key, got, want)
		}
	}
	next("a", "2", "4")
	next("a", "1", "1")
	next("a", "1", "3")
	next("a", "1", "")
	next("b", "", "2")
	next("b", "1", "")
	if r, ok := p.Last("a", "1"); !ok || r.Line != "3" {
		t.Errorf("got %v, want the last one", r)
	}
}

func TestSame(t *testing.T) {
	refused := Outcome{Verdict: Refused, Code: 3, Reason: "no"}
	for _, c := range []struct {
		other Outcome
		want  bool
	}{{refused, true}, {Outcome{Verdict: Refused, Code: 3, Reason: "no", Line: "x:1", Took: 5}, true}, {Outcome{Verdict: Refused, Code: 4, Reason: "no"}, false},
		{Outcome{Verdict: Refused, Code: 3}, false}, {Outcome{Verdict: Accepted}, false}} {
		if got := refused.Same(c.other); got != c.want {
			t.Errorf("%+v: got %v, want %v", c.other, got, c.want)
		}
	}
}

// What can be read is written as it was.
func FuzzReads(f *testing.F) {
	var n Notes
	n.Add("clock", "", "f.lua", 3, int64(1), int64(3600))
	n.Add("clock", "k", "f.lua", 3, "text")
	n.AddUnkept("x", "", "", 0)
	f.Add([]byte(n.String()))
	f.Add([]byte{1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		reads, cut, err := ParseReads(b)
		if err != nil {
			return
		}
		r := Recording{Reads: reads, Cut: cut}
		again, cutAgain, err := ParseReads(r.AppendReads(nil))
		if err != nil {
			t.Fatal(err)
		}
		if cutAgain && !cut { // the lines of strangers may be longer than ours
			return
		}
		if !reflect.DeepEqual(again, reads) || cutAgain != cut {
			t.Errorf("got %v %v, want %v %v", again, cutAgain, reads, cut)
		}
		for _, read := range reads {
			read.Unpacked()
		}
	})
}
