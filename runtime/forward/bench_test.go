package forward_test

import (
	"io"
	"net"
	"testing"

	"moongate/runtime/forward"
)

// benchGate is a gate whose upstream echoes.
func benchGate(b *testing.B, form form) *gate {
	g := newGate(b, form, forward.Options{})
	go func() { // until the gate is closed
		for {
			u, err := g.upstream.AcceptTCP()
			if err != nil {
				return
			}
			go func() { // until the gate has no more words
				io.Copy(u, u)
				u.Close()
			}()
		}
	}()
	return g
}

func (g *gate) flow(b *testing.B) (net.Conn, <-chan forward.End) {
	outer, inner := g.connect(b)
	ended := make(chan forward.End, 1)
	s, closeClient := g.form.client(nil, inner)
	g.Forward(s, g.form.upstream(nil, g.upstream.Addr()), forward.Terms{}, func(end forward.End, _ func()) {
		closeClient()
		ended <- end
	})
	return outer, ended
}

// BenchmarkRoundTrip is a word there and back through a flow.
func BenchmarkRoundTrip(b *testing.B) {
	for _, form := range forms {
		b.Run(form.name, func(b *testing.B) {
			c, _ := benchGate(b, form).flow(b)
			b.ReportAllocs()
			word := make([]byte, 64)
			for b.Loop() {
				c.Write(word)
				if _, err := io.ReadFull(c, word); err != nil {
					b.Fatal(err)
				}
			}
			c.Close()
		})
	}
}

// BenchmarkConnection is a whole flow, client and upstream included: connecting, one round trip, the end.
func BenchmarkConnection(b *testing.B) {
	for _, form := range forms {
		b.Run(form.name, func(b *testing.B) {
			g := benchGate(b, form)
			b.ReportAllocs()
			word := make([]byte, 64)
			for b.Loop() {
				c, ended := g.flow(b)
				c.Write(word)
				if _, err := io.ReadFull(c, word); err != nil {
					b.Fatal(err)
				}
				c.Close()
				<-ended
			}
		})
	}
}

// BenchmarkStream is bytes through a flow, and back.
func BenchmarkStream(b *testing.B) {
	for _, form := range forms {
		b.Run(form.name, func(b *testing.B) {
			c, _ := benchGate(b, form).flow(b)
			b.ReportAllocs()
			const size = 1 << 20
			b.SetBytes(size)
			piece, got := make([]byte, size), make([]byte, size)
			for b.Loop() {
				sent := make(chan struct{})
				go func() { c.Write(piece); close(sent) }() // until it is read
				if _, err := io.ReadFull(c, got); err != nil {
					b.Fatal(err)
				}
				<-sent
			}
			c.Close()
		})
	}
}
