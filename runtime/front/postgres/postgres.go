// Package postgres reads what a PostgreSQL client sends before it is logged in, and writes what a server answers then.
//
// [Measure] finds the end of the first packet in what has been read so far, [Parse] reads it, [AppendError] makes the
// answer that a client prints. The package is pure: its functions may be called from any goroutine, and do not block.
package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Errors of Measure and Parse. They are wrapped with what is wrong.
var (
	ErrTooLong     = errors.New("first packet too long")
	ErrMalformed   = errors.New("not a packet of the PostgreSQL protocol")
	ErrUnsupported = errors.New("protocol version not supported")
	ErrNoUser      = errors.New("no user name in the login")
)

// The sizes of a first packet in bytes, as PostgreSQL has them.
const (
	MinPacket = 8
	MaxPacket = 10_000
)

// Kind says what a first packet asks for.
type Kind uint8

// The kinds.
const (
	Login       Kind = iota // a login
	WantsTLS                // whether TLS may begin: answered with one byte, AnswerYes or AnswerNo
	WantsGSS                // whether encryption by GSSAPI may begin: answered as WantsTLS
	WantsCancel             // that another connection's query be cancelled; the connection is over after it
)

// The answers to WantsTLS and WantsGSS.
const (
	AnswerYes = 'S'
	AnswerNo  = 'N'
)

// codes stand where a login has its protocol's version.
var codes = map[uint32]Kind{80877102: WantsCancel, 80877103: WantsTLS, 80877104: WantsGSS}

// First is a first packet.
type First struct {
	Kind        Kind
	User        string
	Database    string // the user's name when the client names none, as in PostgreSQL
	Application string // application_name
	// Parameters are all that a login has, by name; of several with the same name the last.
	Parameters map[string]string
}

// Measure gives the size in bytes of the packet that b begins with, 0 when more bytes are needed to say so or to have
// it whole. What cannot become a packet is known as early as it can be.
func Measure(b []byte) (int, error) {
	if len(b) > 0 && b[0] != 0 || len(b) > 1 && b[1] != 0 {
		return 0, fmt.Errorf("%w: it begins with %q", ErrMalformed, b[:min(len(b), 4)])
	}
	if len(b) < 4 {
		return 0, nil
	}
	size := int(binary.BigEndian.Uint32(b))
	switch {
	case size < MinPacket:
		return 0, fmt.Errorf("%w: a packet of %d bytes", ErrMalformed, size)
	case size > MaxPacket:
		return 0, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, size, MaxPacket)
	case len(b) < size:
		return 0, nil
	}
	return size, nil
}

// Parse reads a whole packet, of the size that Measure has found.
func Parse(b []byte) (First, error) {
	if len(b) < MinPacket {
		return First{}, fmt.Errorf("%w: a packet of %d bytes", ErrMalformed, len(b))
	}
	version, rest := binary.BigEndian.Uint32(b[4:]), b[8:]
	if kind, ok := codes[version]; ok {
		want := 0
		if kind == WantsCancel {
			want = 8 // process and key; later versions of the protocol have longer keys
		}
		if len(rest) < want || kind != WantsCancel && len(rest) > 0 {
			return First{}, fmt.Errorf("%w: a request of %d bytes", ErrMalformed, len(b))
		}
		return First{Kind: kind}, nil
	}
	if version>>16 != 3 {
		return First{}, fmt.Errorf("%w: %d.%d, only 3", ErrUnsupported, version>>16, version&0xffff)
	}
	return parseLogin(rest)
}

// parseLogin reads names and values, each with a zero byte after it, and one more zero byte.
func parseLogin(b []byte) (First, error) {
	first := First{Parameters: map[string]string{}}
	for {
		name, rest, found := bytes.Cut(b, []byte{0})
		if !found {
			return First{}, fmt.Errorf("%w: a name of the login without an end", ErrMalformed)
		}
		if len(name) == 0 {
			if len(rest) > 0 {
				return First{}, fmt.Errorf("%w: %d bytes after the login", ErrMalformed, len(rest))
			}
			break
		}
		value, rest, found := bytes.Cut(rest, []byte{0})
		if !found {
			return First{}, fmt.Errorf("%w: a value of the login without an end", ErrMalformed)
		}
		first.Parameters[string(name)] = string(value)
		b = rest
	}
	first.User, first.Database = first.Parameters["user"], first.Parameters["database"]
	first.Application = first.Parameters["application_name"]
	if first.User == "" {
		return First{}, ErrNoUser
	}
	if first.Database == "" {
		first.Database = first.User
	}
	return first, nil
}

// The SQLSTATEs of the errors.
const (
	StateRefused  = "28000" // invalid authorization specification
	StateProtocol = "08P01" // protocol violation
)

// maxReason is how many bytes of a reason are sent.
const maxReason = 1000

// AppendError adds the packet to b with which a server ends a login: clients print the reason after FATAL. An empty
// reason becomes "connection refused"; zero bytes, which the protocol cannot carry, become spaces.
func AppendError(b []byte, state, reason string) []byte {
	if reason == "" {
		reason = "connection refused"
	}
	reason = strings.ReplaceAll(reason[:min(len(reason), maxReason)], "\x00", " ")
	reason = strings.ToValidUTF8(reason, "")
	begin := len(b)
	b = append(b, 'E', 0, 0, 0, 0)
	for _, field := range []struct {
		kind byte
		text string
	}{{'S', "FATAL"}, {'V', "FATAL"}, {'C', state}, {'M', reason}} {
		b = append(append(append(b, field.kind), field.text...), 0)
	}
	b = append(b, 0)
	binary.BigEndian.PutUint32(b[begin+1:], uint32(len(b)-begin-1))
	return b
}

// AppendTLSRequest adds the packet to b by which a client asks whether TLS may begin.
func AppendTLSRequest(b []byte) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, MinPacket), 80877103)
}
