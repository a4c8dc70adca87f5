package host

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"moongate/runtime/forward"
	"moongate/runtime/front"
	"moongate/runtime/gate"
	"moongate/runtime/listener"
	"moongate/runtime/session"
)

// gates are a host's gates. They are bound when they are opened, and let clients in from the end of on_server_startup until
// the shutdown has ended the connections.
type gates struct {
	running sync.WaitGroup // a goroutine for each gate that serves, ended by the close of its listener
	ends    sync.WaitGroup // a goroutine for each end of a passage that somebody asks for

	mu     sync.Mutex
	all    map[string]*openGate // by name
	engine *forward.Engine      // nil before the first gate
	stage  session.Stage        // Starting, Serving, and Stopping: no gate can be opened any more
}

// openGate is a gate that is open, or that has passages yet.
type openGate struct {
	*gate.Gate
	host     *Host
	name     string
	listener *listener.Listener
	engine   *forward.Engine
	waits    bool // clients must be waited for before or after the policy
	accepted atomic.Int64
	refused  atomic.Int64
	in, out  atomic.Int64 // bytes of passages that are over
	choose   func(string) error
}

// Errors of OpenGate and CloseGate.
var (
	ErrGateOpen = errors.New("there is a gate of that name already; close it first, or give this one another name")
	ErrNoGate   = errors.New("there is no gate of that name")
)

// OpenGate opens a gate and gives the address that it is bound to. Clients come in as soon as the host serves. It blocks
// while host names are looked up. The error is one line: which field is wrong, or why the address cannot be had.
func (h *Host) OpenGate(d gate.Definition) (netip.AddrPort, error) {
	if err := d.Check(); err != nil {
		return netip.AddrPort{}, err
	}
	l, err := h.bind(d)
	if err != nil {
		return netip.AddrPort{}, err
	}
	g := &openGate{host: h, listener: l, name: cmp.Or(d.Name, l.Address().String())}
	d.Name, d.Front.Gate, d.Front.Log = g.name, g.name, h.log
	if g.Gate, err = gate.New(d); err == nil {
		if err = h.gates.add(g); err != nil {
			g.Close()
		}
	}
	if err != nil {
		l.Close()
		return netip.AddrPort{}, fmt.Errorf("gate %s: %w", g.name, err)
	}
	h.log.Info("gate open", "gate", g.name, "listen", l.Address(), "upstreams", d.Upstreams)
	return l.Address(), nil
}

// add takes a gate up, and has it serve if the host does.
func (gs *gates) add(g *openGate) (err error) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	switch {
	case gs.stage == session.Stopping:
		return ErrStopped
	case gs.all[g.name] != nil:
		return ErrGateOpen
	}
	if gs.engine == nil {
		if gs.engine, err = forward.New(forward.Options{}); err != nil {
			return err
		}
		gs.all = map[string]*openGate{}
	}
	g.engine, g.waits = gs.engine, g.Front().Waits() || g.Front().JoinWaits()
	if g.Definition().Front.Protocol != front.MySQL {
		g.choose = func(upstream string) error {
			_, err := g.Choice(upstream)
			return err
		}
	}
	if g.Definition().Reset {
		g.listener.ResetRefused()
	}
	gs.all[g.name] = g
	if gs.stage == session.Serving {
		gs.startLocked(g)
	}
	return nil
}

func (gs *gates) startLocked(g *openGate) {
	gs.running.Go(func() { g.listener.Serve(g) })
}

// CloseGate closes a gate. Those who came in by it stay. The error is ErrNoGate.
func (h *Host) CloseGate(name string) error {
	h.gates.mu.Lock()
	defer h.gates.mu.Unlock()
	g := h.gates.all[name]
	if g == nil {
		return fmt.Errorf("gate %s: %w", name, ErrNoGate)
	}
	delete(h.gates.all, name)
	g.shut()
	h.log.Info("gate closed", "gate", name)
	return nil
}

func (g *openGate) shut() {
	g.listener.Close()
	g.Close()
}

// serve has all gates let clients in.
func (gs *gates) serve() {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if gs.stage != session.Starting {
		return
	}
	gs.stage = session.Serving
	for _, g := range gs.all {
		gs.startLocked(g)
	}
}

// shut closes all gates for ever.
func (gs *gates) shut() {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	gs.stage = session.Stopping
	for _, g := range gs.all {
		g.shut()
	}
}

// end frees what the gates had, when no connection is left.
func (gs *gates) end() {
	gs.mu.Lock()
	engine := gs.engine
	gs.mu.Unlock()
	gs.running.Wait()
	gs.ends.Wait()
	if engine != nil {
		engine.Close()
	}
}

// GateReport is how a gate is.
type GateReport struct {
	Name              string
	Listen            netip.AddrPort
	Connections       int // that are open or being decided
	Accepted, Refused int64
	In, Out           int64 // bytes from and to clients whose connections are over
	Upstreams         []gate.Report
}

// Gates are the open gates, by name.
func (h *Host) Gates() []GateReport {
	h.gates.mu.Lock()
	defer h.gates.mu.Unlock()
	var all []GateReport
	for _, g := range h.gates.all {
		all = append(all, GateReport{
			Name: g.name, Listen: g.listener.Address(), Connections: h.sessions.Count(session.Filter{Gate: &g.name}),
			Accepted: g.accepted.Load(), Refused: g.refused.Load(), In: g.in.Load(), Out: g.out.Load(), Upstreams: g.Upstreams(),
		})
	}
	slices.SortFunc(all, func(a, b GateReport) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Open is the door of a gate: the checks, then the twin and the open method in it; before that, what the gate's front has to
// read, with the client as a visitor.
func (g *openGate) Open(peer session.Peer, handover func()) (listener.Guest, []byte) {
	h, now := g.host, time.Now()
	peer.Gate = g.name
	if refusal := h.sessions.Check(peer); refusal.Code != 0 {
		g.refused.Add(1)
		h.refused(peer, nil, session.User{}, refusal, now, asked{})
		return nil, g.Front().Unheard(refusal.Code, refusal.Reason)
	}
	if g.waits {
		if a := h.sessions.Arrive(peer, now); a != nil {
			return &visitor{gate: g, arrival: a}, nil
		}
		return g.Open(peer, handover)
	}
	peer.Passage = &session.Passage{Choose: g.choose}
	twin := h.twin(now)
	c := h.sessions.New(peer, unknownUser(peer.Address.Addr()), twin, now)
	if c == nil {
		twin.End()
		return g.Open(peer, handover)
	}
	program, ruling := h.decide(c, handover)
	if ruling.Code != 0 {
		g.refused.Add(1)
		return nil, g.refusalMessage()
	}
	return g.passage(c, program, ruling), nil
}

// refusalMessage is what a refused client gets.
func (g *openGate) refusalMessage() []byte { return []byte(g.Definition().Front.RefusalMessage) }

// Rest is the door while nobody comes.
func (g *openGate) Rest() { g.host.Rest() }
