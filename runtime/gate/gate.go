package gate

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"moongate/runtime/front"
)

// Gate is a definition that works. Make it with New; Close it when it is not used any more.
type Gate struct {
	definition Definition
	front      *front.Front
	upstreams  []*Upstream
	allowed    []network
	named      map[string]*Upstream // those that a policy may choose by name, the gate's own included
	next       atomic.Uint32        // whose turn it is
	now        func() time.Time     // the clock

	ctx     context.Context // of looking host names up
	cancel  context.CancelFunc
	looking sync.WaitGroup

	mu     sync.Mutex
	closed bool // nothing is looked up any more
}

// network is an entry of Definition.Allow that is no single upstream.
type network struct {
	prefix netip.Prefix
	port   string // "*": any
}

// New makes a gate. The error is one line: which field is wrong, how, and what to do. It blocks while host names are
// looked up; one that is not found is no error yet, because it may be known by the time that somebody comes.
func New(d Definition) (*Gate, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	if d.ConnectTimeout == 0 {
		d.ConnectTimeout = DefaultConnectTimeout
	}
	g := &Gate{definition: d, named: map[string]*Upstream{}, now: time.Now}
	for i, name := range d.Upstreams {
		u := newUpstream(name, i)
		g.upstreams = append(g.upstreams, u)
		g.named[name] = u
	}
	for _, entry := range d.Allow {
		if err := g.permit(entry); err != nil {
			return nil, err
		}
	}
	if g.definition.Front.Protocol == front.MySQL {
		g.definition.Front.Dial = g.dialFirst
	}
	f, err := front.New(g.definition.Front)
	if err != nil {
		return nil, err
	}
	g.front = f
	g.ctx, g.cancel = context.WithCancel(context.Background())
	for _, u := range g.named {
		if u.isName {
			u.looked.Store(g.now().UnixNano())
			g.looking.Go(func() { u.lookUp(g.ctx) })
		}
	}
	g.looking.Wait()
	return g, nil
}

// Close ends what the gate does by itself: looking host names up. Connections may go on.
func (g *Gate) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.cancel()
	g.looking.Wait()
}

// permit adds an entry of Definition.Allow.
func (g *Gate) permit(entry string) error {
	if before, port, ok := cutLast(entry, ":"); ok && strings.Contains(before, "/") {
		prefix, err := netip.ParsePrefix(strings.Trim(before, "[]"))
		if err != nil || port != "*" && checkAddress("host:"+port, false) != nil {
			return fmt.Errorf("allow: %q is no network with a port; write it as 10.1.0.0/16:5432, or with :* for any port", entry)
		}
		g.allowed = append(g.allowed, network{prefix.Masked(), port})
		return nil
	}
	if err := checkAddress(entry, false); err != nil {
		return fmt.Errorf("allow: %w, or a network as 10.1.0.0/16:5432", err)
	}
	if g.named[entry] == nil {
		g.named[entry] = newUpstream(entry, -1)
	}
	return nil
}

func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}

// Definition is what the gate was made of, with its defaults.
func (g *Gate) Definition() *Definition { return &g.definition }

// Front is what happens on the gate's connections before the policy is asked.
func (g *Gate) Front() *front.Front { return g.front }

// Choice is the upstream of that address, if the policy may choose it. The error says that it may not.
func (g *Gate) Choice(address string) (*Upstream, error) {
	if u := g.named[address]; u != nil {
		g.refresh(u)
		return u, nil
	}
	if err := checkAddress(address, false); err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(address)
	if a, err := netip.ParseAddr(host); err == nil && slices.ContainsFunc(g.allowed, func(n network) bool {
		return n.prefix.Contains(a.Unmap()) && (n.port == "*" || n.port == port)
	}) {
		return newUpstream(address, -1), nil
	}
	return nil, fmt.Errorf("the gate %s does not allow the upstream %s; name it in the gate's allow", g.definition.Name, address)
}

// Tried are the upstreams that were tried for one connection. The zero value is none.
type Tried uint64

// Pick finds the upstream to try next, and adds it to those that were. It returns nil when no other one may be tried.
func (g *Gate) Pick(tried *Tried) *Upstream {
	u := g.pick(*tried, g.now())
	if u != nil {
		*tried |= 1 << u.place
		g.refresh(u)
	}
	return u
}

