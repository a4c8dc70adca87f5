// Package luabind joins the host and Lua: an [Engine] loads the scripts, has the lanes that run them, and gives the
// host its programs.
//
// Its parts: script turns the folder into versioned sets of compiled methods, sandbox builds the Lua machines, lane
// runs processes in them, command is what scripts can call, convert turns values into Go's and back. All methods of
// an Engine may be called from any goroutine.
package luabind

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"moongate/luabind/command"
	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/luabind/script"
	"moongate/runtime/addressset"
	"moongate/runtime/datastore"
	"moongate/runtime/host"
	"moongate/runtime/interprocess"
	"moongate/runtime/method"
	"moongate/runtime/process"
)

// Engine is the scripts of one host.
type Engine struct {
	config    host.ScriptsConfig
	log       *slog.Logger
	commands  *command.Commands
	addresses []*addressset.Folder // of the folders that the scripts were in; the last one is in use
	lanes     []*lane.Lane         // lanes[0] is the cooperative one
	next      atomic.Uint32
	known     script.Known
	set       atomic.Pointer[script.Set]
	declared  atomic.Pointer[declaration] // the tables of the data
	additions Additions
	memory    *lane.Memory

	folder  atomic.Pointer[string]
	moved   chan struct{}          // holds one: Watch is to watch another folder
	reload  sync.Mutex             // one reload at a time
	problem atomic.Pointer[string] // what the last reload found wrong; nil: nothing

	swap       sync.Mutex  // guards changes of set, and what follows
	good       *script.Set // that was vouched for last
	goodFolder string      // where that was loaded from
	rejected   string      // the version that was taken back; "": none, or a file has changed since
	whyNot     string      // why that is not tried again
}

// Open loads the scripts and makes the lanes: the cooperative one, and a preemptive one for each processor.
func Open(c host.ScriptsConfig) (host.Scripts, error) { return open(c, Additions{}) }

func open(c host.ScriptsConfig, a Additions) (host.Scripts, error) {
	var acted command.Host = services{c.Host}
	if a.Host != nil {
		acted = a.Host(acted)
	}
	commands := a.commands(acted, c)
	e := &Engine{config: c, log: c.Log, commands: commands, additions: a, moved: make(chan struct{}, 1)}
	e.inhabitLocked(c.Folder) // nobody else has it yet
	e.memory = a.memory(c)
	for n := range a.lanes() {
		config := lane.Config{Number: n, Slice: c.Slice, Memory: e.memory, Fault: e.fault, Closed: commands.Closed, Uncaught: commands.Uncaught, Look: a.Look, LookAlways: a.LookAlways}
		if n > 0 {
			config.Cooperative = e.lanes[0]
		}
		if c.Role == method.Remote {
			config.OnServer = commands.CallOnServer
		}
		e.lanes = append(e.lanes, lane.New(config, func(vm *sandbox.VM) { commands.Install(vm, c.Role) }))
	}
	e.known = script.Known{"_G": true}
	for _, name := range e.lanes[0].Names() {
		e.known[name] = true
	}
	set, err := script.Load(c.Folder, e.known)
	if err != nil {
		return nil, err
	}
	declared, err := readStructure(c.Folder)
	if err != nil {
		return nil, err
	}
	e.declared.Store(declared)
	e.set.Store(set)
	e.good, e.goodFolder = set, c.Folder
	e.warn(set)
	return e, nil
}

func (e *Engine) warn(set *script.Set) {
	for _, w := range set.Warnings {
		e.log.Warn("script", "problem", w.String())
	}
}

// fault logs a Go panic below a script.
func (e *Engine) fault(f lane.Fault) {
	e.log.Error("fault of the host", "method", f.Method, "place", f.Place, "error", f.Value, "stack", string(f.Stack))
}

// Version is the current version of the scripts.
func (e *Engine) Version() string { return e.set.Load().Version }

// Has reports whether the current version has a method.
func (e *Engine) Has(name string) bool {
	_, ok := e.set.Load().Method(name)
	return ok
}

// Preemptive reports whether processes that begin with the method run in a preemptive lane.
func (e *Engine) Preemptive(name string) bool {
	m, ok := e.set.Load().Method(name)
	return ok && m.Preemptive
}

// Loaded describes the current version's methods.
func (e *Engine) Loaded() []host.Loaded {
	var events, projects []host.Loaded
	for _, m := range e.set.Load().Methods {
		l := host.Loaded{Name: m.Name, File: m.File, Hash: m.Hash, Event: m.Database}
		if event, ok := method.Lookup(m.Name); ok {
			l.NotRun = event.NotRun(e.config.Role)
			events = append(events, l)
		} else {
			projects = append(projects, l)
		}
	}
	byName := func(a, b host.Loaded) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(projects, byName)
	slices.SortFunc(events, func(a, b host.Loaded) int { return rank(a.Name) - rank(b.Name) })
	return append(events, projects...)
}

// rank is the place of a database method in the table.
func rank(name string) int {
	return slices.IndexFunc(method.Table, func(m method.Method) bool { return m.Name == name })
}

