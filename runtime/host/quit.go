package host

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"moongate/runtime/process"
	"moongate/runtime/session"
	"moongate/runtime/shutdown"
)

// Quit asks the server to stop and returns at once ("QUIT 4D" on a server): clients have so long to leave; less than
// 0 is until all have left.
func (h *Host) Quit(delay time.Duration) {
	if delay < 0 {
		h.AskToQuit(QuitRequest{Mode: QuitWait, script: true})
		return
	}
	h.AskToQuit(QuitRequest{Mode: QuitIn, Delay: delay, script: true})
}

// AskToQuit asks the server to stop, in one of the four ways of 4D's dialog, and returns at once. Requests add up: the
// server stops as soon as one of them has it stop, and whatever they say, at once when nobody is connected.
func (h *Host) AskToQuit(r QuitRequest) {
	h.events.publish(Event{Kind: QuitAsked, Text: r.Mode.String()}) // before what it brings about
	h.quits.ask(r)
	h.markStage(false)
}

// markStage has the door say what was asked for, in the goroutine of who asked: who connects after that is refused, or
// let in again after CancelQuit. Before the server serves for the first time, which begin says, nobody can connect.
func (h *Host) markStage(begin bool) {
	h.staging.Lock()
	defer h.staging.Unlock()
	switch {
	case h.sessions.Stage() == session.Starting && !begin:
	case h.quits.isStopping():
		h.sessions.SetStage(session.Stopping)
	default:
		h.sessions.SetStage(session.Serving)
	}
}

// CancelQuit takes all requests to stop back, those of quit_4d and of the operating system too. It fails with ErrNoQuit,
// or with ErrTooLate once clients are being disconnected.
func (h *Host) CancelQuit() error {
	err := h.quits.cancel()
	if err == nil {
		h.markStage(false)
	}
	return err
}

// Interrupt is an OS signal: the first asks the server to stop, with the delay of Config.QuitDelay; the second forces.
func (h *Host) Interrupt() {
	if h.quits.force() {
		h.forceOnce.Do(func() {
			h.log.Warn("the shutdown is forced")
			close(h.forced)
		})
		return
	}
	h.AskToQuit(QuitRequest{Mode: QuitIn, Delay: h.config.QuitDelay, signal: true})
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
	tellEvery     = 20 * time.Second // 4D repeats its message about every 20 s (exit.md)
	lookEvery     = time.Second      // between two looks at who is still there
	killGrace     = time.Second      // for a killed process to notice
	journalBudget = 5 * time.Second  // for the last rows of the journal
	farFuture     = 100 * 365 * 24 * time.Hour
)

// leave is the part of the shutdown that can be canceled: nobody is let in any more, and the clients are waited for. It
// reports false when the shutdown was canceled; then the server serves on.
func (h *Host) leave() bool {
	h.stages(
		shutdown.Stage{Name: "refuse new connections", Budget: time.Second, Run: func(context.Context) []string {
			if h.quits.isStopping() { // otherwise another process lets clients in, and who is logging in here may go on
				h.sessions.SetStage(session.Stopping)
			}
			return nil
		}},
		shutdown.Stage{Name: "wait for the clients", Budget: farFuture, Run: h.waitForClients},
	)
	if h.quits.isCommitted() {
		h.sessions.SetStage(session.Stopping)
		return true
	}
	h.progress.forget()
	h.takeLeft() // what was left by closes during the wait belongs to no shutdown
	h.markStage(true)
	h.log.Info("the shutdown was canceled")
	h.events.publish(Event{Kind: QuitCanceled})
	const goesOn = "the server goes on: its shutdown was canceled"
	for _, client := range clientsOf(h.sessions.Live()) {
		if !client.Push("stay", goesOn) {
			client.Tell(goesOn)
		}
	}
	return false
}

// shutdown is the part from which there is no way back (design: shutdown of a server). Everything that a server does to
// end is a row here or in leave.
func (h *Host) shutdown(shut func()) Report {
	all := []shutdown.Stage{
		{Name: "end the connections", Budget: farFuture, Run: func(ctx context.Context) []string {
			left := h.endConnections(ctx)
			shut()
			return left
		}},
		{Name: "the window", Budget: h.config.QuitWindow, Run: h.window},
		{Name: "write the journal", Budget: journalBudget, Run: h.closeJournal},
	}
	if h.client.server != nil {
		all[2] = shutdown.Stage{Name: "leave the server", Budget: 2 * h.farewell(), Run: h.leaveServer}
	}
	h.stages(all...)
	report := Report{Stages: h.progress.results()}
	for _, r := range report.Stages {
		report.Left = append(report.Left, r.Left...)
	}
	return report
}

