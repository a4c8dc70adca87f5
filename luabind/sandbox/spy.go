package sandbox

import lua "github.com/yuin/gopher-lua"

// NewSpy makes a table that stands for another one, real, and has the host see what is read in it: get is called for each name
// that is read, with the spy and the name, and gives its value; set for each assignment. Before anything else looks at
// the table, as pairs, # and table.insert do, whole is called, and that works on what it gives. L is nil when it is not known.
func NewSpy(real *lua.LTable, name string, get, set lua.LGFunction, whole func(L *lua.LState) *lua.LTable) *lua.LTable {
	meta := &lua.LTable{Metatable: lua.LNil}
	meta.RawSetString(readOnlyKey, &lua.LUserData{Value: &readOnlyMark{name: name, real: real, whole: whole}, Metatable: lua.LNil})
	meta.RawSetString("__index", &lua.LFunction{IsG: true, GFunction: get})
	meta.RawSetString("__newindex", &lua.LFunction{IsG: true, GFunction: set})
	meta.RawSetString("__metatable", lua.LString("interprocess"))
	return &lua.LTable{Metatable: meta}
}

// Spied is the table that a spy stands for; any other is itself.
func Spied(t *lua.LTable) *lua.LTable {
	if mark := readOnlyMarkOf(t); mark != nil && mark.whole != nil {
		return mark.real
	}
	return t
}

// Whole is Spied for who reads everything that is in the table.
func Whole(t *lua.LTable) *lua.LTable {
	if t.Metatable == lua.LNil {
		return t
	}
	if mark := readOnlyMarkOf(t); mark != nil && mark.whole != nil {
		return mark.whole(nil)
	}
	return t
}

// Layer makes a metatable for the variables of processes that see other values than the library's under some names.
func (vm *VM) Layer(names map[string]lua.LValue) *lua.LTable {
	below := vm.main.CreateTable(0, 1)
	below.RawSetString("__index", vm.shared)
	layer := vm.main.CreateTable(0, len(names))
	layer.Metatable = below
	for name, v := range names {
		layer.RawSetString(name, v)
	}
	meta := vm.main.CreateTable(0, 2)
	meta.RawSetString("__index", layer)
	meta.RawSetString("__metatable", lua.LString("read-only"))
	return meta
}

// SetLayer has the variables of a process see a layer, or with nil the library again.
func (vm *VM) SetLayer(env, layer *lua.LTable) {
	if layer == nil {
		layer = vm.environment
	}
	env.Metatable = layer
}
