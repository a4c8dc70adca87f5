package session

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"moongate/runtime/process"
)

// Registry has the connections of a server. Make it with NewRegistry.
type Registry struct {
	checks   []*Check
	maximum  int // of live connections; 0: any number
	own      *Own
	stage    atomic.Int32
	refusing atomic.Bool
	accepts  atomic.Int64
	refusals atomic.Int64 // by the open method
	closes   atomic.Int64

	remoteCount atomic.Int64 // of remote sessions: how many there are
	clients     Clients

	mu        sync.Mutex
	last      ConnectionID
	live      map[ConnectionID]*Connection // deciding and open
	open      int
	byUser    map[UserNumber]int
	byAddress map[netip.Addr]int
	byGate    map[string]int        // gates' names
	arrivals  map[*Arrival]struct{} // those who are logging in
	emptied   chan struct{}         // closed and forgotten when the last live connection ends
	vacated   chan struct{}         // the same for the last of all, those who are logging in included
	heard     int                   // of the arrivals, those that take no place yet

	remotes map[tokenHash]*Session // the remote sessions
	homes   map[netip.Addr]int     // where their Application processes are
	bare    int                    // their links that have no connection
	adrift  int                    // links without transport, and sessions that sleep
	sealed  bool                   // no link begins any more
}

// NewRegistry makes a registry whose checks use these rules.
func NewRegistry(rules Rules, maximum int) *Registry {
	r := &Registry{
		maximum: maximum, own: &Own{ID: NewID(), Since: time.Now()},
		live: map[ConnectionID]*Connection{}, arrivals: map[*Arrival]struct{}{}, byUser: map[UserNumber]int{}, byAddress: map[netip.Addr]int{},
		byGate: map[string]int{}, remotes: map[tokenHash]*Session{}, homes: map[netip.Addr]int{},
	}
	r.checks = r.newChecks(rules)
	return r
}

// StartAfter has the next connection be numbered after last, if that is more than the numbers given so far: a server that
// takes over from another goes on with its numbers.
func (r *Registry) StartAfter(last ConnectionID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = max(r.last, last)
}

// Last is the number of the connection that came last, 0 before the first.
func (r *Registry) Last() ConnectionID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// Own is the session of the processes that belong to no client.
func (r *Registry) Own() *Own { return r.own }

// Clients are the clients that carry out orders.
func (r *Registry) Clients() *Clients { return &r.clients }

// New makes a connection that is being decided: it has its number and counts from now on. It returns nil if the server
// is stopping by now, or full: then Check says so, which could not know of others who came at the same time.
func (r *Registry) New(peer Peer, user User, p *process.Process, now time.Time) *Connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.hasRoomLocked() {
		return nil
	}
	return r.newLocked(peer, user, p, now)
}

// Admit makes a connection of an arrival whose user is known now; it keeps the arrival's place and time. It returns nil
// if the arrival was ended, or if by now the server is stopping or refuses new connections.
func (r *Registry) Admit(a *Arrival, user User, p *process.Process) *Connection {
	return r.AdmitAs(a, a.Peer, user, p)
}

// AdmitAs is Admit with what the client has turned out to be since it came: its address may be another behind a proxy.
func (r *Registry) AdmitAs(a *Arrival, peer Peer, user User, p *process.Process) *Connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.admitsLocked(a) {
		return nil
	}
	r.leaveLocked(a)
	return r.newLocked(peer, user, p, a.Since)
}

// admitsLocked reports whether an arrival may come in now.
func (r *Registry) admitsLocked(a *Arrival) bool {
	_, there := r.arrivals[a]
	return there && a.Ended() == NoCause && Stage(r.stage.Load()) != Stopping && !r.refusing.Load() && (!a.heard || r.hasRoomLocked())
}

// hasRoomLocked reports whether one more may come.
func (r *Registry) hasRoomLocked() bool {
	return Stage(r.stage.Load()) != Stopping && !r.isFullLocked()
}

// isFullLocked reports whether all places are taken.
func (r *Registry) isFullLocked() bool { return r.maximum > 0 && r.takenLocked() >= r.maximum }

func (r *Registry) newLocked(peer Peer, user User, p *process.Process, now time.Time) *Connection {
	c := &Connection{User: user.Number, Account: user.Name, Peer: peer, Opened: now, Process: p, registry: r}
	r.last++
	c.ID = r.last
	r.live[c.ID] = c
	r.byUser[c.User]++
	r.byAddress[peer.Address.Addr()]++
	if peer.Gate != "" {
		r.byGate[peer.Gate]++
	}
	return c
}

// taken is how many places are taken.
func (r *Registry) taken() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.takenLocked()
}

func (r *Registry) takenLocked() int { return len(r.live) + r.bare + len(r.arrivals) - r.heard }

// Accept opens a connection that is being decided.
func (r *Registry) Accept(c *Connection) {
	r.accepts.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.setState(c, Deciding, Open)
	r.open++
}

// Refuse ends a connection that is being decided.
func (r *Registry) Refuse(c *Connection) {
	r.refusals.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.setState(c, Deciding, Refused)
	if l := c.link.Load(); l != nil { // which stays, without a language twin
		l.connection = nil
		r.bare++
	}
	r.removeLocked(c)
}

// Close ends an open connection, when its close method is over.
func (r *Registry) Close(c *Connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closeLocked(c)
}

