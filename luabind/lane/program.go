package lane

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"moongate/luabind/convert"
	"moongate/luabind/sandbox"
	"moongate/luabind/script"
	"moongate/luabind/witness"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

// ErrDeadline is the cause when a method is stopped because it ran longer than it may.
var ErrDeadline = errors.New("the method ran longer than it may")

// Program is what one process has of the scripts: a set of methods, and its variables. It is also the context under
// which the process's threads run. Except where said, its methods belong to the goroutine that runs the process.
type Program struct {
	lane    *Lane
	process *process.Process
	set     atomic.Pointer[script.Set]
	owner   any // what the host hangs on the process, for commands: its connection
	env     *lua.LTable
	methods map[string]*lua.LFunction // the project methods that the process has used
	modules map[string]lua.LValue     // what require has loaded
	closed  atomic.Bool               // nothing of it runs any more
	waited  bool                      // it has given the baton away in the middle of a call
	place   atomic.Pointer[string]    // where the code stood when it was last looked at
	room    [4]lua.LValue             // for the parameters of a call
	state   sandbox.State
	call    call        // the call that runs
	kept    map[any]any // what commands keep of the process
	reads   string      // what the last call that was recorded has read
}

// call is the state of one Call.
type call struct {
	priority Priority
	deadline time.Time
	limit    time.Duration // what the deadline came from, for the message
	handover func()
	more     bool
	stopped  error
	left     int       // instructions until the next look
	batch    int       // instructions between two looks
	returned int       // the line that returned, if the method is one whose returns are noted
	taken    time.Time // when the baton was taken
	looked   time.Time
	memory   time.Time // when the heap was looked at
	stood    time.Time // when the place was noted
	began    time.Time
	started  time.Time     // when it had the baton
	took     time.Duration // when it is over
	trace    time.Duration // a call that takes longer is to say where it was then; 0: none is
	slowAt   string        // where it was
	method   string
	running  bool // it has not returned
	asked    bool // it is a command that Do calls
	steps    int64
	witness  *witness.Witness // of what it reads; nil: nobody looks
}

// NewProgram makes the program of a process on a set of methods. owner is what commands get from Owner.
func (l *Lane) NewProgram(p *process.Process, set *script.Set, owner any) *Program {
	variables := 0
	if set.SetsGlobals {
		variables = 4
	}
	program := &Program{lane: l, process: p, owner: owner, env: l.vm.NewEnvironment(variables)}
	program.set.Store(set)
	l.programs.Add(1)
	p.SetPlaced(program)
	return program
}

// Options are the terms of one Call.
type Options struct {
	Priority Priority
	// Limit is how long the method may run, waits included; 0 is no limit.
	Limit time.Duration
	// Handover is called once, before the baton is given away for the first time while the method runs: the call is
	// not going to return at once. It may be nil.
	Handover func()
	// Trace is how long a call may take before Slow says where it was then; 0 is for ever.
	Trace time.Duration
	// Record has what the code reads of the outside noted: see Program.Reads.
	Record bool
	// Witness answers what the code reads; nil, and the outside itself does.
	Witness *witness.Witness
	// More is set by who is going to make another such call at once, if this one does not wait: the baton is kept for
	// it until then, or until Lane.Rest.
	More bool
}

// ErrResult is returned by Call for a result that has no Go value.
var ErrResult = errors.New("result")

// ErrNoMethod is returned by Call for a name that the program's set does not have.
var ErrNoMethod = errors.New("no such method")

// Call runs a method of the program with these parameters and returns its results (see package convert). It blocks
// until the method has returned or was stopped. The error is an *Error, or wraps ErrNoMethod or ErrResult.
func (p *Program) Call(o Options, name string, args ...any) ([]any, error) {
	m, ok := p.Set().Method(name)
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, ErrNoMethod)
	}
	p.begin(o, name)
	defer p.finish()
	if p.call.stopped != nil {
		return nil, fmt.Errorf("%s: %w", name, p.call.stopped)
	}
	results, err := p.lane.vm.Call(p, p.function(m), takeResults, p.parameters(args))
	if err != nil {
		p.tellUncaught(err)
		return nil, p.failed(err)
	}
	return results, nil
}

