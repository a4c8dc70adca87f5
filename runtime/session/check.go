package session

import (
	"sync/atomic"
)

// Stage is how far the server is in its own life.
type Stage int32

const (
	Starting Stage = iota // on_server_startup has not returned
	Serving
	Stopping
)

// SetStage moves the server on. When it is Stopping, every connection that is let in all the same is live already.
func (r *Registry) SetStage(s Stage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stage.Store(int32(s))
}

// Stage is how far the server is.
func (r *Registry) Stage() Stage { return Stage(r.stage.Load()) }

// RefusesNew reports whether RefuseNew was called with true last.
func (r *Registry) RefusesNew() bool { return r.refusing.Load() }

// Maximum is how many connections may be live; 0 is any number.
func (r *Registry) Maximum() int { return r.maximum }

// RefuseNew makes every new connection be refused, or not any more ("REJECT NEW REMOTE CONNECTIONS"). Those that are
// open stay.
func (r *Registry) RefuseNew(refuse bool) { r.refusing.Store(refuse) }

// Refusal is what a client is told that is not let in. A code of 0 is no refusal.
type Refusal struct {
	Code   int64
	Reason string
	By     string // what refused: the name of a check; "" is the open method
}

// Check is one of the checks that come before the open method. No script runs for a connection that a check refuses.
type Check struct {
	Name   string
	Code   int64 // 4D's error number where it has one
	Reason string

	refuses func(Peer) bool
	count   atomic.Int64
}

// Count is how many connections the check has refused.
func (c *Check) Count() int64 { return c.count.Load() }

// newChecks is the list of the checks, in the order in which they are made. The codes are those of 4D's error list:
// -10514 the maximum of users is reached, -10515 the attempt to connect has been denied, -10516 the server is busy
// with itself.
func (r *Registry) newChecks(rules Rules) []*Check {
	return []*Check{
		{Name: "starting", Code: -10516, Reason: "the server is starting",
			refuses: func(Peer) bool { return Stage(r.stage.Load()) == Starting }},
		{Name: "stopping", Code: -10516, Reason: "the server is stopping",
			refuses: func(Peer) bool { return Stage(r.stage.Load()) == Stopping }},
		{Name: "refusing new connections", Code: -10515, Reason: "the server takes no new connections now",
			refuses: func(Peer) bool { return r.refusing.Load() }},
		{Name: "address rules", Code: -10515, Reason: "connections from this address are not allowed",
			refuses: func(p Peer) bool { return !rules.Allow(p.Address.Addr()) }},
		{Name: "maximum connections", Code: -10514, Reason: "the maximum number of connections is reached",
			refuses: func(Peer) bool { return r.maximum > 0 && r.taken() >= r.maximum }},
	}
}

// Check makes the checks for a transport that has just come in. The first that refuses counts it.
func (r *Registry) Check(p Peer) Refusal {
	for _, c := range r.checks {
		if c.refuses(p) {
			c.count.Add(1)
			return Refusal{Code: c.Code, Reason: c.Reason, By: c.Name}
		}
	}
	return Refusal{}
}

// CheckAddress makes the check of the address again, for a client whose address was not the transport's.
func (r *Registry) CheckAddress(p Peer) Refusal {
	c := r.checks[addressRules]
	if !c.refuses(p) {
		return Refusal{}
	}
	c.count.Add(1)
	return Refusal{Code: c.Code, Reason: c.Reason, By: c.Name}
}

// The places of some checks.
const (
	addressRules       = 3
	maximumConnections = 4
)

// Checks are the checks in order, with their counts.
func (r *Registry) Checks() []*Check { return r.checks }
