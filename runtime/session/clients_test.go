package session_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"moongate/runtime/session"
)

// client keeps the orders that it gets.
type client struct {
	mu     sync.Mutex
	orders []session.Order
}

func (c *client) Order(o session.Order) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.orders = append(c.orders, o)
}

func (c *client) got() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for _, o := range c.orders {
		all = append(all, fmt.Sprint(o.Method, o.Args))
	}
	return strings.Join(all, " ")
}

func (c *client) last() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.orders[len(c.orders)-1].ID
}

func TestOrdersComeOneAtATime(t *testing.T) {
	var all session.Clients
	var a client
	expect(t, "nobody", all.Execute("@", "m", nil, 0), 0)
	expect(t, "register", all.Register(&a, "desk"), true)
	expect(t, "register again", all.Register(&a, "other"), false)
	for i := range 3 {
		expect(t, "taken", all.Execute("desk", "m", []any{int64(i)}, 0), 1)
	}
	expect(t, "the first", a.got(), "m[0]")
	expect(t, "load", fmt.Sprint(all.List()), "[{desk 3}]")
	all.Done(&a, a.last()+1)
	expect(t, "done with another", a.got(), "m[0]")
	all.Again(&a)
	expect(t, "again", a.got(), "m[0] m[0]")
	all.Done(&a, a.last())
	expect(t, "the second", a.got(), "m[0] m[0] m[1]")
	all.Done(&a, a.last())
	all.Done(&a, a.last())
	expect(t, "all", a.got(), "m[0] m[0] m[1] m[2]")
	all.Done(&a, a.last())
	all.Again(&a)
	expect(t, "load at the end", fmt.Sprint(all.List()), "[{desk 0}]")
	all.Execute("desk", "m", nil, 0)
	expect(t, "unregister", all.Unregister(&a), true)
	expect(t, "unregister again", all.Unregister(&a), false)
	all.Done(&a, a.last())
	expect(t, "nobody", fmt.Sprint(all.List()), "[]")
	expect(t, "nobody any more", all.Execute("desk", "m", nil, 0), 0)
}

func TestOrdersForMany(t *testing.T) {
	var all session.Clients
	var a, b, c client
	all.Register(&a, "Desk 1")
	all.Register(&b, "Desk 2")
	all.Register(&c, "Desk 1")
	expect(t, "two of that name", all.Execute("desk 1", "x", nil, 0), 2)
	expect(t, "a pattern", all.Execute("D@2", "y", nil, 0), 1)
	expect(t, "all", all.Execute("@", "z", nil, 0), 3)
	expect(t, "list", fmt.Sprint(all.List()), "[{Desk 1 2} {Desk 2 2} {Desk 1 2}]")
	expect(t, "a", a.got(), "x[]")
	expect(t, "b", b.got(), "y[]")
	for range 10_001 {
		all.Execute("desk 2", "flood", nil, 0)
	}
	expect(t, "a client that owes too many takes none", all.List()[1].Load, 10_000)
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern string
		names   string
		not     string
	}{
		{"desk", "desk DESK", "desk1 des"},
		{"@", "desk x", ""},
		{"desk@", "desk desk1 Desk,2", "des adesk"},
		{"@1", "1 desk1 11", "desk 12"},
		{"d@k@1", "dk1 desk1 dkk1 dk11", "dk d1 desk12"},
		{"@a@b@", "ab xaxbx aab", "ba a b"},
		{"ab@ba", "abba abxba", "aba ab"},
		{"", "", "x"},
	} {
		for want, names := range map[bool]string{true: c.names, false: c.not} {
			for _, name := range strings.Fields(names) {
				expect(t, c.pattern+" and "+name, session.Matches(c.pattern, name), want)
			}
		}
	}
	expect(t, "nothing", session.Matches("", ""), true)
	expect(t, "any, and nothing", session.Matches("@", ""), true)
}

func TestOrdersFromManyGoroutines(t *testing.T) {
	var all session.Clients
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				var c client
				all.Register(&c, "c")
				all.Execute("c@", "m", nil, 0)
				all.List()
				all.Again(&c)
				if c.got() != "" {
					all.Done(&c, c.last())
				}
				all.Unregister(&c)
			}
		})
	}
	group.Wait()
	expect(t, "nobody", len(all.List()), 0)
}

// Arguments that nobody fetches must not fill the server's memory.
func TestWhatClientsOweIsBounded(t *testing.T) {
	var all session.Clients
	members := make([]*client, 10)
	for i := range members {
		members[i] = &client{}
		all.Register(members[i], fmt.Sprint("c", i))
	}
	const big = 16 << 20
	taken := 0
	for range 10 {
		taken += all.Execute("c0", "m", nil, big)
	}
	expect(t, "of one client", taken, 3)
	expect(t, "a small one all the same", all.Execute("c0", "m", nil, 100), 1)
	for range 3 {
		taken += all.Execute("@", "m", nil, big)
	}
	expect(t, "of all", taken, 30)
	all.Done(members[0], 1)
	expect(t, "when one is done", all.Execute("c0", "m", nil, big), 1)
	all.Unregister(members[0])
	all.Register(members[0], "c0")
	taken = 0
	for range 10 {
		taken += all.Execute("c0", "m", nil, big)
	}
	expect(t, "when it has begun anew", taken, 3)
}
