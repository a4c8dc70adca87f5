package sandbox

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// openCoroutines gives the library the interpreter's coroutines, changed in three ways. A coroutine runs under the very
// context of its process: the interpreter would derive a cancellable one, which counts nothing and never hands the
// lane over. Coroutines inside each other are counted, because each takes part of the goroutine's own stack. And a
// yield gives as many values as are wanted: the interpreter leaves what resume was given in the registers, too few or
// too many, and a missing one ends the process with a fault.
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
		// nil outside of coroutines, as in Lua 5.1; the interpreter gives the process's thread
		"running": func(L *lua.LState) int {
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
	table.RawSetString("yield", vm.yield(function("yield")))
	table.RawSetString("status", function("status"))
	vm.Set("coroutine", readOnly(vm.main, "coroutine", table))
}

// yieldSource takes all that a resume gives, and gives to who yields what is wanted of it, as every Lua function does.
const yieldSource = `local yield, all = ... return function(...) return all(yield(...)) end`

func (vm *VM) yield(original *lua.LFunction) *lua.LFunction {
	wrapper, err := vm.main.Load(strings.NewReader(yieldSource), "coroutine.yield")
	if err != nil {
		panic(err)
	}
	yield := vm.main.NewFunction(func(L *lua.LState) int {
		if L.Parent == nil {
			L.Error(lua.LString("attempt to yield outside of a coroutine, or across pcall"), 3)
		}
		return original.GFunction(L)
	})
	all := vm.main.NewFunction(func(L *lua.LState) int { return L.GetTop() })
	vm.main.Push(wrapper)
	vm.main.Push(yield)
	vm.main.Push(all)
	vm.main.Call(2, 1)
	defer vm.main.SetTop(0)
	return vm.main.Get(-1).(*lua.LFunction)
}

// nested resumes a coroutine, one level deeper.
func (vm *VM) nested(L, th *lua.LState, resume lua.LGFunction) int {
	ctx := L.Context().(Context)
	if !ctx.Enter() {
		L.RaiseError("stack overflow (coroutines inside each other)")
	}
	outer := vm.running
	vm.running = running{th: th, outer: &outer}
	defer func() {
		vm.running = outer
		ctx.Leave()
	}()
	return resume(L)
}
