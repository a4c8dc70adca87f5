package session_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"moongate/runtime/process"
	"moongate/runtime/session"
)

// keeper is a link's keeper that does nothing but what a stay of the tests does.
type keeper struct{ stay }

func (k *keeper) Stray() {}

// machine is a registry with an open connection whose session is remote.
type machine struct {
	*session.Registry
	table       process.Table
	application *session.Link
	connection  *session.Connection
	token       string
}

func announce(t *testing.T, maximum int) *machine {
	t.Helper()
	m := &machine{Registry: session.NewRegistry(nil, maximum)}
	m.SetStage(session.Serving)
	m.connection = m.New(peer("192.0.2.1"), session.DesignerUser, m.table.Start(process.Spec{}), now)
	m.Accept(m.connection)
	m.application = session.NewLink(&keeper{}, 1, "Application process", now)
	var err error
	if m.token, err = m.Announce(m.connection, m.application, session.Machine{Name: "desk"}); err != nil {
		t.Fatal(err)
	}
	return m
}

// join makes a link from an address.
func (m *machine) join(address, token string, number int64) (*session.Link, error) {
	a := m.Hear(peer(address), now)
	if a == nil {
		return nil, errors.New("not heard")
	}
	defer m.Leave(a)
	l := session.NewLink(&keeper{}, number, fmt.Sprint("P_", number), now)
	_, err := m.Join(a, l, token)
	return l, err
}

// end takes links out.
func (m *machine) end(links ...*session.Link) {
	for _, l := range links {
		l.Step(session.EndAsked, now)
		m.EndLink(l, now)
	}
}

// Each event does what the table of steps says, and nothing in any other state.
func TestSteps(t *testing.T) {
	events := map[string]session.LinkEvent{
		"lost": session.TransportLost, "silent": session.TransportSilent, "claim": session.Claim, "unclaim": session.Unclaim,
		"claim lost": session.ClaimLost, "claim silent": session.ClaimSilent,
		"taken": session.TransportTaken, "end": session.EndAsked, "time": session.TimeOver, "done": session.EndDone,
	}
	for _, c := range []struct {
		before []string
		state  session.LinkState
		legal  map[string]session.LinkState
	}{
		{nil, session.LinkServed, map[string]session.LinkState{"lost": session.LinkLost, "silent": session.LinkUnreachable, "end": session.LinkEnding}},
		{[]string{"lost"}, session.LinkLost, map[string]session.LinkState{"claim": session.LinkClaimed, "end": session.LinkEnding, "time": session.LinkEnding}},
		{[]string{"silent"}, session.LinkUnreachable, map[string]session.LinkState{"claim": session.LinkClaimed, "end": session.LinkEnding, "time": session.LinkEnding}},
		{[]string{"lost", "claim"}, session.LinkClaimed,
			map[string]session.LinkState{"unclaim": session.LinkLost, "claim lost": session.LinkLost,
				"claim silent": session.LinkUnreachable, "taken": session.LinkServed, "end": session.LinkEnding}},
		{[]string{"silent", "claim"}, session.LinkClaimed,
			map[string]session.LinkState{"unclaim": session.LinkUnreachable, "claim lost": session.LinkLost,
				"claim silent": session.LinkUnreachable, "taken": session.LinkServed, "end": session.LinkEnding}},
		{[]string{"end"}, session.LinkEnding, map[string]session.LinkState{"done": session.LinkEnded}},
		{[]string{"end", "done"}, session.LinkEnded, nil},
	} {
		for name, event := range events {
			m := announce(t, 0)
			for _, b := range c.before {
				m.application.Step(events[b], now)
			}
			before, _ := m.application.State()
			expect(t, fmt.Sprint(c.before), before, c.state)
			want, legal := c.legal[name]
			if !legal {
				want = c.state
			}
			expect(t, fmt.Sprint(name, " after ", c.before, " happens"), m.application.Step(event, now), legal)
			got, _ := m.application.State()
			expect(t, fmt.Sprint(name, " after ", c.before), got, want)
		}
	}
}

// While the client's machine sleeps a transport that is there can be taken over as well: the network does not know yet.
func TestASleepersTransportCanBeClaimed(t *testing.T) {
	m := announce(t, 0)
	m.Sleep(m.application.Session, now)
	expect(t, "claim", m.application.Step(session.Claim, now), true)
	expect(t, "unclaim", m.application.Step(session.Unclaim, now), true)
	state, _ := m.application.State()
	expect(t, "after who claimed it has gone", state, session.LinkServed)
}

