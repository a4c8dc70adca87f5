package host

import (
	"cmp"
	"errors"
	"time"

	"moongate/runtime/journal"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/session"
)

// Everything that is said of a connection is said here: its verdict and its end go to the log, the journal, the counts
// and those who read events.

// asked is what is known of a call of the open method. It is zero when no method was asked.
type asked struct {
	line    string // that returned
	version string
	journal.Recorded
}

// asked is what the journal is told of a call of the open method that has just ended, before the program is closed. What an
// abort has cut short nobody could decide again, so it is not recorded.
func (h *Host) asked(c *session.Connection, program Program, r ruling, fault error) asked {
	a := asked{line: program.Returned(), version: program.Version()}
	if !h.records() || r.By == stoppedRefusal.By {
		return a
	}
	if !program.Has(method.OnServerOpenConnection) { // there may be one when it is decided again
		a.Local, a.Began = c.Peer.Local, time.Now()
		return a
	}
	a.Recorded = journal.Recorded{Local: c.Peer.Local, Began: program.Began(), Took: program.Took(), Steps: program.Steps(), Line: a.line,
		Reads: program.Reads()}
	if fault != nil {
		a.Fault = fault.Error()
	}
	return a
}

// refused says that a peer was not let in. c is nil, and a zero, when no method was asked.
func (h *Host) refused(peer session.Peer, c *session.Connection, user session.User, r session.Refusal, opened time.Time, a asked) {
	by := r.By
	if by == "" { // the open method: its line
		by = a.line
	}
	row := journal.Row{
		Session: h.config.Session, User: int64(user.Number), UserName: user.Name, Address: peer.Address, Listener: peer.Listener,
		Gate: peer.Gate, Version: a.version, Verdict: journal.Refused, Code: r.Code, Reason: r.Reason, By: by, Opened: opened, Decided: time.Now(),
		Recorded: a.Recorded,
	}
	if c != nil {
		row.Connection = int64(c.ID)
	}
	if peer.Passage != nil {
		row.Facts = recorded(peer.Passage.Facts)
	}
	h.measures.count(Outcome{Listener: cmp.Or(peer.Gate, peer.Listener), Code: r.Code, By: r.By})
	h.recordRefused(c, r, &row)
	if h.events.read() {
		h.events.publish(Event{Kind: RefusedEvent, Connection: row.Connection, User: user.Name, Address: peer.Address.String(), Code: r.Code, Text: r.Reason, Method: by})
	}
	if !h.mayLog(&h.refusals, row.Decided) {
		return
	}
	attrs := []any{"address", peer.Address, "code", r.Code, "reason", r.Reason, "by", by}
	if user.Name != "" && (h.config.Users != nil || peer.Gate != "") {
		attrs = append(attrs, "user", user.Name)
	}
	if peer.Gate != "" {
		attrs = append(attrs, "gate", peer.Gate)
	}
	if c != nil {
		attrs = append([]any{"connection", c.ID}, append(attrs, "version", a.version)...)
	}
	h.log.Info("connection refused", attrs...)
}

// accepted says that a connection was let in, and on what that depended.
func (h *Host) accepted(c *session.Connection, depended journal.Recorded) {
	row := h.row(c)
	row.Recorded = depended
	row.Decided = time.Now()
	h.measures.count(Outcome{Accepted: true, Listener: cmp.Or(c.Peer.Gate, c.Peer.Listener)})
	if h.journal != nil {
		h.journal.Accepted(&row)
	}
	if h.events.read() {
		h.events.publish(Event{Kind: Accepted, Connection: row.Connection, Process: int64(c.Process.Number()), User: c.Account, Address: c.Peer.Address.String()})
	}
	if h.mayLog(&h.visits, row.Decided) {
		attrs := []any{"connection", c.ID, "user", c.Account, "address", c.Peer.Address, "process", c.Process.Number(), "version", row.Version}
		if row.Gate != "" {
			attrs = append(attrs, "gate", row.Gate)
		}
		h.log.Info("connection opened", attrs...)
	}
}

// closed says that a connection is over, its close method too. decided is when it was let in.
func (h *Host) closed(c *session.Connection, decided time.Time) {
	now := time.Now()
	row := h.row(c)
	row.Decided, row.Closed, row.Cause = decided, now, c.Cause().String()
	row.BytesIn, row.BytesOut = c.Bytes()
	h.recordClosed(c, &row)
	if h.events.read() {
		h.events.publish(Event{Kind: Closed, Connection: row.Connection, User: row.UserName, Address: c.Peer.Address.String(), Text: row.Cause})
	}
	if h.mayLog(&h.visits, now) {
		attrs := []any{"connection", c.ID, "user", row.UserName, "address", c.Peer.Address, "cause", row.Cause,
			"duration", now.Sub(c.Opened).Round(time.Millisecond), "version", row.Version}
		if row.Gate != "" {
			attrs = append(attrs, "gate", row.Gate, "upstream", row.Upstream)
		}
		h.log.Info("connection closed", attrs...)
	}
}

// row is what the journal says of an accepted connection.
func (h *Host) row(c *session.Connection) journal.Row {
	row := journal.Row{
		Session: h.config.Session, Connection: int64(c.ID), User: int64(c.User), UserName: c.Account, Address: c.Peer.Address,
		Listener: c.Peer.Listener, Version: c.Version(), Verdict: journal.Accepted, Opened: c.Opened, Gate: c.Peer.Gate,
	}
	if p := c.Peer.Passage; p != nil {
		row.Upstream, row.Facts = p.Upstream(), recorded(p.Facts)
	}
	return row
}

// logFault says that a script failed, once, with the place and the calls that led there.
func (h *Host) logFault(name string, p *process.Process, c *session.Connection, program interface{ Version() string }, err error) {
	h.measures.tally(name).failed(err)
	if name == method.OnServerCloseConnection {
		h.judgeClose(program.Version())
	}
	if h.events.read() {
		h.events.publish(Event{Kind: ScriptFailed, Process: int64(p.Number()), Method: name, Text: err.Error()})
	}
	if !h.mayLog(&h.faults, time.Now()) {
		return
	}
	attrs := []any{"method", name, "error", err, "version", program.Version()}
	if c != nil {
		attrs = append(attrs, "connection", c.ID)
	}
	attrs = append(attrs, "process", p.Number())
	var script ScriptError
	if errors.As(err, &script) && script.Traceback() != "" {
		attrs = append(attrs, "traceback", script.Traceback())
	}
	h.log.Warn("script failed", attrs...)
}

// logEnd says why a stored procedure did not return, unless the shutdown killed it, which names it itself.
func (h *Host) logEnd(p *process.Process, program Program, err error) {
	if h.events.read() {
		event := Event{Kind: ProcessEnded, Process: int64(p.Number()), Method: p.Method()}
		if err != nil {
			event.Text = err.Error()
		}
		h.events.publish(event)
	}
	switch killed := p.Killed(); {
	case err == nil, errors.Is(killed, errShutdown):
	case errors.Is(killed, process.ErrEnded):
		h.log.Info("process aborted", "process", p.Number(), "name", p.Name(), "method", p.Method(), "place", p.Place())
	default:
		h.logFault(p.Method(), p, nil, program, err)
	}
}

// refusedByLogin is what the journal says of those who never said who they are, or not with the right password. The code
// is 4D's for a wrong password.
func refusedByLogin(tries int, cause session.Cause) session.Refusal {
	if tries > 0 {
		return session.Refusal{Code: -9978, Reason: "wrong user name or password", By: "login"}
	}
	return session.Refusal{Code: -10515, Reason: "did not log in: " + cause.String(), By: "login"}
}