// begin takes the baton for a call. It is no part of Call, and not inlined there, because what Call has on its stack a
// process has there for as long as its method waits: a hundred bytes more, and the stack of a process that is delayed
// takes 8 KiB instead of 4.
//
//go:noinline
func (p *Program) begin(o Options, name string) {
	if o.Priority != Door {
		p.process.AnswerOutsideCalls() // those that came while a client process waited for its client
	}
	now := time.Now()
	waited := p.lane.baton.take(o.Priority, p, now)
	now = now.Add(waited)
	p.call = call{
		priority: o.Priority, limit: o.Limit, handover: o.Handover, more: o.More, method: name, batch: firstBatch,
		taken: now, looked: now, memory: now, stood: now, began: now.Add(-waited), trace: o.Trace, running: true, started: now, steps: -firstBatch,
	}
	if o.Record || o.Witness != nil {
		p.witnessed(o)
	}
	if o.Limit > 0 {
		p.call.deadline = now.Add(o.Limit)
	}
	if o.Priority != Door && now.Sub(p.lane.looked) > callLook {
		p.lane.looked = now
		if !p.lane.memory.lookBefore(p) {
			p.call.stopped = p.lane.memory.err()
		}
	}
	p.process.Rest(process.Executing)
}

// callLook is the time between two looks at the heap where calls begin, because calls that are too short for one while they
// run may take memory too, by what they are given.
const callLook = 10 * time.Millisecond

// parameters are a call's parameters as Lua values.
func (p *Program) parameters(args []any) []lua.LValue {
	values := p.room[:0]
	for _, a := range args {
		values = append(values, convert.ToLua(a))
	}
	return values
}

// noteReturn is the ReturnOperator: it keeps the line and lets the results through.
func noteReturn(L *lua.LState) int {
	if line, ok := L.Get(1).(lua.LNumber); ok {
		Running(L).call.returned = int(line)
	}
	return L.GetTop() - 1
}

// Returned is where the last call returned, as file:line, "" when that is not known: only returns of database methods
// with a result are noted.
func (p *Program) Returned() string {
	if p.call.returned == 0 {
		return ""
	}
	m, _ := p.Set().Method(p.call.method) // that it could be called says that it is there
	return m.Place(p.call.returned)
}

// stepsPerValue is how many instructions as long as the conversion of a value takes.
const stepsPerValue = 8

// takeResults reads a method's results.
func takeResults(L *lua.LState) ([]any, error) {
	n := L.GetTop()
	if n == 0 {
		return nil, nil
	}
	results := make([]any, n)
	for i := range results {
		v, err := convert.Copied(L.Get(i+1), func(n int) { Running(L).Step(L, stepsPerValue*n) })
		if err != nil {
			return nil, fmt.Errorf("%w %d: %w", ErrResult, i+1, err)
		}
		results[i] = v
	}
	return results, nil
}

// failed says which method failed, and for which cause it was stopped, if it was.
func (p *Program) failed(err error) error {
	var lua *sandbox.Error
	if errors.As(err, &lua) {
		return &Error{Method: p.call.method, Err: lua, Cause: p.call.stopped}
	}
	place := p.Returned()
	if place == "" {
		place = p.call.method + ".lua"
	}
	return fmt.Errorf("%s: %w", place, err)
}

// finish gives the baton back when a call is over.
func (p *Program) finish() {
	now := time.Now()
	p.process.AddCPU(now.Sub(p.call.taken))
	p.call.took = now.Sub(p.call.began)
	p.call.steps += int64(p.call.batch - p.call.left)
	if p.call.witness != nil {
		p.unwitnessed()
	}
	p.call.handover, p.call.running = nil, false
	p.call.deadline = time.Time{}
	if p.call.stopped != nil {
		p.lane.aborts.Add(1)
	}
	if p.call.trace > 0 && p.call.slowAt == "" && p.call.took > p.call.trace {
		p.call.slowAt = p.Place() // it waited there
	}
	if p.call.more {
		p.lane.baton.reserve(now)
	} else {
		p.lane.baton.give(now)
	}
}

// Took is how long the last call took, its wait for the baton included.
func (p *Program) Took() time.Duration { return p.call.took }

// Slow is where the last call was when it had taken longer than Options.Trace, as file:line; "" when it did not.
func (p *Program) Slow() string { return p.call.slowAt }

// Close ends the program with its process: nothing of it runs any more. It waits for the baton if coroutines must be
// ended.
func (p *Program) Close() {
	p.closed.Store(true)
	p.lane.programs.Add(-1)
	p.lane.memory.forget(p)
	defer p.lane.closed(p.process)
	if p.state.Idle() {
		return
	}
	p.lane.baton.take(Door, p, time.Now()) // who ends a program at the door may have the baton reserved
	defer func() { p.lane.baton.give(time.Now()) }()
	p.state.End()
}

// State is what the sandbox keeps of the process.
func (p *Program) State() *sandbox.State { return &p.state }

