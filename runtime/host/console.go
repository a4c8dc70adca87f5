package host

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"moongate/runtime/process"
)

// Interpreter is what a program offers to somebody who types Lua, besides what a Program does. Those of package luabind do.
type Interpreter interface {
	// Evaluate runs a text, whose first line has the given number, and returns its results as text for people: "" if it
	// has none. It belongs to the goroutine that runs the process, and blocks until the text has run. The error is a
	// ScriptError, or wraps ErrUnfinished, or says what is wrong with the text.
	Evaluate(text string, line int) (string, error)
	// Complete is what could stand in place of the last word of a text: names with what leads to them (storage.flags),
	// sorted, and how many bytes of the text they replace. It may be called from any goroutine while the process runs
	// nothing, and waits for its turn in the lane.
	Complete(text string) (candidates []string, replaced int)
	// Explain says what a name means, or with "" what there is. It may be called from any goroutine.
	Explain(name string) string
}

var (
	// ErrUnfinished is wrapped by the error of Console.Run for a text that more lines may complete.
	ErrUnfinished = errors.New("the text is not finished")
	// ErrNoConsole is returned by OpenConsole when the scripts have no Interpreter.
	ErrNoConsole = errors.New("these scripts have no console")
)

// errLineInterrupted is the cause with which a line is stopped that somebody has had enough of.
var errLineInterrupted = errors.New("interrupted")

const (
	// executionDialog is the type of a console's process: 4D's dialog "Execute method" makes the same kind.
	executionDialog process.Type = 3
	// consoleMethod is what stands for the method of a console's process in reports.
	consoleMethod = "console"
)

// Console runs what somebody types, in a process of its own, whose variables last from one text to the next. 4D has its
// method editor for that. The process is named P_1; when it is aborted, the next text runs in another one, P_2. The
// methods of a Console belong to one goroutine, except where said; no text runs when a host stops.
type Console struct {
	host    *Host
	sitting *sitting // the process; nil: none yet
	number  int      // of processes so far
}

// sitting is one process of a console, with a goroutine that ends when it is killed, or woken because the host quits.
type sitting struct {
	host    *Host
	process *process.Process
	program interface {
		Program
		Interpreter
	}
	asked    request // handed over by ready
	ready    chan struct{}
	answered chan printout
	over     chan struct{} // closed when the process has ended
	rests    atomic.Bool   // it waits for a text
}

type request struct {
	ctx  context.Context
	text string
	line int
}

type printout struct {
	printed string
	err     error
	last    bool // the process ends
}

// OpenConsole makes the console of a host, and starts its process. A host has one at a time. The error is ErrNoConsole, or
// ErrStopped when the host quits. It is called after Run.
func (h *Host) OpenConsole() (*Console, error) {
	c := &Console{host: h}
	return c, c.sit()
}

// Over is closed when the host quits: nothing is to be typed any more.
func (c *Console) Over() <-chan struct{} { return c.host.quits.wanted() }

// Process is the number and the name of the console's process.
func (c *Console) Process() (process.Number, string) {
	return c.sitting.process.Number(), c.sitting.process.Name()
}

// AwaitStartup blocks until on_startup has returned, or ctx ends, or the host quits; unless it must have returned, also
// until it waits for something or has used up its slice. It reports whether the host goes on. It may be called from any
// goroutine, after Run.
func (h *Host) AwaitStartup(ctx context.Context, returned bool) bool {
	waits := h.startWaits
	if returned {
		waits = nil
	}
	select {
	case <-waits:
	case <-h.startOver:
	case <-ctx.Done():
	case <-h.quits.wanted():
	}
	return ctx.Err() == nil && !h.quits.isAsked()
}

// sit starts a process for the console.
func (c *Console) sit() error {
	h := c.host
	h.starting.Lock()
	defer h.starting.Unlock()
	if err := h.refusesLocked(); err != nil {
		return err
	}
	if h.quits.isAsked() {
		return ErrStopped
	}
	p := h.processes.Start(process.Spec{Name: fmt.Sprintf("P_%d", c.number+1), Type: executionDialog, Method: consoleMethod})
	s := &sitting{host: h, process: p, ready: make(chan struct{}, 1), answered: make(chan printout, 1), over: make(chan struct{})}
	program := h.scripts.NewProgram(p, nil)
	var ok bool
	if s.program, ok = program.(interface {
		Program
		Interpreter
	}); !ok {
		program.Close()
		p.End()
		return ErrNoConsole
	}
	s.rests.Store(true)
	c.sitting = s
	c.number++
	h.console.Store(s)
	h.procedures.Go(s.run)
	return nil
}

