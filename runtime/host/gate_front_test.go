package host_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moongate/runtime/front"
	"moongate/runtime/gate"
	"moongate/runtime/session"
)

// authority signs certificates for one test. Its files are in PEM.
type authority struct {
	t           *testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	a.certificate, a.key, a.file, _ = a.sign("authority", true)
	return a
}

// sign makes a certificate for a name.
func (a *authority) sign(name string, isAuthority bool) (*x509.Certificate, *ecdsa.PrivateKey, string, string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name}, IPAddresses: []net.IP{{127, 0, 0, 1}},
		IsCA: isAuthority, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	parent, signer := template, key
	if !isAuthority {
		parent, signer = a.certificate, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	dir := a.t.TempDir()
	files := [2]string{filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")}
	for i, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: der}, {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(files[i], pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return certificate, key, files[0], files[1]
}

// pair is a certificate for a name, as files and as TLS has it.
func (a *authority) pair(name string) (front.Pair, tls.Certificate) {
	_, _, certificate, key := a.sign(name, false)
	loaded, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		a.t.Fatal(err)
	}
	return front.Pair{Certificate: certificate, Key: key}, loaded
}

// roots trusts the authority.
func (a *authority) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// facts notes what the policy knows.
var facts = files{
	"on_server_open_connection.lua": `local user = ...
local i = connection_info()
print(">", user, i.user_name, i.tls_version, i.server_name, i.subject, i.address, i.database, i.proxy and i.proxy.address)
if i.user_name == "eve" then return 403, "eve may not" end`,
	"on_server_close_connection.lua": `print(">", user_name((...)), connection_info().cause)`,
}

// TestGateWithTLS holds TLS on both sides: the user is the certificate's, whose number is kept.
func TestGateWithTLS(t *testing.T) {
	a := newAuthority(t)
	pair, loaded := a.pair("gate.test")
	_, alice := a.pair("alice")
	_, eve := a.pair("eve")
	up := upstream(t, func(c *net.TCPConn) {
		secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{loaded}})
		io.Copy(secure, secure)
		secure.CloseWrite()
	})
	s := serveGates(t, facts, gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{up}, Front: front.Options{
		TLS:         &front.TLSOptions{Pairs: []front.Pair{pair}, ClientCA: a.file, ClientCertificate: front.RequiredCertificate},
		UpstreamTLS: &front.UpstreamTLS{CA: a.file},
	}})
	for range 2 {
		c := tls.Client(s.enter("g"), &tls.Config{RootCAs: a.roots(), ServerName: "gate.test", Certificates: []tls.Certificate{alice}})
		say(t, c, "hello", "hello")
		c.CloseWrite()
		if b, err := io.ReadAll(c); err != nil || len(b) > 0 {
			t.Errorf("the end: got %q, %v", b, err)
		}
	}
	c := tls.Client(s.enter("g"), &tls.Config{RootCAs: a.roots(), ServerName: "gate.test", Certificates: []tls.Certificate{eve}})
	if b, err := io.ReadAll(c); err != nil || len(b) > 0 {
		t.Errorf("the refused one's end: got %q, %v", b, err)
	}
	s.expectNotes(
		"3 alice TLS 1.3 gate.test CN=alice 127.0.0.1 nil nil", "alice client left",
		"3 alice TLS 1.3 gate.test CN=alice 127.0.0.1 nil nil", "alice client left",
		"4 eve TLS 1.3 gate.test CN=eve 127.0.0.1 nil nil")
	rows := s.rows()
	expect(t, "verdict", rows[2].Reason, "eve may not")
	if !strings.Contains(rows[0].Facts, `"subject":"CN=alice"`) || rows[0].BytesIn != 6 {
		t.Errorf("got the row %+v", rows[0])
	}
}

