package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"moongate/runtime/gate"
	"moongate/runtime/listener"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/session"
)

// applicationProcess is what 4D calls the main process of a client as the server sees it. A twin has this name from
// its acceptance until the client gives another.
const applicationProcess = "Application process"

// twinName is the name of an accepted client's twin. A gate's client has no process that could give it a name.
func twinName(gate string) string {
	if gate != "" {
		return "Gate " + gate
	}
	return applicationProcess
}

var (
	errDropped  = errors.New("the connection was dropped")
	errShutdown = errors.New("the server stops")
)

// guest is somebody who was let in, or who may log in: the twin's code and the protocol's other end.
type guest struct {
	host    *Host
	arrival *session.Arrival // where the client came by, if it must log in; else nil
	server  session.Stay     // who serves the conversation
	program Program
	decided time.Time

	// of the login, which belongs to the goroutine that serves
	user   session.User // who has logged in, or tried to last
	failed int          // tries
	told   bool         // the verdict is recorded

	mu         sync.Mutex
	connection *session.Connection // nil until the client has logged in
	ctx        context.Context     // of a login
	cancel     context.CancelCauseFunc
	over       bool          // the stay is over: nothing interrupts the close method on its account
	idle       time.Duration // that the open method allows; 0: the server's own
	until      time.Time     // that it allows; zero: for ever
}

// Open is the door of the application listener: the checks, then the twin and the open method in it; with accounts the
// client logs in between the two, as its own guest. A refused connection leaves no process, no user and no close call.
func (h *Host) Open(peer session.Peer, handover func()) (listener.Guest, []byte) {
	now := time.Now()
	if refusal := h.sessions.Check(peer); refusal.Code != 0 {
		h.refused(peer, nil, session.User{}, refusal, now, "", "")
		return nil, answer(refusal)
	}
	if h.logins.users != nil {
		if a := h.sessions.Arrive(peer, now); a != nil {
			return &guest{host: h, arrival: a}, nil
		}
		return h.Open(peer, handover)
	}
	twin := h.twin(now)
	c := h.sessions.New(peer, session.DesignerUser, twin, now)
	if c == nil {
		twin.End()
		return h.Open(peer, handover)
	}
	program, ruling := h.decide(c, handover)
	if ruling.Code != 0 {
		return nil, answer(ruling.Refusal)
	}
	g := &guest{host: h, connection: c, program: program, decided: time.Now()}
	g.limit(ruling.Terms)
	return g, nil
}

// limit takes over what the open method allows. The limits of bytes are for gates.
func (g *guest) limit(t gate.Terms) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.idle = t.IdleTimeout
	if t.MaxDuration > 0 {
		g.until = g.decided.Add(t.MaxDuration)
	}
}

// Limits are what the open method allows.
func (g *guest) Limits() (idle time.Duration, until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.idle, g.until
}

// twin starts the process of a client.
func (h *Host) twin(now time.Time) *process.Process {
	return h.processes.Start(process.Spec{Type: process.InternalServer, Method: method.OnServerOpenConnection, Started: now})
}

// admit makes a connection of an arrival that has logged in. It returns nil if nobody comes in any more.
func (h *Host) admit(a *session.Arrival, user session.User) *session.Connection {
	twin := h.twin(time.Now())
	c := h.sessions.Admit(a, user, twin)
	if c == nil {
		twin.End()
	}
	return c
}

// decide asks the open method about a connection, and opens or ends it. The program is that of the twin. handover may be
// nil.
func (h *Host) decide(c *session.Connection, handover func()) (Program, ruling) {
	twin := c.Process
	settled := false
	defer func() {
		if !settled { // a fault of the host, on its way up
			h.sessions.Refuse(c)
			twin.End()
		}
	}()
	program := h.scripts.NewProgram(twin, c)
	c.Began(program.Version())
	ruling, fault := h.verdict(c, program, handover)
	if fault != nil {
		h.logFault(method.OnServerOpenConnection, twin, c, program, fault)
	}
	if ruling.Code != 0 {
		program.Close()
		h.refused(c.Peer, c, session.User{Number: c.User, Name: c.Account}, ruling.Refusal, c.Opened, program.Returned(), program.Version())
		settled = true
		h.sessions.Refuse(c) // last: a shutdown that waits for nobody to be there goes on now
		twin.End()
		return nil, ruling
	}
	twin.SetName(twinName(c.Peer.Gate))
	twin.Rest(process.WaitingForInputOutput)
	settled = true
	h.sessions.Accept(c)
	h.accepted(c)
	return program, ruling
}

