package host

import (
	"runtime"
	"time"

	"moongate/runtime/journal"
	"moongate/runtime/process"
	"moongate/runtime/session"
)

// shadowNumbers are below the numbers of the shadow's processes, so that none is that of a process of the host.
const shadowNumbers = 1 << 30

// Bounds of a shadow.
const (
	shadowQueue   = 4096                 // connections that wait to be decided about; the others are not asked about
	shadowWaiting = 64                   // methods that wait for something at once
	shadowDelay   = 2 * time.Millisecond // that passes before a queue that was empty is looked at: the door wakes nobody for each connection
	shadowBurst   = time.Second          // so much of its share a shadow may have spent in advance
)

// shadowShare is the part of all processors' time that a shadow takes at the most: what is left over is not asked about. So a
// flood of connections is decided as fast as without one.
const shadowShare = 0.05

// Rows of the journal that wait for the shadow.
type waitingRow uint8

const (
	noRow waitingRow = iota
	refusedRow
	closedRow
)

// shadowGuest is a connection about which a shadow decides, and then the program of the process that would be its twin. Its
// fields belong to the goroutine that decides, but for those that shadow.mu guards.
type shadowGuest struct {
	of   *session.Connection
	real opinion

	// guarded by shadow.mu
	wants   waitingRow
	row     journal.Row
	left    bool // the connection has ended
	decided bool
	said    string // what the shadow would have said instead; "" when that is the same

	program Program // nil: there is nothing to close
	process *process.Process
}

// shadowAct is something to do for a guest: to decide, or to call the close method.
type shadowAct struct {
	guest *shadowGuest
	close bool
}

// visited has the shadow decide about a connection some time after this. It reports whether the shadow writes the row in the
// place of the caller. It costs the door one lock and one piece of memory.
func (s *shadow) visited(c *session.Connection, real opinion, wants waitingRow, row *journal.Row) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || len(s.queue)-s.next >= shadowQueue {
		s.missedLocked()
		return false
	}
	g := &shadowGuest{of: c, real: real, wants: wants}
	if row != nil {
		g.row = *row
	}
	if real.code == 0 {
		s.guests[c.ID] = g // closed will ask for it; who was refused is found in the queue
	}
	s.pushLocked(shadowAct{guest: g})
	return wants != noRow
}

// closed has the shadow call the close method, if its open method has accepted. It reports whether the shadow writes the row in
// the place of the caller, because it has not decided yet; otherwise it tells the row what it has decided.
func (s *shadow) closed(c *session.Connection, row *journal.Row) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guests[c.ID]
	if g == nil {
		return false
	}
	g.left = true
	if !g.decided {
		g.wants, g.row = closedRow, *row
		return true
	}
	row.Shadow = g.said
	delete(s.guests, c.ID)
	if g.program != nil {
		s.guests[c.ID] = g // until its close method is over: the end of the shadow closes it otherwise
		s.pushLocked(shadowAct{guest: g, close: true})
	}
	return false
}

func (s *shadow) pushLocked(a shadowAct) {
	if len(s.queue) == cap(s.queue) && s.next >= len(s.queue)/2 { // what was done makes room: not a copy for each connection
		n := copy(s.queue, s.queue[s.next:])
		clear(s.queue[n:])
		s.queue, s.next = s.queue[:n], 0
	}
	s.queue = append(s.queue, a)
	if len(s.queue)-s.next == 1 && s.wake != nil {
		s.wake.Reset(shadowDelay)
	}
}

// work does what there is to do, until the shadow ends or a method waits for something: another goroutine has taken over then.
func (s *shadow) work() {
	for {
		act, ok := s.take()
		if !ok {
			return
		}
		began, paid, waited := time.Now(), time.Duration(0), false
		payUp := func() {
			spent := time.Since(began)
			began, paid = began.Add(spent), paid+spent
			s.pay(spent)
		}
		handover := func() {
			if !waited {
				payUp()
				waited = s.handOver()
			}
		}
		p, before := act.guest.process, time.Duration(0)
		if act.close {
			before = p.Info().CPU
			s.farewell(act.guest, handover)
		} else {
			p = s.decide(act.guest, handover)
		}
		if waited { // the wait costs nothing; what the code has done after it does
			s.pay(max(0, p.Info().CPU-before-paid))
			s.mu.Lock()
			s.waiting--
			s.mu.Unlock()
			return
		}
		payUp()
	}
}

// take waits for something to do; false: the shadow ends.
func (s *shadow) take() (shadowAct, bool) {
	for {
		s.mu.Lock()
		if s.ended {
			s.mu.Unlock()
			return shadowAct{}, false
		}
		if s.next < len(s.queue) {
			pause := s.busy.Sub(time.Now().Add(shadowBurst))
			if pause <= 0 {
				act := s.queue[s.next]
				s.queue[s.next] = shadowAct{}
				if s.next++; s.next == len(s.queue) {
					s.queue, s.next = s.queue[:0], 0
				}
				s.guests[act.guest.of.ID] = act.guest
				s.mu.Unlock()
				return act, true
			}
			s.wake.Reset(pause)
		}
		s.mu.Unlock()
		select {
		case <-s.wake.C:
		case <-s.stop:
		}
	}
}

// pay counts time that the shadow has spent.
func (s *shadow) pay(spent time.Duration) {
	share := shadowShare * float64(runtime.GOMAXPROCS(0))
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.busy.Before(now) {
		s.busy = now
	}
	s.busy = s.busy.Add(time.Duration(float64(spent) / share))
}

// handOver has another goroutine go on, because the method that this one runs is going to wait. With too many of those it does
// not: the queue waits then.
func (s *shadow) handOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.waiting >= shadowWaiting {
		return false
	}
	s.waiting++
	s.workers.Go(s.work) // ends with stop
	return true
}

// missed counts a connection about which the shadow was not asked.
func (s *shadow) missed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missedLocked()
}

func (s *shadow) missedLocked() {
	s.report.Counts.NotAsked++
	s.host.shadows.notAsked.Add(1)
}
