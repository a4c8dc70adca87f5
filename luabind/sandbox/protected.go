package sandbox

import (
	lua "github.com/yuin/gopher-lua"
)

// protectedCall is pcall. A process that must stop is not stopped by it: the error goes on.
func (vm *VM) protectedCall(L *lua.LState) int {
	L.CheckAny(1)
	args := make([]lua.LValue, 0, 4)
	for i := 2; i <= L.GetTop(); i++ {
		args = append(args, L.Get(i))
	}
	return vm.protect(L, L.Get(1), args, raisePlain)
}

// handledCall is xpcall: its function for errors runs where the error happened, so that it can look at the calls.
func (vm *VM) handledCall(L *lua.LState) int {
	L.CheckAny(1)
	onError := L.CheckFunction(2)
	return vm.protect(L, L.Get(1), nil, func(th *lua.LState) {
		th.Panic = raisePlain
		if ctx, ok := th.Context().(Context); ok && ctx.Stopped() == nil {
			th.Push(onError)
			th.Push(th.Get(-2))
			th.Call(1, 1)
		}
		raisePlain(th)
	})
}

// Protect is pcall for commands: it calls fn in a thread of its own, for L, and pushes its results on L, or gives the
// error. A process that must stop is not stopped by it: what stops it goes on.
func (vm *VM) Protect(L *lua.LState, fn lua.LValue, args []lua.LValue) (results int, err *Error) {
	return vm.inThread(L, fn, args, raisePlain)
}

// protect calls fn in a thread of its own, for L, and pushes true and its results, or false and the error.
func (vm *VM) protect(L *lua.LState, fn lua.LValue, args []lua.LValue, onError func(*lua.LState)) int {
	L.Push(lua.LTrue)
	n, err := vm.inThread(L, fn, args, onError)
	if err != nil {
		L.Push(lua.LFalse)
		L.Push(err.Value)
		return 2
	}
	return 1 + n
}

// inThread calls fn in a thread of its own, for L, and pushes its results on L, or gives the error. onError is what the
// thread does with it first.
func (vm *VM) inThread(L *lua.LState, fn lua.LValue, args []lua.LValue, onError func(*lua.LState)) (int, *Error) {
	ctx := L.Context().(Context)
	state := ctx.State()
	state.enter(L)
	defer func() { state.depth-- }()
	th := vm.thread(ctx)
	saved := state.running
	state.running = running{th: th, outer: &saved}
	err := vm.run(th, fn, args, onError)
	state.running = saved
	if err != nil {
		if err.killed {
			panic(killed{})
		}
		if cause := ctx.Stopped(); cause != nil {
			if err.Error() == cause.Error() { // pcall itself called a command that waits: only here is there a line
				L.RaiseError("%s", cause.Error())
			}
			panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: err.Value, StackTrace: Traceback(L, 0)})
		}
		return 0, err
	}
	n := th.GetTop()
	th.XMoveTo(L, n)
	vm.release(th)
	return n, nil
}
