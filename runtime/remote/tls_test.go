package remote

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moongate/runtime/wire"
)

// pair writes a certificate that has signed itself, and its key.
func pair(t *testing.T, folder, name string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(folder, name+".crt"), filepath.Join(folder, name+".key")
	write(t, certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	return certificate, key
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTLSFiles holds what is said of files that cannot be used.
func TestTLSFiles(t *testing.T) {
	folder := t.TempDir()
	certificate, key := pair(t, folder, "server")
	empty := filepath.Join(folder, "empty")
	write(t, empty, []byte("nothing"))
	for _, row := range []struct {
		files TLSFiles
		want  string // "": no error
	}{
		{TLSFiles{}, ""},
		{TLSFiles{CA: certificate, Certificate: certificate, Key: key, Name: "server"}, ""},
		{TLSFiles{CA: filepath.Join(folder, "missing")}, "certificates to trust: open "},
		{TLSFiles{CA: empty}, "no certificate in it; it must be PEM"},
		{TLSFiles{Certificate: certificate}, "give both or none"},
		{TLSFiles{Key: key}, "give both or none"},
		{TLSFiles{Certificate: certificate, Key: empty}, "the client's certificate: "},
	} {
		config, err := row.files.Config()
		switch {
		case err == nil && row.want != "", err != nil && (row.want == "" || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%+v gives the error %v, want %q", row.files, err, row.want)
		case err == nil && config.ServerName != row.files.Name:
			t.Errorf("%+v expects to meet %q", row.files, config.ServerName)
		}
	}
}

// TestTLS: the server's name is that of the address, unless another is given; both ends may show a certificate.
func TestTLS(t *testing.T) {
	folder := t.TempDir()
	certificate, key := pair(t, folder, "server")
	own, ownKey := pair(t, folder, "client")
	shown, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	b, _ := os.ReadFile(own)
	trusted.AppendCertsFromPEM(b)
	secure := &tls.Config{Certificates: []tls.Certificate{shown}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted}
	for _, row := range []struct {
		name, address string
		files         *TLSFiles // nil: without TLS
		server        *tls.Config
		want          string // "": connected
	}{
		{"right", "server:1", &TLSFiles{CA: certificate, Certificate: own, Key: ownKey}, secure, ""},
		{"other name", "elsewhere:1", &TLSFiles{CA: certificate, Certificate: own, Key: ownKey, Name: "server"}, secure, ""},
		{"wrong name", "elsewhere:1", &TLSFiles{CA: certificate, Certificate: own, Key: ownKey}, secure, "not elsewhere"},
		{"unknown", "server:1", &TLSFiles{CA: own, Certificate: own, Key: ownKey}, secure, "unknown authority"},
		{"nothing shown", "server:1", &TLSFiles{CA: certificate}, secure, "certificate required"},
		{"server without", "server:1", &TLSFiles{CA: certificate}, nil, "does not speak TLS there"},
		{"client without", "server:1", nil, secure, "does it want TLS?"},
	} {
		t.Run(row.name, func(t *testing.T) {
			config := Config{Address: row.address, Dial: securely(row.server)}
			if row.files != nil {
				if config.TLS, err = row.files.Config(); err != nil {
					t.Fatal(err)
				}
			}
			c, err := Connect(t.Context(), config)
			if err == nil {
				defer c.Sever()
				err = c.Process(4, "P4").Language(t.Context())
			}
			if (row.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want %q", err, row.want)
			}
		})
	}
}

// securely is a server with TLS, or without if config is nil, that answers rightly.
func securely(config *tls.Config) func(context.Context, string) (net.Conn, error) {
	return func(context.Context, string) (net.Conn, error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		go func() { // ends with the client
			conn, err := l.Accept()
			l.Close() // not before: who is not accepted yet would be reset
			if err != nil {
				return
			}
			if config != nil {
				conn = tls.Server(conn, config)
			}
			defer conn.Close()
			r, w := wire.NewReader(conn, wire.Limits{}), wire.NewWriter(conn)
			w.SetVersion(wire.RESP3)
			for {
				command, err := r.ReadCommand()
				if err != nil {
					w.WriteError("ERR", "Protocol error: "+err.Error())
					w.Flush()
					return
				}
				v := right(string(command[0]))
				if string(command[0]) == "LANGUAGE" {
					v = wire.Map{}
				}
				w.WriteValue(v)
				w.Flush()
			}
		}()
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			l.Close()
		}
		return conn, err
	}
}
