package lane

import (
	"fmt"
	"time"

	"moongate/luabind/sandbox"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

// Instructions between two looks. A method's first look comes early, and while instructions are slow (one of them can
// fill an array of many thousands) the looks stay close together; otherwise a look costs one reading of the clock in
// lastBatch instructions.
const (
	firstBatch = 32
	lastBatch  = 256
	slowBatch  = 200 * time.Microsecond
	memoryLook = time.Millisecond      // of running, between two looks at the heap
	placeLook  = 50 * time.Millisecond // of running, between two notes of where the code is
)

var stop = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Done is asked by the interpreter before every instruction. A nil channel lets it go on.
func (p *Program) Done() <-chan struct{} {
	p.call.left--
	if p.call.left > 0 {
		return nil
	}
	return p.look()
}

// look is where a process is stopped, held, or made to hand the baton over. It returns a closed channel when the
// process must stop.
func (p *Program) look() <-chan struct{} {
	c := &p.call
	c.steps += int64(c.batch - c.left)
	now := time.Now()
	if now.Sub(c.looked) > slowBatch {
		c.batch = firstBatch
	} else if c.batch < lastBatch {
		c.batch *= 2
	}
	if p.lane.always {
		c.batch = 1
	}
	c.looked = now
	c.left = c.batch
	if c.stopped == nil && p.lane.watch != nil {
		c.stopped = p.lane.watch(p)
	}
	if c.stopped == nil && p.process.Attention() {
		p.release()
		now = time.Now()
	}
	if c.stopped == nil && !c.deadline.IsZero() && now.After(c.deadline) {
		c.stopped = p.late()
	}
	if now.Sub(c.stood) > placeLook {
		c.stood = now
		p.standAt()
	}
	if c.stopped == nil && now.Sub(c.memory) > memoryLook {
		c.memory = now
		if !p.lane.memory.look(p, 0) {
			c.stopped = p.lane.memory.err()
		}
	}
	if c.stopped != nil {
		p.standAt()
		c.left = 1
		return stop
	}
	if c.trace > 0 && c.slowAt == "" && now.Sub(c.began) > c.trace {
		c.slowAt = p.state.Place()
	}
	if now.Sub(c.taken) > p.lane.slice {
		p.sliceOver()
	}
	return nil
}

// sliceOver lets others have the lane: those who wait for the baton, and those who cannot even come to that because this
// goroutine should be letting them in.
func (p *Program) sliceOver() {
	p.handOver()
	if p.lane.baton.waiting() == 0 {
		return
	}
	p.lane.slices.Add(1)
	p.standAt()
	p.call.priority = Ordinary // who has used a slice up lets the others at the door go first
	p.Outside(func() {})
}

// handOver says, once, that the call is not going to return at once.
func (p *Program) handOver() {
	p.call.more = false
	if h := p.call.handover; h != nil {
		p.call.handover = nil
		h()
	}
}

func (p *Program) late() error {
	return fmt.Errorf("%w (%v)", ErrDeadline, p.call.limit)
}

// standAt keeps where the code is, for reports.
func (p *Program) standAt() {
	if place := p.state.Place(); place != "" {
		p.place.Store(&place)
	}
}

// Outside gives the baton away while f runs, and takes it again. f must not touch anything of the VM. Commands that
// wait or may take long use it.
func (p *Program) Outside(f func()) {
	p.handOver()
	p.waited = true
	if w := p.call.witness; w != nil {
		w.Waited()
	}
	now := time.Now()
	p.process.AddCPU(now.Sub(p.call.taken))
	p.lane.baton.give(now)
	defer func() {
		p.lane.baton.take(p.call.priority, p, time.Now())
		p.call.taken = time.Now()
		p.call.looked = p.call.taken
		p.call.memory = p.call.taken
	}()
	f()
}

// release waits, outside, while the process is delayed or paused.
func (p *Program) release() {
	if cause := p.process.Killed(); cause != nil {
		p.call.stopped = cause
		return
	}
	p.standAt()
	p.Outside(func() { p.ended(p.process.AwaitRelease(p.call.deadline)) })
}

// ended notes what the end of a wait means for the call.
func (p *Program) ended(o process.Outcome) {
	switch o {
	case process.Killed:
		p.call.stopped = p.process.Killed()
	case process.Late:
		p.call.stopped = p.late()
	}
}

// Release waits while the process is delayed or paused; a command that has just delayed or paused its own process calls
// it. It raises the error in L when the process was stopped meanwhile.
func (p *Program) Release(L *lua.LState) {
	if p.process.Attention() {
		p.release()
	}
	p.raiseStopped(L)
}

// Wait waits, outside, as process.Wait does; the deadline is that of the method. It raises the error in L when the
// process was stopped meanwhile.
func (p *Program) Wait(L *lua.LState, s process.State, until time.Time, ready <-chan struct{}) process.Outcome {
	p.standAt()
	var o process.Outcome
	p.Outside(func() { o = p.process.Wait(s, until, p.call.deadline, ready) })
	p.ended(o)
	if p.call.stopped == nil && p.process.Attention() {
		p.release() // it was delayed or paused meanwhile
	}
	p.raiseStopped(L)
	return o
}

func (p *Program) raiseStopped(L *lua.LState) {
	if p.call.stopped != nil {
		L.RaiseError("%s", p.call.stopped.Error())
	}
}

// Step charges n steps of a library function as if they were instructions.
func (p *Program) Step(L *lua.LState, n int) {
	p.call.left -= n
	if p.call.left > 0 {
		return
	}
	if p.look() != nil {
		p.raiseStopped(L)
	}
}

// Grow announces an allocation of n bytes.
func (p *Program) Grow(L *lua.LState, n int) {
	if n > sandbox.MaxString {
		L.RaiseError("string of %d bytes is too long (the limit is %d)", n, sandbox.MaxString)
	}
	if !p.lane.memory.announce(p, n) {
		p.call.stopped = p.lane.memory.err()
		p.raiseStopped(L)
	}
}
