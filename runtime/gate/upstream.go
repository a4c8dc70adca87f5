package gate

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Upstream is one address that clients are led to.
type Upstream struct {
	name   string // as it was given
	host   string
	port   uint16
	place  int  // among the gate's; -1: chosen by a policy, from the allowed ones
	isName bool // the host has to be looked up
	live   atomic.Int64

	address atomic.Pointer[netip.AddrPort] // that the host was found to have
	looking atomic.Bool
	looked  atomic.Int64 // when, by the gate's clock

	mu       sync.Mutex
	marks    int       // failures in a row
	failed   time.Time // the last one
	until    time.Time // avoided before
	probed   time.Time // when one connection was let try it again; zero: none was
	problem  string    // what the last failure was
	attempts Attempts
}

// Attempts are what became of the attempts to connect to an upstream.
type Attempts struct{ Connected, Failed int64 }

// String is the upstream as it was given, host:port.
func (u *Upstream) String() string { return u.name }

// Host is the host alone, for the upstream's certificate.
func (u *Upstream) Host() string { return u.host }

// lookUpEvery is how long a host's address is used before it is looked up again.
const lookUpEvery = 30 * time.Second

// lookUpTime is how long that may take.
const lookUpTime = 5 * time.Second

// newUpstream reads host:port, which has been checked.
func newUpstream(name string, place int) *Upstream {
	host, port, _ := net.SplitHostPort(name)
	number, _ := strconv.ParseUint(port, 10, 16)
	u := &Upstream{name: name, host: host, port: uint16(number), place: place}
	if a, err := netip.ParseAddr(host); err == nil {
		u.set(a.Unmap())
		return u
	}
	u.isName = true
	return u
}

func (u *Upstream) set(a netip.Addr) {
	p := netip.AddrPortFrom(a, u.port)
	u.address.Store(&p)
}

// lookUp finds the address of the host. The one from before stays when that fails. It blocks for lookUpTime at the most.
func (u *Upstream) lookUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.host)
	if err != nil {
		return fmt.Errorf("cannot find the upstream %s: %w", u.name, err)
	}
	for _, a := range found { // IPv4 first: what an upstream listens on more often
		if a.Unmap().Is4() {
			u.set(a.Unmap())
			return nil
		}
	}
	u.set(found[0])
	return nil
}

// Address is where to connect to, false while the host's address is not known.
func (u *Upstream) Address() (netip.AddrPort, bool) {
	if p := u.address.Load(); p != nil {
		return *p, true
	}
	return netip.AddrPort{}, false
}

// Begin counts a connection that is led to the upstream.
func (u *Upstream) Begin() { u.live.Add(1) }

// End counts a connection that is over. connected says whether the upstream had taken it: then it works.
func (u *Upstream) End(connected bool) {
	u.live.Add(-1)
	if !connected {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.attempts.Connected++
	u.marks, u.until, u.probed = 0, time.Time{}, time.Time{}
}

// Live is how many connections are led to the upstream now.
func (u *Upstream) Live() int64 { return u.live.Load() }

// Times for which an upstream that failed is avoided: the first, doubled with each failure that follows, and the last.
const (
	firstMark = time.Second
	lastMark  = 30 * time.Second
)

// Failed marks an upstream that could not be reached.
func (u *Upstream) Failed(now time.Time, problem string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.attempts.Failed++
	u.problem, u.failed, u.probed = problem, now, time.Time{}
	if now.Before(u.until) {
		return // one of several that tried at the same time: the mark is there already
	}
	u.until = now.Add(min(lastMark, firstMark<<min(u.marks, 10)))
	u.marks++
}

// state is how willing a gate is to try an upstream.
type state uint8

const (
	good    state = iota
	onTrial       // its mark is over, and who was told so finds out
	marked
)

// look is the state at a moment. patience is how long the connection that finds out may take: when it has not failed by
// then, it has connected.
func (u *Upstream) look(now time.Time, patience time.Duration) state {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.until.IsZero():
		return good
	case now.Before(u.until):
		return marked
	case u.probed.IsZero():
		u.probed = now
		return onTrial
	case now.Sub(u.probed) < patience:
		return marked
	}
	u.until, u.probed = time.Time{}, time.Time{} // the marks' number stays, for the next one's length, until a connection has ended well
	return good
}

func (u *Upstream) lastFailure() time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.failed
}

// Report is how an upstream is.
type Report struct {
	Upstream string
	Live     int64
	Attempts
	Problem string    // why it is avoided; "": it is not
	Until   time.Time // when it is tried again, if it is avoided
}

func (u *Upstream) report() Report {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := Report{Upstream: u.name, Live: u.live.Load(), Attempts: u.attempts}
	if !u.until.IsZero() {
		r.Problem, r.Until = u.problem, u.until
	}
	return r
}
