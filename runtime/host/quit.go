package host

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/session"
	"moongate/runtime/shutdown"
)

// waitForAll is the delay of a quit that waits until all clients have left.
const waitForAll time.Duration = -1

// quitRequest is what somebody asked for who wants the server to stop.
type quitRequest struct {
	delay  time.Duration // how long clients may take to leave; waitForAll: as long as they like
	signal bool          // asked by the operating system
}

// quits collects the requests to stop. With several the shorter time wins.
type quits struct {
	asked    chan struct{} // closed by the first request
	signaled chan struct{} // closed by the first request of the operating system
	mu       sync.Mutex
	any      bool
	until    time.Time // when clients must have left; zero: when they like
	signal   bool
	again    chan struct{} // closed and made anew by a later request, for the stage that waits
}

func (q *quits) ask(r quitRequest) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r.signal && !q.signal {
		q.signal = true
		close(q.signaled)
	}
	until := time.Time{}
	if r.delay != waitForAll {
		until = time.Now().Add(r.delay)
	}
	if !q.any {
		q.any, q.until = true, until
		q.again = make(chan struct{})
		close(q.asked)
		return
	}
	if !until.IsZero() && (q.until.IsZero() || until.Before(q.until)) {
		q.until = until
		close(q.again)
		q.again = make(chan struct{})
	}
}

func (q *quits) isAsked() bool {
	select {
	case <-q.asked:
		return true
	default:
		return false
	}
}

func (q *quits) bySignal() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.signal
}

// deadline is when clients must have left (zero: when they like), and a channel that is closed when that changes.
func (q *quits) deadline() (time.Time, <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.until, q.again
}

// Quit asks the server to stop and returns at once ("QUIT 4D" on a server): clients have so long to leave; less than
// 0 is until all have left.
func (h *Host) Quit(delay time.Duration) { h.quits.ask(quitRequest{delay: max(delay, waitForAll)}) }

// Interrupt is an OS signal: the first asks the server to stop, with the delay of Config.QuitDelay; the second forces.
func (h *Host) Interrupt() {
	if h.quits.isAsked() && h.quits.bySignal() {
		h.forceOnce.Do(func() {
			h.log.Warn("the shutdown is forced")
			close(h.forced)
		})
		return
	}
	h.quits.ask(quitRequest{delay: h.config.QuitDelay, signal: true})
}

func (h *Host) isForced() bool {
	select {
	case <-h.forced:
		return true
	default:
		return false
	}
}

// closeLimit is how long a close method may take.
func (h *Host) closeLimit() time.Duration {
	if h.isForced() {
		return h.config.Slice
	}
	return h.config.MethodTimeout
}

// Times of the shutdown that no flag sets.
const (
	tellEvery = 20 * time.Second // 4D repeats its message about every 20 s (exit.md)
	killGrace = time.Second      // for a killed process to notice
	farFuture = 100 * 365 * 24 * time.Hour
)

// shutdown runs the stages (design: shutdown of a server). Everything that a server does to end is a row here.
func (h *Host) shutdown(shut func()) Report {
	stages := []shutdown.Stage{
		{Name: "refuse new connections", Budget: time.Second, Run: func(context.Context) []string {
			h.sessions.SetStage(session.Stopping)
			return nil
		}},
		{Name: "wait for the clients", Budget: farFuture, Run: h.waitForClients},
		{Name: "end the connections", Budget: farFuture, Run: func(ctx context.Context) []string {
			left := h.endConnections(ctx)
			shut()
			return left
		}},
		{Name: "the window", Budget: h.config.QuitWindow, Run: h.window},
	}
	report := Report{}
	report.Stages = shutdown.Run(h.forced, stages, func(r shutdown.Result) {
		h.log.Info("shutdown", "stage", r.Stage, "duration", r.Duration.Round(time.Millisecond))
		for _, what := range r.Left {
			h.log.Warn("did not end by itself", "stage", r.Stage, "what", what)
			report.Left = append(report.Left, what)
		}
	})
	return report
}

