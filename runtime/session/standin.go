package session

import "moongate/runtime/process"

// StandIn is a connection that says what this one says, but that it is being decided, and whose process is p. What is changed
// in it, as an alias, a session's storage or the upstream, changes nothing in this one; no registry counts it. It may be made
// when the connection is over.
func (c *Connection) StandIn(p *process.Process) *Connection {
	s := &Connection{ID: c.ID, User: c.User, Account: c.Account, Peer: c.Peer, Opened: c.Opened, Process: p, registry: c.registry}
	if passage := c.Peer.Passage; passage != nil {
		s.Peer.Passage = &Passage{Facts: passage.Facts, Choose: passage.Choose}
	}
	if own := c.ownSession(); own != nil {
		s.session = &Session{ID: own.ID, Since: own.Since, User: own.User, registry: c.registry}
	}
	return s
}
