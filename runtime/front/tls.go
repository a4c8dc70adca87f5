package front

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"strings"
)

// handshake ends a client's TLS. It gives the connection in clear text, and what is known of the client; the error is an
// *Error, and the client has been told by TLS itself.
func (f *Front) handshake(ctx context.Context, s *stream) (*tls.Conn, *TLSFacts, error) {
	secure := tls.Server(s, f.server.Get())
	err := secure.Handshake() // ends with the deadline of the connection
	seen := s.hello
	if seen == nil {
		seen = &hello{}
	}
	if err == nil && seen.wrongName { // by a ticket, for which nobody needed a certificate
		err = errWrongName
	}
	if err != nil {
		return nil, nil, tlsFailed(ctx, seen, err)
	}
	s.hello = nil
	return secure, tlsFacts(seen, secure.ConnectionState()), nil
}

// errWrongName is the error of a session that was begun for another name.
var errWrongName = errors.New("server name not served")

// tlsFailed finds the cause of a handshake that failed.
func tlsFailed(ctx context.Context, seen *hello, err error) error {
	var verification *tls.CertificateVerificationError
	var garbage tls.RecordHeaderError
	var remote *net.OpError
	failed := &Error{Step: AtTLS, Err: withoutPrefix(err)}
	switch {
	case seen.wrongName:
		failed.Cause, failed.Err = TLSWrongName, errors.New(quoted(seen.serverName))
	case seen.tooOld:
		failed.Cause = TLSTooOld
	case errors.As(err, &verification):
		failed.Cause = certificateCause(verification)
		if c := verification.UnverifiedCertificates; len(c) > 0 {
			failed.Err = errors.New(c[0].Subject.String() + ": " + verification.Err.Error())
		}
	case ctx.Err() != nil:
		return interrupted(ctx, AtTLS)
	case errors.As(err, &garbage):
		failed.Cause = TLSGarbage
	case errors.As(err, &remote) && remote.Op == "remote error":
		failed.Cause = TLSRejected
	case strings.Contains(err.Error(), "didn't provide a certificate"): // package tls has no value for it
		failed.Cause, failed.Err = CertificateMissing, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		failed.Cause, failed.Err = TimedOut, nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe), remote != nil && remote.Op != "local error":
		failed.Cause, failed.Err = Left, ended(err)
	case strings.Contains(err.Error(), "supported by both"), strings.Contains(err.Error(), "unsupported application protocol"):
		failed.Cause = TLSNoAgreement
	default:
		failed.Cause = TLSGarbage
	}
	return failed
}

// certificateCause tells why a client's certificate was not taken.
func certificateCause(err *tls.CertificateVerificationError) Cause {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err.Err, &unknown):
		return CertificateUnknown
	case errors.As(err.Err, &invalid) && invalid.Reason == x509.Expired:
		return CertificateExpired
	default:
		return CertificateUnusable
	}
}

// withoutPrefix is an error without the name of package tls at its beginning.
func withoutPrefix(err error) error {
	if text, ok := strings.CutPrefix(err.Error(), "tls: "); ok {
		return errors.New(text)
	}
	return err
}

func quoted(name string) string {
	if name == "" {
		return "no name asked for"
	}
	return name
}

func tlsFacts(seen *hello, state tls.ConnectionState) *TLSFacts {
	facts := &TLSFacts{
		Version: tls.VersionName(state.Version), Cipher: tls.CipherSuiteName(state.CipherSuite), ServerName: seen.serverName,
		ALPN: state.NegotiatedProtocol, JA4: seen.ja4, Resumed: state.DidResume,
	}
	if len(state.VerifiedChains) > 0 {
		facts.Certificate = certificateFacts(state.PeerCertificates[0])
	}
	return facts
}

func certificateFacts(c *x509.Certificate) *CertificateFacts {
	sum := sha256.Sum256(c.Raw)
	facts := &CertificateFacts{
		Name: c.Subject.CommonName, Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: c.SerialNumber.Text(16),
		Fingerprint: hex.EncodeToString(sum[:]),
	}
	facts.Names = append(append(facts.Names, c.DNSNames...), c.EmailAddresses...)
	for _, ip := range c.IPAddresses {
		facts.Names = append(facts.Names, ip.String())
	}
	for _, uri := range c.URIs {
		facts.Names = append(facts.Names, uri.String())
	}
	if facts.Name == "" && len(facts.Names) > 0 {
		facts.Name = facts.Names[0]
	}
	if facts.Name == "" {
		facts.Name = facts.Subject
	}
	return facts
}

// wireVersion is a version as PROXY headers have it: TLSv1.3 for TLS 1.3.
func wireVersion(name string) string { return strings.Replace(name, " ", "v", 1) }
