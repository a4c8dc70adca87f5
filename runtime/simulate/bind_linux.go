package simulate

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// bindLate lets the system choose the port of a source address when it connects, not when it binds: then the same
// port may serve for several servers, and 28,000 clients can come from each address.
func bindLate(_, _ string, conn syscall.RawConn) error {
	return conn.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1) // without it there are fewer ports, no worse
	})
}
