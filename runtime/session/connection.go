package session

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"moongate/runtime/process"
)

// UserNumber is a user's number. 1 and 2 are 4D's own users.
type UserNumber int64

const (
	Designer      UserNumber = 1
	Administrator UserNumber = 2
)

// ConnectionID is a connection's number, from 1 on, never used again while the program runs.
type ConnectionID int64

// State is where a connection stands in its life.
type State uint8

const (
	Deciding State = iota // the checks and the open method have not decided yet
	Open                  // accepted; a close call is owed
	Refused               // over; no close call
	Closed                // over; its close call has been made
)

// String is the state in lower case.
func (s State) String() string { return [...]string{"deciding", "open", "refused", "closed"}[s] }

// Cause is why an open connection ended.
type Cause uint8

const (
	NoCause        Cause = iota // it has not ended
	ClientLeft                  // the client closed it, or asked to quit
	ConnectionLost              // the transport failed
	ProtocolError               // the client sent what is not the protocol
	TooSlow                     // a command or reply took too long to cross the transport
	Idle                        // --idle-timeout
	Dropped                     // drop_remote_user or an administrator
	ProcessAborted              // its process was aborted
	Shutdown                    // the server stopped
	LoginTimeout                // nobody logged in within --login-timeout

	// Of gates only.
	UpstreamLeft        // the upstream ended the connection first
	UpstreamLost        // the upstream reset it, or the transport to it failed
	UpstreamRefused     // nobody listens there
	UpstreamUnreachable // there is no way there, or the host is not known
	UpstreamTimeout     // the upstream did not answer in time
	UpstreamFailed      // it did not agree on TLS
	OverTime            // max_duration
	OverBytes           // max_bytes
	NoResources         // the system had no file descriptor, port or memory for the upstream's socket

	// Of remote sessions only.
	Unreachable  // nothing came from the client's machine any more, and it did not come back in time
	SessionEnded // the Application process has ended, and with it all others
	Resumed      // no end: the transport belongs to another link now
)

var causeNames = [...]string{
	"none", "client left", "connection lost", "protocol error", "too slow", "idle", "dropped", "process aborted", "shutdown",
	"login timeout", "upstream left", "upstream lost", "upstream refused", "upstream unreachable", "upstream timeout", "upstream failed",
	"over time", "over bytes", "no resources", "unreachable", "session ended", "resumed",
}

// String is the cause in lower case.
func (c Cause) String() string { return causeNames[c] }

// By is who ended a connection with this cause: "client", "upstream", or "server", which is also the operating system and
// whoever commands the server; "" for NoCause.
func (c Cause) By() string {
	switch c {
	case NoCause:
		return ""
	case ClientLeft, ConnectionLost, ProtocolError, Unreachable, SessionEnded:
		return "client"
	case UpstreamLeft, UpstreamLost, UpstreamRefused, UpstreamUnreachable, UpstreamTimeout, UpstreamFailed:
		return "upstream"
	default:
		return "server"
	}
}

// Peer is the two ends of a transport and where it came in.
type Peer struct {
	Address  netip.AddrPort // the client's
	Local    netip.AddrPort // ours
	Listener string         // the listener's name, e.g. 127.0.0.1:19813
	Gate     string         // the gate's name, "" for the application listener
	Passage  *Passage       // what else there is of a gate's connection, or of one with TLS; nil: nothing, or not yet
}

// Connection is one transport and the client process that it carries. Its fields do not change; its state is the
// registry's.
type Connection struct {
	ID      ConnectionID
	User    UserNumber
	Account string // the user's name
	Peer    Peer
	Opened  time.Time        // when the transport came in
	Process *process.Process // the twin

	registry *Registry
	link     atomic.Pointer[Link] // of a remote session; nil: it is a plain client's

	mu      sync.Mutex
	state   State
	cause   Cause
	session *Session // nil until somebody asks for it
	version string
	stay    Stay
}

// Stay is whoever serves an open connection. Its methods are called from any goroutine and must not block.
type Stay interface {
	End(Cause)              // asks for the end
	Tell(string) bool       // gives the client a message; false: its protocol has no way to
	Idle() time.Duration    // since when the client has asked for nothing; 0 while something is carried out for it
	Bytes() (in, out int64) // that came from the client and went to it

	// Quit says that the server is going to quit: clients are disconnected in so long, 0 being now and less than 0 when they
	// have left. false: the client is no remote one; use Tell.
	Quit(delay time.Duration, text string) bool
	// Order gives a remote client an order to carry out.
	Order(Order)
	// Push gives a remote client a notice of some kind; false: it is no remote one.
	Push(kind string, values ...any) bool
}

