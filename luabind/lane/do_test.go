package lane_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

// asking are commands that say who called them.
func asking(vm *sandbox.VM) {
	vm.Register("asked", func(L *lua.LState) int {
		L.Push(lua.LBool(lane.Running(L).Asked()))
		L.Insert(L.Get(-1), 1)
		L.Pop(1)
		return L.GetTop()
	})
	vm.Register("picky", func(L *lua.LState) int {
		L.CheckString(2)
		return 0
	})
	vm.Register("aside", func(L *lua.LState) int {
		if err := lane.Running(L).RunAside("told"); err != nil {
			L.RaiseError("%s", err.Error())
		}
		L.Push(lua.LBool(lane.Running(L).Asked()))
		return 1
	})
	vm.Register("pause", func(L *lua.LState) int {
		lane.Running(L).Wait(L, process.WaitingForInternalFlag, time.Now().Add(time.Hour), nil)
		return 0
	})
	vm.Register("unsent", func(L *lua.LState) int {
		L.Push(L.NewFunction(func(*lua.LState) int { return 0 }))
		return 1
	})
}

// doHouse is a program of a lane with the commands of asking.
func doHouse(t *testing.T, m methods) (*house, *process.Process, *lane.Program) {
	t.Helper()
	h := build(t, plan{}, m)
	l := lane.New(lane.Config{Fault: h.fault}, asking)
	p := h.table.Start(process.Spec{Type: process.OtherUser})
	program := l.NewProgram(p, h.set, nil)
	t.Cleanup(func() {
		program.Close()
		p.End()
		h.expectNoFaults()
	})
	return h, p, program
}

func TestDo(t *testing.T) {
	_, _, program := doHouse(t, methods{"main": "return asked()", "told": "was_asked = asked()"})
	do := func(command string, args ...any) string {
		results, err := program.Do(lane.Options{}, command, args...)
		if err != nil {
			return "error: " + err.Error()
		}
		return strings.Trim(fmt.Sprint(results), "[]")
	}
	expect(t, "asked", do("asked", nil, true, int64(7), 1.5, "x", []any{int64(1), "a"}), "true <nil> true 7 1.5 x [1 a")
	expect(t, "a bad argument", do("picky", "x"), "error: bad argument #2 to picky (string expected, got nil)")
	expect(t, "a result without a value", do("unsent"), "error: unsent: result 1: a function cannot leave its process")
	if got := do("asked", make([]any, 10_001)...); got != "error: asked: more than 10000 arguments" {
		t.Errorf("too many arguments: got %.100s", got)
	}
	for _, name := range []string{"", "nothing", "string", "_VERSION", "interprocess"} {
		if _, err := program.Do(lane.Options{}, name); !errors.Is(err, lane.ErrNoCommand) {
			t.Errorf("%q: got %v, want ErrNoCommand", name, err)
		}
	}
	results, err := program.Call(lane.Options{}, "main")
	expect(t, "code of the process", fmt.Sprint(results, err), "[false] <nil>")
	expect(t, "code that a command runs", do("aside"), "true")
	if got := program.Environment().RawGetString("was_asked"); got != lua.LFalse {
		t.Errorf("code that a command runs: asked is %v", got)
	}
}

func TestDoEndsWithTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p, program := doHouse(t, methods{"main": ""})
		over := make(chan error)
		go func() {
			_, err := program.Do(lane.Options{}, "pause")
			over <- err
		}()
		synctest.Wait()
		expect(t, "state while it waits", p.State(), process.WaitingForInternalFlag)
		cause := errors.New("the client has gone")
		p.Kill(cause)
		if err := <-over; !errors.Is(err, cause) {
			t.Errorf("got %v, want %v", err, cause)
		}
		p.Pardon()
		_, err := program.Do(lane.Options{Limit: time.Minute}, "pause")
		if !errors.Is(err, lane.ErrDeadline) {
			t.Errorf("got %v, want %v", err, lane.ErrDeadline)
		}
	})
}

func TestInterprocessOfAnotherLane(t *testing.T) {
	h := build(t, plan{}, methods{"main": "interprocess.n = 1"})
	home := lane.New(lane.Config{}, nil)
	var got lua.LValue
	look := func(L *lua.LState) int {
		lane.Running(L).Interprocess(func(variables *lua.LTable) {
			got = variables.RawGetString("n")
			variables.RawSetString("n", lua.LNumber(2))
		})
		return 0
	}
	other := lane.New(lane.Config{Number: 1, Cooperative: home}, func(vm *sandbox.VM) { vm.Register("look", look) })
	first := home.NewProgram(h.table.Start(process.Spec{Type: process.OtherUser}), h.set, nil)
	second := other.NewProgram(h.table.Start(process.Spec{Type: process.OtherUser, Preemptive: true}), h.set, nil)
	if _, err := first.Call(lane.Options{}, "main"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []lua.LValue{lua.LNumber(1), lua.LNumber(2)} {
		if _, err := second.Do(lane.Options{}, "look"); err != nil || got != want {
			t.Errorf("got %v (%v), want %v", got, err, want)
		}
	}
}

// TestMethodsOnServer has a lane whose methods with the mark run elsewhere, however they are called.
func TestMethodsOnServer(t *testing.T) {
	const mark = `--%attributes = {"executedOnServer":true}` + "\n"
	m := methods{"there": mark + "return 'here', ...", "main": "return there('a', 1)", "handed": "local f = there return pcall(f, {})"}
	elsewhere := func(L *lua.LState, name string) int {
		L.Push(lua.LString("elsewhere: " + name))
		L.Push(lua.LNumber(L.GetTop() - 1))
		return 2
	}
	h := build(t, plan{}, m)
	for _, c := range []struct {
		onServer           func(L *lua.LState, name string) int
		main, root, handed string
	}{
		{nil, "[here a 1] <nil>", "[here x] <nil>", "[true here []] <nil>"},
		{elsewhere, "[elsewhere: there 2] <nil>", "[elsewhere: there 1] <nil>", "[true elsewhere: there 1] <nil>"},
	} {
		l := lane.New(lane.Config{Fault: h.fault, OnServer: c.onServer}, nil)
		program := l.NewProgram(h.table.Start(process.Spec{Type: process.OtherUser}), h.set, nil)
		call := func(name string, args ...any) string {
			results, err := program.Call(lane.Options{}, name, args...)
			return fmt.Sprint(results, err)
		}
		expect(t, "called by a method", call("main"), c.main)
		expect(t, "the first method", call("there", "x"), c.root)
		expect(t, "handed on", call("handed"), c.handed)
	}
	h.expectNoFaults()
}

func BenchmarkDo(b *testing.B) {
	h := build(b, plan{}, methods{"main": ""})
	l := lane.New(lane.Config{}, asking)
	program := l.NewProgram(h.table.Start(process.Spec{Type: process.OtherUser}), h.set, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := program.Do(lane.Options{}, "asked"); err != nil {
			b.Fatal(err)
		}
	}
}
