package sandbox

import (
	"fmt"
	"runtime/metrics"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// baseFunctions are the global functions of Lua that are written here.
var baseFunctions = map[string]lua.LGFunction{
	"assert":         baseAssert,
	"collectgarbage": baseCollectgarbage,
	"error":          baseError,
	"getmetatable":   baseGetmetatable,
	"ipairs":         baseIpairs,
	"next":           baseNext,
	"pairs":          pairsWith(nextFunction),
	"rawequal":       baseRawequal,
	"rawget":         baseRawget,
	"rawset":         baseRawset,
	"select":         baseSelect,
	"setmetatable":   baseSetmetatable,
	"tonumber":       baseTonumber,
	"tostring":       baseTostring,
	"type":           baseType,
	"unpack":         baseUnpack,
}

// baseAssert is assert. A message is raised with the caller's line, any other value as it is.
func baseAssert(L *lua.LState) int {
	if lua.LVAsBool(L.CheckAny(1)) {
		return L.GetTop()
	}
	switch v := L.Get(2).(type) {
	case lua.LString, lua.LNumber:
		L.RaiseError("%s", v.String())
	case *lua.LNilType:
		L.RaiseError("assertion failed!")
	default:
		L.Error(v, 0)
	}
	return 0
}

// baseError is error. Unlike the interpreter's own it tells level 2, the caller's caller, from level 1. A number is
// raised as a number.
func baseError(L *lua.LState) int {
	value, level := L.Get(1), optInteger(L, 2, 1)
	if text, ok := value.(lua.LString); ok && level > 0 {
		value = lua.LString(placeAt(L, level)) + text
	}
	L.Error(value, 0)
	return 0
}

// placeAt is "file:line: " of a level of the call stack, or "" where no Lua function is.
func placeAt(L *lua.LState, level int) string {
	frame, ok := L.GetStack(level)
	if !ok {
		return ""
	}
	if _, err := L.GetInfo("Sl", frame, lua.LNil); err != nil || frame.CurrentLine <= 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", frame.Source, frame.CurrentLine)
}

// The functions that a loop over pairs or ipairs calls. All VMs share them: they have no state.
var (
	nextFunction = &lua.LFunction{IsG: true, GFunction: baseNext}
	ipairsStep   = &lua.LFunction{IsG: true, GFunction: stepIpairs}
)

// pairsWith is pairs, whose loops call this next. What the host's objects give is for their metamethod __pairs to say,
// as in Lua 5.2; tables have none.
func pairsWith(next *lua.LFunction) lua.LGFunction {
	return func(L *lua.LState) int {
		if L.Get(1).Type() == lua.LTUserData && byEvent(L, L.Get(1), "__pairs", 3) {
			return 3
		}
		t := L.CheckTable(1)
		L.Push(next)
		L.Push(t)
		L.Push(lua.LNil)
		return 3
	}
}

// baseIpairs is ipairs. The host's objects have the metamethod __ipairs for it.
func baseIpairs(L *lua.LState) int {
	if L.Get(1).Type() == lua.LTUserData && byEvent(L, L.Get(1), "__ipairs", 3) {
		return 3
	}
	t := L.CheckTable(1)
	L.Push(ipairsStep)
	L.Push(t)
	L.Push(number(0))
	return 3
}

func stepIpairs(L *lua.LState) int {
	t, i := readableTable(L, 1), checkInteger(L, 2)+1
	value := element(t, i)
	if value == lua.LNil {
		return 0
	}
	L.Push(number(i))
	L.Push(value)
	return 2
}

func baseNext(L *lua.LState) int {
	t := readableTable(L, 1)
	key, value := t.Next(keptKey(t, L.Get(2)))
	if key == lua.LNil {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(key)
	L.Push(value)
	return 2
}

// keptKey returns the key that LTable.Next goes on from. When elements were removed during the loop, the key may be
// beyond the end of the array part, and Next would miss the first of the other keys.
func keptKey(t *lua.LTable, key lua.LValue) lua.LValue {
	n, ok := key.(lua.LNumber)
	if !ok || n < 1 || n >= lua.LNumber(lua.MaxArrayIndex) || t.RawGet(key) != lua.LNil {
		return key
	}
	end := t.Len()
	switch {
	case n <= lua.LNumber(end):
		return key
	case end == 0:
		return lua.LNil
	}
	return number(end)
}

func baseRawequal(L *lua.LState) int {
	L.Push(lua.LBool(L.RawEqual(L.CheckAny(1), L.CheckAny(2))))
	return 1
}

func baseRawget(L *lua.LState) int {
	L.Push(readableTable(L, 1).RawGet(L.CheckAny(2)))
	return 1
}

func baseRawset(L *lua.LState) int {
	L.RawSet(writableTable(L, 1), L.CheckAny(2), L.CheckAny(3))
	L.SetTop(1)
	return 1
}

func baseSelect(L *lua.LState) int {
	count := L.GetTop() - 1
	if text, ok := L.Get(1).(lua.LString); ok && strings.HasPrefix(string(text), "#") {
		L.Push(number(count))
		return 1
	}
	n := checkInteger(L, 1)
	if n < 0 {
		n += count + 1
	}
	if n < 1 {
		L.ArgError(1, "index out of range")
	}
	return max(count-n+1, 0)
}

// baseSetmetatable is setmetatable. Only tables have metatables of their own: the one of strings belongs to every
// process of the VM.
func baseSetmetatable(L *lua.LState) int {
	t, meta := L.CheckTable(1), L.Get(2)
	if meta.Type() != lua.LTTable && (meta != lua.LNil || L.GetTop() < 2) {
		L.ArgError(2, "nil or table expected")
	}
	if L.GetMetaField(Spied(t), "__metatable") != lua.LNil {
		L.RaiseError("cannot change a protected metatable")
	}
	if m, ok := meta.(*lua.LTable); ok { // the interpreter looks into it by itself
		meta = Whole(m)
	}
	Spied(t).Metatable = meta
	L.SetTop(1)
	return 1
}

func baseGetmetatable(L *lua.LState) int {
	v := L.CheckAny(1)
	if t, ok := v.(*lua.LTable); ok {
		v = Spied(t)
	}
	L.Push(L.GetMetatable(v))
	return 1
}

func baseTonumber(L *lua.LState) int {
	base := optInteger(L, 2, 10)
	if base < 2 || base > 36 {
		L.ArgError(2, "base out of range")
	}
	value := L.CheckAny(1)
	if x, ok := value.(lua.LNumber); ok && base == 10 {
		L.Push(x)
		return 1
	}
	var x float64
	ok := false
	if base != 10 {
		x, ok = parseInteger(L.CheckString(1), base)
	} else if text, isText := value.(lua.LString); isText {
		x, ok = parseNumber(string(text))
	}
	if ok {
		L.Push(lua.LNumber(x))
	} else {
		L.Push(lua.LNil)
	}
	return 1
}

func baseTostring(L *lua.LState) int {
	value := L.CheckAny(1)
	if value.Type() != lua.LTString {
		value = lua.LString(tostring(L, value))
	}
	L.Push(value)
	return 1
}

// tostring returns what the Lua function tostring gives for a value.
func tostring(L *lua.LState, value lua.LValue) string {
	switch v := value.(type) {
	case lua.LString:
		return string(v)
	case lua.LNumber:
		var scratch [numberSize]byte
		return string(appendNumber(scratch[:0], v))
	}
	text := L.ToStringMeta(value)
	if !lua.LVCanConvToString(text) {
		L.RaiseError("'__tostring' must return a string")
	}
	return text.String()
}

// typeNames are the results of type, made once.
var typeNames = func() (names [lua.LTChannel + 1]lua.LValue) {
	for t := range names {
		names[t] = lua.LString(lua.LValueType(t).String())
	}
	return names
}()

func baseType(L *lua.LState) int {
	L.Push(typeNames[L.CheckAny(1).Type()])
	return 1
}

// baseCollectgarbage is collectgarbage. The memory is Go's, and so is its collector: a script can ask how much is in
// use by the whole program, and everything else does nothing.
func baseCollectgarbage(L *lua.LState) int {
	option := "collect"
	if L.Get(1) != lua.LNil {
		option = L.CheckString(1)
	}
	switch option {
	case "count":
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		pushMeasure(L, "collectgarbage", float64(sample[0].Value.Uint64())/1024)
	case "collect", "stop", "restart", "step", "setpause", "setstepmul":
		L.Push(number(0))
	default:
		L.ArgError(1, "invalid option '"+option+"'")
	}
	return 1
}

// readOnlyKey is the field by which the metatable of a read-only table holds its readOnlyMark.
const readOnlyKey = "__readonly"

// readOnlyMark is what stands behind a read-only table. A script cannot make one, and cannot reach one.
type readOnlyMark struct {
	name  string
	real  *lua.LTable
	whole func(L *lua.LState) *lua.LTable // of a spy, which is not read-only; nil: it is none
}

// readOnly returns a table by which scripts read real and cannot change it: not by assignment, not by rawset,
// table.insert and the like, and not by its metatable. name is what the error calls it.
func readOnly(L *lua.LState, name string, real *lua.LTable) *lua.LTable {
	mark := L.NewUserData()
	mark.Value = &readOnlyMark{name: name, real: real}
	meta := L.CreateTable(0, 4)
	meta.RawSetString(readOnlyKey, mark)
	meta.RawSetString("__index", real)
	meta.RawSetString("__metatable", lua.LString("read-only"))
	meta.RawSetString("__newindex", L.NewFunction(func(L *lua.LState) int {
		L.RaiseError("%s is read-only", name)
		return 0
	}))
	proxy := L.CreateTable(0, 0)
	proxy.Metatable = meta
	return proxy
}

// readOnlyMarkOf returns the mark of a read-only table, nil for any other.
func readOnlyMarkOf(t *lua.LTable) *readOnlyMark {
	meta, ok := t.Metatable.(*lua.LTable)
	if !ok {
		return nil
	}
	data, ok := meta.RawGetString(readOnlyKey).(*lua.LUserData)
	if !ok {
		return nil
	}
	mark, _ := data.Value.(*readOnlyMark)
	return mark
}

func refuseReadOnly(L *lua.LState, t *lua.LTable) {
	if mark := readOnlyMarkOf(t); mark != nil && mark.whole == nil {
		L.RaiseError("%s is read-only", mark.name)
	}
}

// unavailable returns a function that says why a function of standard Lua is not there.
func unavailable(name, why string) lua.LGFunction {
	return func(L *lua.LState) int {
		L.RaiseError("%s is not available in scripts: %s", name, why)
		return 0
	}
}

// unavailableFunctions are the functions of standard Lua that scripts do not have, by full name, and why not.
var unavailableFunctions = map[string]string{
	"debug.debug":        noDebug,
	"debug.getfenv":      noDebug,
	"debug.gethook":      noDebug,
	"debug.getinfo":      noDebug,
	"debug.getlocal":     noDebug,
	"debug.getmetatable": noDebug,
	"debug.getregistry":  noDebug,
	"debug.getupvalue":   noDebug,
	"debug.setfenv":      noDebug,
	"debug.sethook":      noDebug,
	"debug.setlocal":     noDebug,
	"debug.setmetatable": noDebug,
	"debug.setupvalue":   noDebug,
	"dofile":             noModules,
	"getfenv":            noEnvironments,
	"io.close":           noFiles,
	"io.input":           noFiles,
	"io.lines":           noFiles,
	"io.open":            noFiles,
	"io.output":          noFiles,
	"io.popen":           noSystem,
	"io.read":            noFiles,
	"io.tmpfile":         noFiles,
	"io.type":            noFiles,
	"io.write":           "print() writes to the log",
	"loadfile":           noModules,
	"module":             "a module is a table that its file returns",
	"newproxy":           "setmetatable() works on tables",
	"os.execute":         noSystem,
	"os.exit":            "quit_4d() ends the host",
	"os.getenv":          noSystem,
	"os.remove":          noFiles,
	"os.rename":          noFiles,
	"os.setenv":          noSystem,
	"os.setlocale":       "the locale is always C",
	"os.tmpname":         noFiles,
	"package.loadlib":    "modules are written in Lua",
	"package.seeall":     "a module is a table that its file returns",
	"setfenv":            noEnvironments,
	"string.dump":        "a function has no text",
}

const (
	noDebug        = "only debug.traceback() is"
	noEnvironments = "every process has its own environment"
	noModules      = "require() reads modules from subfolders of the scripts folder"
	noFiles        = "scripts have no files of the operating system"
	noSystem       = "scripts do not reach the operating system"
)
