package lane

import (
	"time"

	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

// OnOutsideCall makes f the function that answers outside calls: it runs, with the process's variables, when somebody
// posts one (process.PostOutsideCall), while the process waits or between two calls of its program. nil answers
// nothing. Config.Uncaught is told of an error in f, and failed too unless that has stopped the process, in the
// goroutine that runs the process and without the baton; the wait goes on nevertheless. It needs the baton.
func (p *Program) OnOutsideCall(f *lua.LFunction, failed func(error)) {
	if f == nil {
		p.process.OnOutsideCall(nil)
		return
	}
	p.process.OnOutsideCall(func() bool { return p.answer(f, failed) })
}

// answer runs f for one outside call. It reports whether the process may go on waiting. Nobody has the baton for the
// process when it is called.
func (p *Program) answer(f *lua.LFunction, failed func(error)) bool {
	err := p.inTurn(func() error {
		returned := p.call.returned
		defer func() { p.call.returned = returned }()
		if err := p.lane.vm.Aside(p, f); err != nil {
			p.tellUncaught(err)
			return &Error{Method: "on_outside_call", Err: err, Cause: p.call.stopped}
		}
		return nil
	})
	if p.call.stopped != nil {
		return false
	}
	if err != nil {
		failed(err)
	}
	return true
}

// inTurn runs code of the process under the baton, in the middle of a call that waits or outside of all calls.
func (p *Program) inTurn(f func() error) error {
	p.lane.baton.take(Ordinary, p, time.Now())
	now := time.Now()
	if p.call.running {
		asked := p.call.asked
		p.call.asked = false
		defer func() { p.call.asked = asked }()
		p.call.taken, p.call.looked, p.call.memory = now, now, now
	} else {
		p.call = call{priority: Ordinary, batch: firstBatch, taken: now, looked: now, memory: now, stood: now, began: now, method: "on_outside_call"}
		p.process.Rest(process.Executing)
	}
	defer func() {
		now := time.Now()
		p.process.AddCPU(now.Sub(p.call.taken))
		p.lane.baton.give(now)
	}()
	return f()
}
