package session_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"sync"
	"testing"
	"time"

	"moongate/runtime/process"
	"moongate/runtime/session"
)

func peer(address string) session.Peer {
	return session.Peer{
		Address: netip.AddrPortFrom(netip.MustParseAddr(address), 40000), Local: netip.MustParseAddrPort("127.0.0.1:19813"), Listener: "test",
	}
}

var now = time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)

// stay keeps what it is asked for.
type stay struct {
	mu    sync.Mutex
	ended []session.Cause
	told  []string
}

func (s *stay) End(cause session.Cause) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = append(s.ended, cause)
}

func (s *stay) Idle() time.Duration { return 0 }

func (s *stay) Bytes() (in, out int64) { return 0, 0 }

func (s *stay) Quit(time.Duration, string) bool { return false }

func (s *stay) Order(session.Order) {}

func (s *stay) Push(string, ...any) bool { return false }

func (s *stay) Tell(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, text)
	return true
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestChecksInOrder(t *testing.T) {
	r := session.NewRegistry(parseRules(t, "-10.*", "+all"), 1)
	serving := func() { r.SetStage(session.Serving) }
	full := func() { r.New(peer("192.0.2.1"), session.User{Number: session.Designer}, nil, now) }
	counts := map[string]int64{}
	for _, c := range []struct {
		name    string
		change  func()
		address string
		want    session.Refusal
	}{
		{"at first", func() {}, "192.0.2.1", session.Refusal{Code: -10516, Reason: "the server is starting", By: "starting"}},
		{"starting goes before address rules", func() {}, "10.0.0.1", session.Refusal{Code: -10516, Reason: "the server is starting", By: "starting"}},
		{"serving", serving, "192.0.2.1", session.Refusal{}},
		{"denied", serving, "10.0.0.1", session.Refusal{Code: -10515, Reason: "connections from this address are not allowed", By: "address rules"}},
		{"full", full, "192.0.2.1", session.Refusal{Code: -10514, Reason: "the maximum number of connections is reached", By: "maximum connections"}},
		{"denied goes before full", func() {}, "::ffff:10.9.9.9", session.Refusal{Code: -10515, Reason: "connections from this address are not allowed", By: "address rules"}},
		{"refusing goes before denied", func() { r.RefuseNew(true) }, "10.0.0.1", session.Refusal{Code: -10515, Reason: "the server takes no new connections now", By: "refusing new connections"}},
		{"stopping goes before refusing", func() { r.SetStage(session.Stopping) }, "10.0.0.1", session.Refusal{Code: -10516, Reason: "the server is stopping", By: "stopping"}},
		{"refusing no longer", func() { serving(); r.RefuseNew(false) }, "10.0.0.1", session.Refusal{Code: -10515, Reason: "connections from this address are not allowed", By: "address rules"}},
	} {
		c.change()
		expect(t, c.name, r.Check(peer(c.address)), c.want)
		if c.want.By != "" {
			counts[c.want.By]++
		}
	}
	var order []string
	for _, check := range r.Checks() {
		order = append(order, check.Name)
		expect(t, "count of "+check.Name, check.Count(), counts[check.Name])
	}
	expect(t, "order", fmt.Sprintf("%q", order),
		`["starting" "stopping" "refusing new connections" "address rules" "maximum connections"]`)
	expect(t, "refusals by the open method", r.Totals().Refused, 0) // checks are counted by their own names
}

func TestMaximumConnections(t *testing.T) {
	r := session.NewRegistry(nil, 2)
	r.SetStage(session.Serving)
	var open []*session.Connection
	for range 2 {
		expect(t, "below the maximum", r.Check(peer("192.0.2.1")), session.Refusal{})
		open = append(open, r.New(peer("192.0.2.1"), session.User{Number: session.Designer}, nil, now))
	}
	expect(t, "one that is being decided counts", r.Check(peer("192.0.2.2")).Code, -10514)
	r.Refuse(open[0])
	expect(t, "after a refusal", r.Check(peer("192.0.2.2")), session.Refusal{})
	r.Accept(open[1])
	open[0] = r.New(peer("192.0.2.1"), session.User{Number: session.Designer}, nil, now)
	expect(t, "full again", r.Check(peer("192.0.2.2")).Code, -10514)
	r.Close(open[1])
	expect(t, "after a close", r.Check(peer("192.0.2.2")), session.Refusal{})

	unlimited := session.NewRegistry(nil, 0)
	unlimited.SetStage(session.Serving)
	for range 1000 {
		unlimited.New(peer("192.0.2.1"), session.User{Number: session.Designer}, nil, now)
	}
	expect(t, "without a maximum", unlimited.Check(peer("192.0.2.1")), session.Refusal{})
}

