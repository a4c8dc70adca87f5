package host

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"moongate/runtime/forward"
	"moongate/runtime/front"
	"moongate/runtime/gate"
	"moongate/runtime/listener"
	"moongate/runtime/session"
)

// visitor is somebody at a gate who must be waited for: until the client has said who it is, or until the upstream has agreed
// on TLS. It has a goroutine until then.
type visitor struct {
	gate    *openGate
	arrival *session.Arrival
}

// Serve finds out who comes, asks the policy, and makes a passage of the visit, or ends it.
func (v *visitor) Serve(conn net.Conn) {
	g, h := v.gate, v.gate.host
	defer h.sessions.Leave(v.arrival)
	defer func() {
		if fault := recover(); fault != nil {
			h.log.Error("fault of the host", "error", fault, "stack", string(debug.Stack()))
			conn.Close()
		}
	}()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	v.arrival.OnEnd(func(cause session.Cause) { cancel(errors.New(cause.String())) })
	a, err := g.Front().Greet(ctx, conn, front.Peer{Address: v.arrival.Peer.Address, Local: v.arrival.Peer.Local})
	if err != nil {
		v.refuse(v.arrival.Peer, session.User{}, refusedByFront(err))
		g.listener.Dismiss(conn, true)
		return
	}
	p, r := v.enter(a)
	if r.Code != 0 {
		a.Refuse(r.Code, r.Reason)
		g.listener.Dismiss(conn, true)
		return
	}
	p.visited(ctx, cancel, a, conn)
}

// refuse records a refusal that no policy made.
func (v *visitor) refuse(peer session.Peer, user session.User, r session.Refusal) {
	v.gate.refused.Add(1)
	v.gate.host.refused(peer, nil, user, r, v.arrival.Since, asked{})
}

// enter asks the policy about an arrival.
func (v *visitor) enter(a *front.Arrival) (*passage, session.Refusal) {
	g, h := v.gate, v.gate.host
	peer := v.arrival.Peer
	peer.Address, peer.Local = a.Facts.Address, a.Facts.Local
	peer.Passage = &session.Passage{Facts: facts(&a.Facts), Choose: g.choose}
	led, _ := a.Upstream.(*gate.Led)
	if led != nil {
		peer.Passage.LedTo(led.Upstream.String())
	}
	user, err := h.visitingUser(&a.Facts, peer.Address.Addr())
	if err != nil {
		r := session.Refusal{Code: -10515, Reason: errNoNumber.Error(), By: "user numbers"}
		v.refuse(peer, user, r)
		return nil, r
	}
	if peer.Address != v.arrival.Peer.Address {
		if r := h.sessions.CheckAddress(peer); r.Code != 0 {
			v.refuse(peer, user, r)
			return nil, r
		}
	}
	twin := h.twin(time.Now())
	c := h.sessions.AdmitAs(v.arrival, peer, user, twin)
	if c == nil {
		twin.End()
		r := h.sessions.Check(peer)
		if r.Code == 0 { // it was ended meanwhile
			r = session.Refusal{Code: -10515, Reason: "the connection was dropped", By: "an administrator"}
		}
		v.refuse(peer, user, r)
		return nil, r
	}
	program, ruling := h.decide(c, nil)
	if ruling.Code != 0 {
		g.refused.Add(1)
		return nil, ruling.Refusal
	}
	return g.passage(c, program, ruling), session.Refusal{}
}

// visited goes on with a client that was accepted after it was waited for. With TLS on either side goroutines of the
// engine's move its bytes; otherwise it needs none any more.
func (p *passage) visited(ctx context.Context, cancel context.CancelCauseFunc, a *front.Arrival, conn net.Conn) {
	if a.Secured() {
		p.transport = listener.Of(a.Conn)
	} else {
		p.transport = listener.Of(conn)
	}
	p.opening, p.read = a.Opening(), int64(len(a.Unread))
	p.cancel = func() { cancel(errDropped) }
	p.attend()
	if a.Upstream == nil && !p.gate.Front().JoinWaits() {
		p.setCancel(nil)
		p.lead(func() {})
		return
	}
	upstream, cause := p.join(ctx, a)
	p.setCancel(nil)
	if cause != session.NoCause {
		p.finish(cause, func() {})
		return
	}
	p.forward(upstream)
}

func (p *passage) setCancel(cancel func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancel = cancel
}

// join connects the upstream where that has to be waited for, and says to it what must be said before the client's words. One that
// cannot be agreed with on TLS is not the end while there is another one. With a cause there is none.
func (p *passage) join(ctx context.Context, a *front.Arrival) (forward.Socket, session.Cause) {
	if led, _ := a.Upstream.(*gate.Led); led != nil { // MySQL's has greeted this client: there can be no other
		return p.agree(ctx, a, led)
	}
	cause := session.UpstreamUnreachable
	for {
		conn, u, err := p.gate.Dial(ctx, p.choice, &p.tried)
		switch {
		case errors.Is(err, gate.ErrExhausted):
			return forward.Socket{}, cause
		case err != nil:
			return forward.Socket{}, dialCause(err)
		}
		var upstream forward.Socket
		upstream, cause = p.agree(ctx, a, &gate.Led{Conn: conn, Upstream: u})
		if cause == session.NoCause || p.choice != nil || p.connection.Cause() != session.NoCause {
			return upstream, cause
		}
	}
}

// agree says to an upstream what it must get first, TLS included.
func (p *passage) agree(ctx context.Context, a *front.Arrival, led *gate.Led) (forward.Socket, session.Cause) {
	led.Take()
	p.upstream = led.Upstream
	p.connection.Peer.Passage.LedTo(led.Upstream.String())
	joined, opening, err := a.Join(ctx, led, led.Upstream.Host())
	if err != nil {
		led.Upstream.End(false)
		if p.connection.Cause() == session.NoCause {
			led.Upstream.Failed(p.gate.Now(), err.Error())
			p.gate.host.log.Warn("upstream failed", "gate", p.gate.name, "upstream", led.Upstream.String(), "error", err)
		}
		led.Close()
		return forward.Socket{}, session.UpstreamFailed
	}
	p.opening = opening
	if joined == net.Conn(led) {
		return forward.Plain(led.Conn), session.NoCause
	}
	return forward.Conn(joined), session.NoCause
}

// dialCause is the cause that an error of dialling is.
func dialCause(err error) session.Cause {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return session.UpstreamRefused
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.EADDRNOTAVAIL):
		return session.NoResources
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return session.UpstreamTimeout
	}
	return session.UpstreamUnreachable
}

// refusedByFront is what the journal says of those who broke the rules before the policy was asked.
func refusedByFront(err error) session.Refusal {
	r := session.Refusal{Code: -10515, Reason: err.Error(), By: "gate"}
	var failed *front.Error
	if errors.As(err, &failed) {
		r.By = failed.Cause.String()
	}
	return r
}
