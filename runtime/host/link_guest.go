package host

import (
	"encoding/json"
	"errors"
	"net"
	"time"

	"moongate/runtime/application"
	"moongate/runtime/process"
	"moongate/runtime/session"
)

// What a guest is as a client process of a remote session: application.Link. A guest becomes a link by SESSION or JOIN; one
// that says RESUME gives its transport to a link and goes.

// claimed is what a guest that comes back has reserved.
type claimed struct {
	link   *link
	handed bool // the transport was given over
}

// Heard lets somebody in who was not asked about before the first command: the checks that others had at the door, then the
// open method. With accounts the client logs in for that.
func (g *guest) Heard(string) error {
	h, a := g.host, g.arrival
	if a == nil || !g.undecided {
		return nil
	}
	g.undecided = false
	refusal := h.sessions.Check(a.Peer)
	if refusal.Code == 0 && !h.sessions.Place(a) {
		if refusal = h.sessions.Check(a.Peer); refusal.Code == 0 { // it was ended meanwhile
			return errInterrupted
		}
	}
	if refusal.Code != 0 {
		g.told = true
		h.refused(a.Peer, nil, session.User{}, refusal, a.Since, asked{})
		return &application.Refused{Code: refusal.Code, Reason: refusal.Reason}
	}
	if h.logins.users != nil {
		return nil
	}
	g.user = session.DesignerUser
	return g.Enter()
}

// Announce makes the guest the Application process of a new session.
func (g *guest) Announce(m session.Machine, number int64, name string) (session.Welcome, error) {
	h, c := g.host, g.connection
	if refused := g.refusesRemote(); refused != nil {
		h.log.Info("remote session refused", "connection", c.ID, "user", c.Account, "reason", refused.Reason)
		return session.Welcome{}, refused
	}
	l := newLink(g, number, name)
	l.account = g.account
	token, err := h.sessions.Announce(c, l.Link, m)
	if err != nil {
		return session.Welcome{}, err
	}
	if h.store != nil {
		g.program.UseData(l.context(c.Process))
	}
	g.setLink(l)
	l.attach(g.server, g.conn)
	c.ServedBy(l)
	g.SetName(name)
	s := l.Session
	l.log("session opened", "connection", c.ID, "machine", limited(m.Name), "system_user", limited(m.SystemUser),
		"client_version", limited(m.Version))
	return session.Welcome{
		Session: s.ID, Token: token, User: s.User.Name, UserNumber: s.User.Number, Process: c.Process.Number(), Connection: c.ID,
		ServerSession: h.config.Session, Timeout: h.config.SessionTimeout,
	}, nil
}

// Structure is the tables as JSON, of which the client has been told then.
func (g *guest) Structure() string {
	h := g.host
	h.showing.Lock()
	defer h.showing.Unlock()
	g.link.shown = h.structureText()
	return g.link.shown
}

// refusesRemote is why the client can begin no session, nil when it can: one that does can use all tables, and start what
// processes it likes, which others that were let in cannot.
func (g *guest) refusesRemote() *application.Refused {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.host.config.NoRemote:
		return &application.Refused{Code: -10515, Reason: "the server takes no client machines"}
	case g.noRemote:
		return &application.Refused{Code: -10515, Reason: "the policy takes no client machine here"}
	}
	return nil
}

// structureText is the scripts' tables as clients get them.
func (h *Host) structureText() string {
	b, err := json.Marshal(h.scripts.Structure())
	if err != nil {
		panic(err) // a structure that was loaded can be written
	}
	return string(b)
}

// showStructure tells clients how the tables are now, by the links of their Application processes, if they were told
// otherwise. Between two transports nobody hears it: the next one begins with it.
func (h *Host) showStructure(links ...*link) {
	if len(links) == 0 {
		return
	}
	h.showing.Lock()
	defer h.showing.Unlock()
	text := h.structureText()
	for _, l := range links {
		if l.shown != text && l.Push("structure", text) {
			l.shown, l.pushed = text, true
		}
	}
}

