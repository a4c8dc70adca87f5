package forward

import (
	"net"
	"net/netip"
)

// Socket is one side of a flow. Make it with Plain, Conn or To, on Linux also with FD.
type Socket struct {
	fd      int            // when kind is descriptor; Linux only
	conn    net.Conn       // when kind is plain or wrapped
	address netip.AddrPort // when kind is absent
	kind    kind
}

type kind uint8

const (
	nothing    kind = iota
	descriptor      // a raw socket in non-blocking mode
	plain           // a connection with nothing but a TCP socket behind it
	wrapped         // any other connection
	absent          // an upstream that is not connected yet
)

// Conn is a connection of any kind, such as TLS. Two goroutines will serve it. Its half-close works if it has a method
// CloseWrite.
func Conn(c net.Conn) Socket { return Socket{kind: wrapped, conn: c} }

// Plain is a connection whose bytes are exactly those of its TCP socket, with none read ahead: a *net.TCPConn, or
// what has its method SyscallConn. Nobody else may read or write it any more. On Linux Go's poller goes on looking at
// it, so FD is cheaper.
func Plain(c net.Conn) Socket { return Socket{kind: plain, conn: c} }

// To is an upstream that Forward connects.
func To(address netip.AddrPort) Socket { return Socket{kind: absent, address: address} }
