//go:build unix

package handover

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// supported reports whether processes can be given sockets.
const supported = true

// inherited is a descriptor that this process was started with. It is not handed on by accident, and one that can be
// waited for waits in the poller.
func inherited(number int, name string) *os.File {
	unix.CloseOnExec(number)
	var is unix.Stat_t
	if unix.Fstat(number, &is) == nil && is.Mode&unix.S_IFMT == unix.S_IFIFO && name == "predecessor" {
		syscall.SetNonblock(number, true)
	}
	return os.NewFile(uintptr(number), name)
}

// listens is an error unless the descriptor is a listening TCP socket.
func listens(file *os.File) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	failed := raw.Control(func(fd uintptr) { err = listensAt(int(fd)) })
	return firstError(err, failed)
}

func listensAt(fd int) error {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err == unix.ENOTSOCK || err == unix.EBADF {
		return errNoListener
	}
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	accepts, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if kind != unix.SOCK_STREAM || err == nil && accepts == 0 {
		return errNoListener
	}
	return nil
}

// Duplicate gives a descriptor of the same socket for another process. It leaves the socket as it is, in particular not
// waiting: os.File.Fd and net's File would make it wait, for who accepts on it now as well.
func Duplicate(socket syscall.Conn) (*os.File, error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	copied := -1
	failed := raw.Control(func(fd uintptr) { copied, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	if err := firstError(failed, err); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(copied), "socket"), nil
}