// stages runs stages one after the other and says what became of each.
func (h *Host) stages(all ...shutdown.Stage) {
	for i, s := range all {
		all[i].Run = func(ctx context.Context) []string {
			h.progress.begin(s.Name)
			return s.Run(ctx)
		}
	}
	shutdown.Run(h.forced, all, func(r shutdown.Result) {
		h.progress.end(r)
		h.log.Info("shutdown", "stage", r.Stage, "duration", r.Duration.Round(time.Millisecond))
		for _, what := range r.Left {
			h.log.Warn("did not end by itself", "stage", r.Stage, "what", what)
		}
		h.events.publish(Event{Kind: StageOver, Stage: &r})
	})
}

// progress is how far the shutdown is.
type progress struct {
	mu    sync.Mutex
	stage string
	over  []shutdown.Result
}

func (p *progress) begin(stage string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stage = stage
}

func (p *progress) end(r shutdown.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stage, p.over = "", append(p.over, r)
}

func (p *progress) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stage, p.over = "", nil
}

func (p *progress) results() []shutdown.Result {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.over)
}

// closeJournal writes what the journal still has to write.
func (h *Host) closeJournal(ctx context.Context) []string {
	h.endShadow() // rows may wait for it
	if h.journal == nil {
		return nil
	}
	budget := time.Duration(0)
	if until, ok := ctx.Deadline(); ok && ctx.Err() == nil {
		budget = time.Until(until)
	}
	if err := h.journal.Close(budget); err != nil {
		return []string{"the journal: " + err.Error()}
	}
	return nil
}

// waitForClients tells the clients that the server stops, about every 20 seconds, and waits until they have left, or
// their time is over, or the shutdown is canceled.
func (h *Host) waitForClients(ctx context.Context) []string {
	var told time.Time
	var of chan struct{} // of the terms that the clients were told
	for {
		t := h.quits.terms()
		emptied, entering := h.sessions.Emptied(), 0
		if t.replaced {
			emptied, entering = h.sessions.Vacated(), h.sessions.Totals().Arrivals
		}
		waiting := h.waitingFor(t)
		now := time.Now()
		if !t.any {
			return nil
		}
		if over := len(waiting)+entering == 0 || !t.until.IsZero() && !now.Before(t.until) || ctx.Err() != nil; over {
			if h.quits.commit(t) {
				return nil
			}
			continue // the terms have changed
		}
		if of != t.changed || now.Sub(told) >= tellEvery {
			told, of = now, t.changed
			h.tellClients(t, waiting)
		}
		h.events.publish(Event{Kind: Waiting})
		next := now.Add(lookEvery)
		if !t.until.IsZero() && t.until.Before(next) {
			next = t.until
		}
		timer := time.NewTimer(next.Sub(now))
		select {
		case <-emptied:
		case <-t.changed:
		case <-timer.C:
		case <-ctx.Done(): // forced
		}
		timer.Stop()
	}
}

// waitingFor are the connections whose end the shutdown waits for.
func (h *Host) waitingFor(t terms) []*session.Connection {
	live := h.sessions.Live()
	if !t.active {
		return live
	}
	return slices.DeleteFunc(live, (*session.Connection).Sleeping)
}

// tellClients sends every client the administrator's message, or a default one, with the time that is left.
func (h *Host) tellClients(t terms, waiting []*session.Connection) {
	delay, text := t.notice()
	h.log.Info("waiting for the clients to leave", "connections", len(waiting), "mode", t.mode.String(), "message", text)
	h.announceQuit(delay, text)
}

// notice is what clients are told of the terms: see session.Stay.Quit.
func (t terms) notice() (delay time.Duration, text string) {
	delay, text = -1, "the server is stopping: please disconnect"
	if t.replaced {
		text = "the server has been replaced by a new one: please connect again"
	}
	if !t.until.IsZero() {
		delay = max(0, time.Until(t.until))
		text = fmt.Sprintf("the server stops in %v: please disconnect", delay.Round(time.Second))
	}
	if t.message != "" {
		text = t.message + " (" + text + ")"
	}
	return delay, text
}

