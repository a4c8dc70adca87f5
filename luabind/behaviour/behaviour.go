package behaviour

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/luabind/script"
	"moongate/runtime/process"
	"moongate/runtime/simulate"

	lua "github.com/yuin/gopher-lua"
)

// Behaviour is a file and the lane that it runs in.
type Behaviour struct {
	name      string // of the file, without its folder
	code      *lua.FunctionProto
	lane      *lane.Lane
	processes process.Table
	say       func(line string)
}

// longestFile is how many bytes a file may have: the compiler cannot be stopped.
const longestFile = 256 << 10

// Open reads and compiles a file. What clients print goes to say, which is called from many goroutines at once. The
// error has a line for each mistake, as file:line: message.
func Open(file string, say func(line string)) (*Behaviour, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, fmt.Errorf("behaviour: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("behaviour: %s is no file", file)
	case info.Size() > longestFile:
		return nil, fmt.Errorf("behaviour: %s has %d bytes; the limit is %d", file, info.Size(), longestFile)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("behaviour: %w", err)
	}
	b := &Behaviour{name: filepath.Base(file), say: say}
	if b.code, err = script.Compile(string(text), b.name); err != nil {
		return nil, err
	}
	b.lane = lane.New(lane.Config{Memory: lane.NewMemory(0)}, b.install)
	known := map[string]bool{"_G": true, "interprocess": true}
	for _, name := range b.lane.Names() {
		known[name] = true
	}
	if err := checkNames(string(text), b.name, known); err != nil { // before hundreds of clients find it out
		return nil, err
	}
	return b, nil
}

// life is what the commands have of a client.
type life struct {
	*simulate.Client
	process *process.Process
	woke    time.Time     // when it last had waited, or began
	rested  time.Duration // its time in Lua then
}

// Live lives the life of one client: see simulate.Behaviour. It blocks until the file has run to its end. When the
// time of the run is over the process is killed, which is the ordinary end of a loop.
func (b *Behaviour) Live(c *simulate.Client) error {
	p := b.processes.Start(process.Spec{Type: process.ExecuteOnServer, Method: b.name})
	defer p.End()
	l := &life{Client: c, process: p, woke: time.Now()}
	program := b.lane.NewProgram(p, &script.Set{SetsGlobals: true}, l)
	defer program.Close()
	defer c.AtOver(func() { p.Kill(simulate.ErrOver) })()
	err := program.Evaluate(b.name, b.code, func(*lua.LState) {})
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, simulate.ErrOver):
		return &simulate.Failure{Kind: simulate.BehaviourFailed, Err: err}
	case time.Since(l.woke) > looping && p.Info().CPU-l.rested > atWork:
		return &simulate.Failure{Kind: simulate.BehaviourLooped, Err: fmt.Errorf("%s: it ran here and waited for nothing when the time was over", program.Place())}
	}
	return simulate.ErrOver
}

// When code that the end of the run stopped counts as a loop: if it did not wait for so long, and that was not
// because others had the baton.
const (
	looping = 500 * time.Millisecond
	atWork  = 5 * time.Millisecond
)

// library is the name by which a behaviour can require the commands, as a table.
const library = "simulate"

// install adds the commands to the lane: by their names, and as a table for require, by which a file in a scripts
// folder has no names that the server would not know.
func (b *Behaviour) install(vm *sandbox.VM) {
	functions := map[string]lua.LGFunction{}
	for _, row := range table {
		functions[row.name] = func(L *lua.LState) int {
			return row.run(b, L, lane.Running(L).Owner().(*life))
		}
		vm.Register(row.name, functions[row.name])
	}
	vm.RegisterIn(library, functions)
	vm.Register("require", func(L *lua.LState) int {
		if name := L.CheckString(1); name != library {
			L.RaiseError("module %s not found: a behaviour has one file, and can require %q", name, library)
		}
		L.Push(L.GetField(lane.Running(L).Environment(), library))
		return 1
	})
}
