//go:build !linux

package listener

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"moongate/runtime/session"
)

// socket is little here: net.Listener accepts.
type socket struct {
	entering sync.WaitGroup // connections that have not passed the door's first checks
}

func (l *Listener) prepare() error { return nil }

func (l *Listener) shut() { l.inner.Close() }

// wait says until when accept may wait; zero: as long as it takes.
func (l *Listener) wait(until time.Time) error { return l.inner.SetDeadline(until) }

// accept takes connections in until the listener is closed. Each has a goroutine of its own, so the door may wait.
func (l *Listener) accept() {
	pause := time.Duration(0)
	for {
		c, err := l.inner.AcceptTCP()
		switch {
		case l.closing.Load():
			if err == nil {
				c.Close()
			}
			return
		case err != nil && l.halts.current() != nil:
			l.socket.entering.Wait()
			l.park()
		case err != nil:
			pause = l.pause(pause, err)
		default:
			if pause > 0 {
				pause = 0
				l.resumed()
			}
			l.socket.entering.Add(1)
			l.guests.Go(func() { l.welcome(c) })
		}
	}
}

func (l *Listener) welcome(c *net.TCPConn) {
	c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true})
	peer := session.Peer{Address: unmapped(c.RemoteAddr()), Local: unmapped(c.LocalAddr()), Listener: l.name}
	entered := sync.OnceFunc(l.socket.entering.Done)
	guest, answer := l.door.Open(peer, entered)
	entered()
	l.door.Rest()
	if guest == nil {
		if l.resets {
			c.SetLinger(0)
			c.Close()
			return
		}
		c.SetWriteDeadline(time.Now().Add(time.Second))
		c.Write(answer)
		c.CloseWrite()
		linger(c)
		return
	}
	if settler, ok := guest.(Settler); ok {
		settler.Settle(Transport{c})
		return
	}
	guest.Serve(c)
}

func unmapped(a net.Addr) netip.AddrPort {
	p := a.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}