// waitForClients tells the clients that the server stops, about every 20 seconds, and waits until they have left or
// their time is over.
func (h *Host) waitForClients(ctx context.Context) []string {
	for {
		emptied := h.sessions.Emptied()
		until, again := h.quits.deadline()
		select {
		case <-emptied:
			return nil
		default:
		}
		if !until.IsZero() && !time.Now().Before(until) {
			return nil
		}
		h.tellClients(until)
		next := time.Now().Add(tellEvery)
		if !until.IsZero() && until.Before(next) {
			next = until
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-emptied:
		case <-again:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		timer.Stop()
	}
}

func (h *Host) tellClients(until time.Time) {
	text := "the server is stopping: please disconnect"
	if !until.IsZero() {
		text = fmt.Sprintf("the server stops in %v: please disconnect", time.Until(until).Round(time.Second))
	}
	live := h.sessions.Live()
	h.log.Info("waiting for the clients to leave", "connections", len(live), "message", text)
	for _, c := range live {
		c.Tell(text)
	}
}

// endConnections ends every connection and waits for the close methods, as long as one ends now and then: they share
// a lane, so many need long.
func (h *Host) endConnections(ctx context.Context) []string {
	emptied := h.sessions.Emptied()
	for _, c := range h.sessions.Live() {
		c.End(session.Shutdown)
	}
	h.abortDeciding(true) // one that runs has a slice to come to its end: quit_4d lets its caller go on
	aborting := time.NewTimer(h.config.Slice)
	defer aborting.Stop()
	patience := func() time.Duration {
		if h.isForced() {
			return killGrace
		}
		return h.config.MethodTimeout + killGrace
	}
	stuck := time.NewTimer(patience())
	defer stuck.Stop()
	forced := ctx.Done()
	for waiting, live := true, len(h.sessions.Live()); waiting; {
		select {
		case <-emptied:
			return h.takeLeft()
		case <-aborting.C:
			h.abortDeciding(false)
		case <-forced:
			forced = nil
			h.abortDeciding(false)
			stuck.Reset(patience())
		case <-stuck.C:
			now := h.sessions.Count(session.Filter{})
			waiting, live = now < live, now
			stuck.Reset(patience())
		}
	}
	left := h.takeLeft()
	for _, c := range h.sessions.Live() {
		left = append(left, fmt.Sprintf("connection %d (%s), process %d%s", c.ID, c.Peer.Address, c.Process.Number(), at(c.Process)))
		c.Process.Kill(errShutdown)
	}
	return left
}

// abortDeciding ends the open methods that have not decided, or only those that wait for something.
func (h *Host) abortDeciding(waiting bool) {
	for _, c := range h.sessions.Live() {
		if c.State() == session.Deciding && !(waiting && c.Process.State() == process.Executing) {
			c.Process.Kill(errShutdown)
		}
	}
}

// window is 4D's time for the processes to end ("On Exit", "On Server Shutdown"): the method runs in a new process;
// every other process gets its abort flag and is woken once. It is over when the method has returned, and then what
// still runs is killed. Without the method all are killed at once.
func (h *Host) window(ctx context.Context) []string {
	if h.scripts.Has(method.OnServerShutdown) {
		h.shutdownMethod(ctx)
		h.letRun(ctx)
	}
	h.starting.Lock()
	h.ended = true
	h.starting.Unlock()
	left := h.takeLeft()
	killed := h.runningProcedures()
	for _, p := range killed {
		p.Kill(errShutdown)
	}
	return append(left, h.bury(killed)...)
}

// shutdownMethod runs on_server_shutdown and returns when it has, or when the time is over.
func (h *Host) shutdownMethod(ctx context.Context) {
	p := h.processes.Start(process.Spec{Name: "$xx", Type: process.OnExit, Method: method.OnServerShutdown})
	for _, other := range h.processes.All() {
		if other != p {
			other.SetAbortFlag()
		}
	}
	h.run(p, nil)
	for h.processes.Get(p.Number()) == p {
		changed := h.processes.Changed()
		if h.processes.Get(p.Number()) != p {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// runningProcedures are the living processes that run scripts for no client. The twins end with their connections.
func (h *Host) runningProcedures() []*process.Process {
	var found []*process.Process
	for _, p := range h.processes.All() {
		if p.RunsScripts() && p.Type() != process.InternalServer {
			found = append(found, p)
		}
	}
	return found
}

// bury waits a moment for killed processes to notice, and names each of them: none has ended by itself.
func (h *Host) bury(killed []*process.Process) []string {
	var left []string
	h.awaitProcedures(killGrace)
	for _, p := range killed {
		what := fmt.Sprintf("process %d %s%s", p.Number(), label(p), at(p))
		if h.processes.Get(p.Number()) == p {
			what += ", which still runs"
		}
		left = append(left, what)
	}
	return left
}

// letRun gives processes that were woken, and have not had their turn since, one slice to leave by themselves: a short
// on_server_shutdown returns before they have seen that they should.
func (h *Host) letRun(ctx context.Context) {
	runs := func(p *process.Process) bool { return p.State() == process.Executing }
	step := max(h.config.Slice/10, time.Microsecond)
	for range 10 {
		if ctx.Err() != nil || !slices.ContainsFunc(h.runningProcedures(), runs) {
			return
		}
		time.Sleep(step)
	}
}

// awaitProcedures waits until the last stored procedure has ended, so long at the most.
func (h *Host) awaitProcedures(most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	for {
		changed := h.processes.Changed()
		if len(h.runningProcedures()) == 0 {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			return
		}
	}
}

func label(p *process.Process) string {
	if name := p.Name(); name != "" {
		return fmt.Sprintf("%q (%s)", name, p.Method())
	}
	return fmt.Sprintf("(%s)", p.Method())
}

func at(p *process.Process) string {
	if place := p.Place(); place != "" {
		return " at " + place
	}
	return ""
}
