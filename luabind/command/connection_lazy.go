package command

import (
	"bytes"

	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/runtime/recording"

	lua "github.com/yuin/gopher-lua"
)

// Most methods ask connection_info for one or two facts of their own connection, and to make the table of all of them takes as
// long as everything else that they do. So in a rehearsal it is one table for all calls of the lane, whose fields are looked
// up when they are asked for; the table is made for who wants all of it, or changes it.

// lazyKey is kept with the facts of the call's connection, once the method has asked for them.
type lazyKey struct{}

type lazyFacts struct {
	L         *lua.LState // that has asked first
	recording *recording.Recording
	read      *recording.Read // what was noted; nil: nothing
	table     *lua.LTable     // nil: nobody has wanted it
}

// openInfoFace makes the table.
func (e *environment) openInfoFace() {
	e.infoFace = sandbox.NewSpy(&lua.LTable{Metatable: lua.LNil}, infoCommand, getLazy, func(L *lua.LState) int {
		if f := lazyOf(L); f != nil {
			L.RawSet(f.all(L), L.Get(2), L.Get(3))
		}
		return 0
	}, func(L *lua.LState) *lua.LTable { // L may be nil
		if f := e.lazy; f != nil {
			return f.all(f.L)
		}
		return &lua.LTable{Metatable: lua.LNil}
	})
}

// lazyOf is the facts of the call that runs in L, nil when it has not asked for them.
func lazyOf(L *lua.LState) *lazyFacts {
	w := lane.Running(L).Witness()
	if w == nil {
		return nil
	}
	f, _ := w.Kept(lazyKey{}).(*lazyFacts)
	return f
}

// getLazy is the reading of a field.
func getLazy(L *lua.LState) int {
	f := lazyOf(L)
	name, isText := L.Get(2).(lua.LString)
	if f == nil || !isText {
		L.Push(lua.LNil)
		return 1
	}
	if f.table == nil {
		if v := f.field(string(name)); v != nil {
			L.Push(v)
			return 1
		}
	}
	L.Push(L.GetField(f.all(L), string(name)))
	return 1
}

// field is a fact that needs no table, nil for any other.
func (f *lazyFacts) field(name string) lua.LValue {
	switch name {
	case "connection", "user", "address", "listener":
		return factOfRecording(f.recording, name, true)
	case "user_name":
		if f.read == nil || !bytes.Contains(f.read.Value, []byte(name)) { // which says that there is an alias
			return lua.LString(f.recording.UserName)
		}
	case "gate":
		return lua.LNil
	}
	return nil
}

// all is the whole table.
func (f *lazyFacts) all(L *lua.LState) *lua.LTable {
	if f.table == nil {
		var values []any
		if f.read != nil {
			values = f.read.Unpacked()
		}
		f.table = factsTable(L, f.recording, values)
	}
	return f.table
}
