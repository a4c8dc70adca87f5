package front

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/front/proxy"
)

// behind is a gate that takes PROXY headers from the test's peer.
func behind(t *testing.T) *Front {
	return mustNew(t, Options{Proxy: ProxyAny, Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
}

const v1 = "PROXY TCP4 203.0.113.9 198.51.100.1 5555 443\r\n"

func v2(t *testing.T, h proxy.Header) []byte {
	t.Helper()
	h.Version = 2
	b, err := h.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestProxyHeaderAndNothingLost(t *testing.T) {
	source, destination := netip.MustParseAddrPort("203.0.113.9:5555"), netip.MustParseAddrPort("198.51.100.1:443")
	for name, header := range map[string][]byte{
		"version 1": []byte(v1),
		"version 2": v2(t, proxy.Header{Source: source, Destination: destination}),
	} {
		t.Run(name, func(t *testing.T) {
			a, err := visit(t, behind(t), send(append(header, "client's words"...)))
			if err != nil {
				t.Fatal(err)
			}
			if a.Facts.Address != source || a.Facts.Local != destination {
				t.Errorf("addresses %s and %s, want %s and %s", a.Facts.Address, a.Facts.Local, source, destination)
			}
			if got := a.Facts.Proxy.Address; got != peer.Address {
				t.Errorf("proxy %s, want %s", got, peer.Address)
			}
			if got := string(a.Unread); got != "client's words" {
				t.Errorf("unread %q, want the client's words", got)
			}
			if a.Secured() {
				t.Error("the connection is not the one that was given")
			}
		})
	}
}

func TestProxyHeaderInPieces(t *testing.T) {
	var pieces [][]byte
	for _, b := range []byte(v1) {
		pieces = append(pieces, []byte{b})
	}
	a, err := visit(t, behind(t), send(pieces...))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := a.Facts.Address.String(), "203.0.113.9:5555"; got != want {
		t.Errorf("address %s, want %s", got, want)
	}
}

func TestProxySpeaksForItself(t *testing.T) {
	unspecified := append(v2(t, proxy.Header{Local: true}), "x"...)
	unspecified[12] = 0x21 // PROXY for a family that is not said
	for name, header := range map[string][]byte{
		"unknown":       []byte("PROXY UNKNOWN\r\nx"),
		"unknown, long": []byte("PROXY UNKNOWN 1 2 3\r\nx"),
		"local":         append(v2(t, proxy.Header{Local: true}), "x"...),
		"unspecified":   unspecified,
	} {
		a, err := visit(t, behind(t), send(header))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if a.Facts.Address != peer.Address || !a.Facts.Proxy.Local || string(a.Unread) != "x" {
			t.Errorf("%s: address %s, local %t, unread %q; want %s, true and x", name, a.Facts.Address, a.Facts.Proxy.Local, a.Unread, peer.Address)
		}
	}
}

func TestProxyHeaderForged(t *testing.T) {
	f := mustNew(t, Options{Proxy: ProxyAny, Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	_, err := visit(t, f, send([]byte(v1)))
	wantCause(t, err, ProxyUntrusted)
}

func TestProxyHeaderMissing(t *testing.T) {
	_, err := visit(t, behind(t), send([]byte("GET / HTTP/1.1\r\n\r\n")))
	wantCause(t, err, ProxyMissing)
}

func TestProxyHeaderOversized(t *testing.T) {
	_, err := visit(t, behind(t), send([]byte("PROXY TCP4 "+strings.Repeat("1", 200))))
	wantCause(t, err, ProxyTooLong)
	header := v2(t, proxy.Header{Local: true})
	binary.BigEndian.PutUint16(header[14:], 60_000)
	_, err = visit(t, behind(t), send(header))
	wantCause(t, err, ProxyTooLong)
}

func TestProxyHeaderTruncated(t *testing.T) {
	_, err := visit(t, behind(t), sendAndLeave([]byte(v1)[:20]))
	wantCause(t, err, ProxyTruncated)
	_, err = visit(t, behind(t), sendAndLeave(nil))
	wantCause(t, err, Left)
}

func TestProxyHeaderMalformed(t *testing.T) {
	wrongSum := v2(t, proxy.Header{Local: true, Fields: []proxy.Field{{Type: proxy.TypeChecksum, Value: []byte("1234")}}})
	for name, header := range map[string][]byte{
		"no address":     []byte("PROXY TCP4 a b 1 2\r\n"),
		"no port":        []byte("PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n"),
		"other family":   []byte("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n"),
		"line feed only": []byte("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n"),
		"wrong checksum": wrongSum,
		"short":          append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x21, 0x11, 0, 2, 1, 2),
		"datagrams":      append([]byte("\r\n\r\n\x00\r\nQUIT\n"), append([]byte{0x21, 0x12, 0, 12}, make([]byte, 12)...)...),
	} {
		_, err := visit(t, behind(t), send(header))
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wantCause(t, err, ProxyMalformed)
	}
}

func TestProxyHeaderOfOtherVersion(t *testing.T) {
	f := mustNew(t, Options{Proxy: ProxyV2, Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	_, err := visit(t, f, send([]byte(v1)))
	wantCause(t, err, ProxyMissing)
}

func TestProxyThatSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		_, err := visitInBubble(t, behind(t), send([]byte("PROXY ")))
		wantCause(t, err, TimedOut)
		if got := time.Since(begin); got != DefaultTimeout {
			t.Errorf("timed out after %s, want %s", got, DefaultTimeout)
		}
	})
}

// TestProxyHeaderWithTLS holds that a name that the proxy has verified is the user, and one that it has not is nobody's.
func TestProxyHeaderWithTLS(t *testing.T) {
	for _, verified := range []bool{true, false} {
		h := proxy.Header{Source: netip.MustParseAddrPort("[2001:db8::1]:1"), Destination: netip.MustParseAddrPort("[2001:db8::2]:2")}
		h.Fields = []proxy.Field{{Type: proxy.TypeAuthority, Value: []byte("a.example")}, {Type: proxy.TypeUniqueID, Value: []byte("id")}}
		if err := h.SetTLS(proxy.TLS{Version: "TLSv1.3", CommonName: "alice", Verified: verified}); err != nil {
			t.Fatal(err)
		}
		a, err := visit(t, behind(t), send(v2(t, h)))
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if verified {
			want = "alice"
		}
		p := a.Facts.Proxy
		if a.Facts.User != want || p.Authority != "a.example" || p.UniqueID != "id" || p.TLS == nil || p.TLS.Version != "TLSv1.3" {
			t.Errorf("verified %t: user %q and facts %+v, want user %q", verified, a.Facts.User, p, want)
		}
	}
}

// TestHeaderForUpstream holds that an upstream is told of the client, and not of the gate.
func TestHeaderForUpstream(t *testing.T) {
	for mode, want := range map[ProxyMode]string{
		ProxyV1: v1 + "words",
		ProxyV2: "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x09\xc6\x33\x64\x01\x15\xb3\x01\xbbwords",
	} {
		f := mustNew(t, Options{Proxy: ProxyAny, Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, UpstreamProxy: mode})
		a, err := visit(t, f, send([]byte(v1+"words")))
		if err != nil {
			t.Fatal(err)
		}
		if f.JoinWaits() {
			t.Error("Join waits without TLS")
		}
		if got := string(a.Opening()); got != want {
			t.Errorf("opening %q, want %q", got, want)
		}
		if _, first, err := a.Join(t.Context(), nil, ""); err != nil || string(first) != want {
			t.Errorf("Join gives %q and %v, want %q", first, err, want)
		}
	}
}

func TestHeaderForUpstreamOfTwoFamilies(t *testing.T) {
	facts := Facts{Address: netip.MustParseAddrPort("[2001:db8::1]:1"), Local: netip.MustParseAddrPort("192.0.2.1:2")}
	h := facts.header(1)
	got, err := h.Append(nil)
	if want := "PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 2\r\n"; err != nil || string(got) != want {
		t.Errorf("header %q (%v), want %q", got, err, want)
	}
}

// TestHeaderForUpstreamTellsOfTLS holds that the upstream learns what the gate knows of the client's TLS.
func TestHeaderForUpstreamTellsOfTLS(t *testing.T) {
	facts := Facts{Address: peer.Address, Local: peer.Local, TLS: &TLSFacts{
		Version: "TLS 1.3", ServerName: "a.example", ALPN: "h2", Certificate: &CertificateFacts{Name: "alice"},
	}}
	h := facts.header(2)
	b, err := h.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := proxy.Measure(b); n != len(b) || err != nil {
		t.Fatalf("measured %d (%v), want %d", n, err, len(b))
	}
	read, err := proxy.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := read.TLS()
	if want := (proxy.TLS{Version: "TLSv1.3", CommonName: "alice", Verified: true}); !ok || got != want {
		t.Errorf("TLS %+v, want %+v", got, want)
	}
	if got := read.Field(proxy.TypeAuthority); !bytes.Equal(got, []byte("a.example")) {
		t.Errorf("authority %q, want a.example", got)
	}
}
