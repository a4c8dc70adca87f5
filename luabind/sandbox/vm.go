package sandbox

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Context is what a script runs under: the process, as the sandbox sees it.
type Context interface {
	context.Context
	Meter
	// Environment is the table of the process's variables.
	Environment() *lua.LTable
	// Resolve gives the value of a global name that is neither a process variable nor in the library, LNil
	// when there is none. It may raise a Lua error.
	Resolve(L *lua.LState, name string) lua.LValue
	// State is what the sandbox keeps of the process.
	State() *State
	// Outside lets others have the VM while f runs, which must not touch it.
	Outside(f func())
	// Now is the clock as the process sees it, which is now's unless its call is a rehearsal; Seen is what it sees of 64
	// bits that the library has for it: of a random number, or of a measure.
	Now(L *lua.LState, now func() time.Time) time.Time
	Seen(L *lua.LState, what string, bits uint64) uint64
	// Stopped is the cause for which the process must stop now, nil while it may go on.
	Stopped() error
	// Fault reports a Go panic below a script: a fault of the host, not of the script.
	Fault(value any, stack []byte)
}

// Stack sizes of a thread. Frames come in blocks of eight and registers grow, so a thread that runs little holds
// little.
const (
	maxFrames    = 1024    // calls inside each other
	minRegisters = 64      // values a thread holds at first
	registerStep = 1024    // how much it grows at once: small steps make growing quadratic
	maxRegisters = 1 << 16 // values at the most
	keptThreads  = 64      // threads that a VM keeps for the next process
)

func init() {
	// A single assignment t[n] = v fills the array part up to n. The interpreter's own bound lets that take 1 GiB.
	// Larger lists go on in the hash part; # and the library know.
	lua.MaxArrayIndex = 1 << 18
	// A function with ... that does not use it would get a table arg, as in Lua 5.0: 3 KB a call, for nobody.
	lua.CompatVarArg = false
}

// Options is what a VM is made with.
type Options struct {
	// Compile turns source into bytecode, for load and loadstring.
	Compile func(source, chunk string) (*lua.FunctionProto, error)
	// ConcatOperator and LengthOperator are the global names by which bytecode calls the operators .. and #.
	ConcatOperator, LengthOperator string
	// Now is the clock of os.time and os.date; nil is the real one.
	Now func() time.Time
}

// VM is one Lua machine.
type VM struct {
	main         *lua.LState
	shared       *lua.LTable // the library: what every process can call
	environment  *lua.LTable // the metatable of every process's variables
	free         []*lua.LState
	marked       map[*lua.LTable]time.Time // tables to be made anew, and when a loop was last in each: see Tidy
	nextFunction *lua.LFunction
	options      Options
}

// New makes a VM with the standard library.
func New(options Options) *VM {
	if options.Now == nil {
		options.Now = time.Now
	}
	main := lua.NewState(lua.Options{
		SkipOpenLibs: true, CallStackSize: maxFrames, MinimizeStackMemory: true,
		RegistryMaxSize: maxRegisters, RegistryGrowStep: registerStep,
	})
	main.Options.RegistrySize = minRegisters // of its threads; NewState takes less than 128 for 5120
	vm := &VM{marked: map[*lua.LTable]time.Time{}, main: main, options: options, shared: main.CreateTable(0, 160), environment: main.CreateTable(0, 2)}
	main.G.MainThread = main // threads are called directly; without it the first call would take the main thread's place
	vm.openLibraries()
	missing := main.CreateTable(0, 1)
	missing.RawSetString("__index", main.NewFunction(resolve))
	vm.shared.Metatable = missing
	vm.environment.RawSetString("__index", vm.shared)
	vm.environment.RawSetString("__metatable", lua.LString("read-only"))
	return vm
}

// Set adds a name to the library of every process of the VM.
func (vm *VM) Set(name string, value lua.LValue) { vm.shared.RawSetString(name, value) }

// Register adds a command to the library.
func (vm *VM) Register(name string, f lua.LGFunction) { vm.Set(name, vm.main.NewFunction(f)) }

// NewFunction makes a function of the VM that is in no library.
func (vm *VM) NewFunction(f lua.LGFunction) *lua.LFunction { return vm.main.NewFunction(f) }

// Function is the function that the library has under a name.
func (vm *VM) Function(name string) (*lua.LFunction, bool) {
	f, ok := vm.shared.RawGetString(name).(*lua.LFunction)
	return f, ok
}

// RegisterIn adds commands to the library as a read-only table of functions.
func (vm *VM) RegisterIn(table string, functions map[string]lua.LGFunction) {
	vm.Set(table, readOnly(vm.main, table, vm.table(functions)))
}

// Names are the names in the library, unsorted.
func (vm *VM) Names() []string {
	var names []string
	vm.shared.ForEach(func(k, _ lua.LValue) { names = append(names, k.String()) })
	return names
}

// Table makes an empty table with room for so many fields.
func (vm *VM) Table(fields int) *lua.LTable { return vm.main.CreateTable(0, fields) }

// NewEnvironment makes the table for the variables of a process, with room for so many.
func (vm *VM) NewEnvironment(variables int) *lua.LTable {
	env := vm.main.CreateTable(0, variables)
	env.Metatable = vm.environment
	return env
}

// Close gives back what the VM holds. Nothing may run in it any more.
func (vm *VM) Close() { vm.free = nil }

func (vm *VM) table(functions map[string]lua.LGFunction) *lua.LTable {
	t := vm.main.CreateTable(0, len(functions))
	for _, name := range slices.Sorted(maps.Keys(functions)) { // pairs goes through a table in the order of its making
		t.RawSetString(name, vm.main.NewFunction(functions[name]))
	}
	return t
}

// resolve is the last step in looking up a global name: _G, then whatever the process's context knows.
func resolve(L *lua.LState) int {
	name, ok := L.Get(2).(lua.LString)
	ctx, running := L.Context().(Context)
	switch {
	case !ok || !running:
		L.Push(lua.LNil)
	case name == "_G":
		L.Push(ctx.Environment())
	default:
		L.Push(ctx.Resolve(L, string(name)))
	}
	return 1
}

// random is the source of math.random: one for each VM, so that seeding it in one lane does nothing to another.
type random struct {
	*rand.Rand
	source rand.PCG
	L      *lua.LState // whose code asks
}

func newRandom(a, b uint64) *random {
	r := &random{source: *rand.NewPCG(a, b)}
	r.Rand = rand.New(r)
	return r
}

// by says whose code asks next.
func (r *random) by(L *lua.LState) *random {
	r.L = L
	return r
}

// Uint64 is the source of the numbers.
func (r *random) Uint64() uint64 {
	n := r.source.Uint64()
	if ctx, running := r.L.Context().(Context); running {
		return ctx.Seen(r.L, "random", n)
	}
	return n
}