// A connection goes through its states once; every other step is a fault of the host.
func TestStates(t *testing.T) {
	steps := map[string]func(r *session.Registry, c *session.Connection){
		"accept": (*session.Registry).Accept, "refuse": (*session.Registry).Refuse, "close": (*session.Registry).Close,
	}
	for _, c := range []struct {
		before []string
		state  session.State
		legal  map[string]session.State
	}{
		{nil, session.Deciding, map[string]session.State{"accept": session.Open, "refuse": session.Refused}},
		{[]string{"accept"}, session.Open, map[string]session.State{"close": session.Closed}},
		{[]string{"refuse"}, session.Refused, nil},
		{[]string{"accept", "close"}, session.Closed, nil},
	} {
		for step, do := range steps {
			r := session.NewRegistry(nil, 0)
			connection := r.New(peer("192.0.2.1"), session.User{Number: session.Designer}, nil, now)
			for _, b := range c.before {
				steps[b](r, connection)
			}
			expect(t, "state before", connection.State(), c.state)
			want, legal := c.legal[step]
			panicked := func() (value any) {
				defer func() { value = recover() }()
				do(r, connection)
				return nil
			}()
			if legal {
				expect(t, fmt.Sprint(step, " when ", c.state), panicked, nil)
				expect(t, fmt.Sprint("state after ", step, " when ", c.state), connection.State(), want)
			} else if panicked == nil {
				t.Errorf("%s when %s: no panic", step, c.state)
			} else {
				expect(t, fmt.Sprint("state after a wrong ", step), connection.State(), c.state)
			}
		}
	}
	expect(t, "names", fmt.Sprint(session.Deciding, session.Open, session.Refused, session.Closed), "deciding open refused closed")
}

func TestCountersGoUpAndDown(t *testing.T) {
	r := session.NewRegistry(nil, 0)
	a := r.New(peer("192.0.2.1"), session.User{Number: session.Designer}, nil, now)
	b := r.New(peer("192.0.2.1"), session.User{Number: session.Administrator}, nil, now)
	expect(t, "after two", r.Totals(), session.Totals{Live: 2})
	expect(t, "users", r.Users(), 2)
	r.Accept(a)
	expect(t, "after an acceptance", r.Totals(), session.Totals{Accepted: 1, Live: 2, Open: 1})
	r.Refuse(b)
	expect(t, "after a refusal", r.Totals(), session.Totals{Accepted: 1, Refused: 1, Live: 1, Open: 1})
	expect(t, "users", r.Users(), 1)
	c := r.New(peer("192.0.2.2"), session.User{Number: session.Designer}, nil, now)
	r.Accept(c)
	r.Close(a)
	expect(t, "users with one of two connections left", r.Users(), 1)
	expect(t, "Get of a live one", r.Get(c.ID), c)
	expect(t, "Get of a closed one", r.Get(a.ID), nil)
	expect(t, "Get of 0", r.Get(0), nil)
	r.Close(c)
	expect(t, "at the end", r.Totals(), session.Totals{Accepted: 2, Refused: 1, Closed: 2})
	expect(t, "users at the end", r.Users(), 0)
	expect(t, "live at the end", len(r.Live()), 0)
	expect(t, "count at the end", r.Count(session.Filter{}), 0)
}

// Check and New are two steps, and others come in between: New has the last word.
func TestNewRefusesWhoCameTooLate(t *testing.T) {
	r := session.NewRegistry(nil, 1)
	r.SetStage(session.Serving)
	for range 2 {
		expect(t, "the check of both who come at once", r.Check(peer("192.0.2.1")), session.Refusal{})
	}
	first, second := r.New(peer("192.0.2.1"), session.User{Number: 1}, nil, now), r.New(peer("192.0.2.1"), session.User{Number: 1}, nil, now)
	if first == nil || second != nil {
		t.Errorf("got %v and %v, want the first one only", first, second)
	}
	r.Refuse(first)
	r.SetStage(session.Stopping)
	expect(t, "a connection of a server that is stopping", r.New(peer("192.0.2.1"), session.User{Number: 1}, nil, now), nil)
	expect(t, "live", r.Totals().Live, 0)
	expect(t, "users", r.Users(), 0)
}

