package cli

import (
	"strings"
	"testing"
	"time"

	"moongate/runtime/journal"
	"moongate/runtime/journal/replay"
	"moongate/runtime/recording"
	"moongate/runtime/wire"
)

// replayed is a report with everything in it.
func replayed() *replay.Report {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.Local)
	example := []replay.Example{{Session: "0197A5C2-B1E3-4F6D-8A9B-0C1D2E3F4A5B", Connection: 17, UserName: "ann", Address: "10.0.0.7:4000"}}
	accepted := replay.Side{Verdict: recording.Accepted, Line: "open.lua:9", Steps: 100}
	return &replay.Report{
		Version: "4e2c1a5d9b07", Versions: []replay.Counted{{Name: "aaaaaaaaaaaa", Count: 990}, {Name: "bbbbbbbbbbbb", Count: 10}}, From: at, Until: at.Add(time.Hour),
		Connections: 1000, NotAsked: 3, NotRecorded: 2, Damaged: 1, Duration: 0.25,
		Counts: map[replay.Change]int64{replay.Same: 989, replay.Refuses: 7, replay.CannotSay: 4, replay.Slower: 2},
		Groups: []replay.Group{
			{Change: replay.Refuses, Count: 7, Users: 2, Was: accepted, Is: replay.Side{Verdict: recording.Refused, Code: 429, Why: "too many\x1b[2J", Line: "open.lua:5"}, Examples: example},
			{Change: replay.CannotSay, Count: 4, Users: 1, Was: accepted, Is: replay.Side{Verdict: recording.CannotSay, Why: "count_users()", Line: "open.lua:3"}, Examples: example},
			{Change: replay.Slower, Count: 2, Users: 1, Was: accepted, Is: replay.Side{Verdict: recording.Accepted, Line: "open.lua:9", Steps: 5000}, Examples: example},
		},
		Users: []replay.User{{Name: "ann", Count: 10, Counts: map[replay.Change]int64{replay.Refuses: 6, replay.CannotSay: 4}}, {Name: "bob", Count: 1, Counts: map[replay.Change]int64{replay.Refuses: 1}}},
	}
}

// TestReplayReport holds the report as people see it.
func TestReplayReport(t *testing.T) {
	const want = `new (4e2c1a5d9b07): 1000 connections again in 250ms, 2026-03-01 09:00:00 to 2026-03-01 10:00:00
recorded with aaaaaaaaaaaa (990), bbbbbbbbbbbb (10)

verdict                count  share
same                     989  98.9%
accept to refuse           7   0.7%
cannot say                 4   0.4%
slower                     2   0.2%
(no method was asked)      3
(not recorded)             2
(damaged)                  1

change            count  users  was                           is                                        for example
accept to refuse      7      2  accepted (open.lua:9)         refused 429 too many\x1b[2J (open.lua:5)  0197A5C2:17 ann 10.0.0.7:4000
cannot say            4      1  accepted (open.lua:9)         asks for count_users() (open.lua:3)       0197A5C2:17 ann 10.0.0.7:4000
slower                2      1  100 instructions, open.lua:9  5000 instructions, open.lua:9             0197A5C2:17 ann 10.0.0.7:4000

user  not the same  of these
ann             10  6 accept to refuse, 4 cannot say
bob              1  1 accept to refuse
`
	var b strings.Builder
	if err := writeReplay(newScreen(&b), replayed(), "new", 10); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	b.Reset()
	if err := writeReplay(newScreen(&b), replayed(), "new", 1); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"(and 2 other groups; --top 0 or --json has all)", "(and 1 other user)", "aaaaaaaaaaaa (990), 1 other"} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("with --top 1 there is no %q in\n%s", part, b.String())
		}
	}
}

// TestDecision holds a verdict as people see it, and that it is JSON.
func TestDecision(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.Local)
	pack := func(values ...any) []byte {
		b, err := wire.Pack(values)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	form := recording.Recording{Cut: true, Reads: []recording.Read{
		{What: "clock", Value: pack(at.UnixNano(), int64(0)), Line: "open.lua:1"},
		{What: "data", Key: "query visits", Value: pack(wire.Map{{Key: "name", Value: "a\"b"}, {Key: int64(1), Value: nil}}, []any{1.5, true}), Line: "open.lua:2"},
		{What: "storage", Key: "a"},
	}}
	row := &journal.Row{Session: "0197A5C2", Connection: 17, User: 3, UserName: "ann\x1b", Version: "4e2c1a5d9b07", Verdict: journal.Refused, Code: -10515, Reason: "the policy failed",
		By: "a fault of on_server_open_connection", Opened: at, Decided: at, Closed: at, Facts: `{"a":1}`, Shadow: "accepted", Gate: "shop",
		Recorded: journal.Recorded{Began: at, Took: 40 * time.Microsecond, Steps: 17, Fault: "open.lua:3: oh no", Reads: string(form.AppendReads(nil))}}
	const want = `refused -10515 the policy failed: the open method failed
  by          open.lua:3, version 4e2c1a5d9b07
  fault       open.lua:3: oh no
  shadow      accepted
  took        40µs, 17 instructions
  user        ann\x1b (3)
  from        by gate shop
  facts       {"a":1}
  came        2026-03-01 09:00:00
  connection  17 of session 0197A5C2

it read  of            and got                                at
clock                  2026-03-01 09:00:00.000000             open.lua:1
data     query visits  {name = "a\"b", 1 = nil}, {1.5, true}  open.lua:2
storage  a             (not kept)
(and more, which is not kept)
`
	d := decisionOfRow(row)
	var b strings.Builder
	if err := writeDecision(newScreen(&b), &d); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	b.Reset()
	o := &operation{invocation: &invocation{stdout: &b}, out: newScreen(&b), json: true}
	if code := o.showDecision(&d); code != ExitClean || !strings.Contains(b.String(), `"values":[{"1":null,"name":"a\"b"},[1.5,true]]`) || !strings.Contains(b.String(), `"values":null`) {
		t.Errorf("JSON: %d, %s", code, b.String())
	}
	for _, c := range []struct {
		row  journal.Row
		want string
	}{
		{journal.Row{Session: "s", Verdict: journal.Refused, Code: -10514, Reason: "full", By: "maximum connections"}, "refused -10514 full\n  by          the check: maximum connections; no open method was asked\n"},
		{journal.Row{Session: "s", Version: "v", Recorded: journal.Recorded{Began: at, Fault: "open.lua:3: oh"}}, "accepted, although the open method failed\n  by          open.lua:3, version v\n"},
		{journal.Row{Session: "s", Version: "v"}, "accepted\n  by          version v\n"},
	} {
		d := decisionOfRow(&c.row)
		b.Reset()
		if err := writeDecision(newScreen(&b), &d); err != nil || !strings.HasPrefix(b.String(), c.want) {
			t.Errorf("got\n%s\nwant\n%s", b.String(), c.want)
		}
	}
}
