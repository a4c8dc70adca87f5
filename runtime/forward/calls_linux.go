package forward

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls here do not wait, because the sockets and pipes are in non-blocking mode. So the scheduler need not
// know of them (RawSyscall).

func receive(fd int32, b []byte) (int, syscall.Errno) {
	n, _, err := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0)
	return count(n, err)
}

func send(fd int32, b []byte) (int, syscall.Errno) {
	n, _, err := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	return count(n, err)
}

// splice moves bytes between a socket and a pipe.
func splice(from, to int32, most int) (int, syscall.Errno) {
	n, _, err := unix.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(most), unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
	return count(n, err)
}

func count(n uintptr, err syscall.Errno) (int, syscall.Errno) {
	if err != 0 {
		return 0, err
	}
	return int(n), 0
}

func epollCtl(epoll, op int, fd int32, event *epollEvent) syscall.Errno {
	_, _, err := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epoll), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(event)), 0, 0)
	return err
}

// epollPoll fetches the events that are there.
func epollPoll(epoll uintptr, events []epollEvent) int {
	n, _, err := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, epoll, uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if err != 0 {
		return 0
	}
	return int(n)
}

// socketError is the error that a socket has, which it forgets.
func socketError(fd int32) syscall.Errno {
	n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return unix.EBADF
	}
	return syscall.Errno(n)
}

// resetOnClose makes closing the socket a reset.
func resetOnClose(fd int32) {
	unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}