func TestConnectionNumbersAreNeverUsedAgain(t *testing.T) {
	r := session.NewRegistry(nil, 0)
	for want := session.ConnectionID(1); want <= 5; want++ {
		c := r.New(peer("192.0.2.1"), session.User{Number: session.Designer}, nil, now)
		expect(t, "ID", c.ID, want)
		r.Refuse(c)
	}
}

func TestCountFilters(t *testing.T) {
	r := session.NewRegistry(nil, 0)
	var all []*session.Connection
	for _, c := range []struct {
		user    session.UserNumber
		address string
	}{{1, "10.0.0.1"}, {1, "10.0.0.1"}, {1, "10.0.0.2"}, {2, "10.0.0.1"}, {2, "10.1.0.1"}, {2, "fd00::1"}, {3, "fd00::2"}} {
		all = append(all, r.New(peer(c.address), session.User{Number: c.user}, nil, now))
	}
	user := func(n session.UserNumber) *session.UserNumber { return &n }
	address := func(s string) *netip.Addr { a := netip.MustParseAddr(s); return &a }
	network := func(s string) *netip.Prefix { p := netip.MustParsePrefix(s); return &p }
	for _, c := range []struct {
		name   string
		filter session.Filter
		want   int
	}{
		{"all", session.Filter{}, 7},
		{"user 1", session.Filter{User: user(1)}, 3},
		{"user 4", session.Filter{User: user(4)}, 0},
		{"address", session.Filter{Address: address("10.0.0.1")}, 3},
		{"mapped address", session.Filter{Address: address("::ffff:10.0.0.1")}, 3},
		{"another address", session.Filter{Address: address("10.9.9.9")}, 0},
		{"network", session.Filter{Network: network("10.0.0.0/24")}, 4},
		{"wide network", session.Filter{Network: network("10.0.0.0/8")}, 5},
		{"IPv6 network", session.Filter{Network: network("fd00::/8")}, 2},
		{"no network", session.Filter{Network: network("192.0.2.0/24")}, 0},
		{"user and address", session.Filter{User: user(2), Address: address("10.0.0.1")}, 1},
		{"user and mapped address", session.Filter{User: user(2), Address: address("::ffff:10.0.0.1")}, 1},
		{"user and network", session.Filter{User: user(2), Network: network("10.0.0.0/8")}, 2},
		{"address and network", session.Filter{Address: address("10.0.0.1"), Network: network("10.0.0.0/24")}, 3},
		{"address outside of the network", session.Filter{Address: address("10.0.0.1"), Network: network("fd00::/8")}, 0},
		{"all three", session.Filter{User: user(1), Address: address("10.0.0.1"), Network: network("10.0.0.0/24")}, 2},
	} {
		expect(t, c.name, r.Count(c.filter), c.want)
	}
	for _, c := range all {
		r.Refuse(c)
	}
	expect(t, "user 1 at the end", r.Count(session.Filter{User: user(1)}), 0)
	expect(t, "address at the end", r.Count(session.Filter{Address: address("10.0.0.1")}), 0)
	expect(t, "network at the end", r.Count(session.Filter{Network: network("10.0.0.0/8")}), 0)
}

func TestEmptied(t *testing.T) {
	r := session.NewRegistry(nil, 0)
	expect(t, "nobody has come", isClosed(r.Emptied()), true)
	a, b := r.New(peer("192.0.2.1"), session.User{Number: 1}, nil, now), r.New(peer("192.0.2.1"), session.User{Number: 1}, nil, now)
	emptied, again := r.Emptied(), r.Emptied()
	r.Accept(a)
	r.Close(a)
	expect(t, "one is left", isClosed(emptied), false)
	r.Refuse(b)
	expect(t, "none is left", isClosed(emptied), true)
	expect(t, "none is left, asked twice", isClosed(again), true)
	c := r.New(peer("192.0.2.1"), session.User{Number: 1}, nil, now)
	later := r.Emptied()
	expect(t, "another has come", isClosed(later), false)
	r.Refuse(c)
	expect(t, "and has gone", isClosed(later), true)
}

