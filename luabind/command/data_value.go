package command

import (
	"errors"
	"strconv"

	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/runtime/structure"

	lua "github.com/yuin/gopher-lua"
)

// What the columns' values are in Lua: texts, dates ("2026-03-01"), uuids and blobs are texts, times are seconds, objects
// are tables, copied each time that they are read or written. Numbers of Lua are exact to 2^53 only: an integer beyond
// that is a text of its digits, both ways, so that a script that reads one and writes it loses nothing.

// exactInteger is the last integer that a number of Lua holds exactly.
const exactInteger = 1 << 53

// toColumn is a Lua value as a column's. Whether it fits is for structure.Type.Check to say, which whoever gets it calls.
// What has no value at all, such as a function, is raised.
func toColumn(L *lua.LState, table string, c *structure.Column, v lua.LValue) any {
	switch v := v.(type) {
	case *lua.LNilType:
		return nil
	case lua.LString:
		lane.Running(L).Step(L, len(v)/bytesPerStep)
		if c.Type == structure.Integer {
			return wide(string(v))
		}
		return string(v)
	case lua.LNumber:
		return float64(v)
	case lua.LBool:
		return bool(v)
	}
	value, err := objectOf(L, v)
	if err != nil {
		L.RaiseError("%s: %s: %s", table, c.Name, err.Error())
	}
	return value
}

// objectOf is a table as the value of an object column, a copy.
func objectOf(L *lua.LState, v lua.LValue) (any, error) {
	if data, ok := v.(*lua.LUserData); ok && sharedOf(data) == nil {
		return nil, errors.New("a " + faceOf(v) + " is no value of a column")
	}
	value, err := convert.Copied(v, func(n int) { lane.Running(L).Step(L, 8*n) })
	if err != nil {
		return nil, err
	}
	return convert.Object(value)
}

// wide is the integer for a text that stands for one beyond 2^53, and any other value as it is.
func wide(v any) any {
	if text, ok := v.(string); ok && len(text) >= len("9007199254740993") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text && !exact(n) {
			return n
		}
	}
	return v
}

// exact reports whether a number of Lua can be the integer.
func exact(n int64) bool { return n >= -exactInteger && n <= exactInteger }

// checkArgument reads the value of a placeholder. A table is a list of such values.
func (e *environment) checkArgument(L *lua.LState, i int) any {
	switch v := L.Get(i).(type) {
	case *lua.LNilType:
		return nil
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return float64(v)
	case lua.LBool:
		return bool(v)
	}
	value, err := objectOf(L, L.Get(i))
	list, ok := value.([]any)
	switch {
	case err != nil:
		L.RaiseError("query: value %d: %s", i-2, err.Error())
	case !ok:
		L.RaiseError("query: value %d: a value or a list of values expected", i-2)
	}
	for i := range list {
		list[i] = wide(list[i])
	}
	return list
}

// fromColumn is the Lua value of a column's value.
func fromColumn(L *lua.LState, v any) lua.LValue {
	switch v := v.(type) {
	case nil:
		return lua.LNil
	case string:
		return lua.LString(v)
	case int64:
		if !exact(v) {
			return lua.LString(strconv.FormatInt(v, 10))
		}
		return lua.LNumber(v)
	case float64:
		return lua.LNumber(v)
	case bool:
		return lua.LBool(v)
	case []byte:
		lane.Running(L).Grow(L, len(v))
		return lua.LString(v)
	}
	return convert.FromObject(v, func(n int) {
		lane.Running(L).Step(L, 8*n)
		lane.Running(L).Grow(L, 64*n)
	})
}
