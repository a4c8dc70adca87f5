package forward

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// fileConn is a raw socket as a connection.
type fileConn struct{ *os.File }

func (c fileConn) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (c fileConn) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// connection is the socket as a connection. A raw client's is a duplicate, because the socket itself is Done's to
// close.
func (s Socket) connection(of side) (net.Conn, error) {
	if s.kind != descriptor {
		return s.conn, nil
	}
	fd := s.fd
	if of == clientSide {
		var err error
		if fd, err = unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 0); err != nil {
			return nil, os.NewSyscallError("fcntl", err)
		}
	}
	return fileConn{os.NewFile(uintptr(fd), "connection")}, nil
}

// release lets go of what connection made for a client.
func (s Socket) release(c net.Conn) {
	if s.kind == descriptor {
		c.Close()
	}
}

// Close closes the socket, if there is one already. It is for Done, and for who has not called Forward.
func (s Socket) Close() {
	switch s.kind {
	case descriptor:
		unix.Close(s.fd)
	case plain, wrapped:
		s.conn.Close()
	}
}

func shutdownWrite(c net.Conn) bool {
	return control(c, func(fd int) { unix.Shutdown(fd, unix.SHUT_WR) })
}

func lingerNot(c net.Conn) {
	control(c, func(fd int) { resetOnClose(int32(fd)) })
}

// control does something with a connection's socket, if it has one.
func control(c net.Conn, do func(fd int)) bool {
	s, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := s.SyscallConn()
	return err == nil && raw.Control(func(fd uintptr) { do(int(fd)) }) == nil
}