func TestTheFirstCauseOfAnEndStays(t *testing.T) {
	c := session.NewRegistry(nil, 0).New(peer("192.0.2.1"), session.User{Number: 1}, nil, now)
	expect(t, "cause before", c.Cause(), session.NoCause)
	var s stay
	c.Tell("nobody hears this")
	c.ServedBy(&s)
	c.Tell("hello")
	expect(t, "result of the first", c.End(session.Idle), session.Idle)
	expect(t, "result of the second", c.End(session.Shutdown), session.Idle)
	expect(t, "cause", c.Cause(), session.Idle)
	expect(t, "asked", fmt.Sprint(s.ended), "[idle]")
	expect(t, "told", fmt.Sprint(s.told), "[hello]")
}

func TestServedAfterTheEndIsAskedAtOnce(t *testing.T) {
	c := session.NewRegistry(nil, 0).New(peer("192.0.2.1"), session.User{Number: 1}, nil, now)
	expect(t, "result", c.End(session.Dropped), session.Dropped)
	var s stay
	c.ServedBy(&s)
	c.End(session.Shutdown)
	expect(t, "asked", fmt.Sprint(s.ended), "[dropped]")
}

func TestCauseNames(t *testing.T) {
	for cause, want := range map[session.Cause]string{
		session.NoCause: "none", session.ClientLeft: "client left", session.ConnectionLost: "connection lost", session.ProtocolError: "protocol error",
		session.TooSlow: "too slow", session.Idle: "idle", session.Dropped: "dropped", session.ProcessAborted: "process aborted", session.Shutdown: "shutdown",
	} {
		expect(t, "name", cause.String(), want)
	}
}

func TestSessions(t *testing.T) {
	r := session.NewRegistry(nil, 0)
	a, b := r.New(peer("192.0.2.1"), session.User{Number: 1}, nil, now), r.New(peer("192.0.2.1"), session.User{Number: 1}, nil, now)
	expect(t, "connections of no session", len(r.OfSession("")), 0)
	expect(t, "connections of an unknown session", len(r.OfSession("x")), 0)
	id := a.Session()
	if !regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`).MatchString(id) {
		t.Errorf("session: got %q, want a random UUID", id)
	}
	expect(t, "asked again", a.Session(), id)
	if b.Session() == id {
		t.Error("two connections have the session", id)
	}
	found := r.OfSession(id)
	expect(t, "connections of the session", len(found), 1)
	expect(t, "the connection of the session", found[0], a)
	r.Refuse(a)
	expect(t, "connections of a session that is over", len(r.OfSession(id)), 0)
}

func TestOfProcess(t *testing.T) {
	r := session.NewRegistry(nil, 0)
	var table process.Table
	table.Start(process.Spec{})
	twin := table.Start(process.Spec{})
	c := r.New(peer("192.0.2.1"), session.User{Number: 1}, twin, now)
	expect(t, "of the twin", r.OfProcess(2), c)
	expect(t, "of another process", r.OfProcess(1), nil)
	r.Refuse(c)
	expect(t, "of a twin whose connection is over", r.OfProcess(2), nil)
}

func TestUserNames(t *testing.T) {
	for number, want := range map[session.UserNumber]string{0: "", 1: "Designer", 2: "Administrator", 3: "", -1: ""} {
		expect(t, fmt.Sprint("user ", number), session.UserName(number), want)
	}
}

func TestConnectionsFromManyGoroutines(t *testing.T) {
	r := session.NewRegistry(parseRules(t, "+10.*"), 30)
	r.SetStage(session.Serving)
	var table process.Table
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			for range 40 {
				if r.Check(peer("10.0.0.1")).Code != 0 {
					continue
				}
				p := table.Start(process.Spec{})
				c := r.New(peer("10.0.0.1"), session.User{Number: session.UserNumber(i % 3)}, p, now)
				if c == nil { // others came at the same time
					p.End()
					continue
				}
				if live := r.Totals().Live; live > 30 {
					t.Errorf("%d connections are live, want 30 at the most", live)
				}
				r.Users()
				r.Emptied()
				if i%2 == 0 {
					r.Refuse(c)
				} else {
					r.Accept(c)
					c.ServedBy(&stay{})
					for _, other := range r.Live() {
						other.End(session.Dropped)
						other.Tell("x")
					}
					r.Close(c)
				}
				p.End()
			}
		})
	}
	group.Wait()
	totals := r.Totals()
	expect(t, "closed", totals.Closed, totals.Accepted)
	expect(t, "live", totals.Live+totals.Open+r.Count(session.Filter{})+r.Users()+table.Count(nil), 0)
	expect(t, "emptied", isClosed(r.Emptied()), true)
}
