package session

import (
	"time"

	"moongate/runtime/process"
)

// LinkState is where a link stands.
type LinkState uint8

const (
	LinkServed      LinkState = iota // it has its transport
	LinkLost                         // the transport has ended, and the client has not said that it leaves
	LinkUnreachable                  // the transport fell silent
	LinkClaimed                      // a new transport is about to take it over
	LinkEnding                       // its end was asked for; a close call may be owed
	LinkEnded                        // over
)

// String is the state in lower case.
func (s LinkState) String() string {
	return [...]string{"served", "lost", "unreachable", "claimed", "ending", "ended"}[s]
}

// LinkEvent is what can happen to a link.
type LinkEvent uint8

const (
	TransportLost   LinkEvent = iota // end of file, or a reset
	TransportSilent                  // nobody at the other end has answered for too long
	Claim                            // somebody with the token wants to take it over
	Unclaim                          // who claimed it has gone
	ClaimLost                        // the transport that it was to have has ended before it had time for that
	ClaimSilent                      // that transport fell silent before
	TransportTaken                   // it has its new transport
	EndAsked                         // whatever the cause
	TimeOver                         // the client has not come back
	EndDone                          // all is freed
)

// linkSteps is what each event makes of a link; what is not here cannot happen then, and changes nothing. Two depend on more: a
// link whose transport is there can be claimed while the client's machine sleeps, which the network does not know; and Unclaim
// makes of a link what it was.
var linkSteps = map[LinkState]map[LinkEvent]LinkState{
	LinkServed:      {TransportLost: LinkLost, TransportSilent: LinkUnreachable, EndAsked: LinkEnding},
	LinkLost:        {Claim: LinkClaimed, EndAsked: LinkEnding, TimeOver: LinkEnding},
	LinkUnreachable: {Claim: LinkClaimed, EndAsked: LinkEnding, TimeOver: LinkEnding},
	LinkClaimed: {Unclaim: LinkServed, ClaimLost: LinkLost, ClaimSilent: LinkUnreachable, TransportTaken: LinkServed,
		EndAsked: LinkEnding},
	LinkEnding: {EndDone: LinkEnded},
}

// Link is what a client process has on the server: a transport of its own, and up to two processes. It outlives its
// transport: a client may come back with another one.
type Link struct {
	Process     int64 // its number on the client's machine
	Since       time.Time
	Keeper      Keeper   // who serves it
	Session     *Session // nil before Announce or Join
	Application bool     // it is the Application process's: the session ends with it; Announce says so

	// Guarded by Registry.mu.
	state      LinkState
	since      time.Time // of the state; of a claimed one, of the state before
	before     LinkState // of a claimed one
	name       string
	peer       Peer // of the transport that it has or had last
	connection *Connection
	data       *process.Process
}

// NewLink makes a link for Announce or Join: a client process's, with its number and name on the client's machine.
func NewLink(k Keeper, number int64, name string, now time.Time) *Link {
	return &Link{Process: number, Since: now, Keeper: k, since: now, name: name}
}

// Keeper is the host's part of a link.
type Keeper interface {
	Stay
	// Stray looks whether the transport is there, for a client that says it has lost it, and reports TransportLost if it is not.
	// It must not block.
	Stray()
}

// Name is the client process's name, as the client says.
func (l *Link) Name() string {
	l.lock()
	defer l.unlock()
	return l.name
}

// SetName renames the client process.
func (l *Link) SetName(name string) {
	l.lock()
	defer l.unlock()
	l.name = name
}

// State is where the link stands, and since when.
func (l *Link) State() (LinkState, time.Time) {
	l.lock()
	defer l.unlock()
	return l.state, l.since
}

// Connection is the language twin's; nil while there is none.
func (l *Link) Connection() *Connection {
	l.lock()
	defer l.unlock()
	return l.connection
}

// Data is the data twin; nil while there is none.
func (l *Link) Data() *process.Process {
	l.lock()
	defer l.unlock()
	return l.data
}

// SetData says which process the data twin is.
func (l *Link) SetData(p *process.Process) {
	l.lock()
	defer l.unlock()
	l.data = p
}

// Deadline is when the link ends unless its client comes back. It reports false while it has a transport, and when its end
// was asked for. A lost one has grace, or timeout while the client's machine sleeps; one that cannot be reached has timeout.
func (l *Link) Deadline(grace, timeout time.Duration) (time.Time, bool) {
	l.lock()
	defer l.unlock()
	s := l.Session
	switch {
	case l.state == LinkUnreachable:
		return l.since.Add(timeout), true
	case l.state == LinkLost && !s.asleep.IsZero():
		return l.since.Add(max(grace, timeout)), true
	case l.state == LinkLost && l.since.Before(s.woke): // its transport could not come back before
		return s.woke.Add(grace), true
	case l.state == LinkLost:
		return l.since.Add(grace), true
	}
	return time.Time{}, false
}

// End asks for the end of the link and returns at once. The first cause stays.
func (l *Link) End(cause Cause) { l.Keeper.End(cause) }

func (l *Link) lock()   { l.Session.registry.mu.Lock() }
func (l *Link) unlock() { l.Session.registry.mu.Unlock() }

// Step is the only way in which a link's state changes. It reports false, and changes nothing, when the event cannot
// happen in the state that the link has. now is the time of the event.
func (l *Link) Step(e LinkEvent, now time.Time) bool {
	l.lock()
	defer l.unlock()
	return l.stepLocked(e, now)
}

func (l *Link) stepLocked(e LinkEvent, now time.Time) bool {
	from := l.state
	to, ok := linkSteps[from][e]
	switch {
	case e == Claim && from == LinkServed && !l.Session.asleep.IsZero():
		to, ok = LinkClaimed, true
	case e == Unclaim && ok:
		to = l.before
	}
	if !ok {
		return false
	}
	switch e {
	case Claim:
		l.before = from
	case Unclaim:
	default:
		l.since = now
	}
	l.state = to
	r := l.Session.registry
	if is, was := adrift(to), adrift(from); is != was {
		r.drift(is)
	}
	return true
}

// adrift reports whether a link in that state may come by a transport of any address.
func adrift(s LinkState) bool { return s == LinkLost || s == LinkUnreachable || s == LinkClaimed }
