package front

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"moongate/runtime/front/proxy"
)

// Waits reports whether Greet may wait for a client. If not, a connection can be asked about where it is accepted.
func (f *Front) Waits() bool {
	return f.options.Proxy != ProxyOff || f.server != nil || f.options.Protocol != Raw
}

// Greet reads from a connection what the options say must be known before the policy is asked: PROXY header, TLS, login. It
// blocks in the connection's goroutine until all of that is there, the time is over, or ctx ends, whose cause it gives
// then. It sets deadlines of conn, and takes them away at the end.
//
// With an error, which is an *Error, the client has been told in the words of its protocol if that has any; the connection is
// for the caller to close, best after a moment in which the client can read.
func (f *Front) Greet(ctx context.Context, conn net.Conn, peer Peer) (*Arrival, error) {
	a := &Arrival{front: f, Conn: conn, Facts: Facts{Address: peer.Address, Local: peer.Local}}
	if !f.Waits() {
		return a, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, f.options.Timeout, errTimeout)
	defer cancel()
	release := bound(ctx, conn)
	err := f.greet(ctx, a, &stream{Conn: conn})
	if !release() && err == nil {
		err = interrupted(ctx, AtLogin)
	}
	if err != nil {
		a.Leave()
		return nil, err
	}
	a.Facts.name()
	return a, nil
}

// bound makes reads and writes of a connection fail as soon as ctx is over. release ends that, and reports false when it is
// too late, and the connection stays as it is.
func bound(ctx context.Context, conn net.Conn) (release func() bool) {
	return context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
}

func (f *Front) greet(ctx context.Context, a *Arrival, s *stream) error {
	if f.options.Proxy != ProxyOff {
		if err := f.readProxy(ctx, a, s); err != nil {
			return err
		}
	}
	switch f.options.Protocol {
	case Postgres:
		return f.greetPostgres(ctx, a, s)
	case MySQL:
		return f.greetMySQL(ctx, a, s)
	}
	if f.server == nil {
		a.Unread = s.rest()
		return nil
	}
	return f.secure(ctx, a, s)
}

// secure ends TLS on a stream, and makes what is inside the arrival's connection.
func (f *Front) secure(ctx context.Context, a *Arrival, s *stream) error {
	conn, facts, err := f.handshake(ctx, s)
	if err != nil {
		return err
	}
	a.Conn, a.Facts.TLS = conn, facts
	return nil
}

// readProxy reads the PROXY header of a proxy that is trusted. Nobody else gets a word read.
func (f *Front) readProxy(ctx context.Context, a *Arrival, s *stream) error {
	from := a.Facts.Address.Addr().Unmap()
	if !slices.ContainsFunc(f.options.Trusted, func(p netip.Prefix) bool { return p.Contains(from) }) {
		return &Error{Cause: ProxyUntrusted, Step: AtProxyHeader}
	}
	packet, err := s.take(ctx, AtProxyHeader, proxy.Measure, proxyFailed)
	if err != nil {
		return err
	}
	h, err := proxy.Parse(packet)
	if err != nil {
		return proxyFailed(err)
	}
	if mode := f.options.Proxy; mode != ProxyAny && int(mode) != h.Version {
		return &Error{Cause: ProxyMissing, Step: AtProxyHeader, Err: errOtherVersion}
	}
	a.Facts.proxied(h)
	return nil
}
