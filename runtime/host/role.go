package host

import (
	"context"
	"fmt"
	"time"

	"moongate/runtime/method"
	"moongate/runtime/process"
)

// role is what a host does differently as a server, as a local host and as a client.
type role struct {
	main     process.Type // of process number 1
	startup  string       // the method at the start
	exit     string       // the method at the end, in a process named $xx
	rest     process.State
	together bool // the window lasts until no process is left, not only until the exit method has returned
}

var roles = map[method.Role]role{
	method.Server: {main: process.MainOfServer, startup: method.OnServerStartup, exit: method.OnServerShutdown, rest: process.WaitingForInternalFlag},
	method.Local:  {main: process.Main, startup: method.OnStartup, exit: method.OnExit, rest: process.WaitingForUserEvent, together: true},
	method.Remote: {main: process.Main, startup: method.OnStartup, exit: method.OnExit, rest: process.WaitingForUserEvent, together: true},
}

// startLocal runs on_startup in the main process of a local host, which stays, in a goroutine of its own: a method that
// goes on and on does not keep the others from quitting. Afterwards the main process is a worker, as in 4D: it carries out
// what call_worker gives to process 1, until the window has it end. The channel gives the error of on_startup when that has
// returned.
func (h *Host) startLocal() <-chan error {
	over := make(chan error, 1)
	box := h.boxes.Keep(h.main)
	h.mainRuns.Store(true)
	go func() { // ends when the window dismisses or kills the main process, or on_startup has failed
		program := h.scripts.NewProgram(h.main, nil)
		err := h.localStartup(program)
		over <- err
		if err != nil {
			h.quits.demand() // before who waits for the method goes on
		}
		close(h.startOver)
		h.client.start()
		if err == nil {
			h.work(h.main, program, box)
		}
		box.Left(h.main)
		program.Close()
		h.main.Rest(h.role.rest)
		h.mainRuns.Store(false)
		close(h.mainOver)
	}()
	return over
}

func (h *Host) localStartup(program Program) error {
	if !program.Has(h.role.startup) {
		return nil
	}
	_, err := h.measured(program, CallOptions{Handover: h.startupWaits}, h.role.startup)
	if err == nil || h.main.Killed() != nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrStartup, err)
}

// startupWaits is called when on_startup first waits for something.
func (h *Host) startupWaits() {
	close(h.startWaits)
	h.client.start()
}

// live lets a local host or a client live until somebody quits, on_startup fails or the server is gone, and gives the error.
func (h *Host) live(open func()) error {
	if !h.enter() {
		h.client.missed = true
		h.leave()
		return h.client.blame()
	}
	started := h.startLocal()
	open()
	for {
		<-h.quits.wanted()
		if h.leave() {
			break
		}
	}
	select {
	case err := <-started:
		if err != nil {
			return err
		}
	default:
	}
	return h.client.blame()
}

// awaitOthers waits until no process is left but those that wait for nothing that could come: idle workers, and who has
// called quit_4d. When a client's server is gone nobody is waited for.
func (h *Host) awaitOthers(ctx context.Context) {
	h.awaitEnds(ctx, func() bool { return h.Lost() != nil || len(h.unfinished()) == 0 })
}

// restLook is the time between two looks for processes that have come to have nothing to do, which tell nobody.
const restLook = 20 * time.Millisecond

// awaitEnds waits until a condition holds that the end of a process brings about, or its rest, or until ctx ends.
func (h *Host) awaitEnds(ctx context.Context, over func() bool) {
	look := time.NewTicker(restLook)
	defer look.Stop()
	mainOver := h.mainOver
	for {
		changed := h.processes.Changed()
		if over() {
			return
		}
		select {
		case <-changed:
		case <-mainOver: // which is no end of its process
			mainOver = nil
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// unfinished are the running procedures that have something to do.
func (h *Host) unfinished() []*process.Process {
	var found []*process.Process
	for _, p := range h.runningProcedures() {
		if h.busy(p) {
			found = append(found, p)
		}
	}
	return found
}
