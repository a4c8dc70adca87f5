package front

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"moongate/runtime/front/mysql"
	"moongate/runtime/front/postgres"
	"moongate/runtime/front/proxy"
)

// Cause says why a connection was not let through to the policy.
type Cause uint8

// The causes. Their texts are the journal's.
const (
	Left           Cause = iota + 1 // the client has gone
	TimedOut                        // the client, or with MySQL the upstream, took too long
	Stopped                         // the host stops
	ProxyUntrusted                  // the peer is no proxy that is trusted
	ProxyMissing
	ProxyMalformed
	ProxyTooLong
	ProxyTruncated
	TLSMissing          // the client did not begin TLS
	TLSGarbage          // what came is no TLS, or broken
	TLSTooOld           // the client has no version that is allowed
	TLSNoAgreement      // no cipher suite or application protocol in common
	TLSWrongName        // the client asked for a name that is not served
	TLSRejected         // the client did not accept the gate's certificate, or gave up otherwise
	CertificateMissing  // the client showed none
	CertificateUnknown  // nobody who is trusted has signed it
	CertificateExpired  // or is not valid yet
	CertificateUnusable // wrong in another way
	LoginMalformed
	LoginTooLong
	LoginTruncated
	LoginUnsupported // a protocol version, or a way to log in, that the gate does not know
	UpstreamFailed   // the upstream gave no greeting
)

var causeNames = [...]string{
	Left: "client left", TimedOut: "timed out", Stopped: "stopped",
	ProxyUntrusted: "proxy not trusted", ProxyMissing: "PROXY header missing", ProxyMalformed: "PROXY header malformed",
	ProxyTooLong: "PROXY header too long", ProxyTruncated: "PROXY header truncated",
	TLSMissing: "TLS missing", TLSGarbage: "TLS garbage", TLSTooOld: "TLS too old", TLSNoAgreement: "TLS without agreement",
	TLSWrongName: "TLS server name not served", TLSRejected: "TLS rejected by client",
	CertificateMissing: "client certificate missing", CertificateUnknown: "client certificate of unknown authority",
	CertificateExpired: "client certificate expired", CertificateUnusable: "client certificate unusable",
	LoginMalformed: "login malformed", LoginTooLong: "login too long", LoginTruncated: "login truncated",
	LoginUnsupported: "login unsupported", UpstreamFailed: "upstream failed",
}

// String is the cause as the journal has it, "none" for the zero value.
func (c Cause) String() string {
	if int(c) >= len(causeNames) || causeNames[c] == "" {
		return "none"
	}
	return causeNames[c]
}

// Step is what was going on when a connection was given up.
type Step uint8

// The steps, in their order.
const (
	AtProxyHeader Step = iota
	AtUpstream
	AtTLS
	AtLogin
)

var stepNames = [...]string{AtProxyHeader: "PROXY header", AtUpstream: "upstream", AtTLS: "TLS handshake", AtLogin: "login"}

// String names the step as errors do.
func (s Step) String() string { return stepNames[s] }

// Error says why, and where, a connection was given up. Every error of Greet is one.
type Error struct {
	Cause Cause
	Step  Step
	Err   error // nil when the cause says everything
}

// Error is one line: the step, then what was wrong.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Step, e.Cause)
	}
	return fmt.Sprintf("%s: %s: %s", e.Step, e.Cause, e.Err)
}

// Unwrap is what was wrong.
func (e *Error) Unwrap() error { return e.Err }

// errTimeout is the cause of a context whose connection had its time.
var errTimeout = errors.New("front: timed out")

// interrupted is the error for a context that is over, nil when it is not.
func interrupted(ctx context.Context, step Step) error {
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return nil
	case cause == errTimeout, errors.Is(cause, context.DeadlineExceeded):
		return &Error{Cause: TimedOut, Step: step}
	default:
		return &Error{Cause: Stopped, Step: step, Err: cause}
	}
}

// readFailed is the error for a read that failed in a step, before any byte of it came or in the middle.
func readFailed(ctx context.Context, step Step, began bool, err error) error {
	if over := interrupted(ctx, step); over != nil {
		return over
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &Error{Cause: TimedOut, Step: step}
	case !began || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Cause: Left, Step: step, Err: ended(err)}
	case step == AtProxyHeader:
		return &Error{Cause: ProxyTruncated, Step: step}
	case step == AtLogin:
		return &Error{Cause: LoginTruncated, Step: step}
	default:
		return &Error{Cause: Left, Step: step}
	}
}

// ended is an error without what says the same as the cause.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}

// errOtherVersion is wrong with a PROXY header that is right.
var errOtherVersion = errors.New("it has the other version")

// proxyFailed is the error for what is wrong with a PROXY header.
func proxyFailed(err error) error {
	cause := ProxyMalformed
	switch {
	case errors.Is(err, proxy.ErrMissing):
		return &Error{Cause: ProxyMissing, Step: AtProxyHeader}
	case errors.Is(err, proxy.ErrTooLong):
		cause = ProxyTooLong
	}
	return &Error{Cause: cause, Step: AtProxyHeader, Err: err}
}

// loginFailed is the error for what is wrong with a login of either protocol.
func loginFailed(err error) error {
	cause := LoginMalformed
	switch {
	case errors.Is(err, postgres.ErrTooLong), errors.Is(err, mysql.ErrTooLong):
		cause = LoginTooLong
	case errors.Is(err, postgres.ErrUnsupported), errors.Is(err, mysql.ErrUnsupported):
		cause = LoginUnsupported
	}
	return &Error{Cause: cause, Step: AtLogin, Err: err}
}
