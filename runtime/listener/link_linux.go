package listener

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// WatchLink has a connection that a Listener handed out, or the one below its TLS, tried often enough for a link's. A
// connection of another kind stays as it is.
func WatchLink(c net.Conn) {
	file, ok := inner(c).(*conn)
	if !ok {
		return
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { // an option that is not known leaves the others
		for _, option := range []struct{ name, value int }{
			{unix.TCP_KEEPIDLE, int(linkIdle / time.Second)},
			{unix.TCP_KEEPINTVL, int(linkInterval / time.Second)},
			{unix.TCP_KEEPCNT, linkProbes},
			{unix.TCP_USER_TIMEOUT, int(linkSilence / time.Millisecond)},
		} {
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, option.name, option.value)
		}
	})
}

// Look says what can be seen of the other end without reading. It takes an error of the connection away, so that only the
// first look says Vanished; later ones, and reads, find the end of file.
func Look(c net.Conn) Presence {
	file, ok := inner(c).(*conn)
	if !ok {
		return Present
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return Left
	}
	seen := Present
	err = raw.Control(func(fd uintptr) { seen = look(int(fd)) })
	if err != nil {
		return Left
	}
	return seen
}

func look(fd int) Presence {
	events := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(events, 0)
	switch {
	case n != 1 || err != nil || events[0].Revents == 0:
		return Present
	case events[0].Revents&unix.POLLERR == 0:
		return Left
	}
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && Silent(unix.Errno(code)) {
		return Vanished
	}
	return Left
}