// NewProgram makes what a process has of the scripts.
func (e *Engine) NewProgram(p *process.Process, owner any) host.Program {
	l := e.lanes[0]
	if p.Preemptive() {
		l = e.lanes[1+int(e.next.Add(1))%(len(e.lanes)-1)]
	}
	return program{l.NewProgram(p, e.set.Load(), owner), e}
}

// Lanes tells what each lane does now.
func (e *Engine) Lanes() []host.Lane {
	var all []host.Lane
	for _, l := range e.lanes {
		r := l.Report()
		lane := host.Lane{
			Number: l.Number(), Preemptive: l.Number() > 0, Since: r.Since, Waits: r.Waits, Slices: r.Slices,
			Aborts: r.Aborts, Programs: r.Programs,
		}
		if r.Holder != nil {
			lane.Holder = r.Holder.Process()
		}
		for _, p := range r.Waiting {
			if p != nil {
				lane.Waiting = append(lane.Waiting, p.Process().Number())
			}
		}
		all = append(all, lane)
	}
	return all
}

// Held is what processes hold of semaphores and shared objects now.
func (e *Engine) Held() []interprocess.Holding { return e.commands.Held() }

// Rest says that nobody is at the door for now.
func (e *Engine) Rest() { e.lanes[0].Rest() }

// Close frees what the scripts hold.
func (e *Engine) Close() {
	e.commands.Close()
	for _, folder := range e.addresses {
		folder.Close()
	}
}

// services is the host as the commands see it.
type services struct{ *host.Host }

// StartProcess starts a stored procedure.
func (s services) StartProcess(name, processName string, args []any, unique bool) (process.Number, error) {
	return s.Start(host.Procedure{Method: name, Name: processName, Args: args, Unique: unique, Type: process.ExecuteOnServer})
}

// Link is the way to the server of a client's process.
func (s services) Link(p *process.Process) (command.Link, error) {
	link, err := s.Host.Link(p)
	if err != nil {
		return nil, err
	}
	return link, nil
}

// program is a lane's program as the host sees it.
type program struct {
	*lane.Program
	engine *Engine
}

// Has reports whether the program's version has a method.
func (p program) Has(name string) bool {
	_, ok := p.Set().Method(name)
	return ok
}

// Version is the version of the scripts that the program has.
func (p program) Version() string { return p.Set().Version }

// Renew gives the program the current version.
func (p program) Renew() { p.Program.Renew(p.engine.set.Load()) }

// Call runs a method.
func (p program) Call(o host.CallOptions, name string, args ...any) ([]any, error) {
	options := optionsOf(o)
	if name == method.OnServerCloseConnection {
		p.release(&options)
	}
	if o.Known != "" {
		p.know(o.Known)
		defer command.Know(p.Program, nil) // what comes later asks for itself, and nobody keeps them for the life of a connection
	}
	results, err := p.Program.Call(options, name, args...)
	if err != nil {
		return nil, translated(err)
	}
	return results, nil
}

// Do calls a command for a client.
func (p program) Do(o host.CallOptions, name string, args ...any) ([]any, error) {
	if !command.Asked(name) {
		return nil, fmt.Errorf("%s: %w", name, host.ErrNoCommand)
	}
	results, err := p.Program.Do(optionsOf(o), name, args...)
	if err != nil {
		return nil, translated(err)
	}
	return results, nil
}

// optionsOf are the terms of a call as the lane knows them.
func optionsOf(o host.CallOptions) lane.Options {
	options := lane.Options{Priority: lane.Ordinary, Limit: o.Limit, Handover: o.Handover, More: o.More, Trace: o.Trace, Record: o.Record}
	if o.Door {
		options.Priority = lane.Door
	}
	return options
}

// UseData gives the process data that somebody else closes. A transaction and locks that its open method has left are no
// part of that, and end.
func (p program) UseData(c *datastore.Context) {
	if p.engine.commands.HoldsData(p.Process()) {
		p.engine.commands.ReleaseData(p.Process())
	}
	command.UseData(p.Program, c)
}

// release ends the transaction of a client that has gone, and frees its locks, before its close method runs: what that saves is
// not undone with what the client left unfinished. (4D does both when it notices that a client is lost.)
func (p program) release(o *lane.Options) {
	if !p.engine.commands.HoldsData(p.Process()) {
		return
	}
	if o.Handover != nil {
		o.Handover()
		o.Handover = nil
	}
	p.engine.commands.ReleaseData(p.Process())
}

// translated gives an error of the lane the identity that the host knows.
func translated(err error) error {
	var failed *lane.Error
	switch {
	case errors.As(err, &failed):
		return &scriptError{failed}
	case errors.Is(err, lane.ErrNoMethod):
		return fmt.Errorf("%w: %w", host.ErrNoMethod, err)
	default:
		return err
	}
}

// scriptError is a lane's error that is also host.ErrTooLong when it is one.
type scriptError struct{ failed *lane.Error }

func (e *scriptError) Error() string     { return e.failed.Error() }
func (e *scriptError) Traceback() string { return e.failed.Traceback() }
func (e *scriptError) Unwrap() error     { return e.failed }

func (e *scriptError) Is(target error) bool {
	return target == host.ErrTooLong && errors.Is(e.failed, lane.ErrDeadline)
}
