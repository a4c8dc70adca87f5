package mysql

import (
	"bytes"
	"net"
	"sync/atomic"
)

// Renumber gives a connection with a client whose packets have other numbers than the upstream's, by shift, until the
// login is over: a request for TLS has a number, and one end may have seen one that the other has not. With shift 0 it
// gives the connection itself.
//
// It serves one goroutine that reads and one that writes.
func Renumber(client net.Conn, shift int8) net.Conn {
	if shift == 0 {
		return client
	}
	return &renumbered{Conn: client, fromClient: numbers{shift: -shift}, toClient: numbers{shift: shift, ends: true}}
}

type renumbered struct {
	net.Conn
	fromClient, toClient numbers
	over                 atomic.Bool // the login is over: from now on each command begins with 0
}

// Read reads what the client sends.
func (r *renumbered) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	if n > 0 && !r.over.Load() {
		r.fromClient.change(b[:n])
	}
	return n, err
}

// Write sends to the client what the upstream says. The login is over with its success or error: before the client gets
// it, so that what the client sends afterwards is not changed.
func (r *renumbered) Write(b []byte) (int, error) {
	if !r.over.Load() {
		b = bytes.Clone(b) // which is the caller's
		if r.toClient.change(b) {
			r.over.Store(true)
		}
	}
	return r.Conn.Write(b)
}

// numbers follows packets through a stream and changes their numbers.
type numbers struct {
	shift  int8
	ends   bool             // a success or an error ends the login in this direction
	header [headerSize]byte // what has come of the next one
	have   int              // bytes of header
	left   int              // bytes of the packet that are still to come
	fresh  bool             // none of the packet's bytes have come
}

// change changes the numbers in b, and reports whether a packet began there that ends a login. What comes after such a
// packet is left alone.
func (n *numbers) change(b []byte) (over bool) {
	for len(b) > 0 {
		if n.left > 0 {
			if n.ends && n.fresh && (b[0] == okMark || b[0] == errorMark) {
				over = true
			}
			n.fresh = false
			taken := min(n.left, len(b))
			n.left -= taken
			b = b[taken:]
			continue
		}
		if over {
			return true
		}
		if n.header[n.have] = b[0]; n.have == headerSize-1 {
			b[0] += byte(n.shift)
			n.have, n.left, n.fresh = 0, length(n.header[:]), true
		} else {
			n.have++
		}
		b = b[1:]
	}
	return over
}

// Numbered is the connection of which Renumber made this one, where packets have the client's numbers, or the connection
// itself.
func Numbered(conn net.Conn) net.Conn {
	if r, ok := conn.(*renumbered); ok {
		return r.Conn
	}
	return conn
}
