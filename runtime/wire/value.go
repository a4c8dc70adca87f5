package wire

import (
	"cmp"
	"errors"
	"math"
	"strconv"
	"strings"
)

// Version is a version of the protocol. The two differ in how replies are written, not in commands.
type Version int

// The versions. RESP2 is what a connection begins with.
const (
	RESP2 Version = 2
	RESP3 Version = 3
)

// ErrVersion is returned by [Writer.SetVersion] for a version that is neither RESP2 nor RESP3.
var ErrVersion = errors.New("protocol version is neither 2 nor 3")

// SimpleString is a short reply that is one line of text, like OK. A CR or LF in it is sent as a space.
type SimpleString string

// Error is a reply that says that a command failed. It is an ordinary value, also inside lists.
type Error struct {
	// Code is one word in upper case, by which programs tell errors apart. "" stands for ERR.
	Code string
	// Message is for people. A CR or LF in it is sent as a space.
	Message string
}

// Error is the error as a client of Redis shows it: the code and the message.
func (e Error) Error() string {
	code := cmp.Or(e.Code, "ERR")
	if e.Message == "" {
		return code
	}
	return code + " " + e.Message
}

// Pair is one key of a [Map] with its value.
type Pair struct{ Key, Value any }

// Map is a reply of keys with values, in order. Keys are not compared, so they may repeat.
type Map []Pair

// Push is what the server sends without having been asked. Its first element says by convention what it is.
type Push []any

var lineBreaks = strings.NewReplacer("\r", " ", "\n", " ")

// parseError is the Error whose text was sent as one string.
func parseError(text string) Error {
	code, message, _ := strings.Cut(lineBreaks.Replace(text), " ")
	return Error{Code: cmp.Or(code, "ERR"), Message: message}
}

// appendDouble appends the fewest digits that read back as the same number. Like JSON it writes the numbers
// that people write out without an exponent.
func appendDouble(b []byte, f float64) []byte {
	switch size := math.Abs(f); {
	case math.IsNaN(f):
		return append(b, "nan"...)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	case size != 0 && size < 1e-6 || size >= 1e21:
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

// parseDouble is the inverse of appendDouble. It takes every form that the protocol allows, and not the
// hexadecimal numbers and the other spellings of infinity that strconv would.
func parseDouble(text string) (float64, bool) {
	switch text {
	case "nan":
		return math.NaN(), true
	case "inf":
		return math.Inf(1), true
	case "-inf":
		return math.Inf(-1), true
	}
	if strings.Trim(text, "+-.0123456789eE") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}
