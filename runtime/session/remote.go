package session

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"moongate/runtime/process"
)

// Errors of Announce, Join and Find, for the host to translate.
var (
	ErrRemote  = errors.New("the connection has begun a session already")
	ErrToken   = errors.New("no session has that token")
	ErrTaken   = errors.New("the session has a link of that process")
	ErrSealed  = errors.New("the server is stopping")
	ErrNoPlace = errors.New("the client has gone meanwhile")
	ErrFull    = errors.New("the maximum number of connections is reached")
)

// Announce makes the session of an open connection a remote one, with a new link that has the connection, and gives the
// token by which others join. The error is ErrRemote or ErrSealed.
func (r *Registry) Announce(c *Connection, l *Link, m Machine) (token string, err error) {
	s := c.OfSession()
	token, hash := newToken()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case s.remote:
		return "", ErrRemote
	case r.sealed:
		return "", ErrSealed
	}
	l.Application, l.Session, l.peer, l.connection = true, s, c.Peer, c
	s.remote, s.machine, s.token, s.links, s.application = true, m, hash, map[int64]*Link{l.Process: l}, l
	c.link.Store(l)
	r.remotes[hash] = s
	r.settleLocked(s, c.Peer.Address.Addr().Unmap())
	r.remoteCount.Add(1)
	return token, nil
}

// surelyHas is how many links a session may have when all places are taken: who is there goes on to work, but one client
// cannot have any number of them.
const surelyHas = 32

// settleLocked says from where a session's other links come.
func (r *Registry) settleLocked(s *Session, home netip.Addr) {
	if s.home.IsValid() {
		decrement(r.homes, s.home)
	}
	s.home = home
	if home.IsValid() {
		r.homes[home]++
	}
}

// Join puts a new link in the session with that token, in place of an arrival. The error is ErrToken, also for an address that
// is not the Application process's; ErrTaken, with the link that has the process; ErrSealed; ErrFull, which the check of the
// maximum counts; or ErrNoPlace.
func (r *Registry) Join(a *Arrival, l *Link, token string) (inTheWay *Link, err error) {
	hash := hashOf(token)
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.remotes[hash]
	_, there := r.arrivals[a]
	switch {
	case s == nil || s.home != a.Peer.Address.Addr().Unmap():
		return nil, ErrToken
	case r.sealed:
		return nil, ErrSealed
	case !there || a.Ended() != NoCause:
		return nil, ErrNoPlace
	}
	if other := s.links[l.Process]; other != nil {
		return other, ErrTaken
	}
	if a.heard && len(s.links) >= surelyHas && r.isFullLocked() { // who is not heard has a place already
		r.checks[maximumConnections].count.Add(1)
		return nil, ErrFull
	}
	r.leaveLocked(a)
	l.Session, l.peer = s, a.Peer
	s.links[l.Process] = l
	r.bare++
	return nil, nil
}

// Find is the link of a process in the session with that token, nil when there is none, or no such session.
func (r *Registry) Find(token string, number int64) *Link {
	hash := hashOf(token)
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.remotes[hash]; s != nil && !r.sealed {
		return s.links[number]
	}
	return nil
}

// OfToken is the session with that token; nil when there is none.
func (r *Registry) OfToken(token string) *Session {
	hash := hashOf(token)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.remotes[hash]
}

// Take gives a claimed link its new transport. It reports false when the link is claimed no longer. The client's machine
// is awake.
func (r *Registry) Take(l *Link, peer Peer, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !l.stepLocked(TransportTaken, now) {
		return false
	}
	l.peer = peer
	if l.Application {
		r.settleLocked(l.Session, peer.Address.Addr().Unmap())
	}
	r.wakeLocked(l.Session, now)
	return true
}

// Sleep says that the client's machine goes to sleep.
func (r *Registry) Sleep(s *Session, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := s.application; l == nil || l.state >= LinkEnding || !s.asleep.IsZero() { // nobody would wake an ended one
		return
	}
	s.asleep = now
	r.drift(true)
}

// Wake says that the client's machine is awake. It reports whether it slept.
func (r *Registry) Wake(s *Session, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wakeLocked(s, now)
}

func (r *Registry) wakeLocked(s *Session, now time.Time) bool {
	if s.asleep.IsZero() {
		return false
	}
	s.asleep, s.woke = time.Time{}, now
	r.drift(false)
	return true
}

// drift counts what may come back from any address.
func (r *Registry) drift(more bool) {
	if more {
		r.adrift++
	} else {
		r.adrift--
	}
}

// Speak makes the connection of a link's language twin, which is being decided. It keeps the link's place. The result
// is nil when the link ends, or the server has no more room for anything.
func (r *Registry) Speak(l *Link, p *process.Process, now time.Time) *Connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sealed || l.state >= LinkEnding || l.connection != nil {
		return nil
	}
	c := r.newLocked(l.peer, l.Session.User, p, now)
	c.session = l.Session
	c.link.Store(l)
	l.connection = c
	r.bare--
	return c
}

// Expire has nobody join or resume a session any more; its Application process's link calls it when it ends. The result is
// the other links, whose ends are to be asked for.
func (r *Registry) Expire(s *Session) []*Link {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.remotes[s.token] == s {
		delete(r.remotes, s.token)
		r.remoteCount.Add(-1)
		r.settleLocked(s, netip.Addr{})
		r.wakeLocked(s, time.Now())
	}
	return slices.DeleteFunc(s.linksLocked(), func(l *Link) bool { return l.Application })
}

// EndLink takes a link out whose end is over: its connection, if it has one, is closed with it.
func (r *Registry) EndLink(l *Link, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !l.stepLocked(EndDone, now) {
		panic("session: link goes from " + l.state.String() + " to ended")
	}
	s := l.Session
	delete(s.links, l.Process)
	announce(&s.fewer)
	if l.Application {
		s.application = nil
	}
	if l.connection == nil {
		r.bare--
	} else {
		r.closeLocked(l.connection)
	}
	r.departLocked()
}

// Fewer is closed when the next link of the session has ended. Ask for it before looking.
func (s *Session) Fewer() <-chan struct{} {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	return awaited(&s.fewer, false)
}

// Seal lets nobody join, resume or begin a session any more: who is there is all there is to end.
func (r *Registry) Seal() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sealed = true
}

// Remotes are the remote sessions, the oldest first.
func (r *Registry) Remotes() []*Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*Session, 0, len(r.remotes))
	for _, s := range r.remotes {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *Session) int { return a.Since.Compare(b.Since) })
	return all
}

// RemoteStates is how many remote sessions, and links of them, are in each state; every state is there.
func (r *Registry) RemoteStates() (sessions, links map[string]int) {
	sessions, links = map[string]int{}, map[string]int{}
	for state := Active; state <= OutOfReach; state++ {
		sessions[state.String()] = 0
	}
	for state := LinkServed; state < LinkEnded; state++ {
		links[state.String()] = 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.remotes {
		state, _ := s.stateLocked()
		sessions[state.String()]++
		for _, l := range s.links {
			links[l.state.String()]++
		}
	}
	return sessions, links
}

// Hears reports whether a newcomer may be a client process of a remote session, which is let in by another door: a session's
// client is at its address, or some link may come back from anywhere. It costs next to nothing while there are no remote
// sessions.
func (r *Registry) Hears(p Peer) bool {
	if r.remoteCount.Load() == 0 {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.sealed && (r.adrift > 0 || r.homes[p.Address.Addr().Unmap()] > 0)
}
