package sandbox

import (
	lua "github.com/yuin/gopher-lua"
)

// openCoroutines gives the library the interpreter's coroutines, changed in two ways. A coroutine runs under the very
// context of its process: the interpreter would derive a cancellable one, which counts nothing and never hands the
// lane over. And coroutines inside each other are counted, because each takes part of the goroutine's own stack.
func (vm *VM) openCoroutines() {
	vm.main.Push(vm.main.NewFunction(lua.OpenCoroutine))
	vm.main.Call(0, 1)
	original := vm.main.Get(-1).(*lua.LTable)
	vm.main.SetTop(0)
	function := func(name string) *lua.LFunction { return original.RawGetString(name).(*lua.LFunction) }
	create, resume, wrap := function("create"), function("resume").GFunction, function("wrap")

	// born runs create or wrap without a context, so that the new thread derives none.
	born := func(L *lua.LState, how *lua.LFunction) lua.LValue {
		fn := L.CheckFunction(1)
		ctx := L.RemoveContext()
		L.Push(how)
		L.Push(fn)
		L.Call(1, 1)
		L.SetContext(ctx)
		return L.Get(-1)
	}
	functions := map[string]lua.LGFunction{
		"create": func(L *lua.LState) int {
			th := born(L, create).(*lua.LState)
			th.SetContext(L.Context())
			return 1
		},
		"resume": func(L *lua.LState) int { return vm.nested(L, L.CheckThread(1), resume) },
		"running": func(L *lua.LState) int { // nil outside of coroutines, as in Lua 5.1; the interpreter gives the process's thread
			if current := vm.main.G.CurrentThread; current.Parent != nil {
				L.Push(current)
			} else {
				L.Push(lua.LNil)
			}
			return 1
		},
		"wrap": func(L *lua.LState) int {
			resumer := born(L, wrap).(*lua.LFunction)
			th := resumer.Upvalues[0].Value().(*lua.LState)
			th.SetContext(L.Context())
			again := resumer.GFunction
			resumer.GFunction = func(L *lua.LState) int { return vm.nested(L, th, again) }
			return 1
		},
	}
	table := vm.table(functions)
	table.RawSetString("yield", function("yield"))
	table.RawSetString("status", function("status"))
	vm.Set("coroutine", readOnly(vm.main, "coroutine", table))
}

// nested resumes a coroutine, one level deeper.
func (vm *VM) nested(L, th *lua.LState, resume lua.LGFunction) int {
	ctx := L.Context().(Context)
	if !ctx.Enter() {
		L.RaiseError("stack overflow (coroutines inside each other)")
	}
	outer := vm.innermost
	vm.innermost = th
	defer func() {
		vm.innermost = outer
		ctx.Leave()
	}()
	return resume(L)
}
