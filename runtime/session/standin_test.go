package session

import (
	"net/netip"
	"testing"
	"time"

	"moongate/runtime/process"
)

// What is changed in a stand-in changes nothing in the connection, also when that is over.
func TestStandIn(t *testing.T) {
	var processes process.Table
	r := NewRegistry(nil, 0)
	r.SetStage(Serving)
	peer := Peer{Address: netip.MustParseAddrPort("192.0.2.1:4000"), Gate: "db",
		Passage: &Passage{Facts: []Fact{{"database", "shop"}}, Choose: func(string) error { return nil }}}
	c := r.New(peer, User{7, "ann"}, processes.Start(process.Spec{}), time.Now())
	c.SetAlias("anna")
	peer.Passage.LedTo("10.0.0.1:5432")
	r.Accept(c)
	c.End(ClientLeft)
	r.Close(c)
	p := processes.Start(process.Spec{})
	s := c.StandIn(p)
	if s.ID != c.ID || s.User != 7 || s.Account != "ann" || s.Process != p || s.Session() != c.Session() || s.Cause() != NoCause || s.State() != Deciding {
		t.Errorf("got %+v", s)
	}
	s.SetAlias("shade")
	if err := s.Peer.Passage.SetUpstream("10.0.0.2:5432"); err != nil {
		t.Error(err)
	}
	s.Storage(func() any { return 1 })
	if c.Alias() != "anna" || c.Peer.Passage.Upstream() != "10.0.0.1:5432" || c.Storage(func() any { return 2 }) != 2 || s.OfSession().Remote() {
		t.Errorf("got the alias %q, the upstream %q", c.Alias(), c.Peer.Passage.Upstream())
	}
	if got := s.Peer.Passage.Facts[0].Value; got != "shop" {
		t.Errorf("got the fact %v, want shop", got)
	}
}
