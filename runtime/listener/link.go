package listener

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// Keep-alive of a link: a remote client that has vanished without a word, its cable pulled or its machine asleep, is noticed
// within linkSilence. What has been sent and was not acknowledged is noticed as early.
const (
	linkIdle     = 5 * time.Second // of silence, until the other end is asked
	linkInterval = 5 * time.Second
	linkProbes   = 3
	linkSilence  = linkIdle + linkProbes*linkInterval
)

// Presence is what can be seen of the other end of a connection without reading.
type Presence uint8

// The presences.
const (
	Present  Presence = iota // or nothing can be seen
	Left                     // it has closed the connection, or ended its sending: the two cannot be told apart
	Vanished                 // nothing came from it for too long
)

// Silent reports whether an error of reading or writing says that the other end has given no sign of life, rather than that
// it has ended the connection.
func Silent(err error) bool {
	for _, silent := range silences {
		if errors.Is(err, silent) {
			return true
		}
	}
	return false
}

// silences are how the operating systems say it: when the time is over, with what the network said last if it said
// something.
var silences = []error{
	syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH,
	syscall.Errno(10060), syscall.Errno(10065), syscall.Errno(10051), // the same on Windows, in this order
}

// Gone reports whether the other end has closed the connection, whatever it sent before that has not been read yet. Who has
// only ended its sending counts as gone too: the two cannot be told apart. The connection must be one that a Listener
// handed out, or TLS on it. It is only known on Linux without reading; elsewhere the end of a client is noticed when its
// running call is over.
func Gone(c net.Conn) bool { return Look(c) != Present }