// Error is why a method did not return.
type Error struct {
	Method string
	Err    *sandbox.Error
	Cause  error // why the process was stopped; nil when the script raised an error
}

// Error is the message with its file:line.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives the cause for which the method was stopped, if it was.
func (e *Error) Unwrap() error { return e.Cause }

// Traceback names the calls that led to the error, the innermost first, one a line.
func (e *Error) Traceback() string { return e.Err.Traceback }

// Running is the program whose code runs in L. Commands find their process by it.
func Running(L *lua.LState) *Program { return L.Context().(*Program) }

// Process is the process that the program belongs to. It may be called from any goroutine.
func (p *Program) Process() *process.Process { return p.process }

// Owner is what NewProgram was given.
func (p *Program) Owner() any { return p.owner }

// Set is the set of methods that the process has: what it began with, or was last renewed with. It may be called from
// any goroutine.
func (p *Program) Set() *script.Set { return p.set.Load() }

// Renew gives the process another set of methods, between two calls. Modules are loaded anew when they are required
// next; variables stay.
func (p *Program) Renew(set *script.Set) {
	if p.set.Swap(set) != set {
		p.methods, p.modules = nil, nil
	}
}

// Lane is the lane that the process runs in. It may be called from any goroutine.
func (p *Program) Lane() *Lane { return p.lane }

// Place is where the program's code stood when it last waited or its slice ended, as file:line; "" when that is
// unknown. It may be called from any goroutine.
func (p *Program) Place() string {
	if s := p.place.Load(); s != nil {
		return *s
	}
	return ""
}

// Environment is the table of the process's variables.
func (p *Program) Environment() *lua.LTable { return p.env }

// Resolve gives a project method, which runs with the variables of the process that calls it.
func (p *Program) Resolve(L *lua.LState, name string) lua.LValue {
	if f := p.methods[name]; f != nil {
		return f
	}
	if m, ok := p.Set().Method(name); ok {
		if m.Database {
			L.RaiseError("%s is a database method: Moongate calls it, scripts cannot", name)
		}
		if p.methods == nil {
			p.methods = map[string]*lua.LFunction{}
		}
		f := p.function(m)
		p.methods[name] = f
		return f
	}
	if name == "interprocess" {
		L.RaiseError("interprocess variables belong to cooperative processes, and %s runs in a preemptive one: use storage, semaphores or signals", p.process.Method())
	}
	return lua.LNil
}

// function is a method with the process's variables, or what runs it elsewhere.
func (p *Program) function(m *script.Method) *lua.LFunction {
	if onServer := p.lane.onServer; m.OnServer && onServer != nil {
		return p.lane.vm.NewFunction(func(L *lua.LState) int { return onServer(L, m.Name) })
	}
	return &lua.LFunction{Env: p.env, Proto: m.Proto}
}

// Require gives what a module of the set returned when this process first asked for it.
func (p *Program) Require(L *lua.LState, name string) lua.LValue {
	m, ok := p.Set().Module(name)
	if !ok {
		L.RaiseError("module %s not found: require reads the subfolders of the scripts folder, as folder.file", name)
	}
	if v, asked := p.modules[m.Name]; asked {
		if v == nil {
			L.RaiseError("module %s requires itself", name)
		}
		return v
	}
	if p.modules == nil {
		p.modules = map[string]lua.LValue{}
	}
	p.modules[m.Name] = nil
	defer func() {
		if p.modules[m.Name] == nil {
			delete(p.modules, m.Name)
		}
	}()
	L.Push(&lua.LFunction{Env: p.env, Proto: m.Proto})
	L.Push(lua.LString(name))
	L.Call(1, 1)
	v := L.Get(-1)
	L.Pop(1)
	if v == lua.LNil {
		v = lua.LTrue
	}
	p.modules[m.Name] = v
	return v
}

// Stopped is the cause for which the process must stop now.
func (p *Program) Stopped() error { return p.call.stopped }

// Fault reports a Go panic below the process's code.
func (p *Program) Fault(value any, stack []byte) {
	p.lane.fault(Fault{Value: value, Stack: stack, Method: p.call.method, Place: p.state.Place()})
}

// Deadline and Err, with Value, complete the context.
func (p *Program) Deadline() (time.Time, bool) { return p.call.deadline, !p.call.deadline.IsZero() }

// Err is why Done's channel is closed.
func (p *Program) Err() error { return p.call.stopped }

var _ context.Context = (*Program)(nil)
var _ sandbox.Context = (*Program)(nil)
