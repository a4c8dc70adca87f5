package gate

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// clock is a gate's time, which only the test moves.
type clock struct{ now time.Time }

func open(t *testing.T, d Definition) (*Gate, *clock) {
	t.Helper()
	d.Listen = "127.0.0.1:0"
	g, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	c := &clock{time.Unix(1000, 0)}
	g.now = func() time.Time { return c.now }
	return g, c
}

var three = []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}

// picked are the ports of the next upstreams, each for a connection of its own.
func picked(g *Gate, n int) string {
	var all []string
	for range n {
		var tried Tried
		all = append(all, strings.TrimPrefix(g.Pick(&tried).String(), "127.0.0.1:"))
	}
	return strings.Join(all, "")
}

func expect[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestRoundRobinGoesInTurn(t *testing.T) {
	g, _ := open(t, Definition{Upstreams: three})
	expect(t, "picked", picked(g, 7), "1231231")
}

func TestLeastConnectionsGoesWhereFewestAre(t *testing.T) {
	g, _ := open(t, Definition{Upstreams: three, Balance: LeastConnections})
	for range 2 {
		g.upstreams[0].Begin()
	}
	g.upstreams[2].Begin()
	var tried Tried
	expect(t, "the first", g.Pick(&tried).String(), three[1])
	expect(t, "the next, for the same connection", g.Pick(&tried).String(), three[2])
	expect(t, "the last", g.Pick(&tried).String(), three[0])
	if u := g.Pick(&tried); u != nil {
		t.Errorf("a fourth one of three: %v", u)
	}
	g.upstreams[0].End(true)
	g.upstreams[0].End(true)
	for range 4 {
		g.upstreams[1].Begin()
	}
	tried = 0
	expect(t, "after two have left", g.Pick(&tried).String(), three[0])
}

func TestRetriesBoundTheAttempts(t *testing.T) {
	for retries, want := range map[int]int{0: 3, -1: 1, 1: 2, 9: 3} {
		g, _ := open(t, Definition{Upstreams: three, Retries: retries})
		var tried Tried
		n := 0
		for g.Pick(&tried) != nil {
			n++
		}
		expect(t, fmt.Sprintf("attempts with Retries %d", retries), n, want)
	}
}

// TestFailedUpstreamIsAvoided holds the times: 1 s, doubled with each failure up to 30 s, and one connection to find out.
func TestFailedUpstreamIsAvoided(t *testing.T) {
	g, c := open(t, Definition{Upstreams: three[:2], ConnectTimeout: 5 * time.Second})
	bad := g.upstreams[0]
	for _, avoided := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		avoided *= time.Second
		bad.Failed(c.now, "refused")
		bad.Failed(c.now, "refused") // another connection that came at the same time
		c.now = c.now.Add(avoided - 1)
		expect(t, fmt.Sprintf("picked just before %v", avoided), picked(g, 4), "2222")
		c.now = c.now.Add(1)
		if got := picked(g, 6); strings.Count(got, "1") != 1 {
			t.Errorf("picked after %v: got %s, want one connection that finds out", avoided, got)
		}
	}
	bad.Begin()
	bad.End(true)
	expect(t, "picked after it worked", strings.Count(picked(g, 4), "1"), 2)
	bad.Failed(c.now, "refused")
	c.now = c.now.Add(time.Second)
	expect(t, "picked a second after the first failure since", strings.Count(picked(g, 4), "1"), 1)
}

func TestTrialThatDoesNotFailMakesAnUpstreamGood(t *testing.T) {
	g, c := open(t, Definition{Upstreams: three[:2], ConnectTimeout: 5 * time.Second})
	g.upstreams[0].Failed(c.now, "refused")
	c.now = c.now.Add(time.Second)
	expect(t, "picked on trial", strings.Count(picked(g, 4), "1"), 1)
	c.now = c.now.Add(5*time.Second - 1)
	expect(t, "picked while it may still fail", strings.Count(picked(g, 4), "1"), 0)
	c.now = c.now.Add(1)
	expect(t, "picked when it has not", strings.Count(picked(g, 4), "1"), 2)
}

