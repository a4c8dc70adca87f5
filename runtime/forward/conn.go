package forward

import "net"

// closeWrite tells a connection's other end that there will be no more bytes. It reports false if that cannot be told
// without closing.
func closeWrite(c net.Conn) bool {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		half.CloseWrite() // an error means that the connection is lost, which reading finds
		return true
	}
	return shutdownWrite(c)
}

// reset makes closing a connection a reset, if it is TCP in the end.
func reset(c net.Conn) {
	for {
		switch t := c.(type) {
		case interface{ SetLinger(int) error }:
			t.SetLinger(0)
			return
		case interface{ NetConn() net.Conn }: // TLS
			c = t.NetConn()
		default:
			lingerNot(c)
			return
		}
	}
}
