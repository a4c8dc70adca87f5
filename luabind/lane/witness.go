package lane

import (
	"errors"
	"fmt"
	"time"

	"moongate/luabind/witness"

	lua "github.com/yuin/gopher-lua"
)

// ErrLacks is wrapped by the cause with which a rehearsal is stopped that needs what its recording does not have. Its text is
// that, in words.
var ErrLacks = errors.New("the recording lacks")

// keptWitnesses is how many witnesses a lane keeps for the next calls.
const keptWitnesses = 16

// witnessed gives the call that begins its witness.
func (p *Program) witnessed(o Options) {
	l, w := p.lane, o.Witness
	if w == nil {
		if n := len(l.witnesses); n > 0 {
			w, l.witnesses = l.witnesses[n-1], l.witnesses[:n-1]
		} else {
			w = &witness.Witness{}
		}
		w.Begin()
	}
	p.call.witness = w
	p.reads = ""
	if l.spies.layer != nil {
		l.vm.SetLayer(p.env, l.spies.layer)
		l.spies.calls++
	}
}

// unwitnessed takes what the witness of the call that is over has noted.
func (p *Program) unwitnessed() {
	l, w := p.lane, p.call.witness
	p.call.witness = nil
	if l.spies.layer != nil {
		l.vm.SetLayer(p.env, nil)
		l.spies.calls--
	}
	if w.Recording() != nil { // it is its maker's
		return
	}
	p.reads = w.Notes().String()
	w.End()
	if len(l.witnesses) < keptWitnesses {
		l.witnesses = append(l.witnesses, w)
	}
}

// Witness is the witness of the call that runs, nil when nobody looks at what it reads. It belongs to the goroutine that runs the
// process.
func (p *Program) Witness() *witness.Witness { return p.call.witness }

// Reads are what the last call has read of the outside that was made with Options.Record, in the compact form of package
// recording; "" when that was nothing, and when they were asked for before: nobody keeps them for the life of a connection.
func (p *Program) Reads() string {
	reads := p.reads
	p.reads = ""
	return reads
}

// Began is when the code of the last call began to run.
func (p *Program) Began() time.Time { return p.call.started }

// Steps is how many instructions the last call took; what library functions do is counted as so many.
func (p *Program) Steps() int64 { return max(0, p.call.steps) }

// Lacks stops the rehearsal that runs in L, because its recording does not have what it needs.
func (p *Program) Lacks(L *lua.LState, what string, args ...any) {
	p.call.stopped = fmt.Errorf("%w %s", ErrLacks, fmt.Sprintf(what, args...))
	p.raiseStopped(L)
}

// Now is the clock as the process sees it.
func (p *Program) Now(L *lua.LState, now func() time.Time) time.Time {
	if w := p.call.witness; w != nil {
		return w.Now(L)
	}
	return now()
}

// Seen is what the process sees of 64 bits that are not the same in every run.
func (p *Program) Seen(L *lua.LState, what string, bits uint64) uint64 {
	w := p.call.witness
	if w == nil {
		return bits
	}
	if w.Recording() != nil {
		values, ok := w.Answer(L, what, "", what != witness.Random)
		if ok && len(values) == 1 {
			if n, ok := values[0].(int64); ok {
				return uint64(n)
			}
		}
		if !w.Live() {
			p.Lacks(L, "%s", lacking[what])
		}
	}
	w.Note(L, what, "", int64(bits))
	return bits
}

// lacking says in words what it is that Seen has not.
var lacking = map[string]string{witness.Random: "a random number", "os.clock": "os.clock()", "collectgarbage": `collectgarbage("count")`}
