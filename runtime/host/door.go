package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"moongate/runtime/account"
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
func twinName(c *session.Connection) string {
	if c.Peer.Gate != "" {
		return "Gate " + c.Peer.Gate
	}
	if l := c.Link(); l != nil {
		return l.Name()
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
	arrival *session.Arrival // where the client came by, if it must log in or be heard; else nil
	server  session.Stay     // who serves the conversation
	conn    net.Conn         // its transport
	program Program
	decided time.Time
	back    *claimed // the link for which the client has come back; nil: none

	undecided bool // it may be a client process of a remote session; the checks are still to be made

	// of the login, which belongs to the goroutine that serves
	user    session.User // who has logged in, or tried to last
	account account.Mark // by which
	failed  int          // tries
	told    bool         // the verdict is recorded

	mu         sync.Mutex
	connection *session.Connection // nil until the client has logged in; a link's, until it has a language twin
	link       *link               // that it is; nil: a plain client. Read by the goroutine that serves without mu
	ctx        context.Context     // of a login
	cancel     context.CancelCauseFunc
	over       bool          // the stay is over: nothing interrupts the close method on its account
	idle       time.Duration // that the open method allows; 0: the server's own
	until      time.Time     // that it allows; zero: for ever
	noRemote   bool          // it allows no session of a client machine
}

// Open is the door of the application listener: the checks, then the twin and the open method in it; with accounts the
// client logs in between the two, as its own guest. A refused connection leaves no process, no user and no close call.
func (h *Host) Open(peer session.Peer, handover func()) (listener.Guest, []byte) {
	now := time.Now()
	if h.sessions.Hears(peer) {
		if a := h.sessions.Hear(peer, now); a != nil {
			return &guest{host: h, arrival: a, undecided: true}, nil
		}
	}
	if refusal := h.sessions.Check(peer); refusal.Code != 0 {
		h.refused(peer, nil, session.User{}, refusal, now, asked{})
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
	g.idle, g.noRemote = t.IdleTimeout, t.NoRemote
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
	if l := c.Link(); l != nil && h.store != nil {
		program.UseData(keeper(l).context(twin))
	}
	c.Began(program.Version())
	ruling, fault := h.verdict(c, program, handover)
	if fault != nil {
		h.logFault(method.OnServerOpenConnection, twin, c, program, fault)
	}
	if ruling.Refusal != stoppedRefusal {
		h.judge(program.Version(), ruling.Code != 0, fault != nil)
	}
	said := h.asked(c, program, ruling, fault)
	if ruling.Code != 0 {
		program.Close()
		h.refused(c.Peer, c, session.User{Number: c.User, Name: c.Account}, ruling.Refusal, c.Opened, said)
		if ruling.By == "" { // for who asks which line it was
			ruling.By = program.Returned()
		}
		settled = true
		h.sessions.Refuse(c) // last: a shutdown that waits for nobody to be there goes on now
		twin.End()
		return nil, ruling
	}
	twin.SetName(twinName(c))
	twin.Rest(process.WaitingForInputOutput)
	settled = true
	h.sessions.Accept(c)
	h.accepted(c, said.Recorded)
	h.overshadow(c, ruling, said)
	return program, ruling
}

// Rest is the door while nobody comes: processes that wait for the lane may have it.
func (h *Host) Rest() { h.scripts.Rest() }

// Serve is the guest's stay. Its end, whatever its cause, is this: the close method, in the same process with the
// same three integers and the variables that the open method left; then what the process owns is freed; then the
// socket is closed, so that a client which sees the end of file knows that the close method is over.
func (g *guest) Serve(conn net.Conn) {
	cause := g.stay(conn)
	switch c := g.connection; {
	case g.back != nil:
		g.comesBack(conn)
	case g.link != nil:
		g.link.finish(g.link.outlive(cause, conn))
	case c == nil:
		g.notLoggedIn(cause)
		conn.Close()
	default:
		c.End(cause)
		g.farewell()
		g.host.sessions.Close(c)
		c.Process.End()
		conn.Close()
	}
}

// farewell calls the close method, and ends the program.
func (g *guest) farewell() {
	h, c := g.host, g.connection
	g.endStay()
	if g.program.Has(method.OnServerCloseConnection) {
		_, err := h.call(g.program, CallOptions{Door: true, Limit: h.closeLimit()},
			method.OnServerCloseConnection, int64(c.User), int64(c.ID), int64(0))
		if err != nil {
			h.logFault(method.OnServerCloseConnection, c.Process, c, g.program, err)
			h.noteLeft(fmt.Sprintf("%s of connection %d: %v", method.OnServerCloseConnection, c.ID, err), err)
		}
	}
	g.program.Close()
	h.closed(c, g.decided)
}

// stay serves the protocol until something ends the connection. A panic there is a fault of the host and ends this
// connection only.
func (g *guest) stay(conn net.Conn) (cause session.Cause) {
	defer func() {
		if v := recover(); v != nil {
			g.host.log.Error("fault of the host", "error", v, "stack", string(debug.Stack()))
			if cause = session.ConnectionLost; g.link != nil {
				g.link.End(cause) // for good: nobody knows what has become of the conversation
			}
		}
	}()
	g.conn = conn
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
	if g.link != nil {
		g.link.attach(stay, g.conn)
		return
	}
	if g.connection != nil {
		g.connection.ServedBy(stay)
		return
	}
	g.arrival.OnEnd(stay.End)
}

// End asks for the end of the conversation.
func (g *guest) End(cause session.Cause) {
	g.mu.Lock()
	c, l := g.connection, g.link
	g.mu.Unlock()
	_, loss := losses[cause]
	switch {
	case l != nil && loss: // the transport's end is not the link's
		if stay := l.server(); stay != nil {
			stay.End(cause)
		}
	case l != nil:
		l.End(cause)
	case c != nil:
		c.End(cause)
	default:
		g.arrival.End(cause)
	}
}

// Call runs a project method in the connection's own process, whose variables last from call to call.
func (g *guest) Call(name string, args []any) ([]any, error) {
	if g.link != nil {
		if _, _, err := g.Language(); err != nil {
			return nil, err
		}
	}
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
	if g.connection != nil {
		g.connection.Process.SetName(name)
	}
	if l := g.link; l != nil {
		l.SetName(name)
		if l.twin != nil {
			l.twin.SetName(name)
		}
	}
}

// Name is the client's process's name.
func (g *guest) Name() string {
	if g.link != nil {
		return g.link.Name()
	}
	return g.connection.Process.Name()
}

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
	if l := g.asLink(); l != nil {
		l.interrupt()
		return
	}
	if c := g.interruptLogin(); c != nil {
		c.End(cause) // the end may have been asked of the arrival; the kill below must not ask for it again under the lock
		g.kill(c, cause)
	}
}

// kill ends what runs in a connection's process, unless that is the close method by now.
func (g *guest) kill(c *session.Connection, cause session.Cause) {
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