// applications are the links of all Application processes.
func (h *Host) applications() []*link {
	var all []*link
	for _, s := range h.sessions.Remotes() {
		if l := s.Application(); l != nil {
			all = append(all, keeper(l))
		}
	}
	return all
}

// Join makes the guest a process of a session.
func (g *guest) Join(token string, number int64, name string) (session.Welcome, error) {
	h := g.host
	if c := g.connection; c != nil { // nobody with a session is where it comes from, or too many were heard at once
		if s := h.sessions.OfToken(token); s != nil && s.Home() == c.Peer.Address.Addr().Unmap() { // the client is to try again
			return session.Welcome{}, application.ErrInUse
		}
		return session.Welcome{}, application.ErrToken
	}
	if h.isOutdated(token) {
		return session.Welcome{}, g.notJoined(errOutdated)
	}
	l := newLink(g, number, name)
	other, err := h.sessions.Join(g.arrival, l.Link, token)
	if errors.Is(err, session.ErrTaken) {
		if err = keeper(other).replaced(); err == nil {
			_, err = h.sessions.Join(g.arrival, l.Link, token)
		}
	}
	if err != nil {
		l.cancel(err)
		return session.Welcome{}, g.notJoined(err)
	}
	g.setLink(l)
	l.attach(g.server, g.conn)
	s := l.Session
	return session.Welcome{Session: s.ID, User: s.User.Name, UserNumber: s.User.Number}, nil
}

// outdated is the error of a client whose session goes back to a login that would not succeed any more. It is an ErrToken.
type outdated struct{}

var errOutdated = outdated{}

func (outdated) Error() string {
	return "the account was disabled, or has another password, since the client logged in: log in again"
}

func (outdated) Is(target error) bool { return target == application.ErrToken }

// isOutdated reports whether the account of the session with that token is no longer what it was at the login: the token is
// the proof of that login only. What the session has already goes on, as any connection does.
func (h *Host) isOutdated(token string) bool {
	if h.logins.users == nil {
		return false
	}
	s := h.sessions.OfToken(token)
	if s == nil {
		return false
	}
	first := s.Application()
	return first != nil && keeper(first).account != h.logins.users.Mark(s.User.Name)
}

// replaced ends a link whose client process has begun anew, because it has given up what it waited for, and waits for that
// end. The error is ErrInUse if it has a transport.
func (l *link) replaced() error {
	l.Stray()
	state, _ := l.State()
	if l.Application || state == session.LinkServed || state == session.LinkClaimed {
		return application.ErrInUse
	}
	l.End(session.ClientLeft)
	patience := time.NewTimer(l.host.config.MethodTimeout + killGrace)
	defer patience.Stop()
	select {
	case <-l.over:
		return nil
	case <-patience.C:
		return application.ErrInUse
	}
}

// notJoined is what a client is told that could not join, or come back. The journal has it as a refusal.
func (g *guest) notJoined(err error) error {
	refusal := session.Refusal{Code: -10515, Reason: err.Error(), By: "session"}
	switch {
	case errors.Is(err, session.ErrToken):
		err = application.ErrToken
	case errors.Is(err, session.ErrSealed):
		refusal.Code = -10516
		err = &application.Refused{Code: refusal.Code, Reason: refusal.Reason}
	case errors.Is(err, session.ErrFull):
		refusal.Code, refusal.By = -10514, "maximum connections"
		err = &application.Refused{Code: refusal.Code, Reason: refusal.Reason}
	case errors.Is(err, session.ErrTaken):
		err = application.ErrInUse
	}
	g.told = true
	g.host.refused(g.arrival.Peer, nil, session.User{}, refusal, g.arrival.Since, asked{})
	return err
}

