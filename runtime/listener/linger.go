package listener

import (
	"io"
	"net"
	"sync/atomic"
	"time"
)

// A connection that is closed while its client's words are unread, or still on their way, ends with a reset, and on
// many systems a reset makes the client lose what it has not read yet: the reason why it was refused. So the client
// gets a moment to close first. In a flood nobody reads reasons, and waiting for each client would cost more than
// deciding about it.
const (
	lingerTime       = 500 * time.Millisecond
	lingerBytes      = 64 << 10 // of the client's words, which nobody reads
	lingersPerSecond = 100
)

// lingers counts the refused connections that are given time, second by second.
type lingers struct{ second, count atomic.Int64 }

// mayLinger reports whether another refused client may be given time.
func (l *Listener) mayLinger(now time.Time) bool {
	if second := now.Unix(); l.lingers.second.Swap(second) != second {
		l.lingers.count.Store(0)
	}
	return l.lingers.count.Add(1) <= lingersPerSecond
}

// refused is a connection whose last bytes, and the end of file, have been sent.
type refused interface {
	io.ReadCloser
	SetReadDeadline(time.Time) error
}

// linger waits for the client to close, a moment at the most, and closes.
func linger(c refused) {
	c.SetReadDeadline(time.Now().Add(lingerTime))
	io.Copy(io.Discard, io.LimitReader(c, lingerBytes))
	c.Close()
}

// Dismiss closes the connection of a guest that was not let in, after it was told why if told says so: the client gets a
// moment to read that. A Listener that resets refused connections resets it. It blocks for a second at the most.
func (l *Listener) Dismiss(c net.Conn, told bool) {
	switch {
	case l.resets:
		reset(c)
		c.Close()
	case told && l.mayLinger(time.Now()):
		if half, ok := c.(interface{ CloseWrite() error }); ok {
			c.SetWriteDeadline(time.Now().Add(lingerTime))
			half.CloseWrite()
		}
		linger(c)
	default:
		c.Close()
	}
}

// inner is the transport below TLS and the like.
func inner(c net.Conn) net.Conn {
	for {
		outer, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = outer.NetConn()
	}
}
