// Package luabind joins the host and Lua: an [Engine] loads the scripts, has the lanes that run them, and gives the
// host its programs.
//
// Its parts: script turns the folder into versioned sets of compiled methods, sandbox builds the Lua machines, lane
// runs processes in them, command is what scripts can call, convert turns values into Go's and back. All methods of
// an Engine may be called from any goroutine.
package luabind

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"moongate/luabind/command"
	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/luabind/script"
	"moongate/runtime/addressset"
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
	addresses *addressset.Folder
	lanes     []*lane.Lane // lanes[0] is the cooperative one
	next      atomic.Uint32
	known     script.Known
	set       atomic.Pointer[script.Set]
	declared  atomic.Pointer[declaration] // the tables of the data

	reload  sync.Mutex             // one reload at a time
	problem atomic.Pointer[string] // what the last reload found wrong; nil: nothing
}

// Open loads the scripts and makes the lanes: the cooperative one, and a preemptive one for each processor.
func Open(c host.ScriptsConfig) (host.Scripts, error) {
	commands := command.New(services{c.Host}, c.Log)
	e := &Engine{config: c, log: c.Log, commands: commands, addresses: addressset.NewFolder(c.Folder, c.Log)}
	commands.AddressFiles(e.addresses)
	memory := lane.NewMemory(c.MemoryLimit)
	for n := range 1 + runtime.GOMAXPROCS(0) {
		e.lanes = append(e.lanes, lane.New(lane.Config{
			Number: n, Slice: c.Slice, Memory: memory, Fault: e.fault, Closed: commands.Closed, Uncaught: commands.Uncaught,
		}, func(vm *sandbox.VM) { commands.Install(vm, c.Role) }))
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

// tidyEvery is how often the interprocess variables are looked through.
const tidyEvery = 10 * time.Second

// Watch loads the scripts again whenever their folder changes, and keeps the lanes tidy, until stop is closed.
func (e *Engine) Watch(stop <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watcher := script.Watcher{Dir: e.config.Folder, Changed: func() { e.Reload() }}
	watching.Go(func() { watcher.Watch(ctx) })
	ticker := time.NewTicker(tidyEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			e.lanes[0].Tidy()
		case <-stop:
			cancel()
			watching.Wait()
			return
		}
	}
}

// Reload loads the scripts again. A set with an error is not used: the last good one stays, and the log says what is
// wrong, once. New processes use the new set; those that run end on the one they began with.
func (e *Engine) Reload() error {
	e.reload.Lock()
	defer e.reload.Unlock()
	set, err := script.Load(e.config.Folder, e.known)
	if err == nil {
		err = e.renewStructure()
	}
	if err != nil {
		e.notLoaded(err)
		return err
	}
	mended := e.problem.Swap(nil) != nil
	before := e.set.Load()
	if set.Version == before.Version {
		if mended {
			e.log.Info("scripts are as they were", "version", set.Version)
			e.config.Host.ScriptsLoaded(set.Version, nil)
		}
		return nil
	}
	e.set.Store(set)
	e.warn(set)
	e.log.Info("scripts loaded", "version", set.Version, "before", before.Version, "changed", strings.Join(changed(before, set), " "), "mended", mended)
	e.config.Host.ScriptsLoaded(set.Version, nil)
	return nil
}

// notLoaded says why a set is not used, unless that is known already.
func (e *Engine) notLoaded(err error) {
	problem := err.Error()
	if known := e.problem.Load(); known != nil && *known == problem {
		return
	}
	e.problem.Store(&problem)
	for line := range strings.Lines(problem) {
		e.log.Error("scripts not loaded", "problem", strings.TrimSuffix(line, "\n"), "kept_version", e.Version())
	}
	e.config.Host.ScriptsLoaded(e.Version(), err)
}

// Problem is what the last reload found wrong, "" when its scripts are in use.
func (e *Engine) Problem() string {
	if p := e.problem.Load(); p != nil {
		return *p
	}
	return ""
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

// changed names the methods that differ between two sets.
func changed(before, after *script.Set) []string {
	var names []string
	for _, m := range after.Methods {
		if old, ok := before.Method(m.Name); !ok {
			names = append(names, "+"+m.File)
		} else if old.Hash != m.Hash {
			names = append(names, m.File)
		}
	}
	for _, m := range before.Methods {
		if _, ok := after.Method(m.Name); !ok {
			names = append(names, "-"+m.File)
		}
	}
	slices.Sort(names)
	return names
}

// Rest says that nobody is at the door for now.
func (e *Engine) Rest() { e.lanes[0].Rest() }

// Close frees what the scripts hold.
func (e *Engine) Close() {
	e.commands.Close()
	e.addresses.Close()
}

// services is the host as the commands see it.
type services struct{ *host.Host }

// StartProcess starts a stored procedure.
func (s services) StartProcess(name, processName string, args []any, unique bool) (process.Number, error) {
	return s.Start(host.Procedure{Method: name, Name: processName, Args: args, Unique: unique, Type: process.ExecuteOnServer})
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
	options := lane.Options{Priority: lane.Ordinary, Limit: o.Limit, Handover: o.Handover, More: o.More, Trace: o.Trace}
	if o.Door {
		options.Priority = lane.Door
	}
	if name == method.OnServerCloseConnection {
		p.release(&options)
	}
	results, err := p.Program.Call(options, name, args...)
	if err != nil {
		return nil, translated(err)
	}
	return results, nil
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