func TestWhenAllFailedTheOneLongestAgoIsTried(t *testing.T) {
	g, c := open(t, Definition{Upstreams: three})
	for _, i := range []int{1, 2, 0} {
		g.upstreams[i].Failed(c.now, "refused")
		c.now = c.now.Add(time.Millisecond)
	}
	expect(t, "picked", picked(g, 3), "222")
	var tried Tried
	g.Pick(&tried)
	expect(t, "and then", g.Pick(&tried).String(), three[2])
}

func TestChoice(t *testing.T) {
	g, _ := open(t, Definition{Name: "g", Upstreams: three[:1], Allow: []string{"10.1.2.3:5432", "10.2.0.0/16:6379", "10.3.0.0/16:*", "[fd00::/8]:80"}})
	for address, want := range map[string]string{
		"127.0.0.1:1": "", "10.1.2.3:5432": "", "10.2.9.9:6379": "", "10.3.0.1:1": "", "[fd00::1]:80": "",
		"10.1.2.3:5433": "the gate g does not allow the upstream 10.1.2.3:5433; name it in the gate's allow",
		"10.2.9.9:80":   "the gate g does not allow the upstream 10.2.9.9:80; name it in the gate's allow",
		"localhost:1":   "the gate g does not allow the upstream localhost:1; name it in the gate's allow",
		"10.3.0.1":      `"10.3.0.1" is no address; write it as host:port`,
		"10.3.0.1:0":    `"10.3.0.1:0" has no port from 1 to 65535; write it as host:port`,
		"":              `"" is no address; write it as host:port`,
	} {
		u, err := g.Choice(address)
		switch {
		case want == "" && (err != nil || u.String() != address):
			t.Errorf("%s: got %v, %v; want it", address, u, err)
		case want != "" && (err == nil || err.Error() != want):
			t.Errorf("%s: got %v, want %s", address, err, want)
		}
	}
}

func TestHostNamesAreLookedUp(t *testing.T) {
	g, _ := open(t, Definition{Upstreams: []string{"localhost:7", "no.such.host.invalid:7"}})
	if a, ok := g.upstreams[0].Address(); !ok || a.String() != "127.0.0.1:7" {
		t.Errorf("localhost:7 is at %v, %v", a, ok)
	}
	if a, ok := g.upstreams[1].Address(); ok {
		t.Errorf("no.such.host.invalid:7 is at %v", a)
	}
}

func TestParseFlag(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:1=127.0.0.1:2":           "127.0.0.1:1=[127.0.0.1:2]",
		":1=a:2,b:3":                        ":1=[a:2 b:3]",
		"127.0.0.1:0=a:2, b:3 , :4=[::1]:5": "127.0.0.1:0=[a:2 b:3] :4=[[::1]:5]",
		"127.0.0.1:1":                       `"127.0.0.1:1" is no gate; write it as LISTEN=UPSTREAM, each host:port`,
		"":                                  `"" is no gate; write it as LISTEN=UPSTREAM, each host:port`,
		"1=a:2":                             `listen: "1" is no address; write it as host:port (a gate is LISTEN=UPSTREAM, each host:port)`,
		"a:1=b":                             `upstream: "b" is no address; write it as host:port (a gate is LISTEN=UPSTREAM, each host:port)`,
		"a:1=b:0":                           `upstream: "b:0" has no port from 1 to 65535; write it as host:port (a gate is LISTEN=UPSTREAM, each host:port)`,
		"a:1=:5":                            `upstream: ":5" has no host; write it as host:port (a gate is LISTEN=UPSTREAM, each host:port)`,
		"a:1=b:5,b:5":                       "upstream: b:5 is there twice; name it once (a gate is LISTEN=UPSTREAM, each host:port)",
	} {
		all, err := ParseFlag(text)
		var got []string
		for _, d := range all {
			got = append(got, fmt.Sprintf("%s=%v", d.Listen, d.Upstreams))
		}
		if err != nil {
			got = []string{err.Error()}
		}
		expect(t, text, strings.Join(got, " "), want)
	}
}

func FuzzParseFlag(f *testing.F) {
	f.Add("127.0.0.1:0=a:2, b:3 , :4=[::1]:5")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ParseFlag(text)
		if err == nil && len(all) == 0 {
			t.Errorf("%q is no gate and no error", text)
		}
	})
}