// announceQuit tells all clients that the server is going to quit: in so long; 0 is now, less than 0 when they have left.
func (h *Host) announceQuit(delay time.Duration, text string) {
	for _, client := range clientsOf(h.sessions.Live()) {
		if !client.Quit(delay, text) && delay != 0 { // at the end all others hear that they are disconnected
			client.Tell(text)
		}
	}
}

// endConnections ends every connection and waits for the close methods, as long as one ends now and then: they share
// a lane, so many need long.
func (h *Host) endConnections(ctx context.Context) []string {
	h.sessions.Seal()
	h.announceQuit(0, "the server stops now")
	emptied := h.sessions.Vacated()
	for _, a := range h.sessions.Arrivals() {
		a.End(session.Shutdown)
	}
	for _, c := range h.sessions.Live() {
		c.End(session.Shutdown) // with the Application processes' links all others of their sessions
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
	for waiting, there := true, h.there(); waiting; {
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
			now := h.there()
			waiting, there = now < there, now
			stuck.Reset(patience())
		}
	}
	return h.leftBehind()
}

// leftBehind kills what is left of the connections, and names it.
func (h *Host) leftBehind() []string {
	left := h.takeLeft()
	for _, a := range h.sessions.Arrivals() {
		left = append(left, fmt.Sprintf("login from %s", a.Peer.Address))
	}
	for _, c := range h.sessions.Live() {
		left = append(left, fmt.Sprintf("connection %d (%s), process %d%s", c.ID, c.Peer.Address, c.Process.Number(), at(c.Process)))
		c.Process.Kill(errShutdown)
	}
	if links := h.sessions.Totals().Links; links > 0 {
		left = append(left, fmt.Sprintf("%d client processes without language", links))
	}
	return left
}

// there is how many are connected or logging in.
func (h *Host) there() int {
	totals := h.sessions.Totals()
	return totals.Live + totals.Arrivals + totals.Links
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
// every other process gets its abort flag and is woken once. It is over when the method has returned (a local host's or a
// client's, when all others have ended too, unless the server is gone), and then what still runs is killed. Without the
// method all are killed at once.
func (h *Host) window(ctx context.Context) []string {
	if h.scripts.Has(h.role.exit) && !h.client.missed {
		h.shutdownMethod(ctx)
		if h.role.together {
			h.awaitOthers(ctx)
		}
		if !h.role.together || h.Lost() != nil {
			h.letRun(ctx)
		}
	}
	h.starting.Lock()
	h.ended = true
	h.starting.Unlock()
	left := h.takeLeft()
	killed := h.dismiss(h.runningProcedures())
	for _, p := range killed {
		p.Kill(errShutdown)
	}
	return append(left, h.bury(killed)...)
}

// shutdownMethod runs on_server_shutdown, or on_exit, and returns when it has, or has called quit_4d, after which it does
// not go on, or when the time is over.
func (h *Host) shutdownMethod(ctx context.Context) {
	p := h.processes.Start(process.Spec{Name: "$xx", Type: process.OnExit, Method: h.role.exit})
	for _, other := range h.processes.All() {
		if other != p {
			other.SetAbortFlag()
		}
	}
	h.run(p, nil)
	h.awaitEnds(ctx, func() bool { return h.processes.Get(p.Number()) != p || p.Frozen() })
}

// runningProcedures are the living processes that run scripts for no client, the main process of a local host among them
// while it has a goroutine. The twins end with their connections.
func (h *Host) runningProcedures() []*process.Process {
	var found []*process.Process
	for _, p := range h.processes.All() {
		if p.RunsScripts() && p.Type() != process.InternalServer || p == h.main && h.mainRuns.Load() {
			found = append(found, p)
		}
	}
	return found
}

// mostNamed is how many killed processes the report names; of the others it has the number.
const mostNamed = 200

// bury waits a moment for killed processes to notice, and names them: none has ended by itself.
func (h *Host) bury(killed []*process.Process) []string {
	h.awaitProcedures(killGrace)
	running := map[*process.Process]bool{}
	for _, p := range h.runningProcedures() {
		running[p] = true
	}
	var left []string
	for i, p := range killed {
		if i == mostNamed {
			return append(left, fmt.Sprintf("%d more processes", len(killed)-i))
		}
		what := fmt.Sprintf("process %d %s%s", p.Number(), label(p), at(p))
		if running[p] {
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
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	h.awaitEnds(ctx, func() bool { return len(h.runningProcedures()) == 0 })
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
