package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"moongate/runtime/gate"
	"moongate/runtime/method"
	"moongate/runtime/process"
)

// background is the context of what nobody waits for.
var background = context.Background()

// opinion is what one set of scripts thinks of a connection. A code of 0 accepts.
type opinion struct {
	code   int64
	reason string
	line   string // that returned, or the check
	terms  gate.Terms
	fault  error  // why the open method failed; nil: it has decided
	read   string // of a verdict: what the open method has read, as Program.Reads gives it; "": nothing, or that is not noted
}

// String is the opinion in words: "refused 403 only from inside (on_server_open_connection.lua:4)".
func (o opinion) String() string {
	text := "accepted"
	switch {
	case o.fault != nil:
		return "failed: " + o.fault.Error()
	case o.code != 0:
		text = fmt.Sprintf("refused %d", o.code)
		if o.reason != "" {
			text += " " + o.reason
		}
	case o.terms != gate.Terms{}:
		text += " with " + inWords(o.terms)
	}
	if o.line != "" {
		text += " (" + o.line + ")"
	}
	return text
}

// inWords are the limits that are set, as a script writes them.
func inWords(t gate.Terms) string {
	var all []string
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"idle_timeout", t.IdleTimeout}, {"max_duration", t.MaxDuration}} {
		if d.value != 0 {
			all = append(all, fmt.Sprintf("%s = %v", d.name, d.value.Seconds()))
		}
	}
	for _, n := range []struct {
		name  string
		value int64
	}{{"max_bytes", t.MaxBytes}, {"bytes_per_second", t.BytesPerSecond}} {
		if n.value != 0 {
			all = append(all, fmt.Sprintf("%s = %d", n.name, n.value))
		}
	}
	if t.NoRemote {
		all = append(all, "remote = false")
	}
	return strings.Join(all, ", ")
}

// ShadowDifference says how what the shadow decided differs from the verdict.
type ShadowDifference string

// The differences.
const (
	ShadowSame    ShadowDifference = "same"
	ShadowRefuses ShadowDifference = "accept to refuse"
	ShadowAccepts ShadowDifference = "refuse to accept"
	ShadowOther   ShadowDifference = "other code, reason or limits"
	ShadowFailed  ShadowDifference = "failed"
)

// differs compares a verdict with a shadow's. Lines do not matter: they are of other files.
func differs(real, shadow opinion) ShadowDifference {
	switch {
	case shadow.fault != nil:
		return ShadowFailed
	case real.code == 0 && shadow.code != 0:
		return ShadowRefuses
	case real.code != 0 && shadow.code == 0:
		return ShadowAccepts
	case real.code != shadow.code || real.reason != shadow.reason || real.code == 0 && real.terms != shadow.terms:
		return ShadowOther
	}
	return ShadowSame
}

// startup runs the shadow's on_server_startup, which may give its interprocess variables and storage what its other methods
// need. It is stopped when the shadow ends.
func (s *shadow) startup() {
	p := s.processes.Start(process.Spec{Name: "Client Manager", Type: process.ClientManager, Method: method.OnServerStartup})
	defer p.End()
	program := s.scripts.NewProgram(p, nil)
	defer program.Close()
	if !program.Has(method.OnServerStartup) || s.isEnded() {
		return
	}
	if _, err := program.Call(CallOptions{}, method.OnServerStartup); err != nil && !errors.Is(err, errShadowOver) {
		s.host.log.Warn("shadow failed", "method", method.OnServerStartup, "error", err, "version", program.Version())
	}
}

// isEnded reports whether the shadow ends: what is started from now on nobody would stop.
func (s *shadow) isEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// decide asks the shadow's open method about a guest. The process, which it gives, is one that no table of the host knows.
func (s *shadow) decide(g *shadowGuest, handover func()) *process.Process {
	p := s.processes.Start(process.Spec{Type: process.InternalServer, Method: method.OnServerOpenConnection})
	g.process = p
	g.program = s.scripts.NewProgram(p, g.of.StandIn(p))
	o := s.ask(g, handover)
	if errors.Is(o.fault, errShadowOver) {
		return p // end counts it, and closes it
	}
	s.settle(g, o, handover)
	return p
}

