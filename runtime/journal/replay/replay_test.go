package replay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"strings"
	"testing"
	"time"

	"moongate/runtime/journal"
	"moongate/runtime/journal/archive"
	"moongate/runtime/recording"
)

// opened is when the first connection came.
var opened = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// row is a recorded connection, accepted unless there is a code.
func row(n int64, user string, code int64, reason string) journal.Row {
	r := journal.Row{Session: "s", Connection: n, UserName: user, Address: netip.MustParseAddrPort("10.0.0.7:4000"), Version: "old", Opened: opened.Add(time.Duration(n) * time.Second),
		Recorded: journal.Recorded{Began: opened, Steps: 100, Line: "on_server_open_connection.lua:9"}}
	r.Decided = r.Opened
	if code != 0 {
		r.Verdict, r.Code, r.Reason = journal.Refused, code, reason
	}
	return r
}

// scripted decides as the table says, by connection; the others are accepted.
type scripted map[int64]recording.Outcome

func (s scripted) Rehearse(r *recording.Recording, _ recording.RehearseOptions) (recording.Outcome, []recording.Read) {
	if o, ok := s[r.Connection]; ok {
		return o, nil
	}
	return recording.Outcome{Verdict: recording.Accepted, Line: "on_server_open_connection.lua:12", Steps: 100}, nil
}
func (s scripted) Version() string { return "new" }
func (s scripted) Close() error    { return nil }