// TestVisitorsWhoBreakTheRules holds what the journal says of those who never came as far as the policy.
func TestVisitorsWhoBreakTheRules(t *testing.T) {
	a := newAuthority(t)
	pair, _ := a.pair("gate.test")
	secure := front.Options{TLS: &front.TLSOptions{Pairs: []front.Pair{pair}}, Timeout: 50 * time.Millisecond}
	patient := secure
	patient.Timeout = time.Hour
	proxied := front.Options{Proxy: front.ProxyAny, Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: time.Hour}
	other := proxied
	other.Trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	postgres := front.Options{Protocol: front.Postgres, Timeout: time.Hour}
	for name, c := range map[string]struct {
		front front.Options
		send  string
		close bool
		by    string
	}{
		"TLS garbage":         {patient, "GET / HTTP/1.0\r\n\r\n", false, "TLS garbage"},
		"stops in handshake":  {secure, "\x16\x03\x01\x02", false, "timed out"},
		"leaves in handshake": {patient, "\x16\x03\x01\x02", true, "client left"},
		"no PROXY header":     {proxied, "GET / HTTP/1.0\r\n\r\n", false, "PROXY header missing"},
		"malformed header":    {proxied, "PROXY TCP4 1.2.3.4 x 1 2\r\n", false, "PROXY header malformed"},
		"oversized header":    {proxied, "PROXY " + strings.Repeat("x", 200), false, "PROXY header too long"},
		"truncated header":    {proxied, "PROXY TCP4 1.2.3.4", true, "PROXY header truncated"},
		"forged header":       {other, "PROXY TCP4 1.2.3.4 1.2.3.5 1 2\r\n", false, "proxy not trusted"},
		"truncated login":     {postgres, "\x00\x00\x00\x50\x00\x03\x00\x00user\x00", true, "login truncated"},
		"oversized login":     {postgres, "\x00\x00\xff\x50\x00\x03\x00\x00user\x00", false, "login too long"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveGates(t, facts, gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{echo(t)}, Front: c.front})
			client := s.enter("g")
			io.WriteString(client, c.send)
			if c.close {
				client.(*net.TCPConn).CloseWrite()
			}
			end(t, client)
			rows := s.rows()
			expect(t, "rows", len(rows), 1)
			expect(t, "by", rows[0].By, c.by)
			expect(t, "gate", rows[0].Gate, "g")
			expect(t, "notes", s.notes(), nil)
		})
	}
}

// TestVisitorsAtTheShutdown holds that who has not said who it is does not keep a server from stopping.
func TestVisitorsAtTheShutdown(t *testing.T) {
	s := serveGates(t, facts, gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{echo(t)},
		Front: front.Options{Protocol: front.Postgres, Timeout: time.Hour}})
	c := s.enter("g")
	s.until("it has arrived", func() bool { return s.Sessions().Totals().Arrivals == 1 })
	if left := s.stop().Left; len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	end(t, c)
	expect(t, "by", s.rows()[0].By, "stopped")
}

// TestProxyHeaders holds that the client's address is the header's: for the policy, for the rules, and for the upstream.
func TestProxyHeaders(t *testing.T) {
	up := upstream(t, func(c *net.TCPConn) {
		b := make([]byte, 64)
		n, _ := c.Read(b)
		c.Write(b[:n])
	})
	rules := session.Rules{}
	for _, one := range []struct {
		allow bool
		what  string
	}{{false, "198.51.100.7"}, {true, "all"}} {
		r, err := session.ParseRule(one.allow, one.what)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	s := serveGatesFor(t, facts, rules, gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{up}, Front: front.Options{
		Proxy: front.ProxyV1, Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, UpstreamProxy: front.ProxyV1,
	}})
	c := s.enter("g")
	io.WriteString(c, "PROXY TCP4 203.0.113.5 192.0.2.1 1000 2000\r\nhello")
	expect(t, "what the upstream got", end(t, c), "PROXY TCP4 203.0.113.5 192.0.2.1 1000 2000\r\nhelloend")
	c = s.enter("g")
	io.WriteString(c, "PROXY TCP4 198.51.100.7 192.0.2.1 1000 2000\r\nhello")
	end(t, c)
	rows := s.rows()
	expect(t, "rows", len(rows), 2)
	expect(t, "address", rows[0].Address.String(), "203.0.113.5:1000")
	expect(t, "by", rows[1].By, "address rules")
	notes := s.notes()
	if len(notes) == 0 || !strings.HasSuffix(notes[0], "203.0.113.5 nil nil nil 203.0.113.5 nil 127.0.0.1") {
		t.Errorf("notes: got %q", notes)
	}
}

