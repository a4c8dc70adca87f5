package convert_test

import (
	"fmt"
	"reflect"
	"testing"

	"moongate/luabind/convert"
	"moongate/runtime/wire"

	lua "github.com/yuin/gopher-lua"
)

// shared is a shared object as package convert sees it.
type shared struct {
	names  []string
	values []any
	face   *lua.LUserData
}

func newShared(names []string, values ...any) *shared {
	s := &shared{names: names, values: values}
	s.face = &lua.LUserData{Value: s, Metatable: lua.LNil}
	return s
}

func (s *shared) Face() any                   { return s.face }
func (s *shared) Snapshot() ([]string, []any) { return s.names, s.values }

// A shared object stays itself on its way to another process, also inside of tables.
func TestSharedStaysItself(t *testing.T) {
	s := newShared(nil)
	v, err := convert.ToGo(s.face)
	if err != nil || v != any(s) {
		t.Errorf("got %v, %v, want the object", v, err)
	}
	if got := convert.ToLua(v); got != lua.LValue(s.face) {
		t.Errorf("got %v, want its face", got)
	}
	L := newState(t)
	L.SetGlobal("s", s.face)
	v, err = convert.ToGo(evaluate(t, L, "{s, s}"))
	if err != nil || !reflect.DeepEqual(v, []any{s, s}) {
		t.Errorf("got %v, %v, want a list of the object", v, err)
	}
	other := &lua.LUserData{Value: "something else"}
	if v, err := convert.ToGo(other); err == nil {
		t.Errorf("another userdata: got %v, want an error", v)
	}
}

// What leaves the program is a copy.
func TestSharedIsCopied(t *testing.T) {
	inner := newShared(nil, 1.0, 2.5, nil, "text")
	s := newShared([]string{"empty", "inner", "list"}, newShared([]string{}), true, inner)
	L := newState(t)
	L.SetGlobal("s", s.face)
	want := []any{wire.Map{
		{Key: "empty", Value: wire.Map{}}, {Key: "inner", Value: true}, {Key: "list", Value: []any{int64(1), 2.5, nil, "text"}},
	}}
	v, err := convert.Copied(evaluate(t, L, "{s}"), func(int) {})
	if err != nil || !reflect.DeepEqual(v, want) {
		t.Errorf("got %v, %v, want %v", v, err, want)
	}
	s.values[0] = s
	if v, err := convert.Copied(s.face, func(int) {}); fmt.Sprint(err) != "more than 32 tables inside each other" {
		t.Errorf("an object in itself: got %v, %v, want an error", v, err)
	}
	worked := 0
	large := newShared(nil, make([]any, 1000)...)
	if _, err := convert.Copied(large.face, func(n int) { worked += n }); err != nil || worked < 700 {
		t.Errorf("a large one: charged %d, %v, want nearly 1000", worked, err)
	}
}