// Run runs a text, whose first line has that number in messages, with the current version of the scripts, and returns its
// results as text for people, "" if it has none. It blocks until the text has run, also when that calls quit_4d; the end of
// ctx interrupts it. The error is a ScriptError, or wraps ErrUnfinished, or says what is wrong with the text; it is
// ErrStopped when the host quits.
func (c *Console) Run(ctx context.Context, text string, line int) (string, error) {
	if c.sitting.hasEnded() {
		if err := c.sit(); err != nil {
			return "", err
		}
	}
	s := c.sitting
	s.asked = request{ctx, text, line}
	s.ready <- struct{}{}
	var a printout
	select {
	case a = <-s.answered:
	case <-s.over:
		select {
		case a = <-s.answered:
		default:
			a.err = s.end(nil) // before it began
		}
	}
	if a.last {
		<-s.over
	}
	return a.printed, a.err
}

// Complete is Interpreter.Complete for the console's process.
func (c *Console) Complete(text string) (candidates []string, replaced int) {
	return c.sitting.program.Complete(text)
}

// Explain is Interpreter.Explain.
func (c *Console) Explain(name string) string { return c.sitting.program.Explain(name) }

// run runs texts as they come. It is the goroutine of the process.
func (s *sitting) run() {
	defer close(s.over)
	defer s.host.finish(s.process)
	defer s.program.Close()
	for !s.process.Aborting() {
		outcome := s.process.Wait(process.WaitingForUserEvent, time.Time{}, time.Time{}, s.ready)
		s.rests.Store(false)
		if outcome != process.Ready {
			break
		}
		a := s.carryOut()
		if s.process.Killed() != nil || s.stopped() {
			a.err, a.last = s.end(a.err), true
			s.answered <- a
			break
		}
		s.rests.Store(true) // before anybody knows, and quits
		s.answered <- a
	}
	if errors.Is(s.process.Killed(), process.ErrEnded) {
		s.host.log.Info("process aborted", "process", s.process.Number(), "name", s.process.Name(), "method", consoleMethod,
			"place", s.process.Place())
	}
}

// carryOut runs the text that was asked for. An interrupt ends no more than that.
func (s *sitting) carryOut() printout {
	s.program.Renew()
	interrupted := make(chan struct{})
	stop := context.AfterFunc(s.asked.ctx, func() {
		defer close(interrupted)
		s.process.Kill(errLineInterrupted)
	})
	printed, err := s.program.Evaluate(s.asked.text, s.asked.line)
	if !stop() {
		<-interrupted
	}
	if s.process.Killed() == errLineInterrupted && !s.process.Frozen() {
		s.process.Pardon()
	}
	return printout{printed: printed, err: err}
}

// stopped reports whether the host starts no processes any more. Who was interrupted when it was killed for that does not
// know otherwise.
func (s *sitting) stopped() bool {
	s.host.starting.Lock()
	defer s.host.starting.Unlock()
	return s.host.ended
}

// end is the error of a text in which the process ended.
func (s *sitting) end(err error) error {
	killed := s.process.Killed()
	switch {
	case s.process.Frozen(), s.stopped(), errors.Is(killed, errShutdown):
		return ErrStopped
	case err == nil && killed != nil:
		err = killed
	case err == nil:
		return ErrStopped
	}
	return fmt.Errorf("%w\nprocess %d, %s, has ended, and with it its variables; what comes next runs in another one",
		err, s.process.Number(), s.process.Name())
}

func (s *sitting) hasEnded() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// busy reports whether a process has something to do: not who has called quit_4d, nor a worker without a message, nor a
// console at which nothing runs, nor a registered client without an order.
func (h *Host) busy(p *process.Process) bool {
	if s := h.console.Load(); s != nil && s.process == p && s.rests.Load() {
		return false
	}
	if h.client.isParting(p) || h.processes.Get(p.Number()) != p { // or has ended meanwhile, in this order
		return false
	}
	if r := h.client.registered(); r != nil && r.process == p && r.idle() && p.State() != process.Executing {
		return false
	}
	return !p.Frozen() && (!h.boxes.Idle(p) || p.State() == process.Executing)
}