func TestDeadlines(t *testing.T) {
	const grace, timeout = 5 * time.Second, 900 * time.Second
	m := announce(t, 0)
	l := m.application
	check := func(what string, want time.Duration) {
		t.Helper()
		at, any := l.Deadline(grace, timeout)
		if !any && want >= 0 || any && at.Sub(now) != want {
			t.Errorf("%s: got %v (%v), want %v", what, at.Sub(now), any, want)
		}
	}
	check("served", -1)
	l.Step(session.TransportLost, now)
	check("lost", grace)
	m.Sleep(l.Session, now.Add(time.Second))
	check("asleep after it was lost", timeout)
	m.Wake(l.Session, now.Add(time.Minute))
	check("awake again", time.Minute+grace)
	l.Step(session.Claim, now.Add(2*time.Minute))
	check("claimed", -1)
	l.Step(session.Unclaim, now.Add(2*time.Minute))
	check("as before", time.Minute+grace)
	l.Step(session.Claim, now)
	l.Step(session.TransportTaken, now)
	l.Step(session.TransportSilent, now)
	check("unreachable", timeout)
	l.Step(session.EndAsked, now)
	check("ending", -1)
}

func TestJoin(t *testing.T) {
	m := announce(t, 0)
	_, err := m.Announce(m.connection, session.NewLink(&keeper{}, 9, "", now), session.Machine{})
	expect(t, "a session of a session", err, session.ErrRemote)
	one, err := m.join("192.0.2.1", m.token, 2)
	expect(t, "join", err, nil)
	expect(t, "its session", one.Session, m.application.Session)
	expect(t, "of the connection", m.connection.OfSession(), one.Session)
	mapped, err := m.join("::ffff:192.0.2.1", m.token, 3)
	expect(t, "from the same address in IPv6", err, nil)
	for _, c := range []struct {
		name, address, token string
		number               int64
		want                 error
	}{
		{"another token", "192.0.2.1", m.token[:42] + "-", 4, session.ErrToken},
		{"no token", "192.0.2.1", "", 4, session.ErrToken},
		{"another address", "192.0.2.2", m.token, 4, session.ErrToken},
		{"a process that is there", "192.0.2.1", m.token, 2, session.ErrTaken},
		{"the Application process", "192.0.2.1", m.token, 1, session.ErrTaken},
	} {
		_, err := m.join(c.address, c.token, c.number)
		expect(t, c.name, err, c.want)
	}
	expect(t, "links", len(one.Session.Links()), 3)
	expect(t, "links without a connection", m.Totals().Links, 2)
	expect(t, "arrivals", m.Totals().Arrivals, 0)
	expect(t, "found", m.Find(m.token, 2), one)
	expect(t, "not found", m.Find(m.token, 7), nil)
	others := m.Expire(one.Session)
	expect(t, "others", len(others), 2)
	_, err = m.join("192.0.2.1", m.token, 5)
	expect(t, "an expired token", err, session.ErrToken)
	expect(t, "found by an expired token", m.Find(m.token, 2), nil)
	emptied := m.Emptied()
	m.end(one, mapped)
	expect(t, "emptied too early", isClosed(emptied), false)
	m.end(m.application)
	expect(t, "emptied", isClosed(emptied), true)
	expect(t, "closed", m.Totals().Closed, 1)
}

func TestNobodyJoinsASealedRegistry(t *testing.T) {
	m := announce(t, 0)
	a := m.Hear(peer("192.0.2.1"), now)
	m.Seal()
	_, err := m.Join(a, session.NewLink(&keeper{}, 2, "", now), m.token)
	expect(t, "join", err, session.ErrSealed)
	expect(t, "hear", m.Hear(peer("192.0.2.1"), now), nil)
	expect(t, "find", m.Find(m.token, 1), nil)
	expect(t, "hears", m.Hears(peer("192.0.2.1")), false)
}

