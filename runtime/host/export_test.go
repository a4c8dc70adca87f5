package host

import (
	"moongate/runtime/process"
	"moongate/runtime/session"
)

// LoseTransport says what the sweep would say that has seen the end of a transport.
func (h *Host) LoseTransport(l *session.Link) { keeper(l).lost(session.ConnectionLost) }

// Busy reports whether a process has something to do.
func (h *Host) Busy(p *process.Process) bool { return h.busy(p) }
