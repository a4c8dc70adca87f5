package session

import (
	"errors"
	"sync"
)

// Passage is what is known of a connection that came in by a gate, or by TLS, beside what every connection has. Its methods may be called
// from any goroutine.
type Passage struct {
	// Facts are what was found out before the policy was asked, in the order in which they are shown. They do not change.
	Facts []Fact
	// Choose checks an upstream that the policy wants; the error says what is wrong with it. nil: it cannot choose. It
	// must not block.
	Choose func(upstream string) error

	mu       sync.Mutex
	upstream string
	decided  bool
}

// Fact is one thing that is known of a client. Value is a string, an int64, a bool, a []string, or []Fact, which is more of
// them under one name.
type Fact struct {
	Name  string
	Value any
}

// Errors of SetUpstream.
var (
	ErrDecided  = errors.New("the upstream can only be chosen while on_server_open_connection decides")
	ErrNoChoice = errors.New("the upstream of this gate cannot be chosen: it was connected before, because it speaks first")
)

// Upstream is the address that the client is led to, "" while nobody has chosen one.
func (p *Passage) Upstream() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.upstream
}

// SetUpstream chooses the upstream for the policy, as long as that decides.
func (p *Passage) SetUpstream(upstream string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.Choose == nil:
		return ErrNoChoice
	case p.decided:
		return ErrDecided
	}
	if err := p.Choose(upstream); err != nil {
		return err
	}
	p.upstream = upstream
	return nil
}

// LedTo notes which upstream the client is led to now. No policy chooses any more.
func (p *Passage) LedTo(upstream string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upstream, p.decided = upstream, true
}

// Decided ends the policy's choice, and gives what it has chosen, "" for nothing.
func (p *Passage) Decided() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decided = true
	return p.upstream
}
