package account

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// How logins are delayed. The first three and the ten seconds are those of CHANGE CURRENT USER.
const (
	freeTries  = 3
	tryDelay   = 10 * time.Second
	forgetting = 10 * time.Minute
	maxPeers   = 10_000
)

// Tries delays the logins of who guesses passwords, as 4D does: from the fourth try on each is delayed by 10 seconds. 4D
// counts by workstation; here it is by address, over all its connections, and with IPv6 by /64, which is what one customer
// gets. A login that succeeds is no try of a guesser: it is taken back, and with it all others of the address if they were
// for the same name. Of the delayed tries of one address for one name there is one at a time, or a guesser would only need
// more connections. An address without a try for 10 minutes is forgotten; beyond 10,000 addresses the one that tried
// longest ago is.
//
// The zero value is ready. Nothing here blocks, or depends on the clock of the wall: with times that come from time.Now a
// clock that jumps changes nothing, and whatever times come, nobody is delayed for longer than 10 seconds.
type Tries struct {
	mu    sync.Mutex
	peers map[netip.Addr]*list.Element
	order list.List // of *peer; who tried last is in front
}

// peer is an address that has tried.
type peer struct {
	address netip.Addr
	tries   int    // up to one more than are free
	name    string // folded: that of all its tries
	several bool   // they were for several names
	delayed map[string]bool
	last    time.Time
}

// Try is one try that has begun. End ends it.
type Try struct {
	Delay time.Duration // before the password is looked at

	tries *Tries
	peer  *peer
	name  string
}

// Begin counts a try of that address for a name, and says how long it is to be delayed: not at all for the first three, 10
// seconds from the fourth on. A try counts when it begins, so that of a hundred at once three are the first. The error is
// ErrBusy when the same address waits with the same name already.
func (t *Tries) Begin(a netip.Addr, name string, now time.Time) (Try, error) {
	name = fold(name)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forgetLocked(now)
	p := t.peerLocked(workstation(a), name)
	p.last = now
	p.several = p.several || p.name != name
	p.tries = min(p.tries+1, freeTries+1)
	try := Try{tries: t, peer: p, name: name}
	if p.tries <= freeTries {
		return try, nil
	}
	if p.delayed[name] {
		return Try{}, ErrBusy
	}
	if p.delayed == nil {
		p.delayed = map[string]bool{}
	}
	p.delayed[name] = true
	try.Delay = tryDelay
	return try, nil
}

// End ends a try, and says whether the login succeeded.
func (y Try) End(succeeded bool) {
	y.tries.mu.Lock()
	defer y.tries.mu.Unlock()
	p := y.peer
	if y.Delay > 0 {
		delete(p.delayed, y.name)
	}
	switch {
	case !succeeded:
	case !p.several:
		p.tries = 0
	default:
		p.tries = max(0, p.tries-1)
	}
}

// forgetLocked forgets who has not tried for long. They are at the end of the order, unless the clock has jumped back;
// who has tried in what is now the future is forgotten when a newer one would be, or for want of room.
func (t *Tries) forgetLocked(now time.Time) {
	for e := t.order.Back(); e != nil; e = t.order.Back() {
		if now.Sub(e.Value.(*peer).last) < forgetting {
			return
		}
		t.removeLocked(e)
	}
}

// peerLocked is the entry of an address, which it moves to the front, or makes.
func (t *Tries) peerLocked(a netip.Addr, name string) *peer {
	if e, ok := t.peers[a]; ok {
		t.order.MoveToFront(e)
		return e.Value.(*peer)
	}
	if len(t.peers) >= maxPeers {
		t.removeLocked(t.order.Back())
	}
	if t.peers == nil {
		t.peers = map[netip.Addr]*list.Element{}
	}
	p := &peer{address: a, name: name}
	t.peers[a] = t.order.PushFront(p)
	return p
}

func (t *Tries) removeLocked(e *list.Element) {
	delete(t.peers, t.order.Remove(e).(*peer).address)
}

// workstation is what an address is counted by.
func workstation(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a
	}
	network, _ := a.Prefix(64) // fails for more bits than there are only
	return network.Addr()
}
