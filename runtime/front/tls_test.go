package front

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// begin gives what a client does that begins TLS and says a word in it.
func begin(config *tls.Config) func(net.Conn) {
	return func(c net.Conn) {
		secure := tls.Client(c, config)
		if secure.Handshake() != nil {
			c.Close()
			return
		}
		go secure.Write([]byte("word")) // ends with the connection
		io.Copy(io.Discard, secure)
	}
}

// gateTLS is a gate with a certificate for gate.example, and an authority whose clients it knows.
func gateTLS(t *testing.T, change func(*TLSOptions)) (*Front, *authority) {
	t.Helper()
	ca := newAuthority(t)
	o := &TLSOptions{Pairs: []Pair{ca.sign("gate", "gate.example", nil)}}
	if change != nil {
		change(o)
	}
	if o.ClientCertificate != NoCertificate {
		o.ClientCA = ca.ca()
	}
	return mustNew(t, Options{TLS: o}), ca
}

func TestTLSFacts(t *testing.T) {
	f, ca := gateTLS(t, func(o *TLSOptions) {
		o.ClientCertificate, o.ALPN = RequiredCertificate, []string{"two", "one"}
	})
	alice := ca.load(ca.sign("alice", "alice", func(c *x509.Certificate) {
		c.Subject.Organization = []string{"Example"}
		c.DNSNames, c.EmailAddresses = []string{"alice.example"}, []string{"alice@example.org"}
		c.IPAddresses, c.URIs = []net.IP{net.IPv4(10, 0, 0, 1)}, []*url.URL{{Scheme: "spiffe", Host: "example", Path: "/alice"}}
	}))
	a, err := visit(t, f, begin(&tls.Config{
		RootCAs: ca.pool(), ServerName: "gate.example", NextProtos: []string{"one"}, Certificates: []tls.Certificate{alice},
	}))
	if err != nil {
		t.Fatal(err)
	}
	got := a.Facts.TLS
	if got.Version != "TLS 1.3" || got.ServerName != "gate.example" || got.ALPN != "one" || got.Resumed || got.Cipher == "" {
		t.Errorf("TLS facts %+v", got)
	}
	if !strings.HasPrefix(got.JA4, "t13d") || len(got.JA4) != 36 {
		t.Errorf("JA4 %q, want one that begins with t13d", got.JA4)
	}
	c := got.Certificate
	if c == nil || c.Name != "alice" || c.Subject != "CN=alice,O=Example" || c.Issuer != "CN=Test authority" || len(c.Fingerprint) != 64 {
		t.Fatalf("certificate %+v", c)
	}
	if want := []string{"alice.example", "alice@example.org", "10.0.0.1", "spiffe://example/alice"}; !slices.Equal(c.Names, want) {
		t.Errorf("names %q, want %q", c.Names, want)
	}
	if a.Facts.User != "alice" || !a.Secured() {
		t.Errorf("user %q, secured %t; want alice, true", a.Facts.User, a.Secured())
	}
	wantNext(t, a.Conn, []byte("word"))
}

func TestTLSNameOfSubjectWithoutCommonName(t *testing.T) {
	f, ca := gateTLS(t, func(o *TLSOptions) { o.ClientCertificate = OptionalCertificate })
	for name, want := range map[string]string{"svc.example": "svc.example", "": "O=Example"} {
		client := ca.load(ca.sign("c", "", func(c *x509.Certificate) {
			c.Subject = pkix.Name{Organization: []string{"Example"}}
			c.DNSNames = nil
			if name != "" {
				c.DNSNames = []string{name}
			}
		}))
		a, err := visit(t, f, begin(&tls.Config{RootCAs: ca.pool(), ServerName: "gate.example", Certificates: []tls.Certificate{client}}))
		if err != nil {
			t.Fatal(err)
		}
		if a.Facts.User != want {
			t.Errorf("user %q, want %q", a.Facts.User, want)
		}
	}
}

func TestTLSOptionalCertificate(t *testing.T) {
	f, ca := gateTLS(t, func(o *TLSOptions) { o.ClientCertificate = OptionalCertificate })
	a, err := visit(t, f, begin(&tls.Config{RootCAs: ca.pool(), ServerName: "gate.example"}))
	if err != nil {
		t.Fatal(err)
	}
	if a.Facts.TLS.Certificate != nil || a.Facts.User != "" {
		t.Errorf("certificate %+v, user %q; want none", a.Facts.TLS.Certificate, a.Facts.User)
	}
}

