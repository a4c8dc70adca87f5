package sandbox

import (
	"reflect"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// The interpreter's tables remember every key that they ever had, about 90 bytes each, so that loops keep their
// order. A table that lives as long as the server, and in which each connection leaves and takes away a key of its
// own, would grow for ever. Tidy makes such tables anew.
//
// That must not happen below a loop that goes through the table: it finds its place by the last key, which may be one
// of those that are forgotten. So a table is only marked at first; next notes when a loop is in a marked table; and it is
// made anew at a later Tidy, when a loop has come to its end, or none has moved on in it for a minute.

const (
	bloatFrom   = 4096        // keys from which on a table may be marked
	bloatFactor = 4           // how many times more keys than values it must have
	loopTime    = time.Minute // after which a loop that does nothing is taken for over
	tidyValues  = 20_000      // looked at by one Tidy at the most, which is a millisecond
)

// The fields of a table: its keys, dead ones included, and its living values.
var (
	keptKeys    = field("keys")
	listed      = field("array")
	textValues  = field("strdict")
	otherValues = field("dict")
)

func field(name string) []int {
	f, ok := reflect.TypeFor[lua.LTable]().FieldByName(name)
	if !ok {
		panic("sandbox: lua.LTable has no field " + name + " any more: tidy.go must be written anew")
	}
	return f.Index
}

// size is how many values a table has at the most.
func size(t *lua.LTable) int {
	v := reflect.ValueOf(t).Elem()
	return v.FieldByIndex(listed).Len() + v.FieldByIndex(textValues).Len() + v.FieldByIndex(otherValues).Len()
}

func bloated(t *lua.LTable) bool {
	v := reflect.ValueOf(t).Elem()
	keys := v.FieldByIndex(keptKeys).Len()
	return keys >= bloatFrom && keys > bloatFactor*(v.FieldByIndex(textValues).Len()+v.FieldByIndex(otherValues).Len())
}

// Tidy looks through the tables below root for those that remember many keys without values, and makes those anew
// that were found by an earlier call. It is to be called every few seconds.
func (vm *VM) Tidy(root *lua.LTable, now time.Time) {
	for t, loop := range vm.marked {
		switch {
		case !bloated(t):
			delete(vm.marked, t)
		case loop.IsZero() || now.Sub(loop) >= loopTime:
			renew(t)
			delete(vm.marked, t)
		}
	}
	seen := map[*lua.LTable]bool{root: true}
	queue := []*lua.LTable{root}
	for left := tidyValues; len(queue) > 0; {
		t := queue[0]
		queue = queue[1:]
		if bloated(t) {
			if _, known := vm.marked[t]; !known {
				vm.marked[t] = now // a loop may be in it already
			}
		}
		if left -= size(t); left < 0 {
			continue // what is in so large a table is not looked at
		}
		t.ForEach(func(_, value lua.LValue) {
			if inner, ok := value.(*lua.LTable); ok && !seen[inner] {
				seen[inner] = true
				queue = append(queue, inner)
			}
		})
	}
}

// renew makes a table anew, with the keys that have values, in their order.
func renew(t *lua.LTable) {
	fresh := lua.LTable{Metatable: t.Metatable}
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		fresh.RawSet(k, v)
	}
	*t = fresh
}

// next is the library's next, which also notes that a loop is in a marked table, or has come to its end.
func (vm *VM) next(L *lua.LState) int {
	n := baseNext(L)
	if len(vm.marked) > 0 {
		if t, ok := L.Get(1).(*lua.LTable); ok {
			if _, marked := vm.marked[t]; marked {
				vm.marked[t] = time.Time{}
				if L.Get(-1) != lua.LNil {
					vm.marked[t] = time.Now()
				}
			}
		}
	}
	return n
}
