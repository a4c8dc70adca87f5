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
// gets. An address without a try for 10 minutes is forgotten; beyond 10,000 addresses the one that tried longest ago is.
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
	tries   int // up to one more than are free
	last    time.Time
}

// Begin counts a try of that address, and says how long it is to be delayed: not at all for the first three, 10 seconds from
// the fourth on. A try counts when it begins, so that of a hundred at once three are the first.
func (t *Tries) Begin(a netip.Addr, now time.Time) time.Duration {
	a = workstation(a)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forgetLocked(now)
	p := t.peerLocked(a)
	p.last = now
	p.tries = min(p.tries+1, freeTries+1)
	if p.tries > freeTries {
		return tryDelay
	}
	return 0
}

// Succeeded forgets the address's tries.
func (t *Tries) Succeeded(a netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.peers[workstation(a)]; ok {
		t.removeLocked(e)
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
func (t *Tries) peerLocked(a netip.Addr) *peer {
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
	p := &peer{address: a}
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
