package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/remote"
	"moongate/runtime/structure"
)

// ClientOptions is what a client's host is made with, besides its Config.
type ClientOptions struct {
	Machine  string // the name under which the client is registered for orders; it must be there with Register
	Register bool   // register the client before on_startup ("Register Clients at Startup For Execute On Client")
	Design   bool   // an interpreted client: it has a Design process
	Leave    bool   // leave as soon as the server says that it is going to quit, without waiting for its end

	// Show gets what the server has to say to the person at the client, besides the log; nil: nobody is there. It must not
	// block.
	Show func(text string)
}

// client is what a host is besides, when it has a server. The zero client has none.
type client struct {
	options ClientOptions
	server  *remote.Client // nil: none. Connect sets it, before Run
	address string         // where it is
	tables  atomic.Pointer[structure.Structure]
	said    lineBudget            // lines about what the server says by itself
	lost    atomic.Pointer[error] // why the server is gone for good
	leaving atomic.Bool           // the host takes its leave: the end of the links is no loss
	begun   chan struct{}         // closed when on_startup has returned, or waits for the first time
	begin   func()                // closes begun; may be called again
	blamed  bool                  // Run returns why the server is gone. It belongs to Run's goroutine
	missed  bool                  // the host quits before on_startup: on_exit has nothing to do. It belongs to Run's goroutine

	life  context.Context // ends when the server is gone, or was left
	sever context.CancelFunc

	mu           sync.Mutex
	links        map[*process.Process]*remote.Process
	parting      map[*process.Process]bool // whose code has ended, while the server takes leave of them
	registration *registration             // nil: this client is not registered
}

var errNoServer = errors.New("this host has no server; moongate remote HOST:PORT has one")

// Connect connects a client's host with its server, and opens the session: see remote.Connect, whose errors it gives. What
// the server has to say is the host's from then on; the configuration's Notices are set here. It is called once, before Run.
func (h *Host) Connect(ctx context.Context, c remote.Config, o ClientOptions) error {
	h.client.options, h.client.begun = o, make(chan struct{})
	h.client.begin = sync.OnceFunc(func() { close(h.client.begun) })
	h.client.life, h.client.sever = context.WithCancel(context.Background())
	c.Notices = notices{h}
	server, err := remote.Connect(ctx, c)
	if err != nil {
		h.client.sever()
		return err
	}
	h.client.server, h.client.address = server, c.Address
	if tables := h.readTables(server.Welcome().Structure); tables != nil {
		h.client.tables.CompareAndSwap(nil, tables) // a notice may have come already
	}
	return nil
}

// start says that on_startup has returned, or waits.
func (c *client) start() {
	if c.begin != nil {
		c.begin()
	}
}

// RemoteStructure is the tables of the server; nil when the host has none. Nobody may change it.
func (h *Host) RemoteStructure() *structure.Structure { return h.client.tables.Load() }

// RemoteUser is the name of the account by which a client is known to its server, "" when the host is no client.
func (h *Host) RemoteUser() string {
	if h.client.server == nil {
		return ""
	}
	return h.client.server.Welcome().User
}

// Link is what a process of a client has on the server. It is made by its first use, and ends with the process. A local
// process, whose name begins with $, has none, and no host but a client's has any: that is the error, in words. When the
// server is gone for good the error is a *remote.Error. It does not block.
func (h *Host) Link(p *process.Process) (*remote.Process, error) {
	c := &h.client
	if c.server == nil {
		return nil, errNoServer
	}
	if err := h.Lost(); err != nil {
		return nil, &remote.Error{Number: remote.NumberLost, Message: err.Error()}
	}
	if p == h.main {
		return c.server.Application(), nil
	}
	name := p.Name()
	if strings.HasPrefix(name, "$") {
		return nil, fmt.Errorf("process %d, %s, is local, as the $ says, and has nothing on the server: do that in a process whose name begins with another character",
			p.Number(), name)
	}
	return c.link(p, name), nil
}

func (c *client) link(p *process.Process, name string) *remote.Process {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l, ok := c.links[p]; ok {
		return l
	}
	if c.links == nil {
		c.links = map[*process.Process]*remote.Process{}
	}
	l := c.server.Process(int64(p.Number()), name)
	c.links[p] = l
	return l
}

// finish ends what a process has on the server, and then frees its number, which is the name of its link there. It blocks
// until the server has taken leave of it, or can be waited for no longer; who is left at the end leaves with all others.
func (h *Host) finish(p *process.Process) {
	h.unlink(p)
	p.End()
	h.client.mu.Lock()
	defer h.client.mu.Unlock()
	delete(h.client.parting, p)
}

