package listener

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"moongate/runtime/session"
)

// Door decides who comes in. Its methods are called from many goroutines at once.
type Door interface {
	// Open decides about a transport that has come in. It returns a guest, or nil and what to send before the
	// transport is closed. It blocks until the decision is made; it calls handover, at most once, before it waits for
	// anything but its turn.
	Open(peer session.Peer, handover func()) (Guest, []byte)
	// Rest is called after one or more calls of Open when nobody else has come in yet.
	Rest()
}

// Guest is somebody who was let in.
type Guest interface {
	// Serve is the guest's stay: it blocks until the connection is over, and closes it.
	Serve(conn net.Conn)
}

// Settler is a guest that needs no goroutine of its own. Settle is called in place of Serve, takes the transport over, and
// returns at once.
type Settler interface {
	Guest
	Settle(t Transport)
}

// Listener is one bound address. Make it with Open.
type Listener struct {
	inner   *net.TCPListener
	name    string
	local   netip.AddrPort
	door    Door
	log     *slog.Logger
	guests  sync.WaitGroup
	closing atomic.Bool
	closed  chan struct{} // closed by Close
	lingers lingers
	resets  bool   // refused connections
	socket  socket // the platform's
	halts   halts
}

// Open binds an address, host:port; port 0 takes a free one. Clients can connect from now on, and wait until Serve
// takes them in.
func Open(address string, log *slog.Logger) (*Listener, error) {
	config := net.ListenConfig{KeepAlive: -1} // set once on the listening socket where sockets inherit it
	inner, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", address, reason(err))
	}
	return Inherit(inner.(*net.TCPListener), log)
}

// Inherit makes a Listener of a socket that somebody else has bound, and closes it when that fails.
func Inherit(tcp *net.TCPListener, log *slog.Logger) (*Listener, error) {
	l := &Listener{inner: tcp, log: log, closed: make(chan struct{}), local: tcp.Addr().(*net.TCPAddr).AddrPort()}
	l.name = l.local.String()
	if err := l.prepare(); err != nil {
		tcp.Close()
		return nil, fmt.Errorf("cannot listen on %s: %w", l.name, err)
	}
	return l, nil
}

// reason takes the parts away that repeat the address.
func reason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// Address is the bound address, with the port that was taken.
func (l *Listener) Address() netip.AddrPort { return l.local }

// ResetRefused makes refused connections end with a reset. It is called before Serve.
func (l *Listener) ResetRefused() { l.resets = true }

// Socket is the bound socket, for another process that is to accept on it too. It stays the Listener's.
func (l *Listener) Socket() syscall.Conn { return l.inner }

// Serve takes connections in through the door, and blocks until Close. A Listener serves once.
func (l *Listener) Serve(door Door) {
	l.door = door
	l.halts.serve()
	l.guests.Go(l.accept)
	l.guests.Wait()
}

// Close stops taking connections in. It does not wait; those who were let in stay, and Serve returns when they have
// gone.
func (l *Listener) Close() {
	if l.closing.CompareAndSwap(false, true) {
		close(l.closed)
		l.shut()
	}
}

// Pauses between two attempts to accept while the system has no file descriptor, or no memory, for another
// connection.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// pause waits before the next attempt to accept, longer each time, and says so in the log once.
func (l *Listener) pause(before time.Duration, err error) time.Duration {
	if before == 0 {
		l.log.Warn("no connection can be taken in now; trying again", "listener", l.name, "error", err)
	}
	next := min(max(2*before, firstPause), lastPause)
	timer := time.NewTimer(next)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.closed:
	}
	return next
}

// resumed says in the log that accepting works again after pauses.
func (l *Listener) resumed() {
	l.log.Info("connections are taken in again", "listener", l.name)
}
