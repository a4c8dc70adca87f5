package remote

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLSFiles are what a client shows and trusts, as files in PEM. The zero value trusts what the system trusts, and
// shows nothing.
type TLSFiles struct {
	CA          string // the certificates that may have signed the server's; "": those of the system
	Certificate string // the client's, for a server that wants one; goes with Key
	Key         string
	Name        string // whom the server's certificate must be for; "": the host of the address
}

// Config reads the files. The error says which cannot be used.
func (f TLSFiles) Config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.Name}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, fmt.Errorf("certificates to trust: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificates to trust: %s: no certificate in it; it must be PEM", f.CA)
		}
	}
	switch {
	case f.Certificate == "" && f.Key == "":
		return config, nil
	case f.Certificate == "" || f.Key == "":
		return nil, errors.New("a certificate and its key go together: give both or none")
	}
	pair, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err != nil {
		return nil, fmt.Errorf("the client's certificate: %w", err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}
