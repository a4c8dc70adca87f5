package luabind_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"moongate/runtime/process"
)

// model is processes, what they hold and what they wait for, as 4D's pages and the comments of the packages describe
// them, without any thought of speed, lanes or goroutines. Its time is whole milliseconds; at each of them one
// process does something, and whoever that wakes goes on at the same millisecond.
type model struct {
	now        int
	due        []modelEvent
	slots      []*modelProcess // slots[i] is number i+1; nil: free
	semaphores map[string]*modelLock
	objects    []*modelLock // of the shared objects; those of one group have one lock
	signals    []*modelSignal
	boxes      map[string]*modelBox
	actors     []*modelActor
	steps      map[string]modelStep
	woken      []*modelProcess // who was given something and has not gone on
	ending     bool            // a process gives everything back
	trace      []note
}

// note is one line of what happened: who says it, in milliseconds since the start.
type note struct {
	at   int
	who  string
	text string
}

// sorted orders notes of one millisecond by who says them: who of several that were woken at once goes on first does
// not matter. What one says stays in its order.
func sorted(notes []note) []note {
	slices.SortStableFunc(notes, func(a, b note) int { return cmp.Or(a.at-b.at, strings.Compare(a.who, b.who)) })
	return notes
}

type modelEvent struct {
	at   int
	fire func()
}

// modelProcess waits, always: what it does it does in no time.
type modelProcess struct {
	number int
	name   string
	ended  bool
	hold   process.State // Delayed, Paused, or 0
	until  int           // of a delay
	waits  []*modelWait  // the innermost last: one, or two when it waits while it answers
	held   []*modelLock  // the last one last
	uses   []*modelLock  // what it is in the middle of using: likewise
	dying  func()        // what comes after its end

	posted     int // calls from outside that it has not answered
	answer     func(done func())
	answering  bool
	aside      process.State // the hold that it comes back to when it has answered
	asideUntil int
}

// modelWait is one wait of a process: first for a lock, a signal or a message, if for anything, and then until the
// process is neither delayed nor paused.
type modelWait struct {
	by     *modelProcess
	over   bool // what it was for is over: only the hold counts
	came   bool // what was waited for
	until  int  // -1: without an end
	lock   *modelLock
	queued bool            // in the lock's queue
	last   int             // calls that are answered although the wait is over; -1: it was not over when last looked at
	then   func(came bool) // goes on
	inTime bool            // it had come when it was over
}

type modelLock struct {
	by    *modelProcess
	count int
	queue []*modelWait
}

type modelSignal struct {
	triggered bool
	waits     []*modelWait
}

func (m *model) say(who, format string, a ...any) {
	m.trace = append(m.trace, note{m.now, who, fmt.Sprintf(format, a...)})
}

// at has something done later.
func (m *model) at(when int, fire func()) { m.due = append(m.due, modelEvent{when, fire}) }

// runUntil lets everything happen that is due before a time.
func (m *model) runUntil(end int) {
	for {
		next := -1
		for i, e := range m.due {
			if e.at < end && (next < 0 || e.at < m.due[next].at) {
				next = i
			}
		}
		if next < 0 {
			m.now = end
			return
		}
		e := m.due[next]
		m.due = slices.Delete(m.due, next, next+1)
		m.now = e.at
		e.fire()
	}
}

// start puts a new process into the lowest free slot.
func (m *model) start(name string) *modelProcess {
	p := &modelProcess{name: name, dying: func() {}}
	i := slices.Index(m.slots, nil)
	if i < 0 {
		i = len(m.slots)
		m.slots = append(m.slots, nil)
	}
	m.slots[i], p.number = p, i+1
	return p
}

// state is what process_state gives; "?" where the documentation leaves open what it is: a delay is over, and what
// else the process waits for is not.
func (m *model) state(number int) string {
	highest := len(m.slots)
	for highest > 0 && m.slots[highest-1] == nil {
		highest--
	}
	if number > highest {
		return "-100"
	}
	switch p := m.slots[number-1]; {
	case p == nil:
		return "-1"
	case p.hold == process.Delayed && p.until <= m.now:
		return "?"
	case p.hold != 0:
		return fmt.Sprint(int(p.hold))
	case len(p.waits) > 0:
		return "4"
	default:
		return "0"
	}
}

// delay is DELAY PROCESS.
func (m *model) delay(p *modelProcess, duration int) {
	switch {
	case p.hold == process.Paused:
	case duration == 0:
		p.hold = 0
		if p.aside == process.Delayed {
			p.aside = 0
		}
		m.look(p)
	default:
		p.hold, p.until = process.Delayed, m.now+duration
		m.at(p.until, func() { m.look(p) })
	}
}

func (m *model) pause(p *modelProcess) { p.hold = process.Paused }

func (m *model) resume(p *modelProcess) {
	p.hold, p.aside = 0, 0
	m.look(p)
}

// post is POST OUTSIDE CALL.
func (m *model) post(p *modelProcess) {
	p.posted++
	m.look(p)
}

// release has a process wait while it is held, and go on by then.
func (m *model) release(p *modelProcess, then func()) {
	if p.hold == 0 {
		then()
		return
	}
	p.waits = append(p.waits, &modelWait{by: p, until: -1, last: -1, over: true, then: func(bool) { then() }})
	m.look(p)
}

// await has a process wait for so long (-1: without an end), and go on by then, which is told whether what it waited
// for has come.
func (m *model) await(p *modelProcess, duration int, then func(came bool)) *modelWait {
	w := &modelWait{by: p, until: -1, last: -1, then: then}
	if duration >= 0 {
		w.until = m.now + duration
		m.at(w.until, func() { m.look(p) })
	}
	p.waits = append(p.waits, w)
	return w
}

