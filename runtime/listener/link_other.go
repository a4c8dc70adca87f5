//go:build !linux

package listener

import (
	"net"
)

// WatchLink has a connection that a Listener handed out, or the one below its TLS, tried often enough for a link's. What was
// sent and is not acknowledged takes as long here as the system lets it.
func WatchLink(c net.Conn) {
	if tcp, ok := inner(c).(*net.TCPConn); ok {
		tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: linkIdle, Interval: linkInterval, Count: linkProbes})
	}
}

// Look sees nothing without reading here.
func Look(net.Conn) Presence { return Present }
