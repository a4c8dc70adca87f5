package sandbox

import (
	"iter"

	lua "github.com/yuin/gopher-lua"
)

// The interpreter's coroutines are not used. They return from the interpreter's loop to yield, which only works in a
// function that was called by an instruction: a yield below sort, a metamethod or pcall, or one that is resumed with
// fewer values than are wanted, ends in a nil pointer. Here a coroutine has a Go stack of its own (iter.Pull), so a
// yield is a function call like any other, wherever it stands. A coroutine belongs to its process, and ends with it.

// maxCoroutines is how many coroutines of one process may not have come to their end.
const maxCoroutines = 10_000

// State is what the sandbox keeps of a process. The zero State is that of a process which has not run.
type State struct {
	running    running
	coroutines map[*lua.LState]*coroutine // those that have not ended
	current    *coroutine                 // the one that runs, nil outside of coroutines
	depth      int                        // protected calls and coroutines inside each other
}

// maxNested bounds what takes part of the goroutine's own stack, as PUC Lua does (LUAI_MAXCCALLS).
const maxNested = 200

// enter counts one more level of protected calls or coroutines, which the caller takes back.
func (s *State) enter(L *lua.LState) {
	if s.depth >= maxNested {
		L.RaiseError("stack overflow (protected calls or coroutines inside each other)")
	}
	s.depth++
}

// running is the thread whose code runs, inside the protected calls and coroutines that outer runs.
type running struct {
	th    *lua.LState
	outer *running
}

// Thread is the thread that runs, nil when none does.
func (s *State) Thread() *lua.LState { return s.running.th }

// Place is where the process's code stands, as file:line, "" when none runs.
func (s *State) Place() string {
	for r := &s.running; r != nil && r.th != nil; r = r.outer {
		if place := place(r.th); place != "" {
			return place
		}
	}
	return ""
}

// End ends the coroutines that have not come to their end. The caller must hold what it holds to run the process.
func (s *State) End() {
	for _, c := range s.coroutines {
		c.stop()
	}
	s.coroutines = nil
}

// Idle reports whether End has nothing to do.
func (s *State) Idle() bool { return len(s.coroutines) == 0 }

// coroutine is one coroutine that has not ended. Scripts hold its thread.
type coroutine struct {
	outer  *coroutine // who resumed it; nil while it does not run, or when that is no coroutine
	active bool       // it runs, or has resumed another one that does
	th     *lua.LState
	depth  int
	values []lua.LValue
	err    *Error
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
}

// killed is what a yield panics with when its process ends.
type killed struct{}

func (vm *VM) openCoroutines() {
	vm.Set("coroutine", readOnly(vm.main, "coroutine", vm.table(map[string]lua.LGFunction{
		"create": func(L *lua.LState) int {
			L.Push(vm.newCoroutine(L))
			return 1
		},
		"resume":  vm.resume,
		"running": vm.runningCoroutine,
		"status":  coroutineStatus,
		"wrap": func(L *lua.LState) int {
			th := vm.newCoroutine(L)
			L.Push(L.NewFunction(func(L *lua.LState) int { return vm.resumeWrapped(L, th) }))
			return 1
		},
		"yield": yield,
	})))
}

func stateOf(L *lua.LState) *State { return L.Context().(Context).State() }

// newCoroutine makes a coroutine of the function that is the first argument.
func (vm *VM) newCoroutine(L *lua.LState) *lua.LState {
	fn := L.CheckFunction(1)
	ctx := L.Context().(Context)
	state := ctx.State()
	if len(state.coroutines) >= maxCoroutines {
		L.RaiseError("too many coroutines that have not come to their end (the limit is %d)", maxCoroutines)
	}
	th := vm.thread(ctx)
	c := &coroutine{th: th}
	c.next, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		c.yield = yield
		args := c.values
		if c.err = vm.run(th, fn, args, raisePlain); c.err == nil {
			c.values = valuesFrom(th, 1)
		}
	})
	if state.coroutines == nil {
		state.coroutines = map[*lua.LState]*coroutine{}
	}
	state.coroutines[th] = c
	return th
}

// valuesFrom are the values of a thread from n on.
func valuesFrom(L *lua.LState, n int) []lua.LValue {
	values := make([]lua.LValue, 0, max(0, L.GetTop()-n+1))
	for ; n <= L.GetTop(); n++ {
		values = append(values, L.Get(n))
	}
	return values
}

func (vm *VM) resume(L *lua.LState) int {
	results, err := vm.enter(L, L.CheckThread(1), valuesFrom(L, 2))
	if err != nil {
		L.Push(lua.LFalse)
		L.Push(err.Value)
		return 2
	}
	L.Push(lua.LTrue)
	return 1 + pushAll(L, results)
}

func (vm *VM) resumeWrapped(L *lua.LState, th *lua.LState) int {
	results, err := vm.enter(L, th, valuesFrom(L, 1))
	if err != nil {
		L.Error(err.Value, 0)
	}
	return pushAll(L, results)
}

func pushAll(L *lua.LState, values []lua.LValue) int {
	for _, v := range values {
		L.Push(v)
	}
	return len(values)
}

// enter lets a coroutine run until it yields or ends, and returns what it gives.
func (vm *VM) enter(L, th *lua.LState, args []lua.LValue) ([]lua.LValue, *Error) {
	ctx := L.Context().(Context)
	state := ctx.State()
	c := state.coroutines[th]
	switch {
	case c == nil:
		return nil, &Error{Value: lua.LString("can not resume a dead thread")}
	case c.active:
		return nil, &Error{Value: lua.LString("can not resume a running thread")}
	}
	state.enter(L)
	saved, depth := state.running, state.depth
	state.depth += c.depth
	state.running = running{th: th, outer: &saved}
	c.outer, c.active, c.values, state.current = state.current, true, args, c
	_, yielded := c.next()
	state.current, c.outer, c.active = c.outer, nil, false
	state.running = saved
	c.depth = state.depth - depth // of the protected calls that it yielded from
	state.depth = depth - 1
	if !yielded {
		delete(state.coroutines, th)
	}
	if cause := ctx.Stopped(); cause != nil {
		L.RaiseError("%s", cause.Error())
	}
	if c.err != nil {
		return nil, c.err
	}
	return c.values, nil
}

func yield(L *lua.LState) int {
	c := stateOf(L).current
	if c == nil {
		L.RaiseError("attempt to yield outside of a coroutine")
	}
	c.values = valuesFrom(L, 1)
	if !c.yield(struct{}{}) {
		panic(killed{})
	}
	return pushAll(L, c.values)
}

// runningCoroutine is coroutine.running: nil outside of coroutines, as in Lua 5.1.
func (vm *VM) runningCoroutine(L *lua.LState) int {
	if c := stateOf(L).current; c != nil {
		L.Push(c.th)
	} else {
		L.Push(lua.LNil)
	}
	return 1
}

func coroutineStatus(L *lua.LState) int {
	state := stateOf(L)
	status := "suspended"
	switch c := state.coroutines[L.CheckThread(1)]; {
	case c == nil:
		status = "dead"
	case c == state.current:
		status = "running"
	case c.active:
		status = "normal"
	}
	L.Push(lua.LString(status))
	return 1
}
