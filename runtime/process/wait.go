package process

import "time"

// Tick is 4D's unit of time: 1/60 second.
const Tick = time.Second / 60

// Ticks is a number of ticks, fractions allowed, as a duration. Less than 0 and not-a-number are 0; what a
// Duration cannot hold is the longest Duration.
func Ticks(n float64) time.Duration {
	d := n * float64(time.Second) / 60
	switch {
	case !(d > 0):
		return 0
	case d >= float64(1<<63-1):
		return 1<<63 - 1
	default:
		return time.Duration(d)
	}
}

// Outcome is how a wait ended.
type Outcome uint8

const (
	Ready    Outcome = iota // what was waited for has happened
	TimedOut                // the time was over
	Woken                   // SetAbortFlag woke everybody who waits
	Killed                  // the process is to end: Process.Killed has the cause
	Late                    // the deadline of the code that waits has passed
)

// Delay makes the process wait for a time ("DELAY PROCESS"): a process that runs stops as soon as it can, the
// remaining time of one that is delayed already is replaced, 0 ends the delay. A paused process stays paused. The
// main process of a server runs no code that could wait.
func (p *Process) Delay(d time.Duration) {
	if p.spec.Type == MainOfServer {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.hold == paused:
	case d <= 0:
		aside := p.outside.aside
		p.releaseLocked()
		if aside == paused {
			p.outside.aside = paused
		}
		p.kickLocked()
	default:
		p.hold, p.until = delayed, time.Now().Add(d)
		p.attention.Or(attentionHold)
		p.kickLocked()
	}
}

// Pause makes the process wait until somebody resumes it ("PAUSE PROCESS"). A delay becomes a pause. It has no effect
// on main processes.
func (p *Process) Pause() {
	if p.spec.Type == Main || p.spec.Type == MainOfServer {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = paused
	p.attention.Or(attentionHold)
	p.kickLocked()
}

// Resume wakes the process if it is paused or delayed ("RESUME PROCESS"); otherwise it does nothing.
func (p *Process) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hold != notHeld || p.outside.aside != notHeld {
		p.releaseLocked()
		p.kickLocked()
	}
}

// Freeze stops the process for good: it is paused, and nobody can resume it; only Kill ends it ("QUIT 4D" stops the process
// that calls it, other than on a server, until the database is closed).
func (p *Process) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen, p.hold = true, paused
	p.attention.Or(attentionHold)
	p.kickLocked()
}

// Frozen reports whether Freeze was called.
func (p *Process) Frozen() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.frozen
}

// releaseLocked ends the hold, and that which the process would come back to when it has answered an outside call.
func (p *Process) releaseLocked() {
	if p.frozen {
		return
	}
	p.outside.aside = notHeld
	p.unholdLocked()
}

func (p *Process) unholdLocked() {
	p.hold = notHeld
	p.attention.And(^attentionHold)
}

// kickLocked tells a waiting goroutine of the process to look again, by letting its alarm go off now. (A channel of its
// own for that would make each wait a select of several, which takes twice the memory and more than 4 KiB of stack.)
func (p *Process) kickLocked() {
	if p.alarm != nil {
		p.alarm.Reset(0)
	}
}

// Attention reports whether the code that runs should look up: the process is held or killed. It is one atomic load.
func (p *Process) Attention() bool { return p.attention.Load() != 0 }

// AwaitRelease blocks while the process is delayed or paused, and returns Ready when it is not, or why the wait ended
// before. A zero deadline is none. Meanwhile it answers outside calls. It belongs to the goroutine that runs the process.
func (p *Process) AwaitRelease(deadline time.Time) Outcome {
	return p.wait(WaitingForInternalFlag, time.Time{}, deadline, nil, true)
}

// Wait blocks until ready can be received from, or is closed, or the time until is reached, or the wait is ended. A
// zero until or deadline is none; a nil channel is never ready. Meanwhile the process's state is s. A process that is
// delayed or paused when the wait ends is held by the next AwaitRelease, not here. Meanwhile it answers outside calls.
// It belongs to the goroutine that runs the process.
func (p *Process) Wait(s State, until, deadline time.Time, ready <-chan struct{}) Outcome {
	return p.wait(s, until, deadline, ready, false)
}

// waiting is one wait.
type waiting struct {
	state           State     // of the process meanwhile, if it is not held
	until, deadline time.Time // zero: none
	held            bool      // it is for the end of a delay or pause
	ready           bool      // what was waited for has happened
	wakeups         uint32    // at its beginning
}

func (p *Process) wait(s State, until, deadline time.Time, ready <-chan struct{}, held bool) Outcome {
	p.mu.Lock()
	if p.alarm == nil {
		p.alarm = time.NewTimer(time.Hour)
	}
	w := waiting{state: s, until: until, deadline: deadline, held: held, wakeups: p.wakeups}
	defer func() {
		p.state = Executing
		p.alarm.Stop()
		p.mu.Unlock()
	}()
	last := -1 // how many outside calls are answered although the wait is over: those that came before that
	for {
		now := time.Now()
		outcome, over, next := p.lookLocked(&w, now)
		switch {
		case over && (outcome == Killed || outcome == Late):
			return outcome
		case over && last < 0:
			last = p.outside.posted
		}
		if p.mustAnswerLocked() && (!over || last > 0) {
			last--
			if !p.answerLocked() {
				return Woken
			}
			select { // a flood of calls must not keep the wait from its end
			case <-ready:
				w.ready = true
			default:
			}
			continue
		}
		if over {
			return outcome
		}
		if next.IsZero() {
			p.alarm.Stop()
		} else {
			p.alarm.Reset(next.Sub(now))
		}
		p.mu.Unlock()
		if ready == nil {
			<-p.alarm.C
		} else {
			w.ready = either(ready, p.alarm.C)
		}
		p.mu.Lock()
	}
}

// either blocks until one of the two has something, and reports whether it was the first.
//
//go:noinline
func either(ready <-chan struct{}, alarm <-chan time.Time) bool {
	select {
	case <-ready:
		return true
	case <-alarm:
		return false
	}
}

// lookLocked reports whether a wait is over, and how, or else when to look again; zero is when something happens.
func (p *Process) lookLocked(w *waiting, now time.Time) (o Outcome, over bool, next time.Time) {
	switch {
	case p.killed != nil:
		return Killed, true, next
	case w.ready, w.held && p.hold == notHeld:
		return Ready, true, next
	case !w.held && p.wakeups != w.wakeups:
		return Woken, true, next
	case w.held && p.hold == paused:
		p.state = Paused
	case w.held && passed(p.until, now):
		p.unholdLocked()
		return Ready, true, next
	case w.held:
		p.state, next = Delayed, p.until
	default:
		p.state, next = w.state, w.until
	}
	switch {
	case passed(w.deadline, now):
		if w.held {
			p.unholdLocked() // what was to wait is over
		}
		return Late, true, next
	case !w.held && passed(w.until, now):
		return TimedOut, true, next
	case !w.deadline.IsZero() && (next.IsZero() || w.deadline.Before(next)):
		next = w.deadline
	}
	return Ready, false, next
}

// passed reports whether a time that may be none, which is the zero one, is reached.
func passed(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }
