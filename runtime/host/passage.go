package host

import (
	"fmt"
	"net"
	"sync"
	"time"

	"moongate/runtime/forward"
	"moongate/runtime/gate"
	"moongate/runtime/listener"
	"moongate/runtime/method"
	"moongate/runtime/session"
)

// passage is somebody whom the policy has let through a gate: the twin's code and the way to the upstream. While bytes flow
// it has no goroutine; whoever finds out that they no longer do runs the close method.
type passage struct {
	gate       *openGate
	connection *session.Connection
	program    Program
	decided    time.Time
	terms      gate.Terms
	transport  listener.Transport
	opening    []byte // what the upstream must get first; nil once it is given away
	read       int64  // bytes of the client that are in opening

	// of whoever leads the client to the next upstream; one goroutine at a time
	choice   *gate.Upstream // the policy's; nil: the gate's are tried in turn
	upstream *gate.Upstream // that is tried now, or was last
	tried    gate.Tried
	failed   session.Cause // why the last one could not be reached

	mu      sync.Mutex
	flow    *forward.Flow
	attempt int    // the one that flow belongs to
	asked   bool   // somebody wants the end
	over    bool   // the end has come
	cancel  func() // ends what a goroutine waits for on the way to the upstream; nil: nobody waits
}

// passage makes the guest of a connection that was accepted.
func (g *openGate) passage(c *session.Connection, program Program, r ruling) *passage {
	g.accepted.Add(1)
	p := &passage{gate: g, connection: c, program: program, decided: time.Now(), terms: g.Definition().Terms.Over(r.Terms)}
	if chosen := c.Peer.Passage.Decided(); chosen != "" && g.choose != nil {
		p.choice, _ = g.Choice(chosen) // it was allowed when it was chosen
	}
	return p
}

// Settle takes the client's transport over: bytes flow as soon as an upstream takes the connection.
func (p *passage) Settle(t listener.Transport) {
	p.transport = t
	p.attend()
	p.lead(func() {})
}

// Serve is Settle for who has a connection.
func (p *passage) Serve(conn net.Conn) { p.Settle(listener.Of(conn)) }

// attend makes the end of the connection and of its process end the passage.
func (p *passage) attend() {
	c := p.connection
	c.ServedBy(p)
	c.Process.OnKill(func(error) { c.End(session.ProcessAborted) })
}

// lead leads the client to the next upstream, or ends the passage when there is none.
func (p *passage) lead(handover func()) {
	for {
		u := p.next()
		if u == nil {
			p.finish(p.failed, handover)
			return
		}
		p.upstream = u
		p.connection.Peer.Passage.LedTo(u.String())
		u.Begin()
		address, known := u.Address()
		if known {
			p.forward(forward.To(address))
			return
		}
		u.End(false)
		u.Failed(p.gate.Now(), gate.ErrUnknownHost.Error())
		p.failed = session.UpstreamUnreachable
	}
}

// next is the upstream to try now; nil: none is left, or the client need not be led anywhere any more.
func (p *passage) next() *gate.Upstream {
	switch {
	case p.connection.Cause() != session.NoCause:
		return nil
	case p.choice == nil:
		return p.gate.Pick(&p.tried)
	case p.tried == 0:
		p.tried = 1
		return p.choice
	}
	return nil
}

// forward has bytes flow between the client and an upstream.
func (p *passage) forward(upstream forward.Socket) {
	p.mu.Lock()
	p.attempt++
	attempt := p.attempt
	p.mu.Unlock()
	flow := p.gate.engine.Forward(p.transport.Socket(), upstream, forward.Terms{
		ConnectTimeout: p.gate.Definition().ConnectTimeout, IdleTimeout: p.terms.IdleTimeout, MaxDuration: p.terms.MaxDuration,
		MaxBytes: p.terms.MaxBytes, BytesPerSecond: p.terms.BytesPerSecond, ToUpstream: p.opening,
	}, p.flowed)
	p.mu.Lock()
	if attempt == p.attempt { // the next one may have begun by now
		p.flow = flow
	}
	asked := p.asked && !p.over
	p.mu.Unlock()
	if asked {
		flow.End(forward.Asked)
	}
}

