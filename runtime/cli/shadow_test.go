package cli

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moongate/runtime/admin"
	"moongate/runtime/host"
)

const shadowAnswer = `{"on":true,"folder":"/srv/new","version":"4e2c1a5d9b07","since":"2026-11-21T10:00:00Z","problem":"a.lua:1: no\nb.lua:2: no",
	"same":228,"accept_to_refuse":19,"refuse_to_accept":3,"other":0,"failed":0,"not_asked":5,"queued":2,"examples":[
	{"time":"2026-11-21T10:31:07Z","connection":195,"user_name":"ann\u001b[2J","address":"10.0.0.7:51234","gate":"db","difference":"accept to refuse",
	"verdict":"accepted (open.lua:14)","shadow":"refused 429 too many\r\n (open.lua:11)"}]}`

func TestShadowTable(t *testing.T) {
	inUTC(t)
	f := newFakeServer(t, map[string]string{"GET /v1/shadow": shadowAnswer})
	f.run("shadow").want(t, ExitClean, `
shadow       /srv/new  version 4e2c1a5d9b07  since 2026-11-21 10:00:00
             the files there are not used: a.lua:1: no; b.lua:2: no
asked        250 verdicts  2 waiting  5 not asked
same         228 (91%)
would        refuse 19 (7.6%) that were let in
             let in 3 (1.2%) that were refused
             say another code, reason or limit to 0 (0%)
failed       0 (0%)

TIME                 CONNECTION  USER        ADDRESS         DIFFERENCE        VERDICT                 SHADOW
2026-11-21 10:31:07         195  ann\x1b[2J  10.0.0.7:51234  accept to refuse  accepted (open.lua:14)  refused 429 too many\r\n (open.lua:11)
`[1:], "")
	if got := f.run("shadow", "--json", "--count", "2", "--interval", "100ms"); strings.Count(got.stdout, "\n") != 2 || !strings.Contains(got.stdout, `"same":228`) {
		t.Errorf("got %q, want two lines", got.stdout)
	}
	none := newFakeServer(t, map[string]string{"GET /v1/shadow": `{"on":false,"examples":[]}`})
	none.run("shadow").want(t, ExitClean, "no shadow: moongate shadow on FOLDER begins one\n", "")
}

// A narrow terminal shows what the shadow would have said, whatever else it has no room for.
func TestNarrowShadowTable(t *testing.T) {
	inUTC(t)
	var row admin.Shadow
	if err := json.Unmarshal([]byte(shadowAnswer), &row); err != nil {
		t.Fatal(err)
	}
	for columns, want := range map[int]string{
		30: "DIFFERENCE        SHADOW",
		40: "CONNECTION  DIFFERENCE        SHADOW",
		60: "CONNECTION  DIFFERENCE        VERDICT       SHADOW",
		80: "TIME                 CONNECTION  DIFFERENCE        VERDICT       SHADOW",
	} {
		to, _ := testScreen(columns, 24, false)
		text, err := shadowText(to, &row)
		if err != nil {
			t.Fatal(err)
		}
		_, table, _ := strings.Cut(text, "\n\n")
		if head, _, _ := strings.Cut(table, "\n"); strings.Join(strings.Fields(head), " ") != strings.Join(strings.Fields(want), " ") || head[0] == ' ' {
			t.Errorf("%d columns: got %q, want %q", columns, head, want)
		}
	}
}

func TestShadowActs(t *testing.T) {
	done := `{"count":1,"text":"done"}`
	f := newFakeServer(t, map[string]string{"POST /v1/shadow": done, "DELETE /v1/shadow": done, "POST /v1/shadow/promote": done})
	for _, args := range []string{"on", "on new", "off", "promote"} {
		f.run("shadow", strings.Fields(args)...).want(t, ExitClean, "done\n", "")
	}
	here, _ := filepath.Abs("new")
	want := "POST /v1/shadow {},POST /v1/shadow {\"folder\":\"" + filepath.ToSlash(here) + "\"},DELETE /v1/shadow,POST /v1/shadow/promote"
	if got := strings.Join(f.acts, ","); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for args, want := range map[string]string{
		"sideways":       `unknown word "sideways"; say on, off, promote, or nothing for the table`,
		"off now":        `unexpected argument "now"`,
		"on a b":         `unexpected argument "b"`,
		"--interval 1ms": "--interval is 1ms; it must be 100ms or more",
		"--count -1":     "--count is -1; it must be 0 or more",
	} {
		if got := f.run("shadow", strings.Fields(args)...); got.code != ExitUsage || !strings.Contains(got.stderr, want) {
			t.Errorf("shadow %s: got %d, %s, want %s", args, got.code, got.stderr, want)
		}
	}
}

// The table is drawn again and again on a terminal, which is left as it was.
func TestLiveShadow(t *testing.T) {
	f := newFakeServer(t, map[string]string{"GET /v1/shadow": shadowAnswer})
	var written strings.Builder
	s := &shadowing{operation: newOperation(&invocation{stdin: strings.NewReader("")}, "shadow"), interval: time.Millisecond, count: 3}
	if ok, _ := s.parse([]string{"--admin", f.address}, 0, 0); !ok {
		t.Fatal("it was not parsed")
	}
	frames := 0
	s.out = &screen{terminal: true, size: func() (int, int) { return 80, 5 }, Writer: &overheard{&written, func(text string) {
		if !strings.HasPrefix(text, homeward) {
			return
		}
		if frames++; frames == 2 {
			f.mu.Lock()
			f.answers = nil // the server has gone
			f.mu.Unlock()
		}
		if got := strings.Count(text, "\r\n"); got != 4 {
			t.Errorf("got %d line ends on a screen of 5 rows, want 4", got)
		}
		if gone := strings.Contains(text, "gone"); gone != (frames == 3) || !strings.Contains(text, "/srv/new") {
			t.Errorf("frame %d: got %q", frames, text)
		}
	}}}
	if got := s.live(context.Background()); got != ExitClean || frames != 3 {
		t.Errorf("got exit code %d and %d frames, want %d and 3", got, frames, ExitClean)
	}
	if got := written.String(); !strings.HasPrefix(got, enterScreen+homeward) || !strings.HasSuffix(got, leaveScreen) {
		t.Errorf("got %q, want that the screen is entered and left", got)
	}
}

func TestProbationFlag(t *testing.T) {
	for text, want := range map[string]host.Probation{
		"on":                                defaultProbation,
		"off":                               {},
		"faults=2":                          {Faults: 2, First: 200},
		"refusals=2.5x,first=10":            {Refusals: 2.5, First: 10},
		"refusals=2, faults=1":              {Refusals: 2, Faults: 1, First: 200},
		"faults=1,refusals=3x,first=200":    defaultProbation,
		"faults=0,refusals=3x,first=100000": {Refusals: 3, First: 100000},
	} {
		var p probationFlag
		if err := p.Set(text); err != nil || host.Probation(p) != want {
			t.Errorf("%s: got %+v, %v, want %+v", text, p, err, want)
		}
		var again probationFlag
		if err := again.Set(p.String()); err != nil || again != p {
			t.Errorf("%s: got %+v of %s, %v", text, again, p.String(), err)
		}
	}
	for _, text := range []string{"", "yes", "faults", "faults=", "faults=-1", "faults=x", "first=10", "faults=1,first=0", "refusals=NaN", "refusals=1e9x", "refusals=-1x", "faults=1,,"} {
		var p probationFlag
		if err := p.Set(text); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %+v, %v, want an error of one line", text, p, err)
		}
	}
}