// UserName is what the user is called: the alias if there is one, else the account.
func (c *Connection) UserName() string {
	if alias := c.Alias(); alias != "" {
		return alias
	}
	return c.Account
}

// Alias is the name that the user has taken for this session, "" when none.
func (c *Connection) Alias() string {
	if s := c.ownSession(); s != nil {
		return s.Alias()
	}
	return ""
}

// SetAlias gives the user another name for this session; "" takes it back ("SET USER ALIAS").
func (c *Connection) SetAlias(alias string) { c.OfSession().SetAlias(alias) }

// Storage is the storage of the connection's session.
func (c *Connection) Storage(make func() any) any { return c.OfSession().Storage(make) }

// Began says which version of the scripts the connection's process began with.
func (c *Connection) Began(version string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version = version
}

// Version is the version of the scripts that the connection's process began with.
func (c *Connection) Version() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

// Idle is how long the client has asked for nothing; 0 while something is carried out for it.
func (c *Connection) Idle() time.Duration {
	stay := c.serving()
	if stay == nil {
		return 0
	}
	return stay.Idle()
}

// Bytes is how many bytes have come from the client and gone to it.
func (c *Connection) Bytes() (in, out int64) {
	stay := c.serving()
	if stay == nil {
		return 0, 0
	}
	return stay.Bytes()
}

// SleepingAfter is how long a plain client has asked for nothing that counts as sleeping. (In 4D a client's machine says
// so itself when it goes to sleep, as a remote client's does here; a TCP client says nothing.)
const SleepingAfter = time.Minute

// Sleeping reports whether a shutdown need not wait for the client: it sleeps, or cannot be reached.
func (c *Connection) Sleeping() bool {
	if l := c.link.Load(); l != nil {
		state, _ := l.Session.State()
		return state != Active
	}
	return c.Idle() >= SleepingAfter
}

// Link is the link of a remote session that the connection belongs to, nil for a plain client's.
func (c *Connection) Link() *Link { return c.link.Load() }

// Session is the identifier (a UUID) of the session that the connection belongs to.
func (c *Connection) Session() string { return c.OfSession().ID }

// OfSession is the session that the connection belongs to. A plain client's is made when it is first asked for.
func (c *Connection) OfSession() *Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil {
		c.session = &Session{ID: NewID(), Since: c.Opened, User: User{c.User, c.Account}, registry: c.registry}
	}
	return c.session
}

// ownSession is the session, nil when nobody has asked for it.
func (c *Connection) ownSession() *Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// isSession compares without making a session that nobody has asked for.
func (c *Connection) isSession(id string) bool {
	s := c.ownSession()
	return s != nil && id != "" && s.ID == id
}

// Quit says that the server is going to quit; false: the client knows no such notice, but perhaps messages. See Stay.
func (c *Connection) Quit(delay time.Duration, text string) bool {
	stay := c.serving()
	return stay != nil && stay.Quit(delay, text)
}

// Push gives a remote client a notice of some kind; false: it is no remote one. See Stay.
func (c *Connection) Push(kind string, values ...any) bool {
	stay := c.serving()
	return stay != nil && stay.Push(kind, values...)
}

// serving is who serves the connection; nil when nobody does yet.
func (c *Connection) serving() Stay {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stay
}

// NewID makes an identifier: a UUID, as 4D writes it.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// State is where the connection stands now.
func (c *Connection) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Cause is why the connection ends or ended; NoCause while nothing has ended it.
func (c *Connection) Cause() Cause {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// ServedBy says who serves the open connection. If the end was asked for already, its End is called at once.
func (c *Connection) ServedBy(s Stay) {
	c.mu.Lock()
	c.stay = s
	cause := c.cause
	c.mu.Unlock()
	if cause != NoCause {
		s.End(cause)
	}
}

// End asks for the end of the connection and returns at once. The first cause stays; the result is the one that does.
func (c *Connection) End(cause Cause) Cause {
	c.mu.Lock()
	if c.cause != NoCause {
		defer c.mu.Unlock()
		return c.cause
	}
	c.cause = cause
	stay := c.stay
	c.mu.Unlock()
	if stay != nil {
		stay.End(cause)
	}
	return cause
}

// Tell gives the client a message, and reports whether there is a way to: its protocol may have none. It does not block.
func (c *Connection) Tell(text string) bool {
	stay := c.serving()
	return stay != nil && stay.Tell(text)
}
