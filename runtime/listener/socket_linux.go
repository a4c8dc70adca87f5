package listener

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"moongate/runtime/session"
)

// socket is the listening socket in blocking mode.
type socket struct {
	file *os.File
	fd   int
	any  bool // bound to every address, so that each connection's own must be asked for
}

// Keep-alive finds a client that has gone without a word: after 15 s of silence, every 15 s, 9 times.
const keepAliveSeconds, keepAliveProbes = 15, 9

// prepare sets, once, the options that accepted sockets inherit.
func (l *Listener) prepare() error {
	file, err := l.inner.File()
	if err != nil {
		return err
	}
	fd := int(file.Fd()) // this also puts the socket into blocking mode
	for _, option := range []struct{ level, name, value int }{
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAliveSeconds},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepAliveSeconds},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAliveProbes},
	} {
		if err := unix.SetsockoptInt(fd, option.level, option.name, option.value); err != nil {
			file.Close()
			return os.NewSyscallError("setsockopt", err)
		}
	}
	l.socket = socket{file: file, fd: fd, any: l.local.Addr().IsUnspecified()}
	return nil
}

// shut makes accept return.
func (l *Listener) shut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.socket.file != nil {
		unix.Shutdown(l.socket.fd, unix.SHUT_RDWR)
	}
	l.inner.Close()
}

// leave closes the socket: nobody accepts on it any more.
func (l *Listener) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.socket.file != nil {
		l.socket.file.Close()
		l.socket.file = nil
	}
}

// accept takes connections in, one after the other, until the listener is closed or the door has handed the accepting over to another
// goroutine.
func (l *Listener) accept() {
	moved := false
	handover := func() {
		moved = true
		l.guests.Go(l.accept)
	}
	pause := time.Duration(0)
	for !moved {
		fd, address, err := unix.Accept4(l.socket.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case l.closing.Load():
			if err == nil {
				unix.Close(fd)
			}
			l.leave()
			return
		case err == nil:
			if pause > 0 {
				pause = 0
				l.resumed()
			}
			l.welcome(fd, address, handover, &moved)
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
		default:
			pause = l.pause(pause, os.NewSyscallError("accept", err))
		}
	}
}

// welcome asks the door about one connection. A guest is served by a goroutine of its own: this one, if it no longer accepts.
func (l *Listener) welcome(fd int, address unix.Sockaddr, handover func(), moved *bool) {
	peer := session.Peer{Address: addrPort(address), Local: l.local, Listener: l.name}
	if l.socket.any {
		if local, err := unix.Getsockname(fd); err == nil {
			peer.Local = addrPort(local)
		}
	}
	guest, answer := l.door.Open(peer, handover)
	if guest == nil {
		refuse(fd, answer)
		return
	}
	c := &conn{File: os.NewFile(uintptr(fd), "connection"), peer: peer}
	if *moved {
		guest.Serve(c)
	} else {
		l.guests.Go(func() { guest.Serve(c) })
	}
}

// refuse sends the answer and ends the connection. The answer waits for the end of file (MSG_MORE), so that both cross in one
// packet; it is sent before close, which would throw it away if the client had written something.
func refuse(fd int, answer []byte) {
	if len(answer) > 0 {
		unix.SendmsgN(fd, answer, nil, nil, unix.MSG_MORE|unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	}
	unix.Shutdown(fd, unix.SHUT_WR)
	unix.Close(fd)
}

// Gone reports whether the other end has closed the connection, as far as can be seen without reading: what it sent before
// comes first. The connection must be one that a Listener handed out.
func Gone(c net.Conn) bool {
	file, ok := c.(*conn)
	if !ok {
		return false
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		gone = n == 0 && err == nil || err != nil && err != unix.EAGAIN && err != unix.EINTR
	})
	return gone || err != nil
}

func addrPort(a unix.Sockaddr) netip.AddrPort {
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	default:
		return netip.AddrPort{}
	}
}

// conn is an accepted socket. An os.File serves a non-blocking socket by the poller as a net.TCPConn does; making one takes two
// system calls, a TCPConn seven.
type conn struct {
	*os.File
	peer session.Peer
}

func (c *conn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.peer.Local) }
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.peer.Address) }
