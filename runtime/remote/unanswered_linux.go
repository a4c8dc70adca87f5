package remote

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// limitUnanswered has a socket fail when what it sent stays without an answer of the other machine for
// unansweredTime.
func limitUnanswered(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unansweredTime.Milliseconds()))
	})
	if err == nil {
		err = os.NewSyscallError("setsockopt", failed)
	}
	return err
}
