package host

import (
	"cmp"
	"context"
	"time"

	"moongate/runtime/listener"
	"moongate/runtime/session"
)

// Visit is the door for a client that somebody makes up, to try the scripts out: what Open does, for a user of that name
// whom nobody asks for a password; "" is the Designer, at a gate the user that is called as the address. What is known of
// a gate's client is in the peer. The second result is the refusal, whose By is the line that returned; its code is 0 for
// a guest who was let in. It blocks until that is decided.
func (h *Host) Visit(peer session.Peer, user string) (listener.Guest, session.Refusal) {
	now := time.Now()
	who, err := h.visitedBy(peer, user)
	refusal := session.Refusal{Code: -10515, Reason: errNoNumber.Error(), By: "user numbers"}
	if err == nil {
		refusal = h.sessions.Check(peer)
	}
	if refusal.Code != 0 {
		h.refused(peer, nil, who, refusal, now, asked{})
		return nil, refusal
	}
	twin := h.twin(now)
	c := h.sessions.New(peer, who, twin, now)
	if c == nil {
		twin.End()
		return h.Visit(peer, user)
	}
	program, ruling := h.decide(c, nil)
	if ruling.Code != 0 {
		return nil, ruling.Refusal
	}
	g := &guest{host: h, connection: c, program: program, decided: time.Now()}
	g.limit(ruling.Terms)
	return g, session.Refusal{By: cmp.Or(ruling.By, program.Returned())}
}

func (h *Host) visitedBy(peer session.Peer, user string) (session.User, error) {
	switch {
	case user != "":
		return h.numbered(context.Background(), user)
	case peer.Gate != "":
		return unknownUser(peer.Address.Addr()), nil
	}
	return session.DesignerUser, nil
}
