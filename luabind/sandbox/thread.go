package sandbox

import (
	"fmt"
	"runtime/debug"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Error is a Lua error that nothing in the script caught.
type Error struct {
	Value     lua.LValue // what was raised; most often text that begins with file:line:
	Traceback string     // the calls that led there, the innermost first, one a line; "" when unknown
	Fault     bool       // a Go panic: the host is wrong, not the script
	killed    bool       // the process ends, and this coroutine of it
}

// longestError is how much of an error's text leaves the process, in bytes: it goes to logs and clients.
const longestError = 8 << 10

// Error is the value as text, cut if it is long.
func (e *Error) Error() string {
	if lua.LVCanConvToString(e.Value) {
		text := e.Value.String()
		if len(text) > longestError {
			return strings.ToValidUTF8(text[:longestError], "") + "..."
		}
		return text
	}
	return fmt.Sprintf("(error object is a %s value)", e.Value.Type())
}

// Call runs a function in a thread of its own under ctx and returns its results as Go values: take makes them, of the
// thread's values from 1 on, and must not keep the thread. The error is an *Error, or that of take.
func (vm *VM) Call(ctx Context, fn *lua.LFunction, take func(L *lua.LState) ([]any, error), args []lua.LValue) ([]any, error) {
	th := vm.thread(ctx)
	state := ctx.State()
	state.running, state.depth = running{th: th}, 0
	err := vm.run(th, fn, args, raise)
	state.running = running{}
	if err != nil {
		return nil, err // the thread's stack stands as the error left it, so it is not used again
	}
	results, failed := vm.taken(th, take)
	vm.release(th)
	return results, failed
}

// taken makes Go values of a thread's results. That may take long, so the process may be stopped meanwhile.
func (vm *VM) taken(th *lua.LState, take func(L *lua.LState) ([]any, error)) (results []any, err error) {
	defer func() {
		if v := recover(); v != nil {
			results, err = nil, vm.recovered(th, v)
		}
	}()
	return take(th)
}

// thread is a thread for a process to run in, from those kept if there is one.
func (vm *VM) thread(ctx Context) *lua.LState {
	var th *lua.LState
	if n := len(vm.free); n > 0 {
		th = vm.free[n-1]
		vm.free[n-1] = nil // if it ends in an error it is given up, with all that is on its stack
		vm.free = vm.free[:n-1]
	} else {
		th, _ = vm.main.NewThread()
	}
	th.Env = ctx.Environment()
	th.SetContext(ctx)
	return th
}

// release keeps a thread whose call has returned for the next process.
func (vm *VM) release(th *lua.LState) {
	th.SetTop(0)
	th.RemoveContext()
	th.Env = vm.main.Env
	if len(vm.free) < keptThreads {
		vm.free = append(vm.free, th)
	}
}

// run calls fn in th and leaves its results there. onError is what th does with an error before the stack is unwound.
//
// The interpreter's PCall is not used. It closes the variables that closures share with every function that is still
// running, so that after one caught error `n = n + 1` in a closure and n outside are two variables, or closes none
// when there is a handler; and it builds a trace of all tail calls, which takes seconds and gigabytes after a loop of
// them. An unprotected call in a thread of its own has neither fault.
func (vm *VM) run(th *lua.LState, fn lua.LValue, args []lua.LValue, onError func(*lua.LState)) (err *Error) {
	defer func() {
		if v := recover(); v != nil {
			err = vm.recovered(th, v)
		}
	}()
	th.Panic = onError
	th.Push(fn)
	for _, a := range args {
		th.Push(a)
	}
	th.Call(len(args), lua.MultRet)
	return nil
}

// recovered makes an Error of what a call panicked with.
func (vm *VM) recovered(th *lua.LState, v any) *Error {
	switch v := v.(type) {
	case killed:
		return &Error{Value: lua.LString("the process has ended"), killed: true}
	case *lua.ApiError:
		if s, ok := v.Object.(lua.LString); ok { // a library function that pcall itself called has no line, and the message begins with a space
			return &Error{Value: lua.LString(strings.TrimPrefix(string(s), " ")), Traceback: v.StackTrace}
		}
		return &Error{Value: v.Object, Traceback: v.StackTrace}
	case string:
		if v == "lua callstack overflow" {
			return &Error{Value: lua.LString(strings.TrimPrefix(place(th)+": stack overflow", ": "))}
		}
	}
	stack := debug.Stack()
	if ctx, ok := th.Context().(Context); ok {
		ctx.Fault(v, stack)
	}
	return &Error{Value: lua.LString(fmt.Sprintf("fault of the host: %v", v)), Traceback: string(stack), Fault: true}
}

// raise is what a process's thread does with an error: it keeps where the error came from and unwinds.
func raise(L *lua.LState) {
	panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: L.Get(-1), StackTrace: Traceback(L, 0)})
}

// raisePlain is raise for a call whose error is going to be caught.
func raisePlain(L *lua.LState) {
	panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: L.Get(-1)})
}

// tracedCalls is how many calls a traceback names.
const tracedCalls = 16

// Traceback names the calls that are running in L, the innermost first, one a line, from a level on. It is short
// however deep the calls are.
func Traceback(L *lua.LState, level int) string {
	var b strings.Builder
	for n := 0; n < tracedCalls; level++ {
		frame, ok := L.GetStack(level)
		if !ok {
			break
		}
		if _, err := L.GetInfo("Sln", frame, lua.LNil); err != nil {
			break
		}
		if frame.What == "main" && n > 0 && frame.CurrentLine <= 0 {
			break
		}
		if frame.What != "G" {
			if n > 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "%s:%d: in %s", frame.Source, frame.CurrentLine, functionName(frame))
			n++
		}
		if frame.What == "main" {
			break
		}
	}
	return b.String()
}

func functionName(frame *lua.Debug) string {
	if frame.What == "main" {
		return "the method"
	}
	return frame.Name
}

// place is the place of the innermost Lua function that runs in L, as file:line, or "".
func place(L *lua.LState) string {
	for level := 0; level < tracedCalls; level++ {
		frame, ok := L.GetStack(level)
		if !ok {
			return ""
		}
		if _, err := L.GetInfo("Sl", frame, lua.LNil); err == nil && frame.CurrentLine > 0 {
			return fmt.Sprintf("%s:%d", frame.Source, frame.CurrentLine)
		}
	}
	return ""
}