// causes are what the causes of package forward are to a connection.
var causes = map[forward.Cause]session.Cause{
	forward.ClientEnded: session.ClientLeft, forward.UpstreamEnded: session.UpstreamLeft, forward.ClientLost: session.ConnectionLost,
	forward.UpstreamLost: session.UpstreamLost, forward.Idle: session.Idle, forward.MaxDuration: session.OverTime,
	forward.MaxBytes: session.OverBytes, forward.EngineClosed: session.Shutdown, forward.Refused: session.UpstreamRefused,
	forward.Unreachable: session.UpstreamUnreachable, forward.ConnectTimeout: session.UpstreamTimeout,
	forward.NoResources: session.NoResources, forward.Asked: session.Dropped,
}

// flowed is told when bytes flow no longer, or could not. An upstream that could not be reached is not the end while there
// is another one.
func (p *passage) flowed(end forward.End, handover func()) {
	u := p.upstream
	u.End(!end.Cause.Connecting())
	if !end.Cause.Connecting() {
		p.finish(causes[end.Cause], handover)
		return
	}
	p.failed = causes[end.Cause]
	if end.Cause == forward.NoResources { // which another upstream would need as well
		p.finish(p.failed, handover)
		return
	}
	u.Failed(p.gate.Now(), end.Err.Error())
	p.lead(handover)
}

// finish is the end, whatever its cause: the close method, in the same process with the same three integers and the variables
// that the open method left; then what the process owns is freed; then the socket is closed. (An upstream that has ended its
// sending was passed on to the client before, who may still have something to say.) handover is called before anything that
// may wait.
func (p *passage) finish(cause session.Cause, handover func()) {
	h, c := p.gate.host, p.connection
	handover = sync.OnceFunc(handover)
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	c.End(cause)
	twin := c.Process
	twin.OnKill(nil)
	twin.Pardon()
	if p.program.Has(method.OnServerCloseConnection) {
		if !p.program.Ready() {
			handover()
		}
		_, err := h.call(p.program, CallOptions{Door: true, Limit: h.closeLimit(), Handover: handover},
			method.OnServerCloseConnection, int64(c.User), int64(c.ID), int64(0))
		if err != nil {
			h.logFault(method.OnServerCloseConnection, twin, c, p.program, err)
			h.noteLeft(fmt.Sprintf("%s of connection %d: %v", method.OnServerCloseConnection, c.ID, err), err)
		}
	}
	if p.program.CloseWaits() {
		handover()
	}
	p.program.Close()
	in, out := p.Bytes()
	p.gate.in.Add(in)
	p.gate.out.Add(out)
	h.closed(c, p.decided)
	h.sessions.Close(c)
	twin.End()
	p.transport.Close()
}

// End asks for the end. It does not wait: the close method runs in a goroutine of its own.
func (p *passage) End(session.Cause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	p.asked = true
	if p.cancel != nil {
		p.cancel()
	}
	if flow := p.flow; flow != nil {
		p.gate.host.gates.ends.Go(func() { flow.End(forward.Asked) }) // ends with the close method
	}
}

// Tell is nothing: the protocol is the client's and the upstream's.
func (p *passage) Tell(string) bool { return false }

// Quit, Order and Push are nothing either.
func (p *passage) Quit(time.Duration, string) bool { return false }
func (p *passage) Order(session.Order)             {}
func (p *passage) Push(string, ...any) bool        { return false }

// Idle is how long no byte has moved.
func (p *passage) Idle() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.flow == nil {
		return 0
	}
	return p.flow.Idle()
}

// Bytes is how many bytes have come from the client and gone to it.
func (p *passage) Bytes() (in, out int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.flow != nil {
		in, out = p.flow.Bytes()
	}
	return in + p.read, out
}

var _ session.Stay = (*passage)(nil)
var _ listener.Settler = (*passage)(nil)
