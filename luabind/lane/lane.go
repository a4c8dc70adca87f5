package lane

import (
	"sync/atomic"
	"time"

	"moongate/luabind/sandbox"
	"moongate/luabind/script"
	"moongate/luabind/witness"
	"moongate/runtime/measure"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

// DefaultSlice is the slice of a Config that has none.
const DefaultSlice = 10 * time.Millisecond

// Lane is one Lua VM and its baton.
type Lane struct {
	number       int
	vm           *sandbox.VM
	baton        baton
	slice        time.Duration
	memory       *Memory
	looked       time.Time   // when the heap was last looked at because a call began; who has the baton may touch it
	interprocess *lua.LTable // nil in a preemptive lane
	cooperative  *Lane       // nil in the cooperative lane
	onServer     func(L *lua.LState, method string) int
	fault        func(f Fault)
	closed       func(p *process.Process)
	uncaught     func(p *Program, err *sandbox.Error)
	watch        func(p *Program) error
	always       bool // each instruction is looked at

	witnesses []*witness.Witness // that are free
	spies     spies

	slices, aborts, programs atomic.Int64
}

// Fault is a Go panic below a script: a fault of the host.
type Fault struct {
	Value  any
	Stack  []byte
	Method string
	Place  string // file:line of the script
}

// Config is what a lane is made with.
type Config struct {
	Number  int             // 0 is the cooperative lane
	Options sandbox.Options // for its VM; the operators and Compile are package script's
	Slice   time.Duration   // 0 stands for DefaultSlice
	Memory  *Memory         // shared by all lanes
	Fault   func(Fault)     // is told of each fault, under the baton; nil drops them
	// Cooperative is the lane that has the interprocess variables; nil in that lane itself.
	Cooperative *Lane
	// OnServer runs a method that is marked {"executedOnServer":true} somewhere else, with what is on L, and pushes its
	// results; nil: such a method runs here, as any other.
	OnServer func(L *lua.LState, method string) int
	// Closed is told of each program that was closed, when nothing of it runs any more: what its process owns besides
	// is to be freed. nil is nobody.
	Closed func(p *process.Process)
	// Uncaught is told of each error of a script that nothing in it caught, under the baton, when the code is over and
	// before the call fails; not of what stops a process. It may run code of the process by RunAside. nil is nobody.
	Uncaught func(p *Program, err *sandbox.Error)
	// Look is asked by the code that runs whenever it looks up, every few hundred instructions at the least, under the
	// baton; an error stops the process. With LookAlways that is before each instruction, for who counts lines. nil is
	// nobody.
	Look       func(p *Program) error
	LookAlways bool
}

// New makes a lane. install adds the host's commands to its VM.
func New(c Config, install func(vm *sandbox.VM)) *Lane {
	if c.Slice <= 0 {
		c.Slice = DefaultSlice
	}
	if c.Fault == nil {
		c.Fault = func(Fault) {}
	}
	if c.Closed == nil {
		c.Closed = func(*process.Process) {}
	}
	c.Options.Compile = script.Compile
	c.Options.ConcatOperator, c.Options.LengthOperator = script.ConcatOperator, script.LengthOperator
	l := &Lane{number: c.Number, vm: sandbox.New(c.Options), slice: c.Slice, memory: c.Memory, fault: c.Fault, closed: c.Closed, uncaught: c.Uncaught, watch: c.Look, always: c.LookAlways, cooperative: c.Cooperative, onServer: c.OnServer, baton: baton{slice: c.Slice}}
	l.vm.Register(script.ReturnOperator, noteReturn)
	if install != nil {
		install(l.vm)
	}
	if c.Number == 0 {
		l.interprocess = l.vm.Table(0)
		l.vm.Set("interprocess", l.interprocess)
		l.openSpies()
	}
	return l
}

// Number is the lane's number; 0 is the cooperative lane.
func (l *Lane) Number() int { return l.number }

// Report is what a lane does at one moment.
type Report struct {
	Holder   *Program  // who has the baton; nil: nobody
	Since    time.Time // since when
	Waiting  []*Program
	Waits    measure.Snapshot // of those who had to wait for the baton
	Slices   int64            // that ended while others waited
	Aborts   int64            // calls that were stopped
	Programs int64            // that are not closed
}

// Report tells what the lane does now. It may be called from any goroutine and waits for nothing: the lane goes on
// meanwhile.
func (l *Lane) Report() Report {
	r := Report{Waits: l.baton.waits.Snapshot(), Slices: l.slices.Load(), Aborts: l.aborts.Load(), Programs: l.programs.Load()}
	r.Holder, r.Since, r.Waiting = l.baton.look()
	return r
}

// Names are the names that every process of the lane can use, unsorted. It may be called before the lane runs
// anything.
func (l *Lane) Names() []string { return l.vm.Names() }

// Tidy gives back what interprocess variables hold for nothing; it is to be called every few seconds. It does not wait:
// while the lane is busy it does nothing.
func (l *Lane) Tidy() {
	if l.interprocess == nil || !l.baton.tryTake() {
		return
	}
	defer func() { l.baton.give(time.Now()) }()
	l.vm.Tidy(l.interprocess, time.Now())
	l.spies.forget()
}

// Rest says that whoever calls with Options.More has no more calls to make for now.
func (l *Lane) Rest() { l.baton.release() }
