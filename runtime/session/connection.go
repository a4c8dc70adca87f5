package session

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"sync"
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
)

var causeNames = [...]string{
	"none", "client left", "connection lost", "protocol error", "too slow", "idle", "dropped", "process aborted", "shutdown",
}

// String is the cause in lower case.
func (c Cause) String() string { return causeNames[c] }

// Peer is the two ends of a transport and where it came in.
type Peer struct {
	Address  netip.AddrPort // the client's
	Local    netip.AddrPort // ours
	Listener string         // the listener's name, e.g. 127.0.0.1:19813
}

// Connection is one transport and the client process that it carries. Its fields do not change; its state is the
// registry's.
type Connection struct {
	ID      ConnectionID
	User    UserNumber
	Peer    Peer
	Opened  time.Time
	Process *process.Process // the twin

	mu      sync.Mutex
	state   State
	cause   Cause
	session string
	stay    Stay
}

// Stay is whoever serves an open connection. Its methods are called from any goroutine and must not block.
type Stay interface {
	End(Cause)   // asks for the end
	Tell(string) // gives the client a message, if its protocol has a way to
}

// Session is the identifier (a UUID) of the session that the connection belongs to.
func (c *Connection) Session() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == "" {
		c.session = uuid()
	}
	return c.session
}

// isSession compares without making an identifier that nobody has asked for.
func (c *Connection) isSession(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return id != "" && c.session == id
}

func uuid() string {
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

// Tell gives the client a message, if its protocol has a way to. It does not block.
func (c *Connection) Tell(text string) {
	c.mu.Lock()
	stay := c.stay
	c.mu.Unlock()
	if stay != nil {
		stay.Tell(text)
	}
}
