package host

import (
	"errors"
	"fmt"
	"slices"

	"moongate/runtime/method"
	"moongate/runtime/process"
)

// CallWorker has a worker run a method some time after this ("CALL WORKER"): see process.Boxes.Post for what becomes of
// a message. from is the process that posts. It does not wait. The error wraps ErrNoMethod, ErrStopped, or one of
// Boxes.Post.
func (h *Host) CallWorker(to process.Address, m process.Message, from *process.Process) error {
	if m.Method != "" && (method.IsEvent(m.Method) || !h.scripts.Has(m.Method)) {
		return fmt.Errorf("%s: %w", m.Method, ErrNoMethod)
	}
	return h.boxes.Post(to, m, from)
}

// KillWorker asks a worker to end when it has done what it does now, and forgets its messages ("KILL WORKER").
func (h *Host) KillWorker(to process.Address) { h.boxes.Kill(to) }

// startWorker starts the process of a worker, and a goroutine that ends with it; the last stage of the shutdown sees
// that it does. The error is ErrStopped.
func (h *Host) startWorker(b *process.Box, name string) (*process.Process, error) {
	h.starting.Lock()
	defer h.starting.Unlock()
	if err := h.refusesLocked(); err != nil {
		return nil, err
	}
	p := h.processes.Start(process.Spec{Name: b.Name(), Type: process.Worker, Method: name, Preemptive: h.scripts.Preemptive(name)})
	program := h.scripts.NewProgram(p, nil)
	h.procedures.Go(func() {
		h.work(p, program, b)
		program.Close()
		h.finish(p)
		if lost, err := b.Left(p); err != nil {
			h.log.Warn("messages of a worker are lost", "name", b.Name(), "messages", lost, "error", err)
		}
	})
	return p, nil
}

// work carries out a worker's messages, one after the other, until it is to end. A method that fails is logged, and the
// worker goes on: its variables stay. Each message finds the scripts as they are then.
func (h *Host) work(p *process.Process, program Program, b *process.Box) {
	for {
		m, ok := b.Take(p)
		if !ok {
			return
		}
		program.Renew()
		if _, err := h.measured(program, CallOptions{}, m.Method, m.Args...); err != nil {
			h.logFailed(p, program, m.Method, err)
		}
	}
}

// logFailed says why a worker did not carry a message out, unless the shutdown killed it, which names it itself.
func (h *Host) logFailed(p *process.Process, program Program, name string, err error) {
	switch killed := p.Killed(); {
	case errors.Is(killed, errShutdown):
	case errors.Is(killed, process.ErrEnded):
		h.log.Info("process aborted", "process", p.Number(), "name", p.Name(), "method", name, "place", p.Place())
	default:
		h.logFault(name, p, nil, program, err)
	}
}

// dismiss kills the processes that have nothing to do, which is no news, and gives the others.
func (h *Host) dismiss(all []*process.Process) []*process.Process {
	return slices.DeleteFunc(all, func(p *process.Process) bool {
		if h.busy(p) {
			return false
		}
		p.Kill(errShutdown)
		return true
	})
}

// ScriptFailed says that code of a process failed that is no method of its own, under the name of what ran it. The
// process goes on.
func (h *Host) ScriptFailed(p *process.Process, name, version string, err error) {
	h.logFault(name, p, nil, versioned(version), err)
}

// versioned is a version of the scripts, for logFault.
type versioned string

func (v versioned) Version() string { return string(v) }