// A link takes one place, with a connection or without; who is heard takes none.
func TestLinksTakePlaces(t *testing.T) {
	m := announce(t, 2)
	l, err := m.join("192.0.2.1", m.token, 2)
	expect(t, "join", err, nil)
	expect(t, "full", m.Check(peer("192.0.2.9")).Code, -10514)
	more, err := m.join("192.0.2.1", m.token, 3)
	expect(t, "those who are there may have more processes", err, nil)
	m.end(more)
	c := m.Speak(l, m.table.Start(process.Spec{}), now)
	expect(t, "connections", m.Totals().Live, 2)
	expect(t, "links without", m.Totals().Links, 0)
	expect(t, "user", c.Account, "Designer")
	expect(t, "another language twin", m.Speak(l, c.Process, now), nil)
	m.Refuse(c)
	expect(t, "links without after a refusal", m.Totals().Links, 1)
	expect(t, "connection after a refusal", l.Connection(), nil)
	c = m.Speak(l, m.table.Start(process.Spec{}), now)
	m.Accept(c)
	a := m.Hear(peer("192.0.2.1"), now)
	expect(t, "no place for an ordinary client", m.Place(a), false)
	m.end(l)
	expect(t, "live", m.Totals().Live, 1)
	expect(t, "a place", m.Place(a), true)
	expect(t, "full again", m.Check(peer("192.0.2.9")).Code, -10514)
	m.Leave(a)
	expect(t, "free", m.Check(peer("192.0.2.9")).Code, 0)
}

// A client that is there goes on to work on a full server, but not with any number of processes.
func TestOneSessionCannotHaveAnyNumberOfLinks(t *testing.T) {
	m := announce(t, 2)
	var all []*session.Link
	for n := int64(2); n <= 32; n++ {
		l, err := m.join("192.0.2.1", m.token, n)
		expect(t, "join", err, nil)
		all = append(all, l)
	}
	_, err := m.join("192.0.2.1", m.token, 33)
	expect(t, "one too many", err, session.ErrFull)
	expect(t, "refusals", m.Checks()[4].Count(), int64(1))
	m.end(all...)
	_, err = m.join("192.0.2.1", m.token, 33)
	expect(t, "when there is room", err, nil)
}

func TestWhoIsHeard(t *testing.T) {
	m := announce(t, 0)
	hears := func(what, address string, want bool) {
		t.Helper()
		expect(t, what, m.Hears(peer(address)), want)
	}
	hears("at the client's address", "192.0.2.1", true)
	hears("elsewhere", "192.0.2.2", false)
	m.application.Step(session.TransportSilent, now)
	hears("elsewhere while one is away", "192.0.2.2", true)
	m.application.Step(session.Claim, now)
	m.Take(m.application, peer("198.51.100.1"), now)
	hears("at the old address", "192.0.2.1", false)
	hears("at the new one", "198.51.100.1", true)
	m.Sleep(m.application.Session, now)
	hears("elsewhere while one sleeps", "192.0.2.2", true)
	m.Wake(m.application.Session, now)
	hears("elsewhere when it is awake", "192.0.2.2", false)
	m.Expire(m.application.Session)
	hears("when it is over", "198.51.100.1", false)
	m.end(m.application)
}

// SLEEP that comes when the end was asked for changes nothing: nobody would take it back.
func TestWhoEndsDoesNotFallAsleep(t *testing.T) {
	m, other := announce(t, 0), peer("198.51.100.1")
	m.application.Step(session.EndAsked, now)
	m.Expire(m.application.Session)
	m.Sleep(m.application.Session, now)
	m.EndLink(m.application, now)
	c := m.New(peer("192.0.2.1"), session.DesignerUser, m.table.Start(process.Spec{}), now)
	m.Accept(c)
	_, err := m.Announce(c, session.NewLink(&keeper{}, 1, "", now), session.Machine{})
	expect(t, "another session", err, nil)
	expect(t, "hears of elsewhere", m.Hears(other), false)
}

func TestSessionState(t *testing.T) {
	m := announce(t, 0)
	s := m.application.Session
	check := func(want session.SessionState) {
		t.Helper()
		got, _ := s.State()
		expect(t, "state", got, want)
		expect(t, "need not be waited for", m.connection.Sleeping(), want != session.Active)
	}
	check(session.Active)
	m.application.Step(session.TransportSilent, now)
	check(session.OutOfReach)
	sessions, links := m.RemoteStates()
	expect(t, "sessions by state", fmt.Sprint(sessions), "map[active:0 postponed:1 sleeping:0]")
	expect(t, "links by state", fmt.Sprint(links), "map[claimed:0 ending:0 lost:0 served:0 unreachable:1]")
	m.Sleep(s, now)
	check(session.Asleep)
	m.application.Step(session.Claim, now)
	m.Take(m.application, peer("192.0.2.1"), now)
	check(session.Active)
	expect(t, "machine", s.Machine(), session.Machine{Name: "desk"})
	s.SetAlias("Annie")
	expect(t, "alias of the connection", m.connection.UserName(), "Annie")
	expect(t, "found by its id", m.SessionOf(s.ID), s)
}