// TestTLSClientCertificates has the certificates that are not let in.
func TestTLSClientCertificates(t *testing.T) {
	f, ca := gateTLS(t, func(o *TLSOptions) { o.ClientCertificate = RequiredCertificate })
	stranger := newAuthority(t)
	for _, row := range []struct {
		name string
		pair *Pair
		want Cause
	}{
		{"none", nil, CertificateMissing},
		{"unknown authority", new(stranger.sign("c", "mallory", nil)), CertificateUnknown},
		{"expired", new(ca.sign("old", "alice", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })), CertificateExpired},
		{"not yet valid", new(ca.sign("new", "alice", func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) })), CertificateExpired},
		{"for servers", new(ca.sign("server", "alice", func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		})), CertificateUnusable},
	} {
		t.Run(row.name, func(t *testing.T) {
			config := &tls.Config{RootCAs: ca.pool(), ServerName: "gate.example"}
			if row.pair != nil {
				c := ca.load(*row.pair)
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c, nil }
			}
			_, err := visit(t, f, begin(config))
			wantCause(t, err, row.want)
		})
	}
}

func TestTLSGarbage(t *testing.T) {
	f, _ := gateTLS(t, nil)
	for name, words := range map[string][]byte{
		"clear text":      []byte("GET / HTTP/1.1\r\n\r\n"),
		"broken hello":    append([]byte{0x16, 3, 1, 0, 8, 1, 0, 0, 4}, "zzzz"...),
		"data first":      {0x17, 3, 3, 0, 1, 0},
		"oversized":       {0x16, 3, 1, 0xff, 0xff, 0},
		"oversized hello": {0x16, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := visit(t, f, send(words))
			wantCause(t, err, TLSGarbage)
		})
	}
}

func TestTLSTooOld(t *testing.T) {
	f, ca := gateTLS(t, func(o *TLSOptions) { o.MinVersion = tls.VersionTLS13 })
	_, err := visit(t, f, begin(&tls.Config{RootCAs: ca.pool(), ServerName: "gate.example", MaxVersion: tls.VersionTLS12}))
	wantCause(t, err, TLSTooOld)
}

func TestTLSWithoutAgreement(t *testing.T) {
	f, ca := gateTLS(t, func(o *TLSOptions) { o.ALPN = []string{"one"} })
	_, err := visit(t, f, begin(&tls.Config{RootCAs: ca.pool(), ServerName: "gate.example", NextProtos: []string{"two"}}))
	wantCause(t, err, TLSNoAgreement)
	_, err = visit(t, f, begin(&tls.Config{ // which the gate's ECDSA certificate cannot be used with
		RootCAs: ca.pool(), ServerName: "gate.example", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	}))
	wantCause(t, err, TLSNoAgreement)
}

func TestTLSRejectedByClient(t *testing.T) {
	f, _ := gateTLS(t, nil)
	_, err := visit(t, f, begin(&tls.Config{ServerName: "gate.example", RootCAs: x509.NewCertPool()}))
	wantCause(t, err, TLSRejected)
}

func TestTLSClientThatLeaves(t *testing.T) {
	f, _ := gateTLS(t, nil)
	_, err := visit(t, f, sendAndLeave(nil))
	wantCause(t, err, Left)
	_, err = visit(t, f, sendAndLeave([]byte{0x16, 3, 1, 0}))
	wantCause(t, err, Left)
}

func TestTLSClientThatStopsInTheHandshake(t *testing.T) {
	f, _ := gateTLS(t, nil)
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		_, err := visitInBubble(t, f, send([]byte{0x16, 3, 1, 0}))
		wantCause(t, err, TimedOut)
		if got := time.Since(begin); got != DefaultTimeout {
			t.Errorf("timed out after %s, want %s", got, DefaultTimeout)
		}
	})
}

