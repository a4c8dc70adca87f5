package forward_test

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"moongate/runtime/forward"
)

// rawForms are those without goroutines.
var rawForms = []form{
	{name: "raw", client: rawClient, upstream: to, connects: true, raw: true},
	{name: "plain", client: plainClient, upstream: to, connects: true, raw: true},
	{name: "plain upstream", client: rawClient, upstream: plainUpstream, raw: true},
	{name: "raw client, wrapped upstream", client: rawClient, upstream: dialled},
}

func rawClient(t *testing.T, c *net.TCPConn) (forward.Socket, func()) {
	fd := rawSocket(t, c)
	return forward.FD(fd), func() { unix.Close(fd) }
}

// rawSocket takes a connection's socket out of it.
func rawSocket(t testing.TB, c *net.TCPConn) int {
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	fd := -1
	raw.Control(func(v uintptr) { fd, err = unix.FcntlInt(v, unix.F_DUPFD_CLOEXEC, 0) })
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	return fd
}

func plainClient(_ *testing.T, c *net.TCPConn) (forward.Socket, func()) {
	return forward.Plain(c), func() { c.Close() }
}

func plainUpstream(t *testing.T, a net.Addr) forward.Socket {
	c, err := net.Dial("tcp", a.String())
	if err != nil {
		t.Fatal(err)
	}
	return forward.Plain(c)
}
