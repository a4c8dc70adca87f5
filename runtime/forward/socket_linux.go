package forward

import (
	"net"
	"strconv"
	"syscall"
)

// FD is a raw TCP socket in non-blocking mode that nobody else reads or writes.
func FD(fd int) Socket { return Socket{kind: descriptor, fd: fd} }

// descriptor is the raw socket, if there is one.
func (s Socket) descriptor() (int, bool) {
	if s.kind == descriptor {
		return s.fd, true
	}
	c, ok := s.conn.(syscall.Conn)
	if s.kind != plain || !ok {
		return -1, false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, false
	}
	fd := -1
	err = raw.Control(func(v uintptr) { fd = int(v) })
	return fd, err == nil
}

// scope is the number of an IPv6 zone, which is an interface's name or number; 0 is none.
func scope(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	n, _ := strconv.ParseUint(zone, 10, 32)
	return uint32(n)
}
