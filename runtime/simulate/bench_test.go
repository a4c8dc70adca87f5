package simulate_test

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"moongate/runtime/simulate"
)

// BenchmarkConnections is how many clients, eight at once, can connect on loopback, hear a verdict and go: what the
// generator takes, and a server that does nothing in the same process.
func BenchmarkConnections(b *testing.B) {
	for name, answer := range map[string]string{"refused": "-REFUSED 429 no\r\n", "accepted": "+PONG\r\n"} {
		b.Run(name, func(b *testing.B) {
			address, end := answering(b, answer)
			defer end()
			turns := make(chan struct{})
			r, err := simulate.New(simulate.Plan{Server: address, Clients: 8, Duration: time.Hour, Behaviour: taking{turns}})
			if err != nil {
				b.Fatal(err)
			}
			var running sync.WaitGroup
			running.Go(func() { r.Go(b.Context()) })
			b.ReportAllocs()
			for b.Loop() {
				turns <- struct{}{}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "clients/s")
			r.Abort()
			running.Wait()
		})
	}
}

// taking is a behaviour that connects when it is told to.
type taking struct{ turns <-chan struct{} }

func (t taking) Live(c *simulate.Client) error {
	for {
		select {
		case <-t.turns:
			if _, err := c.Connect(simulate.Login{}); err != nil {
				return err
			}
		case <-c.Over():
			return nil
		}
	}
}

// answering is a server that answers the first words of everybody in the same way, and then waits for the end.
func answering(t testing.TB, answer string) (address netip.AddrPort, end func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				var words [64]byte
				conn.Read(words[:])
				conn.Write([]byte(answer))
				if answer[0] == '+' {
					conn.Read(words[:]) // QUIT
				}
			})
		}
	})
	return netip.MustParseAddrPort(l.Addr().String()), func() {
		l.Close()
		serving.Wait()
	}
}

func BenchmarkHistogram(b *testing.B) {
	var h simulate.Histogram
	for b.Loop() {
		h.Observe(1234 * time.Microsecond)
	}
}