// isParting reports whether a process has nothing to do any more but to leave the server.
func (c *client) isParting(p *process.Process) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.parting[p]
}

func (h *Host) unlink(p *process.Process) {
	c := &h.client
	if c.server == nil {
		return
	}
	c.mu.Lock()
	l, ok := c.links[p]
	delete(c.links, p)
	if ok {
		if c.parting == nil {
			c.parting = map[*process.Process]bool{}
		}
		c.parting[p] = true
	}
	c.mu.Unlock()
	if !ok || h.hasEnded() {
		return
	}
	ctx, cancel := context.WithTimeout(c.life, h.farewell())
	defer cancel()
	if err := l.Close(ctx); err != nil && h.Lost() == nil {
		h.log.Warn("the server did not take leave of a process", "process", p.Number(), "name", p.Name(), "error", err)
	}
}

// farewell is how long the server may take to end what a process has there, its close method included.
func (h *Host) farewell() time.Duration { return h.config.MethodTimeout + killGrace }

// blame is why the server was gone before the host quit, as the error with which Run returns. It belongs to Run's goroutine.
func (c *client) blame() error {
	lost := c.lost.Load()
	if lost == nil {
		return nil
	}
	c.blamed = true
	return fmt.Errorf("%w: %w", ErrServerGone, *lost)
}

// ErrServerGone is wrapped by the error with which Run returns when a client has lost its server for good.
var ErrServerGone = errors.New("the server is gone")

// Lost is why the server is gone for good, nil while it is not.
func (h *Host) Lost() error {
	if err := h.client.lost.Load(); err != nil {
		return *err
	}
	return nil
}

// hasEnded reports whether the window is over.
func (h *Host) hasEnded() bool {
	h.starting.Lock()
	defer h.starting.Unlock()
	return h.ended
}

// refusesLocked is why no process can be started any more, nil while one can. When the server is gone the error wraps
// ErrStopped and a *remote.Error. starting is held.
func (h *Host) refusesLocked() error {
	switch err := h.Lost(); {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrStopped, &remote.Error{Number: remote.NumberClosed, Message: err.Error()})
	case h.ended:
		return ErrStopped
	default:
		return nil
	}
}

// enter is what a client does on the server before on_startup: it is registered, and then has its Design process. Who is
// refused one of them goes on without it. It blocks until both have been answered, the host quits or the server is gone, and
// reports whether the host goes on.
func (h *Host) enter() bool {
	c := &h.client
	if c.server == nil {
		return true
	}
	w := c.server.Welcome()
	h.log.Info("connected to the server", "address", c.address, "session", w.Session, "user", w.User, "process", w.Process,
		"connection", w.Connection, "version", w.Version)
	ctx, cancel := context.WithCancel(c.life)
	defer cancel()
	stopped := make(chan struct{})
	defer close(stopped)
	go func() { // ends with enter
		select {
		case <-h.quits.wanted():
			cancel()
		case <-stopped:
		}
	}()
	if c.options.Register && ctx.Err() == nil {
		if _, err := h.register(ctx, c.options.Machine); err != nil && ctx.Err() == nil {
			h.log.Warn("the client is not registered for orders", "name", c.options.Machine, "error", err)
		}
	}
	if c.options.Design && ctx.Err() == nil {
		if err := h.design(ctx); err != nil && ctx.Err() == nil {
			h.log.Warn("the client has no Design process", "error", err)
		}
	}
	return !h.quits.isAsked()
}

// designProcess is 4D's name of the process that an interpreted client has for its development environment.
const designProcess = "Design process"

// design starts the Design process, which runs nothing here: it is there for the open method.
func (h *Host) design(ctx context.Context) error {
	p := h.processes.Start(process.Spec{Name: designProcess, Type: process.Design})
	l := h.client.link(p, designProcess)
	if err := l.Language(ctx); err != nil {
		h.finish(p)
		return err
	}
	p.Rest(process.WaitingForUserEvent)
	return nil
}

// leaveServer ends what the client has on the server: the close methods run there, and the session is over.
func (h *Host) leaveServer(ctx context.Context) []string {
	c := &h.client
	defer c.sever()
	c.leaving.Store(true)
	lost := h.Lost()
	err := c.server.Close(ctx)
	switch {
	case lost != nil && !c.blamed: // during the window
		return []string{"the session on the server: " + lost.Error()}
	case lost == nil && err != nil:
		return []string{"the session on the server: " + err.Error()}
	}
	return nil
}

// hasMethod reports whether a name is that of a project method here.
func (h *Host) hasMethod(name string) bool { return !method.IsEvent(name) && h.scripts.Has(name) }
