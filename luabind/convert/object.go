package convert

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"moongate/runtime/wire"

	lua "github.com/yuin/gopher-lua"
)

// Object is a value of this package as an object column of the data has it: what JSON can say, map[string]any in the
// place of [wire.Map]. The error is for a table that has keys of both kinds, or others than texts.
func Object(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			inner, err := Object(e)
			if err != nil {
				return nil, err
			}
			v[i] = inner
		}
	case wire.Map:
		fields := make(map[string]any, len(v))
		for _, p := range v {
			name, ok := p.Key.(string)
			if !ok {
				return nil, errors.New("keys are texts, or the numbers from 1 on without gaps")
			}
			inner, err := Object(p.Value)
			if err != nil {
				return nil, fmt.Errorf("%.64s: %w", name, err)
			}
			fields[name] = inner
		}
		return fields, nil
	}
	return v, nil
}

// FromObject is the Lua value of what Object gave: a new table for each map and list, their names sorted. work is called
// now and then with the number of values converted since it was last called, and may panic.
func FromObject(v any, work func(values int)) lua.LValue {
	c := conversion{work: work}
	return c.fromObject(v)
}

func (c *conversion) fromObject(v any) lua.LValue {
	if c.elements++; c.elements%chargeEvery == 0 {
		c.work(chargeEvery)
	}
	switch v := v.(type) {
	case []any:
		t := &lua.LTable{Metatable: lua.LNil}
		for i, e := range v {
			t.RawSetInt(i+1, c.fromObject(e))
		}
		return t
	case map[string]any:
		t := &lua.LTable{Metatable: lua.LNil}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			t.RawSetString(name, c.fromObject(v[name]))
		}
		return t
	default:
		return ToLua(v)
	}
}
