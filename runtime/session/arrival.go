package session

import (
	"sync"
	"time"
)

// Arrival is a transport that has passed the checks and whose user is not known yet: its client is logging in. It has
// no number and no process, and no script knows of it; but it takes a place, so that those who never say who they are
// cannot be more than --max-connections allows. Its fields do not change.
type Arrival struct {
	Peer  Peer
	Since time.Time

	heard bool // it takes no place yet; guarded by Registry.mu

	mu    sync.Mutex
	ended Cause
	onEnd func(Cause)
}

// End asks for the end of the arrival and returns at once. The first cause stays.
func (a *Arrival) End(cause Cause) {
	a.mu.Lock()
	if a.ended != NoCause {
		a.mu.Unlock()
		return
	}
	a.ended = cause
	onEnd := a.onEnd
	a.mu.Unlock()
	if onEnd != nil {
		onEnd(cause)
	}
}

// Ended is the cause given to End, NoCause while nobody has asked for the end.
func (a *Arrival) Ended() Cause {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ended
}

// OnEnd gives the function that End calls, at once if the end was asked for already. It must not block.
func (a *Arrival) OnEnd(f func(Cause)) {
	a.mu.Lock()
	a.onEnd = f
	ended := a.ended
	a.mu.Unlock()
	if ended != NoCause {
		f(ended)
	}
}

// Arrive makes an arrival. It returns nil if the server is stopping by now, or full: then Check says so.
func (r *Registry) Arrive(peer Peer, now time.Time) *Arrival {
	a := &Arrival{Peer: peer, Since: now}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.hasRoomLocked() {
		return nil
	}
	r.arrivals[a] = struct{}{}
	return a
}

// Leave ends an arrival that does not become a connection. It may be called again, and after Admit, without effect.
func (r *Registry) Leave(a *Arrival) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leaveLocked(a)
	r.vacateLocked()
}

func (r *Registry) leaveLocked(a *Arrival) {
	if _, there := r.arrivals[a]; there && a.heard {
		r.heard--
		a.heard = false
	}
	delete(r.arrivals, a)
}

// mostHeard is how many may be heard at the same time, beyond as many as could come back.
const mostHeard = 1000

// Hear makes an arrival of somebody who may be a client process of a remote session: the checks are for others, so it takes
// no place yet. The result is nil if the rules do not allow its address, too many are heard already, or the server takes nobody
// in any more.
func (r *Registry) Hear(peer Peer, now time.Time) *Arrival {
	a := &Arrival{Peer: peer, Since: now, heard: true}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sealed || r.heard >= mostHeard+r.adrift || r.checks[addressRules].refuses(peer) {
		return nil
	}
	r.arrivals[a] = struct{}{}
	r.heard++
	return a
}

// Place has an arrival that was heard take a place, when it has turned out to be anybody. It reports false if there is none,
// or the server is stopping: then Check says so.
func (r *Registry) Place(a *Arrival) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, there := r.arrivals[a]; !there || !a.heard {
		return there
	}
	if !r.hasRoomLocked() {
		return false
	}
	a.heard = false
	r.heard--
	return true
}

// Arrivals are those who are logging in, in no order.
func (r *Registry) Arrivals() []*Arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*Arrival, 0, len(r.arrivals))
	for a := range r.arrivals {
		all = append(all, a)
	}
	return all
}