func TestTLSServerNames(t *testing.T) {
	ca := newAuthority(t)
	f := mustNew(t, Options{TLS: &TLSOptions{
		Pairs:       []Pair{ca.sign("a", "a.example", nil), ca.sign("b", "b.example", nil), ca.sign("c", "*.c.example", nil)},
		ServerNames: []string{"a.example", "B.example.", "*.c.example"},
	}})
	for name, let := range map[string]bool{
		"a.example": true, "b.example": true, "x.c.example": true, "A.Example": true,
		"c.example": false, "x.y.c.example": false, "d.example": false, "": false,
	} {
		var shown string
		_, err := visit(t, f, func(c net.Conn) {
			config := &tls.Config{ServerName: name, InsecureSkipVerify: true}
			config.VerifyConnection = func(s tls.ConnectionState) error {
				shown = s.PeerCertificates[0].Subject.CommonName
				if name == "" {
					return nil
				}
				return s.PeerCertificates[0].VerifyHostname(name)
			}
			begin(config)(c)
		})
		switch {
		case let && err != nil:
			t.Errorf("%q: %v (certificate of %s), want it to be let in", name, err, shown)
		case !let && err == nil:
			t.Errorf("%q was let in", name)
		case !let:
			wantCause(t, err, TLSWrongName)
		}
	}
}

// TestTLSTicketForAnotherName holds that a session does not go on under a name that is not served.
func TestTLSTicketForAnotherName(t *testing.T) {
	f, ca := gateTLS(t, func(o *TLSOptions) { o.ServerNames = []string{"gate.example"} })
	cache := oneSession{tls.NewLRUClientSessionCache(1)}
	config := &tls.Config{RootCAs: ca.pool(), ServerName: "gate.example", ClientSessionCache: cache}
	come := func(name string) (*Arrival, error) {
		config := config.Clone()
		config.ServerName, config.InsecureSkipVerify = name, name != "gate.example"
		got := make(chan struct{})
		a, err := visit(t, f, func(c net.Conn) {
			defer close(got)
			secure := tls.Client(c, config)
			if secure.Handshake() == nil {
				secure.Read(make([]byte, 1)) // with the tickets
			}
		})
		if err == nil {
			a.Conn.Write([]byte("x"))
			<-got
		}
		return a, err
	}
	if _, err := come("gate.example"); err != nil {
		t.Fatal(err)
	}
	a, err := come("gate.example")
	if err != nil || !a.Facts.TLS.Resumed {
		t.Fatalf("the second visit: %v, want a session that goes on", err)
	}
	_, err = come("other.example")
	wantCause(t, err, TLSWrongName)
}

// oneSession has one session for all names.
type oneSession struct{ tls.ClientSessionCache }

func (o oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.ClientSessionCache.Get("") }
func (o oneSession) Put(_ string, session *tls.ClientSessionState) {
	o.ClientSessionCache.Put("", session)
}

// TestTLSReload holds that a new certificate is used, and that a broken one is not, and said once.
func TestTLSReload(t *testing.T) {
	ca := newAuthority(t)
	pair := ca.sign("gate", "gate.example", func(c *x509.Certificate) { c.Subject.CommonName = "first" })
	next := ca.sign("next", "gate.example", func(c *x509.Certificate) { c.Subject.CommonName = "second one" })
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		f := mustNew(t, Options{Gate: "g", TLS: &TLSOptions{Pairs: []Pair{pair}}, Log: slog.New(slog.NewTextHandler(&log, nil))})
		shown := func() string {
			var name string
			_, err := visitInBubble(t, f, begin(&tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
				name = s.PeerCertificates[0].Subject.CommonName
				return nil
			}}))
			if err != nil {
				t.Fatal(err)
			}
			return name
		}
		want := func(step, name string) {
			t.Helper()
			time.Sleep(2 * time.Second) // of the bubble
			if got := shown(); got != name {
				t.Errorf("%s: the certificate of %q, want %q", step, got, name)
			}
		}
		want("before", "first")
		copyFile(t, next.Certificate, pair.Certificate)
		want("certificate without its key", "first")
		want("certificate without its key, again", "first")
		copyFile(t, next.Key, pair.Key)
		want("both", "second one")
		if err := os.Remove(pair.Key); err != nil {
			t.Fatal(err)
		}
		want("no key", "second one")
		if got := strings.Count(log.String(), "not loaded"); got != 2 {
			t.Errorf("%d problems in the log, want 2:\n%s", got, log.String())
		}
	})
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTLSFilesThatCannotBeUsed(t *testing.T) {
	ca := newAuthority(t)
	pair, other := ca.sign("a", "a.example", nil), ca.sign("b", "b.example", nil)
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]TLSOptions{
		"no such file":     {Pairs: []Pair{{"missing.pem", pair.Key}}},
		"belong together":  {Pairs: []Pair{{pair.Certificate, other.Key}}},
		"both must be PEM": {Pairs: []Pair{{text, pair.Key}}},
		"no certificate":   {Pairs: []Pair{pair}, ClientCA: text, ClientCertificate: RequiredCertificate},
	} {
		_, err := New(Options{TLS: &o})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, want)
		}
	}
}

