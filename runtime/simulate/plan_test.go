package simulate_test

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"moongate/runtime/simulate"
)

func TestPlansThatAreWrong(t *testing.T) {
	good := simulate.Plan{Rate: 1, Duration: time.Second}
	if err := good.Check(); err != nil {
		t.Errorf("a good plan: %v", err)
	}
	for want, change := range map[string]func(p *simulate.Plan){
		"--rate is 0;":                     func(p *simulate.Plan) { p.Rate = 0 },
		"--rate is -1;":                    func(p *simulate.Plan) { p.Rate = -1 },
		"--rate is NaN;":                   func(p *simulate.Plan) { p.Rate = math.NaN() },
		"--rate is +Inf;":                  func(p *simulate.Plan) { p.Rate = math.Inf(1) },
		"--rate and --clients are two":     func(p *simulate.Plan) { p.Clients = 1 },
		"--clients is -1;":                 func(p *simulate.Plan) { p.Rate, p.Clients = 0, -1 },
		"--duration is 0s;":                func(p *simulate.Plan) { p.Duration = 0 },
		"--every is how often":             func(p *simulate.Plan) { p.Every = time.Second },
		"--every is -1s;":                  func(p *simulate.Plan) { p.Every = -time.Second },
		"--timeout is -1s;":                func(p *simulate.Plan) { p.Timeout = -time.Second },
		"--raw clients send nothing":       func(p *simulate.Plan) { p.Raw, p.Users = true, make([]simulate.User, 1) },
		"--behaviour says what clients do": func(p *simulate.Plan) { p.Behaviour, p.Calls = scripted(nil), make([]simulate.Call, 1) },
		"--clients 101 needs as many":      func(p *simulate.Plan) { p.Rate, p.Clients, p.MostOpen = 0, 101, 100 },
	} {
		p := good
		change(&p)
		if _, err := simulate.New(p); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s...", err, want)
		}
	}
}

func TestParseStay(t *testing.T) {
	for text, want := range map[string]simulate.Stay{
		"5s":      {From: 5 * time.Second, To: 5 * time.Second},
		"0s":      {},
		"1s..10s": {From: time.Second, To: 10 * time.Second},
		"~500ms":  {Mean: 500 * time.Millisecond},
	} {
		got, err := simulate.ParseStay(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: got %v and %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "x", "-1s", "10s..1s", "1s..", "..1s", "~", "~-1s", "1s..2s..3s"} {
		if got, err := simulate.ParseStay(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
	s := simulate.Stay{From: time.Second, To: 3 * time.Second}
	expect(t, "average", s.Average(), 2*time.Second)
}

func TestSourceAddresses(t *testing.T) {
	seen := map[netip.Addr]bool{}
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	for i := range 100_000 {
		a := simulate.SourceAddress(i)
		last := a.As4()[3]
		if seen[a] || !loopback.Contains(a) || last == 0 || last == 255 {
			t.Fatalf("the address %d is %v", i, a)
		}
		seen[a] = true
	}
	expect(t, "the first", simulate.SourceAddress(0).String(), "127.1.0.1")
}

func TestAddressesNeedLoopback(t *testing.T) {
	for _, server := range []string{"10.0.0.7", "::1", "192.0.2.1"} {
		err := simulate.CheckAddresses(netip.MustParseAddr(server), 3)
		if err == nil || !strings.Contains(err.Error(), "needs a server on 127.0.0.0/8: "+server) {
			t.Errorf("%s: got %v", server, err)
		}
	}
	if err := simulate.CheckAddresses(netip.MustParseAddr("127.0.0.1"), simulate.MostAddresses+1); err == nil {
		t.Error("too many addresses: got no error")
	}
}

func TestParseTarget(t *testing.T) {
	for text, want := range map[string]string{"127.0.0.1:19813": "127.0.0.1:19813", "localhost:80": "127.0.0.1:80", ":19813": "127.0.0.1:19813", "[::1]:5": "[::1]:5"} {
		got, err := simulate.ParseTarget(t.Context(), text)
		if err != nil || got.String() != want {
			t.Errorf("%s: got %v and %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:x", "a b:1", "nobody.invalid:1"} {
		if got, err := simulate.ParseTarget(t.Context(), text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

// A histogram is right to 1.6 %, and never says less than it was.
func TestHistogram(t *testing.T) {
	var h simulate.Histogram
	expect(t, "an empty one", h.Latency(), simulate.Latency{})
	random := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	for range 10_000 {
		d := time.Duration(random.ExpFloat64() * float64(20*time.Millisecond))
		all = append(all, d)
		h.Observe(d)
	}
	slices.Sort(all)
	for _, share := range []float64{0, 0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		got, want := h.Percentile(share), all[max(0, int(math.Ceil(share*float64(len(all))))-1)]
		if got < want || float64(got) > float64(want)*1.0157+1 {
			t.Errorf("percentile %v: got %v, want %v", share, got, want)
		}
	}
	bars, sum := h.Bars(), int64(0)
	for i, b := range bars {
		sum += b.Count
		if i > 0 && b.Above != bars[i-1].UpTo {
			t.Errorf("bar %d begins at %v, the one before ends at %v", i, b.Above, bars[i-1].UpTo)
		}
	}
	expect(t, "in the bars", sum, h.Count())
}

func FuzzHistogram(f *testing.F) {
	for _, d := range []int64{0, 1, 127, 128, 129, 1e6, 1 << 40, math.MaxInt64, -5} {
		f.Add(d)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		var h simulate.Histogram
		h.Observe(time.Duration(n))
		want := time.Duration(max(n, 0))
		if got := h.Percentile(0.5); got != want {
			t.Errorf("the only one: got %v, want %v", got, want)
		}
		h.Observe(0)
		h.Observe(math.MaxInt64)
		if got := h.Percentile(0.5); want < 1<<40 && (got < want || float64(got) > float64(want)*1.0157+1) {
			t.Errorf("the middle one: got %v, want %v", got, want)
		}
	})
}
