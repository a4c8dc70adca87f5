package admin

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
)

// crowd is a house with many connections.
type crowd struct {
	FakeHouse
	rows []Connection
}

func (c *crowd) Connections() []Connection { return c.rows }

// BenchmarkConnections is what the listener does to list so many connections, the guard and the encoding included.
func BenchmarkConnections(b *testing.B) {
	for _, n := range []int{0, 100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			house := &crowd{rows: make([]Connection, n)}
			for i := range house.rows {
				house.rows[i] = filled[Connection](false)
			}
			l, err := Open(Options{Address: "127.0.0.1:0", House: house, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close(0)
			server := httptest.NewServer(l.server.Handler)
			defer server.Close()
			b.ReportAllocs()
			for b.Loop() {
				r, err := http.Get(server.URL + "/v1/connections")
				if err != nil {
					b.Fatal(err)
				}
				size, err := io.Copy(io.Discard, r.Body)
				r.Body.Close()
				if err != nil || r.StatusCode != 200 {
					b.Fatal(r.Status, err)
				}
				b.SetBytes(size)
			}
		})
	}
}
