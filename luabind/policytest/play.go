package policytest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"moongate/luabind"
	"moongate/luabind/command"
	"moongate/luabind/lane"
	"moongate/luabind/script"
	"moongate/runtime/datastore"
	"moongate/runtime/document"
	"moongate/runtime/host"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

// The host's terms: those of moongate serve without flags.
const (
	methodTimeout = 5 * time.Second
	slice         = 10 * time.Millisecond
	quitDelay     = 5 * time.Second
	quitWindow    = 13 * time.Second
)

// play is one run of a test, in its bubble. Except for what record and the look of lanes need, it is the goroutine's that
// runs the test.
type play struct {
	record
	runner *runner
	file   *file
	test   test
	begins time.Time // when the host is to be started; zero: at once
	late   lateness

	host    *host.Host
	scripts host.Scripts
	store   *datastore.Store // nil: there are no tables
	folder  string           // of the data, which is deleted
	gates   gates
	serving chan struct{} // closed when clients can come
	over    chan struct{} // closed when the host has ended; the report is complete then
	report  host.Report
	err     error // of the host

	process *process.Process // of the test; nil before it begins
	first   process.ID       // the last process before that of the test
	program *lane.Program
	acted   bool // something was done that the host may have noticed: its start can no longer be put off
	restart time.Time
	clients []*client

	until   atomic.Int64  // how far the clock may go, in nanoseconds since 1970
	halted  chan struct{} // closed when the test must end, with cause
	halting sync.Once
	cause   error
}

// outcome is what came of the play.
func (p *play) outcome() outcome {
	o := p.record.close()
	o.begins = p.restart
	return o
}

// run is the play: a host, the test in it, and the end of the host.
func (p *play) run() {
	p.halted = make(chan struct{})
	p.wake()
	p.mayTake(0)
	if err := p.open(); err != nil {
		p.failAt(err)
		return
	}
	defer os.RemoveAll(p.folder)
	done, supervised := make(chan struct{}), sync.WaitGroup{}
	supervised.Go(func() { p.supervise(done) })
	select {
	case <-p.serving:
		synctest.Wait() // whatever the start has begun has come as far as it can without time
		p.perform()
	case <-p.over:
		p.notStarted()
	}
	p.end()
	close(done)
	supervised.Wait()
}

// wake lets the bubble's clock go to the time at which the host is to be started: by default to the first moment of the
// year 2000, local time, if that is not over.
func (p *play) wake() {
	begins := p.begins
	if begins.IsZero() {
		begins = time.Date(2000, 1, 1, 0, 0, 0, 0, time.Local)
	}
	time.Sleep(time.Until(begins))
}

// open makes the host. The error is for the person who wrote the scripts.
func (p *play) open() (err error) {
	if p.folder, err = os.MkdirTemp(memory(), "moongate-test-"); err != nil {
		return err
	}
	p.host = host.New(host.Config{
		Role: p.runner.role, Log: slog.New(&logger{play: p, least: slog.LevelWarn}), Version: "test", MethodTimeout: methodTimeout,
		Slice: slice, QuitDelay: quitDelay, QuitWindow: quitWindow,
	})
	scripts, err := luabind.OpenWith(host.ScriptsConfig{
		Folder: p.runner.folder.path, Role: p.runner.role, Log: slog.New(&logger{play: p}), Slice: slice, Host: p.host,
	}, luabind.Additions{
		Host: func(h command.Host) command.Host { return actedOn{h, &p.gates} },
		Look: p.look, LookAlways: p.runner.cover != nil,
	})
	if err == nil {
		p.scripts = still{scripts}
		err = p.openData()
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(p.folder))
	}
	p.host.SetScripts(p.scripts)
	p.serving, p.over = make(chan struct{}), make(chan struct{})
	go func() { // ends with the host, for which end waits
		defer close(p.over)
		p.report, p.err = p.host.Run(func() { close(p.serving) }, func() {})
	}()
	return nil
}

// memory is the folder for temporary files that are kept in memory where the system has one, "" elsewhere.
func memory() string {
	const shared = "/dev/shm"
	if info, err := os.Stat(shared); err == nil && info.IsDir() && info.Mode().Perm()&0o002 != 0 {
		return shared
	}
	return ""
}

// openData gives the host its data.
func (p *play) openData() (err error) {
	tables := p.scripts.Structure()
	if len(tables.Tables) > 0 {
		p.store, err = datastore.Open(context.Background(), datastore.Config{
			Path: filepath.Join(p.folder, "data.sqlite"), Durability: datastore.Normal, Structure: tables,
		})
	}
	if err == nil {
		p.host.SetData(host.Data{Numbers: &numbers{}, Documents: document.New(filepath.Join(p.folder, "documents")), Store: p.store})
	}
	return err
}

