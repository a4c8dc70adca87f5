package admin

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// How many connections there may be.
const (
	mostConnections    = 256
	mostFarConnections = 224 // of those from elsewhere than loopback, so that a flood of them does not lock everybody out
)

// attendance is who is connected. The zero attendance is nobody.
type attendance struct {
	mu      sync.Mutex
	all     map[net.Conn]attendant
	far     int           // how many do not come from loopback
	active  int           // how many have sent something of a request that is not answered yet
	settled chan struct{} // closed when nobody is active; nil while nobody waits for that
}

// attendant is one connection.
type attendant struct {
	far, active bool
	since       time.Time // since when it is, or is not, active
}

// note follows the life of a connection. It reports whether the connection may live: false for a new one when there are
// too many, which is then not counted.
func (a *attendance) note(c net.Conn, state http.ConnState) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	was, known := a.all[c]
	switch {
	case !known && state == http.StateNew:
		return a.admitLocked(c)
	case !known:
		return true // it was not admitted, and is now closed
	case state == http.StateClosed, state == http.StateHijacked:
		delete(a.all, c)
		if was.far {
			a.far--
		}
		a.setActiveLocked(was.active, false)
	default:
		is := attendant{was.far, state == http.StateActive, time.Now()}
		a.all[c] = is
		a.setActiveLocked(was.active, is.active)
	}
	return true
}

func (a *attendance) admitLocked(c net.Conn) bool {
	peer := parsePeer(c.RemoteAddr().String())
	far := !peer.IsLoopback()
	if len(a.all) >= mostConnections || far && a.far >= mostFarConnections {
		if !a.makeRoomLocked(far && a.far >= mostFarConnections) {
			return false
		}
	}
	if a.all == nil {
		a.all = map[net.Conn]attendant{}
	}
	a.all[c] = attendant{far: far, since: time.Now()}
	if far {
		a.far++
	}
	return true
}

// makeRoomLocked closes the connection that has asked for nothing for longest, of those from far only or of all. It reports
// false when all are asking.
func (a *attendance) makeRoomLocked(far bool) bool {
	var oldest net.Conn
	for c, one := range a.all {
		if !one.active && (one.far || !far) && (oldest == nil || one.since.Before(a.all[oldest].since)) {
			oldest = c
		}
	}
	if oldest == nil {
		return false
	}
	if a.all[oldest].far {
		a.far--
	}
	delete(a.all, oldest)
	oldest.Close()
	return true
}

func (a *attendance) setActiveLocked(was, is bool) {
	switch {
	case is && !was:
		a.active++
	case was && !is:
		a.active--
	}
	if a.active == 0 && a.settled != nil {
		close(a.settled)
		a.settled = nil
	}
}

// wait blocks until nobody is active, but at most for a time. One goroutine may wait.
func (a *attendance) wait(most time.Duration) {
	a.mu.Lock()
	if a.active == 0 || most <= 0 {
		a.mu.Unlock()
		return
	}
	settled := make(chan struct{})
	a.settled = settled
	a.mu.Unlock()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-settled:
	case <-timer.C:
	}
}

// count is how many are connected.
func (a *attendance) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.all)
}

// parsePeer is the address of a peer in its plainest form; when there is none the zero Addr, which is no loopback
// address.
func parsePeer(address string) netip.Addr {
	peer, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap()
}

// slots are places of which there are only so many: its capacity.
type slots chan struct{}

// take takes a place, if there is one, and does not wait. Who has one gives it back.
func (s slots) take() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) giveBack() { <-s }

// seldom lets one thing a second through. The zero seldom is ready for use, from any goroutine.
type seldom struct {
	mu   sync.Mutex
	next time.Time
	left int
}

// now reports whether the thing may happen now, and how many times it might not since it last did.
func (s *seldom) now(now time.Time) (left int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Before(s.next) {
		s.left++
		return 0, false
	}
	left, s.left, s.next = s.left, 0, now.Add(time.Second)
	return left, true
}
