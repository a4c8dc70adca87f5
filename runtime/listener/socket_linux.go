package listener

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"moongate/runtime/session"
)

// socket is the listening socket as system calls see it: a file of its own, because the raw connection of a
// net.Listener cannot be waited for.
type socket struct {
	file *os.File
	raw  syscall.RawConn
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
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return err
	}
	l.socket = socket{file: file, raw: raw, any: l.local.Addr().IsUnspecified()}
	var failed error
	err = raw.Control(func(fd uintptr) {
		for _, option := range []struct{ level, name, value int }{
			{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
			{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
			{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAliveSeconds},
			{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepAliveSeconds},
			{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAliveProbes},
		} {
			if err := unix.SetsockoptInt(int(fd), option.level, option.name, option.value); err != nil {
				failed = os.NewSyscallError("setsockopt", err)
			}
		}
	})
	return errors.Join(err, failed)
}

// wait says until when accept may wait; zero: as long as it takes.
func (l *Listener) wait(until time.Time) error { return l.socket.file.SetReadDeadline(until) }

// shut makes accept return.
func (l *Listener) shut() {
	l.inner.Close()
	l.socket.file.Close()
}

// arrival is a socket that the kernel has accepted and nobody has decided about.
type arrival struct {
	fd      int
	address netip.AddrPort
}

// acceptor is the goroutine that takes connections in.
type acceptor struct {
	l        *Listener
	room     [16]arrival
	arrivals []arrival // in room
	failed   syscall.Errno
	moved    bool // another acceptor has taken over
}

// accept takes connections in until the listener is closed or another goroutine has taken over.
func (l *Listener) accept() { (&acceptor{l: l}).run() }

func (a *acceptor) run() {
	l, pause := a.l, time.Duration(0)
	handover, take := a.handover, a.take
	for {
		for len(a.arrivals) > 0 {
			next := a.arrivals[0]
			a.arrivals = a.arrivals[1:]
			if l.welcome(a, next, handover); a.moved {
				return
			}
		}
		err := l.socket.raw.Read(take)
		switch {
		case l.closing.Load():
			l.door.Rest()
			for _, left := range a.arrivals {
				unix.Close(left.fd)
			}
			return
		case err != nil && l.park():
		case err != nil:
			pause = l.pause(pause, err)
		case a.failed != 0:
			pause = l.pause(pause, os.NewSyscallError("accept", a.failed))
		case pause > 0:
			pause = 0
			l.resumed()
		}
	}
}

// handover makes another goroutine the acceptor: it gets the arrivals that have not been decided.
func (a *acceptor) handover() {
	a.moved = true
	next := &acceptor{l: a.l}
	next.arrivals = next.room[:copy(next.room[:], a.arrivals)]
	a.arrivals = nil
	a.l.guests.Go(next.run)
}

// take accepts what has arrived. It reports false when nothing has; the poller calls it again when something does.
func (a *acceptor) take(fd uintptr) bool {
	a.arrivals, a.failed = a.room[:0], 0
	for len(a.arrivals) < len(a.room) {
		next, err := accept4(fd)
		switch err {
		case 0:
			a.arrivals = append(a.arrivals, next)
		case unix.EINTR, unix.ECONNABORTED:
		case unix.EAGAIN:
			if len(a.arrivals) == 0 {
				a.l.door.Rest()
				return false
			}
			return true
		default:
			if len(a.arrivals) > 0 {
				return true // the next call finds the error again
			}
			a.l.door.Rest()
			a.failed = err
			return true
		}
	}
	return true
}

// accept4 is the system call, which does not wait because the socket is in non-blocking mode. So the scheduler need
// not know of it (RawSyscall), and the address is not asked for a second time, as package unix does.
func accept4(fd uintptr) (arrival, syscall.Errno) {
	var address unix.RawSockaddrInet6 // also large enough for IPv4
	size := uint32(unsafe.Sizeof(address))
	n, _, err := unix.RawSyscall6(unix.SYS_ACCEPT4, fd, uintptr(unsafe.Pointer(&address)), uintptr(unsafe.Pointer(&size)),
		unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if err != 0 {
		return arrival{}, err
	}
	port := (*[2]byte)(unsafe.Pointer(&address.Port))
	a := arrival{fd: int(n)}
	switch address.Family {
	case unix.AF_INET:
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&address))
		a.address = netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), uint16(port[0])<<8|uint16(port[1]))
	case unix.AF_INET6:
		a.address = netip.AddrPortFrom(netip.AddrFrom16(address.Addr).Unmap(), uint16(port[0])<<8|uint16(port[1]))
	}
	return a, 0
}

// welcome asks the door about one arrival. A guest is served by a goroutine of its own: this one, if it no longer
// accepts.
func (l *Listener) welcome(a *acceptor, next arrival, handover func()) {
	peer := session.Peer{Address: next.address, Local: l.local, Listener: l.name}
	if l.socket.any {
		if local, err := unix.Getsockname(next.fd); err == nil {
			peer.Local = addrPort(local)
		}
	}
	guest, answer := l.door.Open(peer, handover)
	if guest == nil {
		l.refuse(next.fd, answer)
		return
	}
	if settler, ok := guest.(Settler); ok {
		settler.Settle(Transport{fd: next.fd})
		return
	}
	c := &conn{File: os.NewFile(uintptr(next.fd), "connection"), peer: peer}
	if a.moved {
		guest.Serve(c)
	} else {
		l.guests.Go(func() { guest.Serve(c) })
	}
}

// refuse sends the answer and ends the connection. The answer waits for the end of file (MSG_MORE), so that both
// cross in one packet; shutdown sends them, because close throws them away if the client has written something. None
// of these calls waits. The client of a rare refusal is given time to read it.
func (l *Listener) refuse(fd int, answer []byte) {
	if l.resets {
		unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
		return
	}
	if len(answer) > 0 {
		unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&answer[0])), uintptr(len(answer)),
			unix.MSG_MORE|unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0)
	}
	unix.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0)
	if len(answer) > 0 && l.mayLinger(time.Now()) {
		l.guests.Go(func() { linger(os.NewFile(uintptr(fd), "refused")) })
		return
	}
	unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
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

// conn is an accepted socket. An os.File serves a non-blocking socket by the poller as a net.TCPConn does; making one
// takes two system calls, a TCPConn seven.
type conn struct {
	*os.File
	peer session.Peer
}

func (c *conn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.peer.Local) }
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.peer.Address) }

// Read is the file's, with the plain errors of a socket: TLS goes on after a deadline only if the error says by itself that it
// is one.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.File.Read(b)
	if err != nil && err != io.EOF {
		err = withoutPath(err)
	}
	return n, err
}

func withoutPath(err error) error {
	if failed, ok := err.(*os.PathError); ok {
		return failed.Err
	}
	return err
}

// CloseWrite ends the sending.
func (c *conn) CloseWrite() error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	failed := raw.Control(func(fd uintptr) { err = unix.Shutdown(int(fd), unix.SHUT_WR) })
	return errors.Join(failed, err)
}

// reset makes closing a connection a reset.
func reset(c net.Conn) {
	if file, ok := inner(c).(*conn); ok {
		if raw, err := file.SyscallConn(); err == nil {
			raw.Control(func(fd uintptr) {
				unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
			})
		}
	}
}
