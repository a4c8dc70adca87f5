package front

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
)

// maxPEM is the largest file of certificates or keys that is read, in bytes.
const maxPEM = 4 << 20

// files are those of which the configuration is made.
func (t *TLSOptions) files() []string {
	var files []string
	for _, p := range t.Pairs {
		files = append(files, p.Certificate, p.Key)
	}
	if t.ClientCA != "" {
		files = append(files, t.ClientCA)
	}
	return files
}

// config reads the files. The configuration is for tls.Server on a *stream, to which it tells what it has seen.
func (t *TLSOptions) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: t.ALPN}
	if t.MinVersion != 0 {
		c.MinVersion = t.MinVersion
	}
	var own []tls.Certificate
	for _, p := range t.Pairs {
		certificate, err := p.load()
		if err != nil {
			return nil, err
		}
		own = append(own, certificate)
	}
	if t.ClientCA != "" {
		pool, err := authorities(t.ClientCA)
		if err != nil {
			return nil, err
		}
		c.ClientCAs, c.ClientAuth = pool, tls.VerifyClientCertIfGiven
		if t.ClientCertificate == RequiredCertificate {
			c.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	names := nameSet(t.ServerNames)
	c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		h.Conn.(*stream).hello = newHello(h, c.MinVersion, names)
		return nil, nil // this one
	}
	c.GetCertificate = func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if h.Conn.(*stream).hello.wrongName {
			return nil, nil // package tls says then that the name is not recognized
		}
		return choose(own, h), nil
	}
	return c, nil
}

// choose is the first certificate that is right for a client, otherwise the first.
func choose(own []tls.Certificate, h *tls.ClientHelloInfo) *tls.Certificate {
	if len(own) > 1 {
		for i := range own {
			if h.SupportsCertificate(&own[i]) == nil {
				return &own[i]
			}
		}
	}
	return &own[0]
}

// files are those of which the configuration is made.
func (u *UpstreamTLS) files() []string {
	var files []string
	if u.CA != "" {
		files = append(files, u.CA)
	}
	if u.Pair != nil {
		files = append(files, u.Pair.Certificate, u.Pair.Key)
	}
	return files
}

// config reads the files. Its ServerName is missing if the options have none.
func (u *UpstreamTLS) config() (*tls.Config, error) {
	c := &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: u.ServerName, NextProtos: u.ALPN, InsecureSkipVerify: u.Unverified,
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
	}
	if u.MinVersion != 0 {
		c.MinVersion = u.MinVersion
	}
	if u.CA != "" {
		pool, err := authorities(u.CA)
		if err != nil {
			return nil, err
		}
		c.RootCAs = pool
	}
	if u.Pair != nil {
		certificate, err := u.Pair.load()
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{certificate}
	}
	return c, nil
}

// load reads a pair.
func (p Pair) load() (tls.Certificate, error) {
	certificate, err := readPEM(p.Certificate)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate: %w", err)
	}
	key, err := readPEM(p.Key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("key: %w", err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s with %s: %w; both must be PEM and belong together", p.Certificate, p.Key, err)
	}
	return pair, nil
}

// authorities reads the certificates of those who may sign.
func authorities(name string) (*x509.CertPool, error) {
	content, err := readPEM(name)
	if err != nil {
		return nil, fmt.Errorf("authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("%s: no certificate in it; name a file of certificates in PEM", name)
	}
	return pool, nil
}

// readPEM reads a file of reasonable size. The error of package os names the file.
func readPEM(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxPEM+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxPEM {
		return nil, fmt.Errorf("%s: more than %d bytes; is it the right file?", name, maxPEM)
	}
	return content, nil
}