// still is scripts that nobody changes, and that are not tidied: the clock of a test may jump over years.
type still struct{ host.Scripts }

// Watch returns when stop is closed.
func (still) Watch(stop <-chan struct{}) { <-stop }

// boot is the code that a test's process begins with: start is run, see play.start.
var boot = sync.OnceValue(func() *lua.FunctionProto {
	proto, err := script.Compile(start+"()", bootFile)
	if err != nil {
		panic(err)
	}
	return proto
})

const (
	start    = "moongate_test"
	bootFile = "moongate test"
)

// perform runs the test in a process of its own.
func (p *play) perform() {
	for _, other := range p.host.Processes().All() {
		p.first = max(p.first, other.ID())
	}
	p.process = p.host.Processes().Start(process.Spec{
		Name: "Test", Type: process.ServerInterface, Method: strings.TrimSuffix(path.Base(p.file.name), ".lua"),
	})
	defer p.process.End()
	program := p.scripts.NewProgram(p.process, nil)
	defer program.Close()
	p.program = luabind.LaneProgram(program)
	p.program.Look(p.install)
	p.mayTake(0)
	err := p.program.Evaluate(p.file.name, boot(), func(*lua.LState) {})
	switch {
	case !p.restart.IsZero():
	case err != nil:
		p.failAt(err)
	case p.late.is.Load(): // something else has run all the time, which the log names
		p.failAt(p.tooLate())
	}
}

// start runs the file of tests, which makes the functions, and then the one that is the test.
func (p *play) start(L *lua.LState) int {
	env := p.program.Environment()
	env.RawSetString(start, lua.LNil)
	L.Push(&lua.LFunction{Env: env, Proto: p.file.proto})
	L.Call(0, 0)
	f, ok := env.RawGetString(p.test.name).(*lua.LFunction)
	if !ok {
		L.Error(lua.LString(fmt.Sprintf("%s:%d: the file has made something else of %s", p.file.name, p.test.line, p.test.name)), 0)
	}
	L.Push(f)
	L.Call(0, 0)
	return 0
}

// notStarted says why the host ended before the test could begin.
func (p *play) notStarted() {
	switch {
	case p.isHalted(): // that is said
	case p.err == nil:
		p.failAt(errors.New("the host has ended before the test could begin: its scripts have called quit_4d"))
	default:
		p.failAt(p.err)
	}
}

// failAt notes an error that ended the test, with the calls that led there.
func (p *play) failAt(err error) {
	text := err.Error()
	calls := callsOf(err)
	switch {
	case placed.MatchString(text):
	case len(calls) > 0 && placed.MatchString(calls[0]) && p.process != nil:
		text = placed.FindString(calls[0]) + " " + text
	default:
		text = fmt.Sprintf("%s:%d: %s", p.file.name, p.test.line, text)
	}
	if len(calls) > 1 || len(calls) == 1 && !strings.Contains(text, placed.FindString(calls[0])) {
		text += "\n" + strings.Join(calls, "\n")
	}
	p.fail("%s", text)
}

// callsOf are the calls that led to an error of a script, the innermost first.
func callsOf(err error) []string {
	var failed host.ScriptError
	if !errors.As(err, &failed) {
		return nil
	}
	return slices.DeleteFunc(strings.Split(failed.Traceback(), "\n"), func(call string) bool {
		return call == "" || strings.HasPrefix(call, bootFile+":")
	})
}

// end ends the host, and says what did not end by itself.
func (p *play) end() {
	started := p.leftRunning()
	p.mayTake(0)
	p.host.Quit(0)
	if p.late.is.Load() || p.isHalted() {
		p.host.Interrupt() // twice is at once
		p.host.Interrupt()
	}
	<-p.over
	for _, c := range p.clients {
		c.hangUp()
	}
	synctest.Wait()
	for _, left := range p.report.Left {
		for _, one := range started {
			if strings.HasPrefix(left, fmt.Sprintf("process %d ", one.Number())) {
				p.notice(fmt.Sprintf("process %d (%s) was left running", one.Number(), one.Method()))
			}
		}
	}
	if p.store != nil {
		if err := p.store.Close(); err != nil {
			p.failAt(err)
		}
	}
}

// leftRunning are the processes that were started since the test began, and run yet; not those of clients.
func (p *play) leftRunning() []*process.Process {
	if p.process == nil {
		return nil
	}
	return slices.DeleteFunc(p.host.Processes().All(), func(one *process.Process) bool {
		return one.ID() <= p.process.ID() || !one.RunsScripts() || one.Type() == process.InternalServer || one.Type() == process.Worker
	})
}