func (g *Gate) pick(tried Tried, now time.Time) *Upstream {
	if g.exhausted(tried) {
		return nil
	}
	first := 0
	if n := len(g.upstreams); n > 1 {
		first = int(g.next.Add(1)-1) % n
	}
	var least, oldest *Upstream
	for i := range g.upstreams {
		u := g.upstreams[(first+i)%len(g.upstreams)]
		if tried&(1<<u.place) != 0 {
			continue
		}
		switch u.look(now, g.definition.ConnectTimeout) {
		case onTrial:
			return u
		case marked:
			if oldest == nil || u.lastFailure().Before(oldest.lastFailure()) {
				oldest = u
			}
		case good:
			if g.definition.Balance == RoundRobin {
				return u
			}
			if least == nil || u.Live() < least.Live() {
				least = u
			}
		}
	}
	if least != nil {
		return least
	}
	return oldest
}

// exhausted reports whether a connection has had all its attempts.
func (g *Gate) exhausted(tried Tried) bool {
	attempts := bits.OnesCount64(uint64(tried))
	switch retries := g.definition.Retries; {
	case attempts == 0:
		return false
	case retries < 0:
		return true
	case retries > 0:
		return attempts > retries
	}
	return attempts == len(g.upstreams)
}

// Now is the gate's clock.
func (g *Gate) Now() time.Time { return g.now() }

// refresh has the host of an upstream looked up again if that was long ago. The address from before serves meanwhile.
func (g *Gate) refresh(u *Upstream) {
	if !u.isName || g.now().UnixNano()-u.looked.Load() < int64(lookUpEvery) || !u.looking.CompareAndSwap(false, true) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	g.looking.Go(func() { // ends after lookUpTime, or with Close
		defer u.looking.Store(false)
		u.lookUp(g.ctx)
		u.looked.Store(g.now().UnixNano())
	})
}

// Upstreams tells how the gate's upstreams are.
func (g *Gate) Upstreams() []Report {
	var all []Report
	for _, u := range g.upstreams {
		all = append(all, u.report())
	}
	return all
}

// Dial connects to the choice, or without one to the next upstream that has not been tried, and to others after one that fails.
// It blocks until one takes the connection, all have failed, or ctx ends. The upstream has begun a connection, for who calls to
// End. The error is that of the last one, ErrExhausted when there was none to try.
func (g *Gate) Dial(ctx context.Context, choice *Upstream, tried *Tried) (net.Conn, *Upstream, error) {
	err := ErrExhausted
	for u := choice; ; {
		if choice == nil {
			if u = g.Pick(tried); u == nil {
				return nil, nil, err
			}
		}
		var conn net.Conn
		if conn, err = g.dial(ctx, u); err == nil {
			return conn, u, nil
		}
		if choice != nil || ctx.Err() != nil {
			return nil, nil, err
		}
	}
}

// dial connects to one upstream.
func (g *Gate) dial(ctx context.Context, u *Upstream) (net.Conn, error) {
	address, known := u.Address()
	if !known {
		u.Begin()
		u.End(false)
		u.Failed(g.now(), ErrUnknownHost.Error())
		return nil, fmt.Errorf("%s: %w", u, ErrUnknownHost)
	}
	u.Begin()
	dialer := net.Dialer{Timeout: g.definition.ConnectTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", address.String())
	if err != nil {
		u.End(false)
		if ctx.Err() == nil {
			u.Failed(g.now(), err.Error())
		}
		return nil, err
	}
	return conn, nil
}

// Errors of Dial beside those of connecting.
var (
	ErrUnknownHost = errors.New("the host is not known")
	ErrExhausted   = errors.New("there is no other upstream to try")
)

// dialFirst connects the upstream of a client of MySQL, before the policy is asked.
func (g *Gate) dialFirst(ctx context.Context, _ front.Facts) (net.Conn, string, error) {
	conn, u, err := g.Dial(ctx, nil, new(Tried))
	if err != nil {
		return nil, "", err
	}
	return &Led{Conn: conn, Upstream: u}, u.Host(), nil
}

// Led is a connection to an upstream of which it is known. Closing it is the end of the connection for the upstream's count,
// until Take.
type Led struct {
	net.Conn
	Upstream *Upstream
	taken    atomic.Bool
}

// Take leaves the upstream's End to the caller.
func (l *Led) Take() { l.taken.Store(true) }

// Close closes the connection.
func (l *Led) Close() error {
	if !l.taken.Swap(true) {
		l.Upstream.End(true)
	}
	return l.Conn.Close()
}

// NetConn is the connection itself.
func (l *Led) NetConn() net.Conn { return l.Conn }