// startup is a PostgreSQL client's first packet.
func startup(user, database string) string {
	body := "\x00\x03\x00\x00user\x00" + user + "\x00database\x00" + database + "\x00\x00"
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))) + body
}

// TestPostgresGate holds that the login names the user, reaches the upstream, and that a refusal is said in the protocol.
func TestPostgresGate(t *testing.T) {
	up := upstream(t, func(c *net.TCPConn) { io.Copy(c, c) })
	s := serveGates(t, facts, gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{up}, Front: front.Options{Protocol: front.Postgres}})
	c := s.enter("g")
	login := startup("bob", "shop")
	io.WriteString(c, login)
	got := make([]byte, len(login))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != login {
		t.Errorf("the upstream got %q, %v", got, err)
	}
	c.(*net.TCPConn).CloseWrite()
	expect(t, "the end", end(t, c), "end")
	c = s.enter("g")
	io.WriteString(c, startup("eve", "shop"))
	refused := end(t, c)
	if !strings.HasPrefix(refused, "E") || !strings.Contains(refused, "Meve may not\x00") {
		t.Errorf("the refusal: got %q", refused)
	}
	rows := s.rows()
	expect(t, "bytes in", rows[0].BytesIn, int64(len(login)))
	expect(t, "user", rows[0].UserName, "bob")
	if rows[0].User > -1<<33 || rows[0].User == rows[1].User {
		t.Errorf("user numbers: got %d and %d", rows[0].User, rows[1].User)
	}
}

// TestUpstreamWithoutTLS holds what becomes of a client when the upstream does not agree on TLS.
func TestUpstreamWithoutTLS(t *testing.T) {
	a := newAuthority(t)
	up := upstream(t, func(c *net.TCPConn) { io.WriteString(c, "no TLS here, and never was") })
	down := nobody(t)
	s := serveGates(t, facts,
		gate.Definition{Name: "clear", Listen: "127.0.0.1:0", Upstreams: []string{up}, Front: front.Options{UpstreamTLS: &front.UpstreamTLS{CA: a.file}}},
		gate.Definition{Name: "down", Listen: "127.0.0.1:0", Upstreams: []string{down}, Front: front.Options{UpstreamTLS: &front.UpstreamTLS{CA: a.file}}})
	expect(t, "the end", end(t, s.enter("clear")), "end")
	expect(t, "the end", end(t, s.enter("down")), "end")
	rows := s.rows()
	expect(t, "causes", []string{rows[0].Cause, rows[1].Cause}, []string{"upstream failed", "upstream refused"})
}

// TestUpstreamsThatFailAtTLSAreRetried holds that an upstream which takes the connection and then cannot be agreed with, or says nothing, is
// one that has failed: the next is tried, and who failed is avoided.
func TestUpstreamsThatFailAtTLSAreRetried(t *testing.T) {
	a := newAuthority(t)
	_, loaded := a.pair("127.0.0.1")
	clear := upstream(t, func(c *net.TCPConn) { io.WriteString(c, "no TLS here, and never was") })
	silent := upstream(t, func(c *net.TCPConn) { io.Copy(io.Discard, c) })
	good := upstream(t, func(c *net.TCPConn) {
		secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{loaded}})
		io.Copy(secure, secure)
		secure.CloseWrite()
	})
	s := serveGates(t, facts, gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{clear, silent, good},
		Front: front.Options{Timeout: 500 * time.Millisecond, UpstreamTLS: &front.UpstreamTLS{CA: a.file, ServerName: "127.0.0.1"}}})
	for range 3 {
		c := s.enter("g")
		say(t, c, "hello", "hello")
		c.Close()
	}
	s.until("all have ended", func() bool { return s.Sessions().Totals().Live == 0 })
	var failed, connected []int64
	for _, u := range s.Gates()[0].Upstreams {
		failed, connected = append(failed, u.Failed), append(connected, u.Connected)
	}
	expect(t, "attempts that failed", failed, []int64{1, 1, 0})
	expect(t, "attempts that did not", connected, []int64{0, 0, 3})
	for _, r := range s.rows() {
		expect(t, "upstream", r.Upstream, good)
	}
}