// Resume reserves the link of a client process that has lost its transport, to which handOver gives this guest's.
func (g *guest) Resume(token string, number int64, got int64, conn net.Conn) (int64, func(), error) {
	found := g.host.sessions.Find(token, number)
	if g.arrival == nil || g.connection != nil { // it came when there was no link to come back for, from an address of nobody's
		if found != nil { // whose loss is not known here yet: the client is to try again
			return 0, nil, application.ErrInUse
		}
		return 0, nil, application.ErrToken
	}
	switch {
	case found == nil:
		return 0, nil, g.notJoined(session.ErrToken)
	case g.host.isOutdated(token):
		return 0, nil, g.notJoined(errOutdated)
	}
	l := keeper(found)
	done, err := l.claim(got)
	if err != nil {
		return 0, nil, g.notJoined(err)
	}
	g.back = &claimed{link: l}
	g.told = true
	return done, func() {
		g.back.handed = true
		l.hand(transport{conn, g.arrival.Peer})
	}, nil
}

// comesBack ends the visit of a guest that has come back for a link.
func (g *guest) comesBack(conn net.Conn) {
	if !g.back.handed {
		g.back.link.unclaim()
		conn.Close()
	}
	g.host.sessions.Leave(g.arrival)
}

// Awake says that the client asks for something: a machine that had gone to sleep is awake.
func (g *guest) Awake() {
	if l := g.link; l.Application && g.host.sessions.Wake(l.Session, time.Now()) {
		rearm(l.Session)
		l.log("session awake")
	}
}

// Language makes the language twin, if there is none.
func (g *guest) Language() (process.Number, session.ConnectionID, error) {
	if err := g.link.speak(); err != nil {
		return 0, 0, err
	}
	return g.connection.Process.Number(), g.connection.ID, nil
}

// Data carries out an act of data.
func (g *guest) Data(op string, args []any) (any, error) { return g.link.carry(op, args) }

// Do calls one of the server's Lua commands as the language twin's code would.
func (g *guest) Do(command string, args []any) ([]any, error) {
	if _, _, err := g.Language(); err != nil {
		return nil, err
	}
	defer g.connection.Process.Rest(process.WaitingForInputOutput)
	return g.program.Do(CallOptions{}, command, args...)
}

// CallValues runs a project method in the language twin.
func (g *guest) CallValues(method string, args []any) ([]any, error) { return g.Call(method, args) }

// Register has the client process carry out orders.
func (g *guest) Register(name string) bool { return g.host.sessions.Clients().Register(g.link, name) }

// Unregister has it carry out none any more.
func (g *guest) Unregister() bool { return g.host.sessions.Clients().Unregister(g.link) }

// Done says that an order was carried out.
func (g *guest) Done(id int64) { g.host.sessions.Clients().Done(g.link, id) }

// Sleep says that the client's machine goes to sleep. Only the Application process speaks for the machine.
func (g *guest) Sleep() {
	if l := g.link; l.Application {
		g.host.sessions.Sleep(l.Session, time.Now())
		rearm(l.Session)
		l.log("session asleep")
	}
}

// Lost says that the transport was seen to have ended while a request runs. The link may have another one by now.
func (g *guest) Lost(cause session.Cause) {
	if l := g.asLink(); l != nil && l.isGone() {
		l.lost(cause)
	}
}

// Remote reports whether the guest is a link.
func (g *guest) Remote() bool { return g.link != nil }

// Session is the identifier of the session that the guest is of, or has come back for.
func (g *guest) Session() string {
	switch {
	case g.back != nil:
		return g.back.link.Session.ID
	case g.link != nil:
		return g.link.Session.ID
	}
	return ""
}

// Replies are the link's.
func (g *guest) Replies() *application.Replies {
	if g.link == nil {
		return nil
	}
	return &g.link.replies
}

// setLink says that the guest is a link; the goroutine that serves calls it.
func (g *guest) setLink(l *link) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.link = l
}

// asLink is the link that the guest is, for other goroutines; nil when it is none.
func (g *guest) asLink() *link {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.link
}
