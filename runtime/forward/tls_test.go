package forward_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"syscall"
	"testing"
	"time"

	"moongate/runtime/forward"
)

// throughTLS makes a flow whose client speaks TLS to the gate.
func throughTLS(t *testing.T, g *gate) (*pair, *tls.Conn) {
	t.Helper()
	outer, inner := g.connect(t)
	server := tls.Server(inner, &tls.Config{Certificates: []tls.Certificate{certificate(t)}})
	shaken := make(chan error, 1)
	go func() { shaken <- server.Handshake() }() // until both have shaken hands
	c := tls.Client(outer, &tls.Config{InsecureSkipVerify: true})
	if err := errors.Join(c.Handshake(), <-shaken); err != nil {
		t.Fatal(err)
	}
	p := &pair{t: t, client: outer, ended: make(chan forward.End, 1)}
	p.flow = g.Forward(forward.Conn(server), forward.To(g.upstream.Addr().(*net.TCPAddr).AddrPort()), forward.Terms{},
		func(end forward.End, _ func()) {
			server.Close()
			p.ended <- end
		})
	u, err := g.upstream.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	p.upstream = u
	t.Cleanup(func() { u.Close() })
	return p, c
}

func certificate(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

var plainForm = form{name: "goroutines", client: wrappedClient, upstream: to}

func TestTLSHalfClose(t *testing.T) {
	p, c := throughTLS(t, newGate(t, plainForm, forward.Options{}))
	p.say(c, p.upstream, "question")
	c.CloseWrite()
	p.silent(p.upstream)
	p.say(p.upstream, c, "a late answer")
	p.upstream.Close()
	p.silent(c)
	p.end(forward.ClientEnded)
}

func TestTLSManyBytes(t *testing.T) {
	p, c := throughTLS(t, newGate(t, plainForm, forward.Options{}))
	const size = 16 << 20
	go func() { // until the upstream has ended
		io.Copy(c, io.LimitReader(source(1), size))
		c.CloseWrite()
	}()
	p.check(p.upstream, size, 1)
	p.upstream.Close()
	p.end(forward.ClientEnded)
}

// TestTLSWithoutFarewell: an end of file without TLS's own is one as well.
func TestTLSWithoutFarewell(t *testing.T) {
	p, c := throughTLS(t, newGate(t, plainForm, forward.Options{}))
	p.say(c, p.upstream, "word")
	p.client.CloseWrite()
	p.silent(p.upstream)
	p.upstream.Close()
	p.end(forward.ClientEnded)
}

func TestTLSUpstreamReset(t *testing.T) {
	p, c := throughTLS(t, newGate(t, plainForm, forward.Options{}))
	p.say(c, p.upstream, "word")
	p.upstream.SetLinger(0)
	p.upstream.Close()
	p.end(forward.UpstreamLost)
	c.SetReadDeadline(time.Now().Add(patience))
	_, err := io.Copy(io.Discard, p.client)
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset", err)
	}
}