// mysqlGreeting is a MySQL server's first packet.
func mysqlGreeting() []byte {
	const capabilities = 0x00080000 | 0x0000a200 | 0x00000008 // plugins, protocol 4.1 and secure connection, database
	body := append([]byte{10}, "8.0.0-test\x00"...)
	body = append(body, 1, 0, 0, 0)
	body = append(body, "12345678\x00"...)
	body = append(body, byte(capabilities&0xff), byte(capabilities>>8&0xff), 33, 2, 0, byte(capabilities>>16&0xff), byte(capabilities>>24&0xff), 21)
	body = append(body, make([]byte, 10)...)
	body = append(body, "123456789012\x00"...)
	body = append(body, "mysql_native_password\x00"...)
	return append([]byte{byte(len(body)), 0, 0, 0}, body...)
}

// mysqlLogin is a client's answer.
func mysqlLogin(user string) []byte {
	const capabilities = 0x0000a200
	body := binary.LittleEndian.AppendUint32(nil, capabilities)
	body = append(body, 0, 0, 0, 1, 33)
	body = append(body, make([]byte, 23)...)
	body = append(body, user...)
	body = append(body, 0, 0)
	return append([]byte{byte(len(body)), 0, 0, 1}, body...)
}

// TestUnheard holds that who is refused by a check, before a word of it is read, gets the reason in the protocol as well.
func TestUnheard(t *testing.T) {
	s := serveGates(t, facts,
		gate.Definition{Name: "postgres", Listen: "127.0.0.1:0", Upstreams: []string{nobody(t)}, Front: front.Options{Protocol: front.Postgres}},
		gate.Definition{Name: "mysql", Listen: "127.0.0.1:0", Upstreams: []string{nobody(t)}, Front: front.Options{Protocol: front.MySQL}})
	s.Sessions().RefuseNew(true)
	for name, want := range map[string][2]string{"postgres": {"E", "Mthe server takes no new connections now\x00"}, "mysql": {"", "the server takes no new connections now"}} {
		if got := end(t, s.enter(name)); !strings.HasPrefix(got, want[0]) || !strings.Contains(got, want[1]) {
			t.Errorf("%s: got %q, want %q in it", name, got, want)
		}
	}
}

// TestMySQLGate holds that the upstream greets first, that the login names the user, and that a refusal is said in the protocol.
func TestMySQLGate(t *testing.T) {
	up := upstream(t, func(c *net.TCPConn) {
		c.Write(mysqlGreeting())
		io.Copy(c, c)
	})
	s := serveGates(t, facts, gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{up}, Front: front.Options{Protocol: front.MySQL}})
	enter := func(user string) net.Conn {
		c := s.enter("g")
		got := make([]byte, len(mysqlGreeting()))
		if _, err := io.ReadFull(c, got); err != nil || !bytes.Contains(got, []byte("8.0.0-test")) {
			t.Fatalf("the greeting: got %q, %v", got, err)
		}
		c.Write(mysqlLogin(user))
		return c
	}
	c := enter("bob")
	got := make([]byte, len(mysqlLogin("bob")))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Contains(got, []byte("bob")) {
		t.Errorf("the upstream got %q, %v", got, err)
	}
	c.(*net.TCPConn).CloseWrite()
	expect(t, "the end", end(t, c), "end")
	refused := end(t, enter("eve"))
	if !strings.Contains(refused, "#28000eve may not") {
		t.Errorf("the refusal: got %q", refused)
	}
	s.until("no upstream is used", func() bool { return s.Gates()[0].Upstreams[0].Live == 0 })
	rows := s.rows()
	expect(t, "users", []string{rows[0].UserName, rows[1].UserName}, []string{"bob", "eve"})
	expect(t, "upstream", rows[0].Upstream, up)
}
