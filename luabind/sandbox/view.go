package sandbox

import lua "github.com/yuin/gopher-lua"

// View is a table of the host's by which scripts see another one, real: they read it, go through it with pairs, and change
// it by no means but set, which is called for each assignment with the view, the name and the value, and raises an error
// for what may not be. Each name is asked of get first, which returns nothing for what real has. Both may be shared by many
// views. Whoever holds the lane's baton may call View; name is what errors call the table.
func View(real *lua.LTable, name string, get, set lua.LGFunction) *lua.LTable {
	meta := &lua.LTable{Metatable: lua.LNil}
	meta.RawSetString(readOnlyKey, &lua.LUserData{Value: &readOnlyMark{name: name, real: real}, Metatable: lua.LNil})
	meta.RawSetString("__index", &lua.LFunction{IsG: true, GFunction: func(L *lua.LState) int {
		if n := get(L); n > 0 {
			return n
		}
		L.Push(real.RawGet(L.Get(2)))
		return 1
	}})
	meta.RawSetString("__newindex", &lua.LFunction{IsG: true, GFunction: set})
	meta.RawSetString("__metatable", lua.LString("read-only"))
	return &lua.LTable{Metatable: meta}
}

// Behind is the table that is read in a read-only table's place.
func (m *readOnlyMark) Behind() *lua.LTable {
	if m.whole != nil {
		return m.whole(nil)
	}
	return m.real
}
