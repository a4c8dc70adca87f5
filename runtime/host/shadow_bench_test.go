package host_test

import (
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"moongate/luabind"
	"moongate/runtime/host"
	"moongate/runtime/session"
)

// shade gives a host a shadow with the same policy, which refuses with another code.
func shade(b *testing.B, h *host.Host) {
	h.SetShadows(host.Shadows{Open: luabind.OpenShadow})
	if err := h.ShadowOn(withCode(22001).write(b)); err != nil {
		b.Fatal(err)
	}
	h.BeginShadow() // which it does by itself when it runs
	b.Cleanup(func() {
		r, err := h.ShadowOff()
		if err != nil {
			b.Error(err)
		}
		b.Logf("asked %d, not asked %d", r.Counts.Asked(), r.Counts.NotAsked)
	})
}

// BenchmarkShadowsCost asks a host with a shadow and one without by turns, so that whatever else the machine does hits both, and
// tells how much longer the median with a shadow takes: door is a refusal without its socket, one after the other as fast as it
// goes; verdict is a whole connection over loopback, as its client sees it.
func BenchmarkShadowsCost(b *testing.B) {
	b.Run("door", func(b *testing.B) {
		alone, _ := newHostScripts(b, withCode(22000))
		beside, _ := newHostScripts(b, withCode(22000))
		for _, h := range []*host.Host{alone, beside} {
			h.Sessions().SetStage(session.Serving)
		}
		shade(b, beside)
		compare(b, func() { alone.Open(benchPeer, func() {}) }, func() { beside.Open(benchPeer, func() {}) })
	})
	b.Run("verdict", func(b *testing.B) {
		alone := listen(b, withCode(22000))
		h, beside := listening(b, withCode(22000))
		shade(b, h)
		compare(b, func() { visit(b, alone) }, func() { visit(b, beside) })
	})
}

// compare runs both by turns, and reports the medians and how much the second is over the first.
func compare(b *testing.B, one, other func()) {
	var took [2][]time.Duration
	for b.Loop() {
		for i, f := range []func(){one, other} {
			began := time.Now()
			f()
			took[i] = append(took[i], time.Since(began))
		}
	}
	var medians [2]float64
	for i := range took {
		slices.Sort(took[i])
		medians[i] = float64(took[i][len(took[i])/2].Nanoseconds())
	}
	b.ReportMetric(medians[0], "ns/alone")
	b.ReportMetric(medians[1], "ns/beside")
	b.ReportMetric(100*(medians[1]/medians[0]-1), "%/more")
}

// visit is a client that is refused, from the first packet to the end of file.
func visit(b *testing.B, address string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	answer := make([]byte, 64)
	if n, err := io.ReadFull(c, answer); n == 0 || err == nil {
		b.Fatalf("got %d bytes, %v", n, err)
	}
}
