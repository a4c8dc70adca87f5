//go:build !linux

package listener

import (
	"net"

	"moongate/runtime/forward"
)

// Transport is an accepted connection for whoever moves its bytes.
type Transport struct{ conn net.Conn }

// Of is the transport of a connection that a guest has served so far and whose bytes are to be moved from now on.
func Of(c net.Conn) Transport { return Transport{c} }

// Socket is the transport for package forward.
func (t Transport) Socket() forward.Socket {
	if _, ok := t.conn.(*net.TCPConn); ok {
		return forward.Plain(t.conn)
	}
	return forward.Conn(t.conn)
}

// Close closes the transport.
func (t Transport) Close() { t.conn.Close() }

// reset makes closing a connection a reset.
func reset(c net.Conn) {
	if tcp, ok := inner(c).(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
}