// ask calls the open method.
func (s *shadow) ask(g *shadowGuest, handover func()) (o opinion) {
	if s.isEnded() {
		return opinion{fault: errShadowOver}
	}
	if !g.program.Has(method.OnServerOpenConnection) {
		return opinion{}
	}
	c := g.of
	results, err := g.program.Call(CallOptions{Door: true, Limit: s.host.config.MethodTimeout, Handover: handover, Known: g.real.read},
		method.OnServerOpenConnection, int64(c.User), int64(c.ID), int64(0))
	if err != nil {
		return opinion{fault: err}
	}
	o.line = g.program.Returned()
	refusal, err := readVerdict(results)
	if err == nil && refusal.Code == 0 && len(results) > 2 {
		o.terms, err = readTerms(results[2])
	}
	if err != nil {
		return opinion{fault: fmt.Errorf("%s: %w", o.line, err)}
	}
	o.code, o.reason = refusal.Code, refusal.Reason
	return o
}

// settle takes note of what the shadow has decided about a guest.
func (s *shadow) settle(g *shadowGuest, o opinion, handover func()) {
	difference := differs(g.real, o)
	s.mu.Lock()
	g.decided, g.real.read = true, ""
	if difference != ShadowSame {
		g.said = o.String()
		s.exampleLocked(g, difference, o)
	}
	s.report.Counts.add(difference)
	stays := g.real.code == 0 && !g.left // who was let in; otherwise it is over already
	keeps := stays && o.code == 0 && o.fault == nil && g.program.Has(method.OnServerCloseConnection)
	if !stays {
		delete(s.guests, g.of.ID)
	}
	wants, over := g.wants, shadowGuest{program: g.program, process: g.process}
	version := g.program.Version()
	switch {
	case keeps:
		g.process.Rest(process.WaitingForInputOutput) // from here on another goroutine may call its close method
	case stays:
		g.program, g.process = nil, nil // closed must not find them
	}
	s.mu.Unlock()
	s.host.shadows.add(difference)
	if wants != noRow {
		s.host.writeRow(g)
	}
	s.tell(g, difference, o, version)
	switch {
	case keeps:
	case !stays && o.code == 0 && o.fault == nil:
		s.farewell(g, handover)
	default:
		over.close()
	}
}

// farewell calls the close method of a guest whose connection has ended, or which the host has refused, and ends its process.
func (s *shadow) farewell(g *shadowGuest, handover func()) {
	if g.program.Has(method.OnServerCloseConnection) && !s.isEnded() {
		c := g.of
		_, err := g.program.Call(CallOptions{Door: true, Limit: s.host.config.MethodTimeout, Handover: handover},
			method.OnServerCloseConnection, int64(c.User), int64(c.ID), int64(0))
		if err != nil && !errors.Is(err, errShadowOver) {
			s.host.shadowLog(slog.LevelWarn, "shadow failed", "method", method.OnServerCloseConnection, "error", err,
				"version", g.program.Version(), "connection", c.ID)
		}
	}
	s.mu.Lock()
	delete(s.guests, g.of.ID)
	s.mu.Unlock()
	g.close()
}

// close ends the guest's process, if it has one.
func (g *shadowGuest) close() {
	if g.program != nil {
		g.program.Close()
		g.program = nil
	}
	if g.process != nil {
		g.process.End()
		g.process = nil
	}
}

// tell logs a difference.
func (s *shadow) tell(g *shadowGuest, difference ShadowDifference, o opinion, version string) {
	if difference == ShadowSame {
		return
	}
	c := g.of
	attrs := []any{"connection", c.ID, "user", c.Account, "address", c.Peer.Address, "difference", string(difference),
		"verdict", g.real.String(), "shadow", o.String(), "version", version}
	if c.Peer.Gate != "" {
		attrs = append(attrs, "gate", c.Peer.Gate)
	}
	level := slog.LevelInfo
	if difference == ShadowFailed {
		level = slog.LevelWarn
	}
	s.host.shadowLog(level, "shadow differs", attrs...)
}

// exampleLocked keeps a difference for who asks, in the place of the oldest one.
func (s *shadow) exampleLocked(g *shadowGuest, difference ShadowDifference, o opinion) {
	c := g.of
	e := ShadowExample{
		Time: time.Now(), Connection: c.ID, User: c.Account, Address: c.Peer.Address, Gate: cmp.Or(c.Peer.Gate, c.Peer.Listener),
		Difference: difference, Verdict: g.real.String(), Shadow: o.String(),
	}
	if len(s.report.Examples) < shadowExamples {
		s.report.Examples = append(s.report.Examples, e)
		return
	}
	s.report.Examples[s.shown] = e
	s.shown = (s.shown + 1) % shadowExamples
}
