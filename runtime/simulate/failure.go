package simulate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"

	"moongate/runtime/wire"
)

// Kind is why a client got no verdict, or did not do what it should have.
type Kind int

// The kinds, in the order in which a report has those that are equally frequent.
const (
	NotListening    Kind = iota // the system of the server refuses the connection
	Unreachable                 // there is no way there
	TimedOut                    // it took longer than Plan.Timeout
	Closed                      // the connection ended before a verdict
	Foreign                     // what answers does not speak RESP
	NoTLS                       // the handshake failed
	LoginWanted                 // the server has accounts, and the client did not log in
	WrongPassword               // or no such user
	Busy                        // too many are logging in
	OtherAnswer                 // another error of the server's
	NoPort                      // this machine has no more ports to connect from
	NoFile                      // this program has no more file descriptors
	BehaviourFailed             // an error in a behaviour
	BehaviourLooped             // a behaviour that had to be stopped, and did not wait for anything then
	OtherFailure
)

var kindNames = [...]string{
	NotListening: "nothing listens", Unreachable: "unreachable", TimedOut: "no answer in time", Closed: "closed without a verdict",
	Foreign: "another protocol", NoTLS: "no TLS", LoginWanted: "login wanted", WrongPassword: "wrong password", Busy: "server busy",
	OtherAnswer: "error of the server", NoPort: "no port left here", NoFile: "no file descriptor left here",
	BehaviourFailed: "behaviour failed", BehaviourLooped: "behaviour looped", OtherFailure: "other",
}

// String is the kind in words.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return kindNames[k]
}

// hopeless reports whether a server that answers nothing else is gone, or is none.
func (k Kind) hopeless() bool { return k <= Unreachable || k == Foreign || k == NoTLS }

// Failure is an error with its kind.
type Failure struct {
	Kind Kind
	Err  error
}

// Error is what happened, in words.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap gives the error behind it.
func (f *Failure) Unwrap() error { return f.Err }

// ErrBrokenOff is the error of what was under way when the run was aborted. It is not counted as a failure.
var ErrBrokenOff = errors.New("the run was broken off")

// ErrOver is the error of what a client still wanted to begin when the time was over. It is not counted as a failure.
var ErrOver = errors.New("the time is over")

// ErrNotConnected is returned to a behaviour that calls before it has connected, or after the connection has ended.
var ErrNotConnected = errors.New("not connected")

// errLost is why a connection ended that the client did not end.
type errLost struct{ reason string }

func (e *errLost) Error() string { return "the connection was lost: " + e.reason }

// failed gives an error of the connection its kind. began is what the server said instead of an answer.
func failed(err error, began string) *Failure {
	var known *Failure
	var protocol wire.ProtocolError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &protocol):
		return &Failure{Foreign, fmt.Errorf("this is no Moongate, or it wants TLS: it answered %q", firstLine(began))}
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert):
		return &Failure{NoTLS, err}
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return &Failure{TimedOut, errors.New("no answer in time")}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Failure{Closed, errors.New("the server closed the connection without a verdict")}
	}
	for kind, errnos := range systemErrors {
		if slices.ContainsFunc(errnos, func(e error) bool { return errors.Is(err, e) }) {
			return &Failure{kind, advised(kind, err)}
		}
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return &Failure{TimedOut, err}
	}
	return &Failure{OtherFailure, err}
}

// advised is an error of the system with what to do about it, where there is something.
func advised(kind Kind, err error) error {
	switch kind {
	case NotListening:
		return fmt.Errorf("%w; start the server, or give its HOST:PORT", err)
	case NoPort:
		return fmt.Errorf("%w; --addresses gives more ports, if the server is on this machine", err)
	case NoFile:
		return fmt.Errorf("%w; raise ulimit -n", err)
	}
	return err
}

// answered gives an error reply in the place of a verdict its kind.
func answered(e wire.Error) *Failure {
	kinds := map[string]Kind{"NOAUTH": LoginWanted, "WRONGPASS": WrongPassword, "BUSY": Busy}
	kind, ok := kinds[e.Code]
	if !ok {
		kind = OtherAnswer
	}
	if kind == LoginWanted {
		return &Failure{kind, errors.New("the server wants a login; give --users and --password-file")}
	}
	return &Failure{kind, e}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSuffix(line, "\r")
}
