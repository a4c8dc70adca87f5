package cli_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// authority signs certificates for a test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	serial      int64
}

func newAuthority(t *testing.T, folder string) *authority {
	a := &authority{}
	a.certificate, a.key = a.sign(t, filepath.Join(folder, "ca"), "Test authority")
	return a
}

// sign writes name.crt and name.key. The first certificate is the authority's own.
func (a *authority) sign(t *testing.T, name, subject string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.serial++
	wanted := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: subject}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: a.certificate == nil, BasicConstraintsValid: true,
	}
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = wanted, key
	}
	der, err := x509.CreateCertificate(rand.Reader, wanted, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(suffix, kind string, content []byte) {
		if err := os.WriteFile(name+suffix, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(".key", "PRIVATE KEY", text)
	write(".crt", "CERTIFICATE", der)
	return made, key
}

// client is the configuration of a client that trusts the authority and has a certificate, none if name is "".
func (a *authority) client(t *testing.T, name string) *tls.Config {
	t.Helper()
	c := &tls.Config{RootCAs: x509.NewCertPool()}
	c.RootCAs.AddCert(a.certificate)
	if name != "" {
		own, err := tls.LoadX509KeyPair(name+".crt", name+".key")
		if err != nil {
			t.Fatal(err)
		}
		c.Certificates = []tls.Certificate{own}
	}
	return c
}

var tlsMethods = map[string]string{
	"on_server_open_connection.lua": `
if connection_info().subject == "CN=mallory" then return 403, "not you" end
`,
	"who.lua":  `local i = connection_info(); return i.tls_version, i.subject, i.gate`,
	"wait.lua": `delay_process(current_process(), 60 * 3600)`,
	"say.lua":  `send_message_to_remote_user("hello")`,
}

func goRedis(t *testing.T, address string, c *tls.Config) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: address, TLSConfig: c, PoolSize: 1, DialTimeout: patience, ReadTimeout: patience, MaxRetries: -1})
	t.Cleanup(func() { client.Close() })
	return client
}

// TestTLS: a stock client by TLS, with and without a certificate of its own, and those who do not get in.
func TestTLS(t *testing.T) {
	folder := t.TempDir()
	a := newAuthority(t, folder)
	server, kim, mallory := filepath.Join(folder, "server"), filepath.Join(folder, "kim"), filepath.Join(folder, "mallory")
	a.sign(t, server, "server")
	a.sign(t, kim, "kim")
	a.sign(t, mallory, "mallory")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	t.Run("without clients' certificates", func(t *testing.T) {
		address := serveHouse(t, tlsMethods, "--tls-cert", server+".crt", "--tls-key", server+".key", "--admin", "none", "--login-timeout", "1s")
		got, err := goRedis(t, address, a.client(t, "")).Do(ctx, "CALL", "who").Result()
		if want := []any{"TLS 1.3", nil, nil}; !reflect.DeepEqual(got, want) || err != nil {
			t.Errorf("who: got %v, %v, want %v", got, err, want)
		}
		if got := plainly(t, address, "PING\r\n"); !strings.HasPrefix(got, "-ERR this listener speaks TLS") {
			t.Errorf("a client without TLS: got %q, want to be told", got)
		}
		if got := plainly(t, address, ""); got != "" { // the handshake has its time
			t.Errorf("a client that says nothing: got %q, want the end", got)
		}
	})
	t.Run("with clients' certificates", func(t *testing.T) {
		address := serveHouse(t, tlsMethods, "--tls-cert", server+".crt", "--tls-key", server+".key", "--tls-client-ca", filepath.Join(folder, "ca.crt"), "--admin", "none")
		got, err := goRedis(t, address, a.client(t, kim)).Do(ctx, "CALL", "who").Result()
		if want := []any{"TLS 1.3", "CN=kim", nil}; !reflect.DeepEqual(got, want) || err != nil {
			t.Errorf("who: got %v, %v, want %v", got, err, want)
		}
		if err := goRedis(t, address, a.client(t, "")).Ping(ctx).Err(); err == nil || !strings.Contains(err.Error(), "certificate required") {
			t.Errorf("without a certificate: got %v, want that one is required", err)
		}
		conn, err := tls.Dial("tcp", address, a.client(t, mallory))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if got, err := io.ReadAll(conn); string(got) != "-REFUSED 403 not you\r\n" || err != nil { // before a word
			t.Errorf("a client that is refused: got %q, %v", got, err)
		}
	})
}

// TestTLSCertificateIsReadAgain: who comes after a certificate was replaced gets the new one; who was there stays.
func TestTLSCertificateIsReadAgain(t *testing.T) {
	folder := t.TempDir()
	a := newAuthority(t, folder)
	server := filepath.Join(folder, "server")
	a.sign(t, server, "first")
	address := serveHouse(t, tlsMethods, "--tls-cert", server+".crt", "--tls-key", server+".key", "--admin", "none")
	subject := func() string {
		conn, err := tls.Dial("tcp", address, a.client(t, ""))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	stays := goRedis(t, address, a.client(t, ""))
	if got := subject(); got != "first" || stays.Ping(t.Context()).Err() != nil {
		t.Fatalf("got the certificate of %q, want first", got)
	}
	a.sign(t, server, "second")
	for deadline := time.Now().Add(patience); subject() != "second"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the new certificate is never used")
		}
	}
	if err := stays.Ping(t.Context()).Err(); err != nil {
		t.Errorf("who was there: %v", err)
	}
}

// TestTLSGoesOnAfterMessages: what interrupts the server's read, a message, does not break the client's TLS; and the end of a
// client in the middle of a call is seen through it.
func TestTLSGoesOnAfterMessages(t *testing.T) {
	folder := t.TempDir()
	a := newAuthority(t, folder)
	server := filepath.Join(folder, "server")
	a.sign(t, server, "server")
	address := serveHouse(t, tlsMethods, "--tls-cert", server+".crt", "--tls-key", server+".key", "--admin", "none")
	conn, err := tls.Dial("tcp", address, a.client(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReader(conn)
	expectLine := func(want string) {
		t.Helper()
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatalf("got %v, want %q", err, want)
			}
			if strings.TrimSpace(line) == want {
				return
			}
		}
	}
	io.WriteString(conn, "HELLO 3\r\n")
	expectLine("*0")
	for range 3 {
		goRedis(t, address, a.client(t, "")).Do(t.Context(), "CALL", "say")
		expectLine("hello")
		io.WriteString(conn, "PING\r\n")
		expectLine("+PONG")
	}
}

// plainly is what a client without TLS gets for some words, up to the end.
func plainly(t *testing.T, address, words string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, words)
	got, _ := io.ReadAll(conn)
	return string(got)
}