// given is rows, and an error behind them.
func given(end error, rows ...journal.Row) iter.Seq2[journal.Row, error] {
	return func(yield func(journal.Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
		if end != nil {
			yield(journal.Row{}, end)
		}
	}
}

// TestReport holds how connections are counted and grouped.
func TestReport(t *testing.T) {
	failed := row(7, "ann", 0, "")
	failed.Fault = "on_server_open_connection.lua:3: oh no"
	unrecorded, unasked, nonsense := row(20, "ann", 0, ""), row(21, "ann", -10514, "full"), row(22, "ann", 0, "")
	unrecorded.Recorded = journal.Recorded{}
	unasked.Recorded, unasked.Version = journal.Recorded{}, ""
	nonsense.Reads = "\x09"
	refusal := func(code int64, reason string) recording.Outcome {
		return recording.Outcome{Verdict: recording.Refused, Code: code, Reason: reason, Line: "on_server_open_connection.lua:5", Steps: 100}
	}
	by := scripted{
		1: {Verdict: recording.Accepted, Steps: 5000},
		2: refusal(429, "too many from 10.0.0.7"), 3: refusal(429, "too many from 10.0.0.8"),
		5: refusal(403, "no"), 6: {Verdict: recording.Failed, Fault: "on_server_open_connection.lua:4: oh", Line: "on_server_open_connection.lua:4"},
		8: {Verdict: recording.CannotSay, Lacks: `count_connections({user = 1})`}, 9: refusal(403, "closed"),
	}
	r, err := Run(t.Context(), given(nil, row(1, "ann", 0, ""), row(2, "ann", 0, ""), row(3, "bob", 0, ""), row(4, "bob", 22000, "closed"), row(5, "ann", 22000, "closed"),
		row(6, "ann", 0, ""), failed, row(8, "eve", 0, ""), row(9, "eve", 403, "closed"), unrecorded, unasked, nonsense), []recording.Rehearsal{by, by}, new(Progress))
	if err != nil {
		t.Fatal(err)
	}
	for change, want := range map[Change]int64{Same: 2, Refuses: 2, Accepts: 1, Other: 1, Error: 1, Mended: 1, CannotSay: 1, Slower: 1} {
		if got := r.Counts[change]; got != want {
			t.Errorf("%s: got %d, want %d", change, got, want)
		}
	}
	if r.Connections != 9 || r.NotAsked != 1 || r.NotRecorded != 1 || r.Damaged != 1 || r.Changed() != 6 || r.Version != "new" || r.Versions[0] != (Counted{"old", 9}) {
		t.Errorf("got %+v", r)
	}
	var lines []string
	for _, g := range r.Groups {
		lines = append(lines, fmt.Sprintf("%s %d %d: %s %s -> %s %s", g.Change, g.Count, g.Users, g.Was.Verdict, g.Was.Why, g.Is.Verdict, g.Is.Why))
	}
	want := []string{
		"accept to refuse 2 2: accepted  -> refused too many from 10.0.0.7",
		"refuse to accept 1 1: refused closed -> accepted ",
		"other code or reason 1 1: refused closed -> refused no",
		"error 1 1: accepted  -> failed on_server_open_connection.lua:4: oh",
		"mended 1 1: failed on_server_open_connection.lua:3: oh no -> accepted ",
		"cannot say 1 1: accepted  -> cannot say count_connections({user = 1})",
		"slower 1 1: accepted  -> accepted ",
	}
	if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("groups: got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if len(r.Groups[0].Examples) != 2 || r.Groups[0].Examples[1].Connection != 3 || r.Groups[0].Examples[1].Address != "10.0.0.7:4000" {
		t.Errorf("examples: got %+v", r.Groups[0].Examples)
	}
	if u := r.Users[0]; u.Name != "ann" || u.Count != 4 || u.Counts[Refuses] != 1 {
		t.Errorf("users: got %+v", r.Users)
	}
}

// TestManyRows holds that no row is lost or comes twice, and that examples are the first ones.
func TestManyRows(t *testing.T) {
	const n = 5*batchRows + 7
	var rows []journal.Row
	for i := range int64(n) {
		rows = append(rows, row(i+1, "ann", 22000, "closed"))
	}
	var p Progress
	r, err := Run(t.Context(), given(nil, rows...), []recording.Rehearsal{scripted{}, scripted{}, scripted{}}, &p)
	if err != nil || r.Counts[Accepts] != n || p.Rows() != n || p.Changed() != n {
		t.Fatalf("got %+v, %d rows, %v", r.Counts, p.Rows(), err)
	}
	for i, e := range r.Groups[0].Examples {
		if e.Connection != int64(i+1) {
			t.Errorf("example %d is connection %d", i, e.Connection)
		}
	}
}

// TestEnds holds that what came before an error is reported, that nonsense lines do not end a replay, and that ctx
// does.
func TestEnds(t *testing.T) {
	cut := errors.New("the file is cut off")
	r, err := Run(t.Context(), given(cut, row(1, "ann", 0, ""), row(2, "ann", 0, "")), []recording.Rehearsal{scripted{}}, new(Progress))
	if !errors.Is(err, cut) || r.Connections != 2 {
		t.Errorf("an error: got %d connections, %v", r.Connections, err)
	}
	r, err = Run(t.Context(), func(yield func(journal.Row, error) bool) {
		_ = yield(row(1, "ann", 0, ""), nil) && yield(journal.Row{}, &archive.LineError{Line: 3, Err: cut}) && yield(row(2, "ann", 0, ""), nil)
	}, []recording.Rehearsal{scripted{}}, new(Progress))
	if err != nil || r.Connections != 2 || r.Damaged != 1 {
		t.Errorf("a line: got %+v, %v", r, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err = Run(ctx, func(yield func(journal.Row, error) bool) {
		for n := int64(1); yield(row(n, "ann", 0, ""), nil); n++ {
			if n == 3*batchRows {
				cancel()
			}
		}
	}, []recording.Rehearsal{scripted{}, scripted{}}, new(Progress))
	if !errors.Is(err, context.Canceled) || r.Connections > 20*batchRows {
		t.Errorf("cancelled: got %d connections, %v", r.Connections, err)
	}
}

// TestShape holds what of a text does not tell groups apart.
func TestShape(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "",
		"closed from 2 to 4": "closed from # to #",
		`count_connections({address = "10.0.0.7"})`: "count_connections({address = #})",
		"too many from 2001:db8::1, ann":            "too many from #, ann",
		"on_x.lua:3: no":                            "on_x.lua:3: no",
		`an open "quotation`:                        `an open "quotation`,
	} {
		if got := shape(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
