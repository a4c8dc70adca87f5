package lane_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/luabind/script"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

func expect[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// methods are the files of a scripts folder, by name without .lua.
type methods map[string]string

// house is one or more lanes with the methods of a folder and the commands of this package's tests.
type house struct {
	t     testing.TB
	table process.Table
	lanes []*lane.Lane
	set   *script.Set

	mu     sync.Mutex
	faults []lane.Fault
	notes  []string
	gates  map[string]chan struct{}
	inside int // how many are in the command alone
}

// plan is what a house is built with.
type plan struct {
	lanes  int // 0: one
	slice  time.Duration
	memory uint64
}

func build(t testing.TB, p plan, m methods) *house {
	t.Helper()
	h := &house{t: t, gates: map[string]chan struct{}{}}
	memory := lane.NewMemory(p.memory)
	for n := range max(1, p.lanes) {
		l := lane.New(lane.Config{Number: n, Slice: p.slice, Memory: memory, Fault: h.fault}, h.install)
		h.lanes = append(h.lanes, l)
	}
	known := script.Known{"_G": true}
	for _, name := range h.lanes[0].Names() {
		known[name] = true
	}
	folder := t.TempDir()
	for name, text := range m {
		path := filepath.Join(folder, name+".lua")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set, err := script.Load(folder, known)
	if err != nil {
		t.Fatal(err)
	}
	h.set = set
	return h
}

func (h *house) fault(f lane.Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, f)
}

// expectNoFaults is for the end of every test that makes none.
func (h *house) expectNoFaults() {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.faults {
		h.t.Errorf("fault of the host in %s at %s: %v\n%s", f.Method, f.Place, f.Value, f.Stack)
	}
}

func (h *house) taken() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	notes := h.notes
	h.notes = nil
	return notes
}

// gate is a channel that tests close and the command hold waits for.
func (h *house) gate(name string) chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gates[name] == nil {
		h.gates[name] = make(chan struct{})
	}
	return h.gates[name]
}

// install adds the commands that the tests' methods call.
func (h *house) install(vm *sandbox.VM) {
	seconds := func(L *lua.LState) time.Duration {
		return time.Duration(float64(L.CheckNumber(1)) * float64(time.Second))
	}
	for name, f := range map[string]lua.LGFunction{
		"note": func(L *lua.LState) int { // keeps a text
			h.mu.Lock()
			defer h.mu.Unlock()
			h.notes = append(h.notes, L.CheckString(1))
			return 0
		},
		"wait": func(L *lua.LState) int { // gives the baton away for so many seconds
			lane.Running(L).Wait(L, process.WaitingForInternalFlag, time.Now().Add(seconds(L)), nil)
			return 0
		},
		"delay": func(L *lua.LState) int { // delays its own process, as delay_process does
			p := lane.Running(L)
			p.Process().Delay(seconds(L))
			p.Release(L)
			return 0
		},
		"outside": func(L *lua.LState) int { // gives the baton away until a gate is opened
			gate := h.gate(L.CheckString(1))
			lane.Running(L).Outside(func() { <-gate })
			return 0
		},
		"hold": func(L *lua.LState) int { // blocks without giving the baton away: a command that does this is wrong
			if gate, ok := L.Get(1).(lua.LString); ok {
				<-h.gate(string(gate))
			} else {
				time.Sleep(seconds(L))
			}
			return 0
		},
		"explode":         func(L *lua.LState) int { panic("a fault for the test") },
		"explode_outside": func(L *lua.LState) int { lane.Running(L).Outside(func() { panic("a fault outside") }); return 0 },
		"alone":           h.alone,
		"process_number":  func(L *lua.LState) int { L.Push(lua.LNumber(lane.Running(L).Process().Number())); return 1 },
	} {
		vm.Register(name, f)
	}
}

// alone fails the test when another goroutine is in it: whoever is in a command has the baton.
func (h *house) alone(*lua.LState) int {
	change := func(n int) int {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.inside += n
		return h.inside
	}
	if n := change(1); n != 1 {
		h.t.Errorf("%d goroutines touch the VM at once", n)
	}
	runtime.Gosched()
	change(-1)
	return 0
}

// start makes a process and its program, in lane 0.
func (h *house) start() *lane.Program { return h.startIn(0) }

func (h *house) startIn(n int) *lane.Program {
	p := h.table.Start(process.Spec{Type: process.ExecuteOnServer, Method: "main", Preemptive: n > 0})
	return h.lanes[n].NewProgram(p, h.set, nil)
}

// end ends a program and its process.
func end(p *lane.Program) {
	p.Close()
	p.Process().End()
}

// call runs a method in a process of its own.
func (h *house) call(o lane.Options, name string, args ...any) ([]any, error) {
	p := h.start()
	defer end(p)
	return p.Call(o, name, args...)
}

// outcome is what a call in the background returned.
type outcome struct {
	results []any
	err     error
	took    time.Duration
}

// background calls a method in a goroutine of its own.
func background(p *lane.Program, o lane.Options, name string, args ...any) <-chan outcome {
	over := make(chan outcome, 1)
	go func() {
		start := time.Now()
		results, err := p.Call(o, name, args...)
		end(p)
		over <- outcome{results, err, time.Since(start)}
	}()
	return over
}

// evaluate gives what the code of a method returns, as text, or the error.
func evaluate(t testing.TB, code string) string {
	t.Helper()
	h := build(t, plan{}, methods{"main": code})
	defer h.expectNoFaults()
	results, err := h.call(lane.Options{Limit: 20 * time.Second}, "main")
	if err != nil {
		return "error: " + err.Error()
	}
	return show(results)
}

func show(results []any) string {
	var parts []string
	for _, r := range results {
		parts = append(parts, fmt.Sprint(r))
	}
	return strings.Join(parts, " ")
}

// expectStopped checks that a call was stopped for a cause.
func expectStopped(t testing.TB, what string, err error, cause error) {
	t.Helper()
	if !errors.Is(err, cause) {
		t.Errorf("%s: got %v, want an error because of %v", what, err, cause)
	}
}
