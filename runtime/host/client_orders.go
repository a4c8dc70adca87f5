package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"moongate/runtime/process"
	"moongate/runtime/remote"
)

// registration is a client's process that carries out orders ("REGISTER CLIENT"): one after the other, in the process that
// has the registered name.
type registration struct {
	process *process.Process
	link    *remote.Process
	ready   chan struct{} // there is an order, or no more come

	mu     sync.Mutex
	orders []order
	over   bool // no more orders are carried out
}

// order is one method to run for somebody elsewhere.
type order struct {
	id     int64
	method string
	args   []any
}

// RegisterClient registers this client for orders under a name, which other clients may have too, and starts the process of
// that name which carries them out. It reports false if the client is registered already, or the host has no server
// ("REGISTER CLIENT" has no effect in local mode). It blocks for the server, which is asked as at the start of every
// client process, until ctx ends. The error is of the name, ErrStopped, or of the server, or the cause of ctx.
func (h *Host) RegisterClient(ctx context.Context, name string) (bool, error) {
	if h.client.server == nil {
		return false, nil
	}
	ctx, cancel := h.client.whileThere(ctx)
	defer cancel()
	return h.register(ctx, name)
}

// whileThere is a context that ends with ctx, and when the server is gone or was left.
func (c *client) whileThere(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	forget := context.AfterFunc(c.life, cancel)
	return ctx, func() {
		forget()
		cancel()
	}
}

// UnregisterClient ends the registration, with the orders that wait; the one that runs goes on to its end. It reports false
// if there is none. It blocks for the server until ctx ends, and gives the error of either; the registration is over all the
// same.
func (h *Host) UnregisterClient(ctx context.Context) (bool, error) {
	c := &h.client
	c.mu.Lock()
	r := c.registration
	c.registration = nil
	c.mu.Unlock()
	if r == nil {
		return false, nil
	}
	ctx, cancel := c.whileThere(ctx)
	defer cancel()
	_, err := r.link.Unregister(ctx)
	r.end()
	return err == nil, err
}

// longestName is how long the name of a registered client may be, in bytes.
const longestName = 255

// CheckClientName says what is wrong with the name of a client, nil when it can be registered.
func CheckClientName(name string) error {
	switch {
	case name == "":
		return errors.New("the name of a client is empty")
	case len(name) > longestName:
		return fmt.Errorf("the name of a client has %d bytes; it may have %d", len(name), longestName)
	case strings.HasPrefix(name, "$"):
		return fmt.Errorf("%q is no name for a client: $ begins the names of local processes", name)
	case strings.Contains(name, "@"):
		return fmt.Errorf("%q is no name for a client: @ stands for any characters", name)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("%q is no name for a client: it has control characters", name)
	}
	return nil
}

// register starts the process that carries out orders, has the server make its counterpart, and registers it.
func (h *Host) register(ctx context.Context, name string) (bool, error) {
	if err := CheckClientName(name); err != nil {
		return false, err
	}
	r, err := h.newRegistration(name)
	if r == nil || err != nil {
		return false, err
	}
	done := false
	if err = r.link.Language(ctx); err == nil {
		done, err = r.link.Register(ctx, name)
	}
	if err != nil || !done {
		h.forget(r)
		h.finish(r.process)
		return false, err
	}
	program := h.scripts.NewProgram(r.process, nil)
	h.procedures.Go(func() { // ends when the client is unregistered, the process is killed, or the host quits
		h.carryOut(r, program)
		h.forget(r)
		program.Close()
		h.finish(r.process)
	})
	return true, nil
}

// newRegistration starts the process of a registration; nil if there is one already.
func (h *Host) newRegistration(name string) (*registration, error) {
	h.starting.Lock()
	defer h.starting.Unlock()
	if err := h.refusesLocked(); err != nil {
		return nil, err
	}
	c := &h.client
	if c.registered() != nil {
		return nil, nil
	}
	r := &registration{ready: make(chan struct{}, 1)}
	r.process = h.processes.Start(process.Spec{Name: name, Type: process.ExecuteOnClient})
	r.process.Rest(process.WaitingForInternalFlag)
	r.link = c.link(r.process, name)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.registration = r
	return r, nil
}

// registered is the registration, nil when there is none.
func (c *client) registered() *registration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.registration
}

// forget makes place for another registration.
func (h *Host) forget(r *registration) {
	h.client.mu.Lock()
	defer h.client.mu.Unlock()
	if h.client.registration == r {
		h.client.registration = nil
	}
}

// mostOrders is how many orders may wait here. The server keeps the others: it gives the next when one is done.
const mostOrders = 16

// ordered takes an order in. A server that gives more than it may is none to have anything to do with.
func (h *Host) ordered(o order) {
	r := h.client.registered()
	if r == nil {
		h.log.Warn("an order came to a client that is not registered", "method", o.method)
		return
	}
	r.mu.Lock()
	tooMany := len(r.orders) >= mostOrders
	if !tooMany {
		r.orders = append(r.orders, o)
	}
	r.mu.Unlock()
	if tooMany {
		notices{h}.Lost(&remote.Error{Number: remote.NumberLost, Message: "the server broke the protocol: it gives orders without waiting for their end"})
		h.client.server.Sever()
		return
	}
	r.wake()
}

// end has the process carry out nothing more, and end.
func (r *registration) end() {
	r.mu.Lock()
	r.orders, r.over = nil, true
	r.mu.Unlock()
	r.wake()
}

func (r *registration) wake() {
	select {
	case r.ready <- struct{}{}:
	default: // it is going to look
	}
}

// idle reports whether there is nothing to carry out.
func (r *registration) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.orders) == 0
}

// next waits for an order. It reports false when none comes any more. It belongs to the goroutine of the process.
func (r *registration) next() (o order, ok bool) {
	for {
		r.mu.Lock()
		if r.over || r.process.Aborting() || r.process.Killed() != nil {
			r.mu.Unlock()
			return o, false
		}
		if len(r.orders) > 0 {
			o, r.orders = r.orders[0], r.orders[1:]
			r.mu.Unlock()
			return o, true
		}
		r.mu.Unlock()
		r.process.Wait(process.WaitingForInternalFlag, time.Time{}, time.Time{}, r.ready)
	}
}

// carryOut carries out orders, one after the other, once on_startup has returned or waits for something. Each is reported
// to the server as done whatever became of it: the next one comes then. It is the goroutine of the process.
func (h *Host) carryOut(r *registration, program Program) {
	p := r.process
	if p.Wait(process.WaitingForInternalFlag, time.Time{}, time.Time{}, h.client.begun) != process.Ready {
		return
	}
	for {
		o, ok := r.next()
		if !ok {
			return
		}
		program.Renew()
		if !h.hasMethod(o.method) {
			h.log.Warn("order not carried out", "process", p.Number(), "name", p.Name(), "method", o.method, "error", ErrNoMethod)
		} else if _, err := h.measured(program, CallOptions{}, o.method, o.args...); err != nil {
			h.logFailed(p, program, o.method, err)
		}
		p.Rest(process.WaitingForInternalFlag) // nothing of the order is left to wait for
		err := r.link.Done(h.client.life, o.id)
		p.Rest(process.Executing)
		if err != nil && h.Lost() == nil {
			h.log.Warn("the server does not know that an order was carried out", "process", p.Number(), "method", o.method, "error", err)
		}
	}
}
