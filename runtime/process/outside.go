package process

// mostOutsideCalls is how many outside calls may wait for their answers in one process; more are not kept. A wait is over
// when those that had come by then are answered, and each needs its turn in the lane, a slice while others run there: so
// whoever posts calls in a loop holds a wait up for so many slices at the most.
const mostOutsideCalls = 1000

// outside is what a process has of the calls from outside. It is guarded by Process.mu.
type outside struct {
	answer    func() bool // nil: the process does not answer
	posted    int         // calls that have not been answered
	answering bool        // or undisturbed: no call is answered meanwhile
	aside     hold        // the hold that the process comes back to when it has answered
}

// OnOutsideCall says who answers the calls that PostOutsideCall posts: answer is called once for each, in the goroutine
// that runs the process, while that waits in Wait or AwaitRelease, and never inside another answer; calls that were posted
// before a wait is over are answered before it returns. The wait goes on after it, for the rest of its time, unless
// answer reports false: then it ends, as [Woken]. A process that was
// delayed or paused is not while it answers. nil, which processes begin with, answers nothing and forgets the calls
// that wait.
func (p *Process) OnOutsideCall(answer func() bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outside.answer = answer
	if answer == nil {
		p.outside.posted = 0
	}
}

// PostOutsideCall asks the process to answer a call as soon as it waits, or at once if it waits already ("POST OUTSIDE
// CALL"). It does not wait for that. Nothing happens if the process does not answer outside calls.
func (p *Process) PostOutsideCall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.outside.answer != nil && p.outside.posted < mostOutsideCalls {
		p.outside.posted++
		p.kickLocked()
	}
}

// AnswerOutsideCalls answers the calls that wait, for a process that has waited for something that this package does
// not know of. It belongs to the goroutine that runs the process.
func (p *Process) AnswerOutsideCalls() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.killed == nil && p.mustAnswerLocked() && p.answerLocked() {
	}
}

// Undisturbed has outside calls wait until end is called, for code that is itself told of something, as the method for
// errors is. It belongs to the goroutine that runs the process.
func (p *Process) Undisturbed() (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.outside.answering
	p.outside.answering = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.outside.answering = was
	}
}

func (p *Process) mustAnswerLocked() bool { return p.outside.posted > 0 && !p.outside.answering }

// answerLocked answers one call, without the lock. It reports whether the wait goes on.
func (p *Process) answerLocked() bool {
	o := &p.outside
	until := p.until
	o.posted--
	o.answering, o.aside = true, p.hold
	p.state = Executing
	p.unholdLocked()
	answer := o.answer
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		if o.aside != notHeld && (p.hold == notHeld || o.aside == paused) { // nobody has changed it meanwhile
			p.hold, p.until = o.aside, until
			p.attention.Or(attentionHold)
		}
		o.answering, o.aside = false, notHeld
	}()
	return answer()
}
