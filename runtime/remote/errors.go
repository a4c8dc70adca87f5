package remote

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"moongate/runtime/wire"
)

// The numbers of errors, which are 4D's.
const (
	NumberLost    = 10001  // the connection to the server was lost
	NumberClosed  = 10002  // the connection to the server is closed, by the client itself
	NumberVersion = -10505 // client and server do not understand each other
	NumberDenied  = -10515 // the server does not let this client in
)

// ErrLost and ErrClosed are found, by errors.Is, in every [Error] with NumberLost and NumberClosed.
var (
	ErrLost   = errors.New("the connection to the server was lost")
	ErrClosed = errors.New("the connection to the server is closed")
)

// Refused is the error of a process that the server's open method, or a check before it, has refused.
type Refused struct {
	Code   int64  // what the method returned, never 0
	Reason string // in words; "" if it gave none
}

// Error is the code and the reason.
func (r *Refused) Error() string {
	return strings.TrimSpace("the server refused the connection: " + strconv.FormatInt(r.Code, 10) + " " + r.Reason)
}

// Error says why a request has no result. With the number 0 the server has answered, and says what was wrong; then
// the link is as it was. The errors of data come as a [wire.Error] with the code DATA instead.
type Error struct {
	Number  int // NumberLost, NumberClosed, NumberVersion, NumberDenied, or 0
	Message string
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Is finds ErrLost and ErrClosed.
func (e *Error) Is(target error) bool {
	return target == ErrLost && e.Number == NumberLost || target == ErrClosed && e.Number == NumberClosed
}

func lost(format string, args ...any) *Error {
	return &Error{Number: NumberLost, Message: ErrLost.Error() + ": " + fmt.Sprintf(format, args...)}
}

var (
	errClosed       = &Error{Number: NumberClosed, Message: ErrClosed.Error()}
	errProcessEnded = &Error{Number: NumberClosed, Message: "the client process has ended"}
)

// nonsense is the error of a server that answers what no server answers.
func nonsense(format string, args ...any) *Error {
	return &Error{Number: NumberLost, Message: "the server broke the protocol: " + fmt.Sprintf(format, args...)}
}

// failure is the error that an error reply to a request is.
func failure(e wire.Error) error {
	switch e.Code {
	case "REFUSED":
		return refused(e.Message)
	case "DATA":
		return e
	case "ERR":
		return &Error{Message: e.Message}
	case "VERSION":
		_, text, _ := strings.Cut(e.Message, " ")
		return &Error{Number: NumberVersion, Message: text}
	case "WRONGPASS", "NOAUTH", "TOKEN":
		return &Error{Number: NumberDenied, Message: e.Message}
	}
	return &Error{Message: e.Error()}
}

// refused reads what follows the word REFUSED: a code and a reason.
func refused(text string) *Refused {
	first, reason, _ := strings.Cut(text, " ")
	code, err := strconv.ParseInt(first, 10, 64)
	if err != nil || code == 0 {
		return &Refused{Code: NumberDenied, Reason: text}
	}
	return &Refused{Code: code, Reason: reason}
}

// wsaConnectionRefused is what Windows says where others say ECONNREFUSED; nobody else has an error of that number.
const wsaConnectionRefused = syscall.Errno(10061)

// nobodyListens reports whether an attempt to connect has found the server's machine, and no server.
func nobodyListens(err error) bool {
	var number syscall.Errno
	return errors.As(err, &number) && (number == syscall.ECONNREFUSED || number == wsaConnectionRefused)
}
