package convert

import (
	"reflect"
	"testing"

	"moongate/runtime/wire"

	lua "github.com/yuin/gopher-lua"
)

func TestObject(t *testing.T) {
	for _, c := range []struct{ value, want any }{
		{nil, nil}, {true, true}, {int64(1), int64(1)}, {"x", "x"},
		{[]any{int64(1), wire.Map{{Key: "a", Value: []any{}}}}, []any{int64(1), map[string]any{"a": []any{}}}},
		{wire.Map{{Key: "b", Value: 1.5}, {Key: "a", Value: wire.Map{}}}, map[string]any{"a": map[string]any{}, "b": 1.5}},
	} {
		if got, err := Object(c.value); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: got %v and %v, want %v", c.value, got, err, c.want)
		}
	}
	for _, wrong := range []any{
		wire.Map{{Key: int64(2), Value: "x"}}, wire.Map{{Key: true, Value: "x"}},
		[]any{wire.Map{{Key: "in", Value: wire.Map{{Key: 1.5, Value: "x"}}}}},
	} {
		if got, err := Object(wrong); err == nil {
			t.Errorf("%v: no error, but %v", wrong, got)
		}
	}
}

func TestFromObject(t *testing.T) {
	worked := 0
	list := make([]any, 1000)
	for i := range list {
		list[i] = float64(i)
	}
	v := FromObject(map[string]any{"list": list, "a": map[string]any{"deep": "x"}, "none": nil}, func(n int) { worked += n })
	table := v.(*lua.LTable)
	if got := table.RawGetString("list").(*lua.LTable).Len(); got != 1000 {
		t.Errorf("the list has %d elements, want 1000", got)
	}
	if got := table.RawGetString("a").(*lua.LTable).RawGetString("deep"); got != lua.LString("x") {
		t.Errorf("got %v, want x", got)
	}
	if first, _ := table.Next(lua.LNil); first != lua.LString("a") {
		t.Errorf("the first name is %v, want a", first)
	}
	if worked < 512 {
		t.Errorf("the work of %d values was charged, want about 1000", worked)
	}
}
