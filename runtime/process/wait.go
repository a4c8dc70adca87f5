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
		p.releaseLocked()
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
	if p.hold != notHeld {
		p.releaseLocked()
		p.kickLocked()
	}
}

func (p *Process) releaseLocked() {
	p.hold = notHeld
	p.attention.And(^attentionHold)
}

// kickLocked tells a waiting goroutine of the process to look again.
func (p *Process) kickLocked() {
	if p.kick != nil {
		select {
		case p.kick <- struct{}{}:
		default:
		}
	}
}

// Attention reports whether the code that runs should look up: the process is held or killed. It is one atomic load.
func (p *Process) Attention() bool { return p.attention.Load() != 0 }

// AwaitRelease blocks while the process is delayed or paused, and returns Ready when it is not, or why the wait ended
// before. A zero deadline is none. It belongs to the goroutine that runs the process.
func (p *Process) AwaitRelease(deadline time.Time) Outcome {
	return p.wait(WaitingForInternalFlag, time.Time{}, deadline, nil, true)
}

// Wait blocks until ready can be received from, or is closed, or the time until is reached, or the wait is ended. A
// zero until or deadline is none; a nil channel is never ready. Meanwhile the process's state is s. A process that is
// delayed or paused when the wait ends is held by the next AwaitRelease, not here. It belongs to the goroutine that
// runs the process.
func (p *Process) Wait(s State, until, deadline time.Time, ready <-chan struct{}) Outcome {
	return p.wait(s, until, deadline, ready, false)
}

func (p *Process) wait(s State, until, deadline time.Time, ready <-chan struct{}, held bool) Outcome {
	p.mu.Lock()
	if p.kick == nil {
		p.kick = make(chan struct{}, 1)
	}
	wakeups := p.wakeups
	var timer *time.Timer
	defer func() {
		p.state = Executing
		p.mu.Unlock()
		if timer != nil {
			timer.Stop()
		}
	}()
	for {
		next := until
		if held {
			next = p.until
		}
		now := time.Now()
		switch {
		case p.killed != nil:
			return Killed
		case held && p.hold == notHeld:
			return Ready
		case !held && p.wakeups != wakeups:
			return Woken
		case held && p.hold == paused:
			p.state, next = Paused, time.Time{}
		case held && !next.After(now):
			p.releaseLocked()
			return Ready
		case held:
			p.state = Delayed
		default:
			p.state = s
		}
		if !deadline.IsZero() && !deadline.After(now) {
			if held {
				p.releaseLocked() // what was to wait is over
			}
			return Late
		}
		if !held && !next.IsZero() && !next.After(now) {
			return TimedOut
		}
		if !deadline.IsZero() && (next.IsZero() || deadline.Before(next)) {
			next = deadline
		}
		var tick <-chan time.Time
		if !next.IsZero() {
			if timer == nil {
				timer = time.NewTimer(next.Sub(now))
			} else {
				timer.Reset(next.Sub(now))
			}
			tick = timer.C
		}
		p.mu.Unlock()
		isReady := false
		select {
		case <-ready:
			isReady = true
		case <-p.kick:
		case <-tick:
		}
		p.mu.Lock()
		if isReady && p.killed == nil {
			return Ready
		}
	}
}
