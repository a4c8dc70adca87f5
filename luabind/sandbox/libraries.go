package sandbox

import (
	"math/rand/v2"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// openLibraries fills the library: the standard one of Lua 5.1 as far as scripts may have it, and for the rest
// functions that say why not.
func (vm *VM) openLibraries() {
	tables := map[string]map[string]lua.LGFunction{
		"string": stringFunctions,
		"table":  tableFunctions,
		"math":   mathFunctions(newRandom(rand.Uint64(), rand.Uint64())),
		"os":     osFunctions(vm.options.Now),
		"debug":  {"traceback": traceback},
		"io":     {},
	}
	for name, f := range baseFunctions {
		vm.Register(name, f)
	}
	vm.nextFunction = vm.main.NewFunction(vm.next)
	vm.Set("next", vm.nextFunction)
	vm.Register("pairs", pairsWith(vm.nextFunction))
	vm.Register("pcall", vm.protectedCall)
	vm.Register("xpcall", vm.handledCall)
	vm.Register("load", vm.load)
	vm.Register("loadstring", vm.loadString)
	vm.Register(vm.options.ConcatOperator, concatOperator)
	vm.Register(vm.options.LengthOperator, lengthOperator)
	vm.Set("_VERSION", lua.LString(lua.LuaVersion))
	vm.addUnavailable(tables)
	for name, functions := range tables {
		real := vm.table(functions)
		if name == "math" {
			for constant, value := range mathConstants {
				real.RawSetString(constant, value)
			}
		}
		vm.Set(name, readOnly(vm.main, name, real))
		if name == "string" {
			vm.openStringMethods(real)
		}
	}
	vm.openCoroutines()
}

// openStringMethods makes ("x"):rep(3) work. The metatable of strings is out of the scripts' reach.
func (vm *VM) openStringMethods(functions *lua.LTable) {
	meta := vm.main.CreateTable(0, 2)
	meta.RawSetString("__index", functions)
	meta.RawSetString("__metatable", lua.LString("read-only"))
	vm.main.SetMetatable(lua.LString(""), meta)
}

// addUnavailable adds what scripts look for in vain.
func (vm *VM) addUnavailable(tables map[string]map[string]lua.LGFunction) {
	added := map[string]map[string]lua.LGFunction{}
	for full, why := range unavailableFunctions {
		table, name, inTable := strings.Cut(full, ".")
		if !inTable {
			vm.Register(full, unavailable(full, why))
			continue
		}
		if added[table] == nil {
			added[table] = map[string]lua.LGFunction{}
			for n, f := range tables[table] {
				added[table][n] = f
			}
		}
		added[table][name] = unavailable(full, why)
	}
	for table, functions := range added {
		tables[table] = functions
	}
}

// longestChunk is how much source load compiles, in bytes: what the compiler does with so much at the worst takes
// less than half a second, and it cannot be stopped in between.
const longestChunk = 64 << 10

// quickChunk is how much of it is compiled so quickly that it is not worth to let others have the lane meanwhile.
const quickChunk = 1 << 10

// load is load(function [, chunk]): the function gives the source piece by piece.
func (vm *VM) load(L *lua.LState) int {
	L.CheckFunction(1)
	chunk := L.OptString(2, "=(load)")
	var source buffer
	for {
		L.Push(L.Get(1))
		L.Call(0, 1)
		piece := L.Get(-1)
		L.Pop(1)
		text, ok := piece.(lua.LString)
		if piece != lua.LNil && !ok {
			L.Push(lua.LNil)
			L.Push(lua.LString("reader function must return a string"))
			return 2
		}
		if text == "" {
			return vm.compiled(L, string(source), chunk)
		}
		source = source.add(L, string(text))
		if len(source) > longestChunk {
			return vm.compiled(L, string(source), chunk)
		}
	}
}

// loadString is loadstring(source [, chunk]).
func (vm *VM) loadString(L *lua.LState) int {
	return vm.compiled(L, L.CheckString(1), L.OptString(2, "=(load)"))
}

func (vm *VM) compiled(L *lua.LState, source, chunk string) int {
	if len(source) > longestChunk {
		L.Push(lua.LNil)
		L.Push(lua.LString("chunk is too long (the limit is 65536 bytes)"))
		return 2
	}
	var proto *lua.FunctionProto
	var err error
	compile := func() { proto, err = vm.options.Compile(source, strings.TrimPrefix(chunk, "=")) }
	if len(source) < quickChunk {
		compile()
	} else {
		L.Context().(Context).Outside(compile)
	}
	if err != nil {
		L.Push(lua.LNil)
		L.Push(lua.LString(err.Error()))
		return 2
	}
	L.Push(&lua.LFunction{Env: L.Context().(Context).Environment(), Proto: proto})
	return 1
}

// traceback is debug.traceback([message]).
func traceback(L *lua.LState) int {
	message := L.OptString(1, "")
	if message != "" {
		message += "\n"
	}
	L.Push(lua.LString(message + Traceback(L, 1)))
	return 1
}