// Rest is the door while nobody comes: processes that wait for the lane may have it.
func (h *Host) Rest() { h.scripts.Rest() }

// Serve is the guest's stay. Its end, whatever its cause, is this: the close method, in the same process with the
// same three integers and the variables that the open method left; then what the process owns is freed; then the
// socket is closed, so that a client which sees the end of file knows that the close method is over.
func (g *guest) Serve(conn net.Conn) {
	cause := g.stay(conn)
	c := g.connection
	if c == nil {
		g.notLoggedIn(cause)
		conn.Close()
		return
	}
	h, twin := g.host, c.Process
	c.End(cause)
	g.endStay()
	if g.program.Has(method.OnServerCloseConnection) {
		_, err := h.call(g.program, CallOptions{Door: true, Limit: h.closeLimit()},
			method.OnServerCloseConnection, int64(c.User), int64(c.ID), int64(0))
		if err != nil {
			h.logFault(method.OnServerCloseConnection, twin, c, g.program, err)
			h.noteLeft(fmt.Sprintf("%s of connection %d: %v", method.OnServerCloseConnection, c.ID, err), err)
		}
	}
	g.program.Close()
	h.closed(c, g.decided)
	h.sessions.Close(c)
	twin.End()
	conn.Close()
}

// stay serves the protocol until something ends the connection. A panic there is a fault of the host and ends this
// connection only.
func (g *guest) stay(conn net.Conn) (cause session.Cause) {
	defer func() {
		if v := recover(); v != nil {
			g.host.log.Error("fault of the host", "error", v, "stack", string(debug.Stack()))
			cause = session.ConnectionLost
		}
	}()
	if g.connection != nil {
		g.endsWithTwin()
	}
	return g.host.application.Serve(conn, g)
}

// endsWithTwin makes the connection end when somebody aborts its process.
func (g *guest) endsWithTwin() {
	c := g.connection
	c.Process.OnKill(func(error) { c.End(session.ProcessAborted) })
}

// Connection is the connection that the guest came by, nil until it has logged in.
func (g *guest) Connection() *session.Connection { return g.connection }

// setConnection says which connection the guest has now; the goroutine that serves calls it.
func (g *guest) setConnection(c *session.Connection) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.connection = c
}

// ServedBy says who serves the conversation.
func (g *guest) ServedBy(stay session.Stay) {
	g.server = stay
	if g.connection != nil {
		g.connection.ServedBy(stay)
		return
	}
	g.arrival.OnEnd(stay.End)
}

// End asks for the end of the conversation.
func (g *guest) End(cause session.Cause) {
	g.mu.Lock()
	c := g.connection
	g.mu.Unlock()
	if c != nil {
		c.End(cause)
		return
	}
	g.arrival.End(cause)
}

// Call runs a project method in the connection's own process, whose variables last from call to call.
func (g *guest) Call(name string, args []any) ([]any, error) {
	defer g.connection.Process.Rest(process.WaitingForInputOutput)
	if method.IsEvent(name) || !g.program.Has(name) {
		return nil, fmt.Errorf("%s: %w", name, ErrNoMethod)
	}
	results, err := g.host.call(g.program, CallOptions{}, name, args...)
	killed := g.connection.Process.Killed()
	switch {
	case err == nil || g.ending(killed):
	case killed == nil && errors.Is(err, process.ErrEnded): // abort(), which is what the script wanted
		g.host.log.Info("method aborted", "method", name, "process", g.connection.Process.Number(), "error", err)
	default:
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

// Interrupt ends the login or the method that runs for the connection, if one does.
func (g *guest) Interrupt(cause session.Cause) {
	c := g.interruptLogin()
	if c == nil {
		return
	}
	c.End(cause) // the end may have been asked of the arrival; the kill below must not ask for it again under the lock
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return
	}
	switch cause {
	case session.Shutdown:
		c.Process.Kill(errShutdown)
	case session.ProcessAborted:
	default:
		c.Process.Kill(fmt.Errorf("%w: %s", errDropped, cause))
	}
}

// interruptLogin ends a login that runs, and gives the connection, nil before the client has one.
func (g *guest) interruptLogin() *session.Connection {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx == nil && g.arrival != nil {
		g.ctx, g.cancel = context.WithCancelCause(context.Background())
	}
	if g.cancel != nil {
		g.cancel(errDropped)
	}
	return g.connection
}