// TestUpstreamTLS holds that the upstream is known by its certificate, and that it knows the gate by the gate's.
func TestUpstreamTLS(t *testing.T) {
	ca := newAuthority(t)
	server, own := ca.load(ca.sign("up", "db.example", nil)), ca.sign("gate", "gate", nil)
	for name, row := range map[string]struct {
		tls  UpstreamTLS
		host string
		want Cause
	}{
		"by its host name":  {UpstreamTLS{CA: ca.ca(), Pair: &own}, "db.example", 0},
		"by another name":   {UpstreamTLS{CA: ca.ca(), Pair: &own, ServerName: "db.example"}, "10.0.0.1", 0},
		"wrong name":        {UpstreamTLS{CA: ca.ca(), Pair: &own}, "other.example", UpstreamFailed},
		"unknown authority": {UpstreamTLS{CA: newAuthority(t).ca(), Pair: &own}, "db.example", UpstreamFailed},
		"whoever it is":     {UpstreamTLS{Unverified: true, Pair: &own}, "other.example", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := mustNew(t, Options{UpstreamTLS: &row.tls, UpstreamProxy: ProxyV1})
			a, err := visit(t, f, func(net.Conn) {})
			if err != nil {
				t.Fatal(err)
			}
			ours, theirs := sockets(t)
			defer ours.Close()
			told := make(chan string, 1)
			go func() { // ends with the connection
				defer theirs.Close()
				wantNext(t, theirs, []byte("PROXY TCP4 192.0.2.7 192.0.2.1 40000 5432\r\n"))
				secure := tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAnyClientCert})
				if secure.Handshake() != nil {
					told <- ""
					return
				}
				told <- secure.ConnectionState().PeerCertificates[0].Subject.CommonName
				io.Copy(io.Discard, secure)
			}()
			_, first, err := a.Join(t.Context(), ours, row.host)
			if row.want != 0 {
				wantCause(t, err, row.want)
				ours.Close()
				<-told
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := <-told; got != "gate" || len(first) > 0 {
				t.Errorf("the upstream was told of %q, and %q comes first; want gate and nothing", got, first)
			}
		})
	}
}

// TestOpenSSLClient has a real client, with its certificate.
func TestOpenSSLClient(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	f, ca := gateTLS(t, func(o *TLSOptions) { o.ClientCertificate = RequiredCertificate })
	alice := ca.sign("alice", "alice", nil)
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		for _, shows := range []bool{true, false} {
			arguments := []string{"s_client", version, "-quiet", "-verify_return_error", "-servername", "gate.example", "-CAfile", ca.ca()}
			if shows {
				arguments = append(arguments, "-cert", alice.Certificate, "-key", alice.Key)
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			client := exec.CommandContext(t.Context(), openssl, append(arguments, "-connect", l.Addr().String())...)
			client.Stdin = strings.NewReader("word\n")
			if err := client.Start(); err != nil {
				t.Fatal(err)
			}
			conn, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			a, err := f.Greet(t.Context(), conn, peer)
			if shows {
				if err != nil {
					t.Fatal(err)
				}
				wantNext(t, a.Conn, []byte("word\n"))
				if a.Facts.User != "alice" || a.Facts.TLS.ServerName != "gate.example" {
					t.Errorf("%s: user %q, server name %q", version, a.Facts.User, a.Facts.TLS.ServerName)
				}
			} else {
				wantCause(t, err, CertificateMissing)
			}
			conn.Close()
			l.Close()
			client.Wait()
		}
	}
}

// BenchmarkGreetTLS is a whole handshake, both ends of it.
func BenchmarkGreetTLS(b *testing.B) {
	ca := newAuthority(b)
	f, err := New(Options{TLS: &TLSOptions{Pairs: []Pair{ca.sign("gate", "gate.example", nil)}}})
	if err != nil {
		b.Fatal(err)
	}
	config := &tls.Config{RootCAs: ca.pool(), ServerName: "gate.example"}
	b.ReportAllocs()
	for b.Loop() {
		ours, theirs := net.Pipe()
		go func() { // ends with the pipe
			client := tls.Client(theirs, config)
			client.Handshake()
			io.Copy(io.Discard, client)
		}()
		if _, err := f.Greet(b.Context(), ours, peer); err != nil {
			b.Fatal(err)
		}
		ours.Close()
	}
}
