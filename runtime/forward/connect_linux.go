package forward

import (
	"fmt"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// connect begins to connect the upstream.
func (f *flow) connect(address netip.AddrPort) Cause {
	u := &f.ends[upstreamSide]
	fd, err := socket(address.Addr())
	if err != 0 {
		return f.notConnected(err)
	}
	u.fd = fd
	unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	switch err := connect(fd, address); err {
	case 0:
		return NoCause
	case unix.EINPROGRESS, unix.EINTR:
		// To an upstream on this machine the connection is made by now, but to ask costs more than the event that says so, which
		// comes together with the client's first words.
		f.connecting = true
		return NoCause
	default:
		return f.notConnected(err)
	}
}

// notConnected notes why the upstream could not be connected.
func (f *flow) notConnected(err syscall.Errno) Cause {
	f.err = fmt.Errorf("cannot connect the upstream: %w", err)
	return connectCause(err)
}

// failure is what is said of a side that was lost.
func (f *flow) failure(s side, err syscall.Errno) error {
	if err == 0 {
		err = unix.ECONNRESET
	}
	return fmt.Errorf("the %s was lost: %w", [...]string{"client", "upstream"}[s], err)
}

func socket(a netip.Addr) (int32, syscall.Errno) {
	family := unix.AF_INET6
	if a.Is4() || a.Is4In6() {
		family = unix.AF_INET
	}
	fd, _, err := unix.RawSyscall(unix.SYS_SOCKET, uintptr(family), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	return int32(fd), err
}

func connect(fd int32, address netip.AddrPort) syscall.Errno {
	var (
		v4   unix.RawSockaddrInet4
		v6   unix.RawSockaddrInet6
		name = unsafe.Pointer(&v4)
		size = unsafe.Sizeof(v4)
		a    = address.Addr().Unmap()
		port = [2]byte{byte(address.Port() >> 8), byte(address.Port())}
	)
	if a.Is4() {
		v4 = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: a.As4()}
		*(*[2]byte)(unsafe.Pointer(&v4.Port)) = port
	} else {
		v6 = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: a.As16(), Scope_id: scope(a.Zone())}
		*(*[2]byte)(unsafe.Pointer(&v6.Port)) = port
		name, size = unsafe.Pointer(&v6), unsafe.Sizeof(v6)
	}
	_, _, err := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(name), size)
	return err
}
