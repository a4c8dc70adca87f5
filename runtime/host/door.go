package host

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"moongate/runtime/listener"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/session"
)

// applicationProcess is what 4D calls the main process of a client as the server sees it. A twin has this name from
// its acceptance until the client gives another.
const applicationProcess = "Application process"

var (
	errDropped  = errors.New("the connection was dropped")
	errShutdown = errors.New("the server stops")
)

// guest is an accepted connection: the twin's code and the protocol's other end.
type guest struct {
	host       *Host
	connection *session.Connection
	program    Program

	mu   sync.Mutex
	over bool // the stay is over: nothing interrupts the close method on its account
}

// Open is the door of the application listener: the checks, then the twin and the open method in it. A refused
// connection leaves no process, no user and no close call.
func (h *Host) Open(peer session.Peer, handover func()) (listener.Guest, []byte) {
	now := time.Now()
	if refusal := h.sessions.Check(peer); refusal.Code != 0 {
		h.logRefusal(now, nil, peer, refusal, nil)
		return nil, answer(refusal)
	}
	twin := h.processes.Start(process.Spec{Type: process.InternalServer, Method: method.OnServerOpenConnection, Started: now})
	c := h.sessions.New(peer, session.Designer, twin, now)
	if c == nil {
		twin.End()
		return h.Open(peer, handover)
	}
	program := h.scripts.NewProgram(twin, c)
	refusal, fault := h.verdict(c, program, handover)
	if fault != nil {
		h.logFault(method.OnServerOpenConnection, twin, c, program, fault)
	}
	if refusal.Code != 0 {
		h.sessions.Refuse(c)
		program.Close()
		twin.End()
		h.logRefusal(now, c, peer, refusal, program)
		return nil, answer(refusal)
	}
	twin.SetName(applicationProcess)
	twin.Rest(process.WaitingForInputOutput)
	h.sessions.Accept(c)
	if h.mayLog(&h.visits, now) {
		h.log.Info("connection opened", "connection", c.ID, "user", session.UserName(c.User), "address", peer.Address,
			"process", twin.Number(), "version", program.Version())
	}
	return &guest{host: h, connection: c, program: program}, nil
}

// Rest is the door while nobody comes: processes that wait for the lane may have it.
func (h *Host) Rest() { h.scripts.Rest() }

// Serve is the guest's stay. Its end, whatever its cause, is this: the close method, in the same process with the
// same three integers and the variables that the open method left; then what the process owns is freed; then the
// socket is closed, so that a client which sees the end of file knows that the close method is over.
func (g *guest) Serve(conn net.Conn) {
	h, c, twin := g.host, g.connection, g.connection.Process
	cause := g.stay(conn)
	c.End(cause)
	g.endStay()
	if g.program.Has(method.OnServerCloseConnection) {
		_, err := g.program.Call(CallOptions{Door: true, Limit: h.closeLimit()},
			method.OnServerCloseConnection, int64(c.User), int64(c.ID), int64(0))
		if err != nil {
			h.logFault(method.OnServerCloseConnection, twin, c, g.program, err)
			h.noteLeft(fmt.Sprintf("%s of connection %d: %v", method.OnServerCloseConnection, c.ID, err), err)
		}
	}
	g.program.Close()
	h.sessions.Close(c)
	twin.End()
	conn.Close()
	if now := time.Now(); h.mayLog(&h.visits, now) {
		h.log.Info("connection closed", "connection", c.ID, "user", session.UserName(c.User), "address", c.Peer.Address,
			"cause", c.Cause().String(), "duration", now.Sub(c.Opened).Round(time.Millisecond), "version", g.program.Version())
	}
}

// stay serves the protocol until something ends the connection. A panic there is a fault of the host and ends this
// connection only.
func (g *guest) stay(conn net.Conn) (cause session.Cause) {
	defer func() {
		if v := recover(); v != nil {
			g.host.log.Error("fault of the host", "connection", g.connection.ID, "error", v, "stack", string(debug.Stack()))
			cause = session.ConnectionLost
		}
	}()
	g.connection.Process.OnKill(func(error) { g.connection.End(session.ProcessAborted) })
	return g.host.application.Serve(conn, g)
}

// Connection is the connection that the guest came by.
func (g *guest) Connection() *session.Connection { return g.connection }

// Call runs a project method in the connection's own process, whose variables last from call to call.
func (g *guest) Call(name string, args []any) ([]any, error) {
	defer g.connection.Process.Rest(process.WaitingForInputOutput)
	if method.IsEvent(name) || !g.program.Has(name) {
		return nil, fmt.Errorf("%s: %w", name, ErrNoMethod)
	}
	results, err := g.program.Call(CallOptions{}, name, args...)
	if err != nil && !g.ending(g.connection.Process.Killed()) {
		g.host.logFault(name, g.connection.Process, g.connection, g.program, err)
	}
	return results, err
}

// ending reports whether a kill is what the end of the connection brings with it, and no news for the log.
func (g *guest) ending(killed error) bool {
	return errors.Is(killed, errShutdown) || errors.Is(killed, errDropped) || errors.Is(killed, process.ErrEnded)
}

// SetName names the client's process, and so its twin.
func (g *guest) SetName(name string) {
	if name == "" {
		name = applicationProcess
	}
	g.connection.Process.SetName(name)
}

// Name is the client's process's name.
func (g *guest) Name() string { return g.connection.Process.Name() }

// endStay forgets what was to end the stay, so that the close method can run.
func (g *guest) endStay() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	g.connection.Process.OnKill(nil)
	g.connection.Process.Pardon()
}

// Interrupt ends the method that runs for the connection, if one does.
func (g *guest) Interrupt(cause session.Cause) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return
	}
	switch cause {
	case session.Shutdown:
		g.connection.Process.Kill(errShutdown)
	case session.ProcessAborted:
	default:
		g.connection.Process.Kill(fmt.Errorf("%w: %s", errDropped, cause))
	}
}

func (h *Host) logRefusal(now time.Time, c *session.Connection, peer session.Peer, r session.Refusal, program Program) {
	if !h.mayLog(&h.refusals, now) {
		return
	}
	by := r.By
	if by == "" { // the open method: its line
		by = program.Returned()
	}
	attrs := []any{"address", peer.Address, "code", r.Code, "reason", r.Reason, "by", by}
	if c != nil {
		attrs = append([]any{"connection", c.ID}, append(attrs, "version", program.Version())...)
	}
	h.log.Info("connection refused", attrs...)
}

// logFault says that a script failed, once, with the place and the calls that led there.
func (h *Host) logFault(name string, p *process.Process, c *session.Connection, program Program, err error) {
	if !h.mayLog(&h.faults, time.Now()) {
		return
	}
	attrs := []any{"method", name, "error", err, "version", program.Version()}
	if c != nil {
		attrs = append(attrs, "connection", c.ID)
	}
	attrs = append(attrs, "process", p.Number())
	var script ScriptError
	if errors.As(err, &script) && script.Traceback() != "" {
		attrs = append(attrs, "traceback", script.Traceback())
	}
	h.log.Warn("script failed", attrs...)
}