func (r *Registry) closeLocked(c *Connection) {
	r.closes.Add(1)
	r.setState(c, Open, Closed)
	r.open--
	r.removeLocked(c)
}

// setState is the only place where a connection changes its state. A step that is not the next one is a fault of the
// host.
func (r *Registry) setState(c *Connection, from, to State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != from {
		panic("session: connection goes from " + c.state.String() + " to " + to.String())
	}
	c.state = to
}

func (r *Registry) removeLocked(c *Connection) {
	delete(r.live, c.ID)
	decrement(r.byUser, c.User)
	decrement(r.byAddress, c.Peer.Address.Addr())
	if c.Peer.Gate != "" {
		decrement(r.byGate, c.Peer.Gate)
	}
	r.departLocked()
}

// departLocked tells who waits for that when the last connection or link has gone.
func (r *Registry) departLocked() {
	if len(r.live)+r.bare == 0 {
		announce(&r.emptied)
	}
	r.vacateLocked()
}

// vacateLocked tells who waits for that when nobody is there any more.
func (r *Registry) vacateLocked() {
	if len(r.live)+r.bare+len(r.arrivals) == 0 {
		announce(&r.vacated)
	}
}

// announce closes a channel if somebody has asked for it, and forgets it.
func announce(c *chan struct{}) {
	if *c != nil {
		close(*c)
		*c = nil
	}
}

// awaited is a channel that announce will close; it is closed already if what it is for is so.
func awaited(c *chan struct{}, already bool) <-chan struct{} {
	if already {
		done := make(chan struct{})
		close(done)
		return done
	}
	if *c == nil {
		*c = make(chan struct{})
	}
	return *c
}

func decrement[K comparable](counts map[K]int, key K) {
	if counts[key] <= 1 {
		delete(counts, key)
	} else {
		counts[key]--
	}
}

// Emptied is closed when no connection is live and no session has a link any more; it is closed already when none is.
func (r *Registry) Emptied() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return awaited(&r.emptied, len(r.live)+r.bare == 0)
}

// Vacated is closed when that is so and nobody is logging in any more.
func (r *Registry) Vacated() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return awaited(&r.vacated, len(r.live)+r.bare+len(r.arrivals) == 0)
}

// Get is the live connection with that number, nil when there is none.
func (r *Registry) Get(id ConnectionID) *Connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.live[id]
}

// OfProcess is the live connection whose twin has that number, nil when there is none.
func (r *Registry) OfProcess(n process.Number) *Connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.live {
		if c.Process.Number() == n {
			return c
		}
	}
	return nil
}

// SessionOf is the session with that id: a remote one, or that of a live connection which somebody has asked for its session;
// nil when there is none.
func (r *Registry) SessionOf(id string) *Session {
	r.mu.Lock()
	for _, s := range r.remotes {
		if s.ID == id {
			r.mu.Unlock()
			return s
		}
	}
	r.mu.Unlock()
	if all := r.OfSession(id); len(all) > 0 {
		return all[0].OfSession()
	}
	return nil
}

// OfSession are the live connections of a session. A remote one has links besides that have none.
func (r *Registry) OfSession(id string) []*Connection {
	var found []*Connection
	for _, c := range r.Live() {
		if c.isSession(id) {
			found = append(found, c)
		}
	}
	return found
}

// Live are the connections that are being decided or open, in no order.
func (r *Registry) Live() []*Connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*Connection, 0, len(r.live))
	for _, c := range r.live {
		all = append(all, c)
	}
	return all
}

// Filter says which live connections to count; a nil field does not matter.
type Filter struct {
	User    *UserNumber
	Address *netip.Addr
	Network *netip.Prefix
	Gate    *string
}

// Count is the number of live connections that pass the filter, those that are being decided included. One field
// alone is found in a table; several together are counted one by one.
func (r *Registry) Count(f Filter) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch f {
	case Filter{}:
		return len(r.live)
	case Filter{User: f.User}:
		return r.byUser[*f.User]
	case Filter{Address: f.Address}:
		return r.byAddress[f.Address.Unmap()]
	case Filter{Gate: f.Gate}:
		return r.byGate[*f.Gate]
	case Filter{Network: f.Network}:
		n := 0
		for address, count := range r.byAddress {
			if f.Network.Contains(address) {
				n += count
			}
		}
		return n
	}
	n := 0
	for _, c := range r.live {
		if f.matches(c) {
			n++
		}
	}
	return n
}

func (f Filter) matches(c *Connection) bool {
	address := c.Peer.Address.Addr()
	return (f.User == nil || c.User == *f.User) && (f.Address == nil || address == f.Address.Unmap()) &&
		(f.Network == nil || f.Network.Contains(address)) && (f.Gate == nil || c.Peer.Gate == *f.Gate)
}

// Users is how many different users have an open or deciding connection ("Count users").
func (r *Registry) Users() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byUser)
}

// Totals are the counts since the start.
type Totals struct {
	Accepted, Refused, Closed int64 // Refused: by the open method
	Open, Live, Arrivals      int
	Links                     int // of remote sessions, without a connection
}

// Totals counts what has happened since the start.
func (r *Registry) Totals() Totals {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Totals{
		Accepted: r.accepts.Load(), Refused: r.refusals.Load(), Closed: r.closes.Load(), Open: r.open, Live: len(r.live),
		Arrivals: len(r.arrivals), Links: r.bare,
	}
}
