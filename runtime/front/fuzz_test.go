package front

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// played is a client whose words are there, and who goes then.
type played struct {
	words io.Reader
	said  bytes.Buffer
	read  int
}

func (p *played) Read(b []byte) (int, error) {
	n, err := p.words.Read(b)
	p.read += n
	return n, err
}
func (p *played) Write(b []byte) (int, error)      { return p.said.Write(b) }
func (p *played) Close() error                     { return nil }
func (p *played) LocalAddr() net.Addr              { return net.TCPAddrFromAddrPort(peer.Local) }
func (p *played) RemoteAddr() net.Addr             { return net.TCPAddrFromAddrPort(peer.Address) }
func (p *played) SetDeadline(time.Time) error      { return nil }
func (p *played) SetReadDeadline(time.Time) error  { return nil }
func (p *played) SetWriteDeadline(time.Time) error { return nil }

// FuzzGreet has clients that say anything: each arrives or has a cause, and nothing that it said is lost or read without a
// bound.
func FuzzGreet(f *testing.F) {
	f.Add(uint8(Postgres), true, append([]byte(v1), startup(pg3, "user", "alice")...))
	f.Add(uint8(Postgres), false, append(request(pgGSS), request(pgCancel, 1, 2)...))
	f.Add(uint8(MySQL), false, mysqlLogin(1, "alice", false))
	f.Add(uint8(Raw), true, []byte(v1+"words"))
	dial := func(context.Context, Facts) (net.Conn, string, error) {
		return &played{words: bytes.NewReader(mysqlGreeting)}, "", nil
	}
	f.Fuzz(func(t *testing.T, protocol uint8, proxied bool, words []byte) {
		o := Options{Protocol: Protocol(protocol % 3)}
		if o.Protocol == MySQL {
			o.Dial = dial
		}
		if proxied {
			o.Proxy, o.Trusted = ProxyAny, []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
		}
		front, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		client := &played{words: bytes.NewReader(words)}
		a, err := front.Greet(context.Background(), client, peer)
		if client.read > 256<<10 {
			t.Fatalf("%d bytes were read", client.read)
		}
		if err != nil {
			if failed := (*Error)(nil); !errors.As(err, &failed) || failed.Cause.String() == "none" {
				t.Fatalf("error %v without a cause", err)
			}
			return
		}
		if o.Protocol != MySQL && !bytes.HasSuffix(words[:client.read], a.Unread) {
			t.Fatalf("unread %q is not the end of %q", a.Unread, words[:client.read])
		}
		a.Refuse(22000, "no")
	})
}

// BenchmarkGreet is a login without TLS, the client's words being there.
func BenchmarkGreet(b *testing.B) {
	login := startup(pg3, "user", "alice", "database", "shop", "application_name", "psql")
	for name, row := range map[string]struct {
		options Options
		words   []byte
	}{
		"raw":      {Options{}, nil},
		"postgres": {Options{Protocol: Postgres}, login},
		"proxy":    {Options{Proxy: ProxyAny, Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, []byte(v1)},
	} {
		b.Run(name, func(b *testing.B) {
			f, err := New(row.options)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Greet(b.Context(), &played{words: bytes.NewReader(row.words)}, peer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