// look lets a process go on if nothing keeps it any more, or answer what it was asked from outside. A wait that is
// over is not until the calls are answered that had been posted by then.
func (m *model) look(p *modelProcess) {
	if p.ended || len(p.waits) == 0 {
		return
	}
	w := p.waits[len(p.waits)-1]
	if p.hold == process.Delayed && p.until <= m.now && w.over {
		p.hold = 0
	}
	over := w.came || w.until >= 0 && w.until <= m.now
	if w.over {
		over = p.hold == 0
	}
	if over && w.last < 0 {
		w.last = p.posted
	}
	switch {
	case p.posted > 0 && !p.answering && (!over || w.last > 0):
		w.last--
		m.answers(p)
	case over && !w.over:
		w.over, w.inTime, w.last = true, w.came, -1
		if p.hold == 0 { // nothing more to wait for, and no more calls are answered
			m.over(p, w)
		} else {
			m.look(p)
		}
	case over:
		m.over(p, w)
	}
}

func (m *model) over(p *modelProcess, w *modelWait) {
	p.waits = p.waits[:len(p.waits)-1]
	w.then(w.inTime)
}

// answers has a process answer one call from outside. It is not held meanwhile.
func (m *model) answers(p *modelProcess) {
	p.posted--
	p.answering, p.aside, p.asideUntil = true, p.hold, p.until
	p.hold = 0
	p.answer(func() {
		if p.aside != 0 && (p.hold == 0 || p.aside == process.Paused) {
			p.hold, p.until = p.aside, p.asideUntil
		}
		p.answering, p.aside = false, 0
		m.look(p)
	})
}

// take makes p the holder of a lock that nobody has, or that it has already: then it uses it once more.
func (l *modelLock) take(p *modelProcess) bool {
	if l.by != nil && l.by != p {
		return false
	}
	if l.by == nil {
		l.by = p
		p.held = append(p.held, l)
	}
	l.count++
	return true
}

// hold takes a semaphore, which is taken once however often that is done.
func (l *modelLock) hold(p *modelProcess) bool { return l.by == p || l.take(p) }

// closes reports whether p would wait for itself if it waited for the lock.
func (l *modelLock) closes(p *modelProcess) bool {
	return l.by == p || slices.ContainsFunc(l.by.waits, func(w *modelWait) bool {
		return w.queued && w.until < 0 && w.lock.closes(p)
	})
}

// awaitLock has p wait for a lock that another has; then is told whether it got it.
func (m *model) awaitLock(l *modelLock, p *modelProcess, duration int, then func(got bool)) {
	var w *modelWait
	w = m.await(p, duration, func(came bool) {
		if came {
			then(l.by == p) // it may have given it away since
			return
		}
		m.leave(w)
		then(false)
	})
	w.lock, w.queued = l, true
	l.queue = append(l.queue, w)
	m.look(p)
}

// leave gives up a place, or what came after the time was over.
func (m *model) leave(w *modelWait) {
	l := w.lock
	if w.queued {
		l.unqueue(w)
	} else if l.by == w.by {
		if l.count--; l.count <= 0 {
			m.give(l)
		}
	}
}

func (l *modelLock) unqueue(w *modelWait) {
	w.queued = false
	l.queue = slices.DeleteFunc(l.queue, func(q *modelWait) bool { return q == w })
}

// give gives a lock to the next who waits for it.
func (m *model) give(l *modelLock) {
	l.by.held = slices.DeleteFunc(l.by.held, func(h *modelLock) bool { return h == l })
	l.by, l.count = nil, 0
	next := l.next()
	if next == nil {
		return
	}
	l.by = next.by
	next.by.held = append(next.by.held, l)
	for _, w := range slices.Clone(next.by.waits) {
		if w.lock == l && w.queued {
			l.unqueue(w)
			l.count++
			w.came = true
		}
	}
	m.woken = append(m.woken, next.by)
	if !m.ending {
		m.wake()
	}
}

// wake lets those go on who were given something.
func (m *model) wake() {
	for len(m.woken) > 0 {
		p := m.woken[0]
		m.woken = m.woken[1:]
		m.look(p)
	}
}

// next is whose turn it is: the first who waits for no other lock in the middle of this wait, or else the first; but
// nobody for whom others would wait that hold up what it waits for.
func (l *modelLock) next() *modelWait {
	var second *modelWait
	for _, w := range l.queue {
		l.by = w.by
		closes := slices.ContainsFunc(w.by.waits, func(v *modelWait) bool {
			return v.queued && v.lock != l && v.until < 0 && v.lock.closes(w.by)
		})
		l.by = nil
		inside := slices.Index(w.by.waits, w)
		innermost := !slices.ContainsFunc(w.by.waits[inside+1:], func(v *modelWait) bool { return v.lock != nil })
		switch {
		case closes:
		case innermost:
			return w
		case second == nil:
			second = w
		}
	}
	return second
}

// end ends a process, perhaps in the middle of its waits, and gives everything back before anybody goes on by that:
// the places where it waits, what it uses, from the inside to the outside, and then its semaphores, the last one
// first.
func (m *model) end(p *modelProcess) {
	p.ended, m.ending = true, true
	for _, w := range slices.Backward(p.waits) {
		if w.lock != nil {
			m.leave(w)
		}
	}
	for len(p.uses) > 0 {
		m.endUse(p)
	}
	for len(p.held) > 0 {
		m.give(p.held[len(p.held)-1])
	}
	m.slots[p.number-1] = nil
	m.ending = false
	m.wake()
	p.dying()
}

// endUse ends the innermost use.
func (m *model) endUse(p *modelProcess) {
	l := p.uses[len(p.uses)-1]
	p.uses = p.uses[:len(p.uses)-1]
	if l.count--; l.count == 0 {
		m.give(l)
	}
}
