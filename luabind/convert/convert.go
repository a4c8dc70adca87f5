// Package convert turns Lua values into Go values and back. It is the only place that does.
//
// In Go a value is nil, bool, int64, float64, string, []any or [wire.Map], whose elements are such values again. A
// Lua number without a fraction that a float64 holds exactly is an int64, every other one a float64. A table whose
// keys are 1 to n is a list, an empty one too; any other is a map, its keys in the order in which Lua goes through
// them. A [Shared] object stays what it is, except that [Copied] makes a list or map of it. Functions, threads and the
// host's own objects have no Go value.
//
// The functions may be called by whoever may touch the Lua values.
package convert

import (
	"fmt"
	"math"

	"moongate/runtime/wire"

	lua "github.com/yuin/gopher-lua"
)

// Bounds of what is converted: beyond them it is an error, so that no script makes the host build without end.
const (
	maxDepth    = 32        // tables inside tables
	maxElements = 1_000_000 // in all tables together
)

// exact is the first integer whose neighbour a float64 no longer tells apart.
const exact = 1 << 53

// Number is the Go value of a Lua number.
func Number(n lua.LNumber) any {
	if whole, ok := Whole(n); ok {
		return whole
	}
	return float64(n)
}

// Whole is a number that is an integer, exactly; false for any other.
func Whole(n lua.LNumber) (int64, bool) {
	f := float64(n)
	if f == math.Trunc(f) && math.Abs(f) <= exact {
		return int64(f), true
	}
	return 0, false
}

// ToGo is the Go value of a Lua value. The error says which value has none.
func ToGo(v lua.LValue) (any, error) { return Charged(v, func(int) {}) }

// Charged is ToGo for a table that may be large: work is called now and then with the number of values converted since
// it was last called, and may panic.
func Charged(v lua.LValue, work func(values int)) (any, error) {
	c := conversion{work: work}
	return c.toGo(v, 0)
}

// Copied is Charged for what leaves the program: shared objects in it are copied as they are at that moment.
func Copied(v lua.LValue, work func(values int)) (any, error) {
	c := conversion{work: work, copies: true}
	return c.toGo(v, 0)
}

// Shared is what stands behind the userdata of a value that all processes have in common: it is the same value wherever
// it goes.
type Shared interface {
	// Face is its Lua value, a lua.LValue that is the same in all lanes.
	Face() any
	// Snapshot is what is in it at this moment, each value nil, bool, float64, string or Shared: a map, or a list if
	// names is nil.
	Snapshot() (names []string, values []any)
}

// chargeEvery is how many values are converted between two calls of work.
const chargeEvery = 256

type conversion struct {
	elements int
	work     func(values int)
	copies   bool // of shared objects
}

func (c *conversion) toGo(v lua.LValue, depth int) (any, error) {
	switch v := v.(type) {
	case *lua.LNilType:
		return nil, nil
	case lua.LBool:
		return bool(v), nil
	case lua.LNumber:
		return Number(v), nil
	case lua.LString:
		return string(v), nil
	case *lua.LTable:
		if depth == maxDepth {
			return nil, errDepth
		}
		return c.table(behind(v), depth+1)
	case *lua.LUserData:
		if s, ok := v.Value.(Shared); ok {
			return c.shared(s, depth)
		}
	}
	return nil, fmt.Errorf("a %s cannot leave its process", v.Type())
}

// shared is the value of a shared object, or a copy of it.
func (c *conversion) shared(s Shared, depth int) (any, error) {
	if !c.copies {
		return s, nil
	}
	if depth == maxDepth {
		return nil, errDepth
	}
	names, values := s.Snapshot()
	list := make([]any, len(values))
	for i, v := range values {
		if err := c.count(); err != nil {
			return nil, err
		}
		switch v := v.(type) {
		case float64:
			list[i] = Number(lua.LNumber(v))
		case Shared:
			inner, err := c.shared(v, depth+1)
			if err != nil {
				return nil, err
			}
			list[i] = inner
		default:
			list[i] = v
		}
	}
	if names == nil {
		return list, nil
	}
	pairs := make(wire.Map, len(names))
	for i, name := range names {
		pairs[i] = wire.Pair{Key: name, Value: list[i]}
	}
	return pairs, nil
}

var errDepth = fmt.Errorf("more than %d tables inside each other", maxDepth)

// count counts one more element.
func (c *conversion) count() error {
	if c.elements++; c.elements > maxElements {
		return fmt.Errorf("more than %d values in a table", maxElements)
	}
	if c.elements%chargeEvery == 0 {
		c.work(chargeEvery)
	}
	return nil
}

// behind is the table that a read-only one of the host's shows; any other is itself. Only the host can put such a value into a
// metatable.
func behind(t *lua.LTable) *lua.LTable {
	meta, ok := t.Metatable.(*lua.LTable)
	if !ok {
		return t
	}
	if data, ok := meta.RawGetString("__readonly").(*lua.LUserData); ok {
		if shows, ok := data.Value.(interface{ Behind() *lua.LTable }); ok {
			return shows.Behind()
		}
	}
	return t
}

func (c *conversion) table(t *lua.LTable, depth int) (any, error) {
	n := t.Len()
	list := make([]any, 0, min(n, 1024))
	var pairs wire.Map
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if err := c.count(); err != nil {
			return nil, err
		}
		value, err := c.toGo(v, depth)
		if err != nil {
			return nil, err
		}
		if k == lua.LNumber(len(list)+1) && pairs == nil {
			list = append(list, value)
			continue
		}
		if pairs == nil {
			pairs = make(wire.Map, 0, len(list)+1)
			for i, e := range list {
				pairs = append(pairs, wire.Pair{Key: int64(i + 1), Value: e})
			}
		}
		key, err := c.toGo(k, depth)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, wire.Pair{Key: key, Value: value})
	}
	switch {
	case pairs == nil:
		return list, nil
	case isList(pairs):
		list = make([]any, len(pairs))
		for _, p := range pairs {
			list[p.Key.(int64)-1] = p.Value
		}
		return list, nil
	default:
		return pairs, nil
	}
}

// isList reports whether the keys, which are all different, are 1 to n in another order: a long list that was not filled
// from its beginning.
func isList(pairs wire.Map) bool {
	for _, p := range pairs {
		if n, ok := p.Key.(int64); !ok || n < 1 || n > int64(len(pairs)) {
			return false
		}
	}
	return true
}

// ToLua is the Lua value of a Go value. It panics on a type that is none of the package's. What a map has under nil or
// not-a-number is left out: no table can have it.
func ToLua(v any) lua.LValue {
	switch v := v.(type) {
	case nil:
		return lua.LNil
	case bool:
		return lua.LBool(v)
	case int:
		return lua.LNumber(v)
	case int64:
		return lua.LNumber(v)
	case float64:
		return lua.LNumber(v)
	case string:
		return lua.LString(v)
	case []any:
		t := &lua.LTable{Metatable: lua.LNil}
		for i, e := range v {
			t.RawSetInt(i+1, ToLua(e))
		}
		return t
	case wire.Map:
		t := &lua.LTable{Metatable: lua.LNil}
		for _, p := range v {
			if key := ToLua(p.Key); isKey(key) {
				t.RawSet(key, ToLua(p.Value))
			}
		}
		return t
	case Shared:
		return v.Face().(lua.LValue)
	default:
		panic(fmt.Sprintf("convert: no Lua value for a %T", v))
	}
}

// isKey reports whether a table can have something under a value.
func isKey(v lua.LValue) bool {
	n, ok := v.(lua.LNumber)
	return v != lua.LNil && !(ok && math.IsNaN(float64(n)))
}
