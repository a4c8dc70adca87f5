package sandbox

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

func keysOf(t *lua.LTable) int { return reflect.ValueOf(t).Elem().FieldByIndex(keptKeys).Len() }

// churn gives a table many keys and takes most of them away.
func churn(vm *VM, from, to int) *lua.LTable {
	t := vm.Table(0)
	for i := from; i < to; i++ {
		key := lua.LString(fmt.Sprint("k", i))
		t.RawSet(key, lua.LNumber(i))
		if i%1000 != 0 {
			t.RawSet(key, lua.LNil)
		}
	}
	return t
}

func TestTidyForgetsDeadKeys(t *testing.T) {
	vm := New(Options{ConcatOperator: "concat", LengthOperator: "length"})
	root, now := vm.Table(0), time.Now()
	inner := churn(vm, 0, 10_000)
	inner.RawSetInt(1, lua.LTrue)
	inner.Metatable = root
	root.RawSetString("open", inner)
	vm.Tidy(root, now)
	if got := keysOf(inner); got != 10_000 {
		t.Errorf("after the first look: got %d keys, want 10000: it only marks", got)
	}
	vm.Tidy(root, now.Add(loopTime-1))
	if got := keysOf(inner); got != 10_000 {
		t.Errorf("within a minute: got %d keys, want 10000: a loop may be in it", got)
	}
	vm.Tidy(root, now.Add(loopTime))
	if got := keysOf(inner); got != 10 {
		t.Errorf("after the second look: got %d keys, want 10", got)
	}
	var keys []string
	for k, _ := inner.Next(lua.LNil); k != lua.LNil; k, _ = inner.Next(k) {
		keys = append(keys, k.String())
	}
	want := "[1 k0 k1000 k2000 k3000 k4000 k5000 k6000 k7000 k8000 k9000]"
	if got := fmt.Sprint(keys); got != want || inner.Metatable != root {
		t.Errorf("got %s, metatable kept %v, want %s", got, inner.Metatable == root, want)
	}
}

func TestTidyLeavesLoopsAlone(t *testing.T) {
	vm := New(Options{ConcatOperator: "concat", LengthOperator: "length"})
	root := vm.Table(0)
	inner := churn(vm, 0, 10_000)
	root.RawSetString("open", inner)
	next := func(key lua.LValue) lua.LValue {
		vm.main.Push(vm.nextFunction)
		vm.main.Push(inner)
		vm.main.Push(key)
		vm.main.Call(2, 1)
		defer vm.main.SetTop(0)
		return vm.main.Get(-1)
	}
	vm.Tidy(root, time.Now())
	key := next(lua.LNil)
	vm.Tidy(root, time.Now())
	if got := keysOf(inner); got != 10_000 {
		t.Errorf("a loop is in the table: got %d keys, want all 10000", got)
	}
	for key != lua.LNil {
		key = next(key)
	}
	vm.Tidy(root, time.Now())
	if got := keysOf(inner); got != 10 {
		t.Errorf("the loop has ended: got %d keys, want 10", got)
	}
	inner = churn(vm, 0, 10_000)
	root.RawSetString("open", inner)
	vm.Tidy(root, time.Now())
	next(lua.LNil)
	vm.Tidy(root, time.Now().Add(2*loopTime))
	if got := keysOf(inner); got != 10 {
		t.Errorf("the loop was left long ago: got %d keys, want 10", got)
	}
}
