package host

import (
	"net"
	"slices"
	"strings"
	"syscall"

	"moongate/runtime/gate"
	"moongate/runtime/listener"
	"moongate/runtime/session"
)

// The kinds of events of a restart.
const (
	Restarting   EventKind = "restarting"     // the new process runs
	Restarted    EventKind = "restarted"      // it serves; this one goes when its clients have gone
	NotRestarted EventKind = "restart failed" // this one serves on
)

// Sockets are listening sockets that the host may use in place of new ones.
type Sockets interface {
	// TakeGate gives the socket for a gate, nil when there is none. name may be "".
	TakeGate(address, name string) *net.TCPListener
}

// bind binds a gate's address, or takes the socket that was inherited for it.
func (h *Host) bind(d gate.Definition) (*listener.Listener, error) {
	if h.config.Sockets != nil {
		if inner := h.config.Sockets.TakeGate(d.Listen, d.Name); inner != nil {
			return listener.Inherit(inner, h.log)
		}
	}
	return listener.Open(d.Listen, h.log)
}

// GateSocket is a gate's listening socket.
type GateSocket struct {
	Name, Asked string // the gate's; Asked is the address as the definition has it
	Socket      syscall.Conn
}

// GateSockets are the sockets of the open gates, for another process that is to accept on them.
func (h *Host) GateSockets() []GateSocket {
	var all []GateSocket
	for _, g := range h.gates.open() {
		all = append(all, GateSocket{Name: g.name, Asked: g.Definition().Listen, Socket: g.listener.Socket()})
	}
	return all
}

func (gs *gates) open() []*openGate {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	var all []*openGate
	for _, g := range gs.all {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b *openGate) int { return strings.Compare(a.name, b.name) })
	return all
}

// PauseGates has the gates let nobody in until ResumeGates; who connects waits. It blocks for moments.
func (h *Host) PauseGates() {
	for _, g := range h.gates.open() {
		g.listener.Pause()
	}
}

// ResumeGates takes PauseGates back.
func (h *Host) ResumeGates() {
	for _, g := range h.gates.open() {
		g.listener.Resume()
	}
}

// Replace says that another process serves from now on: the gates are closed here, and the host ends when those whom it
// has are gone, or as the request says.
func (h *Host) Replace(r QuitRequest) {
	h.gates.shut()
	r.Replaced = true
	h.AskToQuit(r)
}

// ShutGates closes the gates for ever, also those that have not let anybody in yet.
func (h *Host) ShutGates() { h.gates.shut() }

// Note tells those who read events of a step of a restart.
func (h *Host) Note(kind EventKind, text string) { h.events.publish(Event{Kind: kind, Text: text}) }

// Serves reports whether clients can come in: the host has started, and nobody has asked it to stop.
func (h *Host) Serves() bool {
	return h.sessions.Stage() == session.Serving && !h.quits.isAsked()
}
