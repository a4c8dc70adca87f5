// Package mysql reads and writes what the two ends of a MySQL or MariaDB connection say before the client is logged in.
//
// The server speaks first: its greeting ([ParseGreeting]) has the random bytes with which the client hides its password.
// The client answers with a login ([ParseLogin]), before which it may ask for TLS with the beginning of one. Packets have
// numbers, one sequence for both directions; [Renumber] makes up for a request for TLS that only one end has seen.
//
// The functions are pure, may be called from any goroutine, and do not block.
package mysql

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Errors of the package. They are wrapped with what is wrong.
var (
	ErrTooLong     = errors.New("packet too long")
	ErrMalformed   = errors.New("not a packet of the MySQL protocol")
	ErrUnsupported = errors.New("protocol version not supported")
)

// headerSize is the size of what every packet begins with: three bytes of length, one of its number.
const headerSize = 4

// The largest packets that are read, in bytes with their headers. Connection attributes, of at most 64 KiB, are what makes
// a login long.
const (
	MaxGreeting = 4 << 10
	MaxLogin    = 96 << 10
)

// Capabilities are what an end can do, one bit each.
type Capabilities uint32

// The capabilities that have a meaning here.
const (
	WithDatabase       Capabilities = 1 << 3
	Protocol41         Capabilities = 1 << 9
	TLS                Capabilities = 1 << 11
	SecureConnection   Capabilities = 1 << 15
	PluginAuth         Capabilities = 1 << 19
	ConnectAttributes  Capabilities = 1 << 20
	LengthEncodedReply Capabilities = 1 << 21
)

// Measure gives the size in bytes of the packet that b begins with, with its header, 0 when more bytes are needed to say so
// or to have it whole. The error is ErrTooLong for one of more than limit bytes.
func Measure(b []byte, limit int) (int, error) {
	if len(b) < headerSize {
		return 0, nil
	}
	size := headerSize + length(b)
	switch {
	case size > limit:
		return 0, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, size, limit)
	case len(b) < size:
		return 0, nil
	}
	return size, nil
}

// length is that of a packet without its header.
func length(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// Sequence is the number of a whole packet.
func Sequence(packet []byte) uint8 { return packet[3] }

// The codes of errors that are sent: access denied, which stands for every code that cannot be, and unknown error.
const (
	CodeAccessDenied = 1045
	CodeUnknown      = 1105
)

// sendable reports whether a client takes an error with this code from a server. From 2000 and 5000 on are codes that
// clients give to errors of their own; with one of these they call the packet malformed, and do not print the reason.
func sendable(code int64) bool {
	return code > 0 && code < 1<<16 && code/1000 != 2 && code/1000 != 5
}

// StateRefused is the SQLSTATE of a refusal.
const StateRefused = "28000"

// maxReason is how many bytes of a reason are sent, the protocol's limit.
const maxReason = 511

// errorMark is the first byte of an error, and okMark that of a success.
const (
	okMark    = 0x00
	errorMark = 0xff
)

// AppendError adds the packet with this number to b that ends a login: clients print code and reason. A code that
// is none of a server's becomes CodeAccessDenied, an empty reason "connection refused". Number 0 is an error in place
// of a greeting, which has no SQLSTATE.
func AppendError(b []byte, sequence uint8, code int64, reason string) []byte {
	if !sendable(code) {
		code = CodeAccessDenied
	}
	if reason == "" {
		reason = "connection refused"
	}
	reason = strings.ToValidUTF8(reason[:min(len(reason), maxReason)], "")
	state := ""
	if sequence > 0 {
		state = "#" + StateRefused
	}
	size := 1 + 2 + len(state) + len(reason)
	b = append(b, byte(size), byte(size>>8), byte(size>>16), sequence, errorMark, byte(code), byte(code>>8))
	return append(append(b, state...), reason...)
}

// ErrorText is what a packet says that is an error, false when it is none.
func ErrorText(packet []byte) (string, bool) {
	if len(packet) < headerSize+3 || packet[headerSize] != errorMark {
		return "", false
	}
	text := packet[headerSize+3:]
	if len(text) >= 6 && text[0] == '#' {
		text = text[6:]
	}
	return fmt.Sprintf("%s (%d)", strings.ToValidUTF8(string(text), "?"), binary.LittleEndian.Uint16(packet[headerSize+1:])), true
}

// cursor reads a packet's parts. What is read beyond its end is empty, and short is set.
type cursor struct {
	b     []byte
	short bool
}

// bytes takes the next n bytes.
func (c *cursor) bytes(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.b, c.short = nil, true
		return nil
	}
	taken := c.b[:n]
	c.b = c.b[n:]
	return taken
}

// uint8 takes a byte.
func (c *cursor) uint8() uint8 {
	if b := c.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// terminated takes a text up to its zero byte, which is skipped.
func (c *cursor) terminated() string {
	for i, b := range c.b {
		if b == 0 {
			text := string(c.b[:i])
			c.b = c.b[i+1:]
			return text
		}
	}
	c.b, c.short = nil, true
	return ""
}

// number takes a length-encoded number. One that no packet could hold counts as short.
func (c *cursor) number() int {
	width := 0
	switch first := c.uint8(); first {
	case 0xfc:
		width = 2
	case 0xfd:
		width = 3
	case 0xfb, 0xfe, 0xff:
		c.short = true
		return 0
	default:
		return int(first)
	}
	n := 0
	for i, b := range c.bytes(width) {
		n |= int(b) << (8 * i)
	}
	return n
}

// counted takes a text that has its length before it.
func (c *cursor) counted() string { return string(c.bytes(c.number())) }
