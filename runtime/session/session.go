package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"slices"
	"sync"
	"time"

	"moongate/runtime/process"
)

// Session is what one user's connections have in common: the name that the user has taken, and a storage. A plain
// client's session has one connection, and is made when somebody first asks for it. A remote one has links, of which
// the Application process's is the first; Announce makes it, and it lasts as long as that link.
type Session struct {
	ID    string // a UUID
	Since time.Time
	User  User
	shelf
	registry *Registry

	mu    sync.Mutex
	alias string

	// Of remote sessions; guarded by Registry.mu.
	remote      bool
	machine     Machine
	token       tokenHash
	home        netip.Addr // where the Application process's transport comes from
	links       map[int64]*Link
	application *Link
	fewer       chan struct{} // closed and forgotten when a link has ended
	asleep      time.Time     // since when the client's machine sleeps; zero: it does not
	woke        time.Time     // when it last did no longer
}

// Machine is the client's machine and what runs there, as the client says.
type Machine struct {
	Name       string
	SystemUser string // who is logged in on it
	Version    string // of the client's program
	Compiled   bool   // it runs without the Design environment
}

// Welcome is what a client process is told that has begun a session, or joined one. Those who join get Session, User
// and UserNumber only.
type Welcome struct {
	Session       string
	Token         string // by which other client processes join; a secret
	User          string // the account
	UserNumber    UserNumber
	Process       process.Number // the language twin
	Connection    ConnectionID
	ServerSession string        // of the server's run
	Timeout       time.Duration // how long the session is kept when the client cannot be reached
}

// SessionState is how a session's client is.
type SessionState uint8

const (
	Active     SessionState = iota
	Asleep                  // its machine has said that it goes to sleep
	OutOfReach              // nothing has come from it for so long that it cannot be there; it may come back
)

// String is the state in lower case, as 4D's session objects have it.
func (s SessionState) String() string { return [...]string{"active", "sleeping", "postponed"}[s] }

// tokenHash is all that is kept of a token.
type tokenHash [sha256.Size]byte

// newToken makes a token: 32 random bytes as URL-safe text.
func newToken() (token string, hash tokenHash) {
	var b [32]byte
	rand.Read(b[:]) // never fails
	token = base64.RawURLEncoding.EncodeToString(b[:])
	return token, hashOf(token)
}

func hashOf(token string) tokenHash { return sha256.Sum256([]byte(token)) }

// Alias is the name that the user has taken for this session, "" when none.
func (s *Session) Alias() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alias
}

// SetAlias gives the user another name for this session; "" takes it back ("SET USER ALIAS").
func (s *Session) SetAlias(alias string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alias = alias
}

// UserName is what the user is called: the alias if there is one, else the account.
func (s *Session) UserName() string {
	if alias := s.Alias(); alias != "" {
		return alias
	}
	return s.User.Name
}

// Remote reports whether the session is a remote client's, with links.
func (s *Session) Remote() bool {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	return s.remote
}

// Machine is the client's machine; zero in a session that is not remote.
func (s *Session) Machine() Machine {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	return s.machine
}

// Home is the address that the Application process's transport came from last; the zero Addr in a session that is not
// remote.
func (s *Session) Home() netip.Addr {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	return s.home
}

// State is how the client is, and since when it cannot be reached or sleeps; Active has no time. A session that is not
// remote is Active.
func (s *Session) State() (SessionState, time.Time) {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	return s.stateLocked()
}

func (s *Session) stateLocked() (SessionState, time.Time) {
	switch {
	case !s.asleep.IsZero():
		return Asleep, s.asleep
	case s.application != nil && s.application.state == LinkUnreachable:
		return OutOfReach, s.application.since
	default:
		return Active, time.Time{}
	}
}

// Links are a remote session's, by process number.
func (s *Session) Links() []*Link {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	return s.linksLocked()
}

func (s *Session) linksLocked() []*Link {
	all := make([]*Link, 0, len(s.links))
	for _, l := range s.links {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *Link) int { return int(min(max(a.Process-b.Process, -1), 1)) })
	return all
}

// Application is the link of the Application process; nil in a session that is not remote, or is over.
func (s *Session) Application() *Link {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	return s.application
}
