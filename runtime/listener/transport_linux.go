package listener

import (
	"net"

	"golang.org/x/sys/unix"

	"moongate/runtime/forward"
)

// Transport is an accepted connection for whoever moves its bytes: a raw socket where that is possible.
type Transport struct {
	conn net.Conn // nil: fd is all there is
	fd   int
}

// Of is the transport of a connection that a guest has served so far and whose bytes are to be moved from now on. If the
// connection is the one that the Listener handed out, the raw socket is taken out of it; the connection is closed then.
func Of(c net.Conn) Transport {
	file, ok := c.(*conn)
	if !ok {
		return Transport{conn: c}
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return Transport{conn: c}
	}
	fd := -1
	raw.Control(func(from uintptr) { fd, err = unix.FcntlInt(from, unix.F_DUPFD_CLOEXEC, 0) })
	if err != nil || fd < 0 { // no descriptor: it does as it is
		return Transport{conn: c}
	}
	file.Close()
	return Transport{fd: fd}
}

// Socket is the transport for package forward.
func (t Transport) Socket() forward.Socket {
	switch t.conn.(type) {
	case nil:
		return forward.FD(t.fd)
	case *conn:
		return forward.Plain(t.conn)
	default:
		return forward.Conn(t.conn)
	}
}

// Close closes the transport.
func (t Transport) Close() {
	if t.conn != nil {
		t.conn.Close()
		return
	}
	unix.Close(t.fd)
}
