package application

import (
	"time"

	"moongate/runtime/listener"
	"moongate/runtime/session"
)

// Idle is how long the client has asked for nothing, in whole seconds.
func (st *stay) Idle() time.Duration {
	now := st.phase.Load()
	if phase(now&3) != idle {
		return 0
	}
	return time.Duration(st.server.seconds.Load()-now>>2) * time.Second
}

// Bytes is how many bytes have come from the client and gone to it.
func (st *stay) Bytes() (in, out int64) { return st.in.Load(), st.out.Load() }

// grace is what a login that runs may take beyond the time to log in: it may have been made to wait, and must not be cut off
// by that.
func (st *stay) grace(p phase) time.Duration {
	if p == running {
		return loginTime
	}
	return 0
}

// inspect ends the stay if it is idle or stuck. The sweep calls it.
func (st *stay) inspect() {
	now := st.phase.Load()
	seconds := st.server.seconds.Load()
	p, since := phase(now&3), time.Duration(seconds-now>>2)*time.Second
	login := st.server.options.LoginTimeout
	most, until := st.guest.Limits()
	if most == 0 && !st.remote.Load() {
		most = st.server.options.IdleTimeout
	}
	var cause session.Cause
	switch {
	case login > 0 && !st.known.Load() && time.Duration(seconds-st.since)*time.Second >= login+st.grace(p):
		cause = session.LoginTimeout
	case p == idle && most > 0 && since >= most:
		cause = session.Idle
	case !until.IsZero() && time.Now().After(until):
		cause = session.OverTime
	case p == partial && since >= commandTime, p == writing && since >= writeTime:
		cause = session.TooSlow
	case p == running && since >= lostTime && st.gone():
		cause = session.ClientLeft
	default:
		return
	}
	st.guest.End(cause)
}

// gone looks after the client of a command that runs, and reports whether the command is to be ended for that. What a link
// has asked runs on: its client may come back by another transport.
func (st *stay) gone() bool {
	if !st.remote.Load() {
		return listener.Gone(st.conn)
	}
	switch listener.Look(st.conn) {
	case listener.Left:
		st.lose(session.ConnectionLost)
	case listener.Vanished:
		st.lose(session.Unreachable)
	}
	return false
}

// lose notes how a link's transport was lost, and says so. What was seen first is true: looking takes the error away.
func (st *stay) lose(cause session.Cause) {
	st.loss.CompareAndSwap(uint32(session.NoCause), uint32(cause))
	st.guest.Lost(session.Cause(st.loss.Load()))
}
