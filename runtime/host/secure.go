package host

import (
	"context"
	"errors"
	"net"
	"runtime/debug"
	"time"

	"moongate/runtime/application"
	"moongate/runtime/front"
	"moongate/runtime/listener"
	"moongate/runtime/session"
)

// secureDoor is the door of an application listener with TLS.
type secureDoor struct {
	host     *Host
	front    *front.Front
	listener *listener.Listener
}

// SecureDoor is the door of an application listener whose clients begin TLS, as the front says. Who has passed the checks is
// an arrival until the handshake is over, in a goroutine of its own; then all is as behind the host's own door.
func (h *Host) SecureDoor(f *front.Front, l *listener.Listener) listener.Door {
	return &secureDoor{host: h, front: f, listener: l}
}

// Open makes an arrival of who has passed the checks. Who has not is told nothing: it would be no TLS.
func (d *secureDoor) Open(peer session.Peer, _ func()) (listener.Guest, []byte) {
	h, now := d.host, time.Now()
	peer.Passage = &session.Passage{} // for what TLS says of the client
	g := &guest{host: h}
	if h.sessions.Hears(peer) {
		g.arrival = h.sessions.Hear(peer, now)
		g.undecided = g.arrival != nil
	}
	if g.arrival == nil {
		if refusal := h.sessions.Check(peer); refusal.Code != 0 {
			h.refused(peer, nil, session.User{}, refusal, now, asked{})
			return nil, nil
		}
		g.arrival = h.sessions.Arrive(peer, now)
	}
	if g.arrival == nil {
		return d.Open(peer, nil)
	}
	return &handshaker{guest: g, door: d}, nil
}

// Rest is the host's.
func (d *secureDoor) Rest() { d.host.Rest() }

// handshaker is a guest that has begun no TLS yet.
type handshaker struct {
	*guest
	door *secureDoor
}

// Serve ends TLS, and then is the guest's stay.
func (s *handshaker) Serve(conn net.Conn) {
	inside := s.greet(conn)
	if inside == nil {
		s.host.sessions.Leave(s.arrival)
		s.door.listener.Dismiss(conn, true)
		return
	}
	s.guest.Serve(inside)
}

// inPlainWords is what a client gets that began no TLS.
const inPlainWords = "-ERR this listener speaks TLS; connect with it, as redis-cli --tls does\r\n"

// greet gives what is inside the client's TLS, when the client is a guest by then: the open method has let it in, or it must
// still say who it is. The result is nil for who was refused, and told so.
func (s *handshaker) greet(conn net.Conn) (inside net.Conn) {
	h, a := s.host, s.arrival
	defer func() {
		if fault := recover(); fault != nil {
			h.log.Error("fault of the host", "error", fault, "stack", string(debug.Stack()))
			inside = nil
		}
	}()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	a.OnEnd(func(cause session.Cause) { cancel(errors.New(cause.String())) })
	greeted, err := s.door.front.Greet(ctx, conn, front.Peer{Address: a.Peer.Address, Local: a.Peer.Local})
	if err != nil {
		refusal := refusedByFront(err)
		h.refused(a.Peer, nil, session.User{}, refusal, a.Since, asked{})
		if refusal.By == front.TLSGarbage.String() {
			conn.SetWriteDeadline(time.Now().Add(lastWords))
			conn.Write([]byte(inPlainWords))
		}
		return nil
	}
	a.Peer.Passage.Facts = facts(&greeted.Facts) // nobody looks at an arrival's
	if s.undecided || h.logins.users != nil {
		return greeted.Conn
	}
	s.user = session.DesignerUser
	if err := s.Enter(); err != nil {
		s.dismiss(greeted.Conn, err)
		return nil
	}
	return greeted.Conn
}

// lastWords is how long the reason of a refusal has to leave.
const lastWords = time.Second

// dismiss tells a client inside its TLS why it was refused.
func (s *handshaker) dismiss(secure net.Conn, err error) {
	var refused *application.Refused
	if !errors.As(err, &refused) {
		return
	}
	secure.SetWriteDeadline(time.Now().Add(lastWords))
	secure.Write(answer(session.Refusal{Code: refused.Code, Reason: refused.Reason}))
	if half, ok := secure.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}
