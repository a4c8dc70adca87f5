package front

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// peer is where test clients come from.
var peer = Peer{Address: netip.MustParseAddrPort("192.0.2.7:40000"), Local: netip.MustParseAddrPort("192.0.2.1:5432")}

// authority signs certificates for tests.
type authority struct {
	t           testing.TB
	dir         string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	serial      int64
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir(), serial: 1}
	a.key = newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// ca is the file of the authority's certificate.
func (a *authority) ca() string { return filepath.Join(a.dir, "ca.pem") }

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// sign makes a certificate with its key in two files. change may change it before.
func (a *authority) sign(file, name string, change func(*x509.Certificate)) Pair {
	a.t.Helper()
	a.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	key := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return Pair{Certificate: a.write(file+".pem", "CERTIFICATE", der), Key: a.write(file+".key", "PRIVATE KEY", keyDER)}
}

// certificate reads a pair as a client has it.
func (a *authority) load(p Pair) tls.Certificate {
	a.t.Helper()
	c, err := tls.LoadX509KeyPair(p.Certificate, p.Key)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// mustNew makes a front.
func mustNew(t *testing.T, o Options) *Front {
	t.Helper()
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sockets are the two ends of a connection.
func sockets(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if theirs, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if ours, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// visit is a client that comes to a front: what it does runs beside Greet.
func visit(t *testing.T, f *Front, client func(net.Conn)) (*Arrival, error) {
	t.Helper()
	ours, theirs := sockets(t)
	return meet(t, f, ours, theirs, client)
}

// visitInBubble is visit where time does not pass by itself: by a pipe, which testing/synctest can see waiting.
func visitInBubble(t *testing.T, f *Front, client func(net.Conn)) (*Arrival, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	return meet(t, f, ours, theirs, client)
}

func meet(t *testing.T, f *Front, ours, theirs net.Conn, client func(net.Conn)) (*Arrival, error) {
	t.Helper()
	done := make(chan struct{})
	go func() { // ends with the connection
		defer close(done)
		client(theirs)
	}()
	t.Cleanup(func() {
		ours.Close()
		theirs.Close()
		<-done
	})
	a, err := f.Greet(context.Background(), ours, peer)
	if err != nil {
		ours.Close()
		if a != nil {
			t.Error("Greet gave an arrival and an error")
		}
		var failed *Error
		if !errors.As(err, &failed) {
			t.Fatalf("Greet gave the error %v of type %T, want an *Error", err, err)
		}
	}
	return a, err
}

// wantCause fails unless an error of Greet has a cause.
func wantCause(t *testing.T, err error, want Cause) {
	t.Helper()
	var failed *Error
	if !errors.As(err, &failed) {
		t.Fatalf("error %v, want the cause %q", err, want)
	}
	if failed.Cause != want {
		t.Fatalf("cause %q (%v), want %q", failed.Cause, err, want)
	}
}

// send gives what a client does that sends bytes and reads until the end.
func send(parts ...[]byte) func(net.Conn) {
	return func(c net.Conn) {
		for _, b := range parts {
			if _, err := c.Write(b); err != nil {
				return
			}
		}
		io.Copy(io.Discard, c)
	}
}

// sendAndLeave gives what a client does that sends bytes and goes.
func sendAndLeave(b []byte) func(net.Conn) {
	return func(c net.Conn) {
		c.Write(b)
		c.Close()
	}
}

// wantNext fails unless these bytes come next. It may be called from any goroutine.
func wantNext(t *testing.T, c io.Reader, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(c, got)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %q (%v), want %q", got[:n], err, want)
	}
}

func TestNothingToWaitFor(t *testing.T) {
	f := mustNew(t, Options{RefusalMessage: "closed\n"})
	if f.Waits() {
		t.Error("a raw gate waits for its client")
	}
	a, err := visit(t, f, func(net.Conn) {})
	if err != nil {
		t.Fatal(err)
	}
	if a.Facts.Address != peer.Address || a.Facts.Local != peer.Local || a.Facts.User != "" || a.Secured() {
		t.Errorf("facts %+v, want the two addresses only", a.Facts)
	}
	if got, want := string(a.Refusal(1, "no")), "closed\n"; got != want {
		t.Errorf("refusal %q, want %q", got, want)
	}
}

func TestOptionsThatContradict(t *testing.T) {
	pair := []Pair{{"a", "b"}}
	for name, o := range map[string]Options{
		"nobody trusted":       {Proxy: ProxyAny},
		"trusted for nothing":  {Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		"any header upstream":  {UpstreamProxy: ProxyAny},
		"mysql without dial":   {Protocol: MySQL},
		"refusal message":      {Protocol: Postgres, RefusalMessage: "no"},
		"negative timeout":     {Timeout: -1},
		"no certificate":       {TLS: &TLSOptions{}},
		"optional raw":         {TLS: &TLSOptions{Pairs: pair, Optional: true}},
		"no authority":         {TLS: &TLSOptions{Pairs: pair, ClientCertificate: RequiredCertificate}},
		"authority for nobody": {TLS: &TLSOptions{Pairs: pair, ClientCA: "c"}},
		"required in optional": {Protocol: Postgres, TLS: &TLSOptions{Pairs: pair, Optional: true, ClientCA: "c", ClientCertificate: RequiredCertificate}},
		"missing files":        {TLS: &TLSOptions{Pairs: pair}},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: New takes it, want an error", name)
		}
	}
}

// TestHostThatStops holds that Greet ends with its context, and says whose fault it was.
func TestHostThatStops(t *testing.T) {
	f := mustNew(t, Options{Protocol: Postgres})
	ours, theirs := sockets(t)
	defer ours.Close()
	defer theirs.Close()
	stopping := errors.New("the host stops")
	ctx, stop := context.WithCancelCause(t.Context())
	theirs.Write(request(pgGSS))
	go func() { // ends with the answer, after which Greet waits
		wantNext(t, theirs, []byte("N"))
		stop(stopping)
	}()
	_, err := f.Greet(ctx, ours, peer)
	wantCause(t, err, Stopped)
	if !errors.Is(err, stopping) {
		t.Errorf("error %v, want that of the context in it", err)
	}
}

// TestDeadlinesAreGone holds that what Greet has set does not end the connection later.
func TestDeadlinesAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := visitInBubble(t, mustNew(t, Options{Protocol: Postgres}), func(c net.Conn) {
			c.Write(startup(pg3, "user", "alice"))
			time.Sleep(time.Hour) // of the bubble
			c.Write([]byte("late"))
		})
		if err != nil {
			t.Fatal(err)
		}
		wantNext(t, a.Conn, []byte("late"))
	})
}

func TestEveryCauseHasAName(t *testing.T) {
	seen := map[string]Cause{}
	for c := Left; c <= UpstreamFailed; c++ {
		name := c.String()
		if other, twice := seen[name]; twice || name == "none" {
			t.Errorf("cause %d is called %q, as is %d", c, name, other)
		}
		seen[name] = c
	}
	if got := Cause(0).String(); got != "none" {
		t.Errorf("no cause is called %q, want none", got)
	}
}
