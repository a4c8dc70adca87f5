package host

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"moongate/runtime/account"
	"moongate/runtime/application"
	"moongate/runtime/datastore"
	"moongate/runtime/document"
	"moongate/runtime/journal"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/session"
	"moongate/runtime/shutdown"
)

// Config is what a server is made with. All durations must be set; IdleTimeout 0 is none.
type Config struct {
	Role           method.Role // 0 is a server
	Log            *slog.Logger
	Version        string        // of the program
	Rules          session.Rules // who may connect; none: everybody
	MaxConnections int           // 0: any number
	MethodTimeout  time.Duration // for one open or close method
	IdleTimeout    time.Duration // for a connection without commands; 0: never
	Slice          time.Duration // of the lanes: what a close method gets when the shutdown is forced
	QuitDelay      time.Duration // how long clients may take to leave after an OS signal
	QuitWindow     time.Duration // for on_server_shutdown and the processes that still run
	AcceptOnError  bool          // what a failed open method means
	Record         bool          // what open methods read is noted, for the journal
	TraceSlow      time.Duration // a method that takes longer is logged with its place; 0: none is
	LoginTimeout   time.Duration // for a client to say who it is; 0: no limit
	NoRemote       bool          // no sessions of client machines
	SessionTimeout time.Duration // how long a remote session is kept whose client cannot be reached, or sleeps; 0: it is not

	Session string         // of this run of the server, for the journal: a UUID
	Users   *account.Users // nil: no accounts, everybody is the Designer
	Sockets Sockets        // that were inherited; nil: none
}

// Data is what a host has in its data folder.
type Data struct {
	Journal *journal.Journal // nil: nothing is recorded; the last stage of the shutdown closes it
	Numbers Numbers          // of the users; must be there with accounts

	Documents *document.Folder // of the scripts; nil: their commands say that there is none
	Store     *datastore.Store // of the scripts' tables; nil: there are none. Whoever opened it closes it, after Run
}

// Host is a server. Make it with New; Run is its life.
type Host struct {
	config      Config
	log         *slog.Logger
	processes   process.Table
	sessions    *session.Registry
	application *application.Server
	scripts     Scripts

	procedures sync.WaitGroup // stored procedures and workers, each a goroutine; the last stage of the shutdown sees them end
	boxes      process.Boxes  // of the workers
	client     client
	role       role
	main       *process.Process // number 1
	mainRuns   atomic.Bool      // the main process of a local host has a goroutine: for on_startup, then as a worker
	startWaits chan struct{}    // closed when that waits for the first time, or has used up its slice; nil on a server
	startOver  chan struct{}    // closed when on_startup has returned; nil on a server
	mainOver   chan struct{}    // closed when the main process has no goroutine any more; nil on a server
	console    atomic.Pointer[sitting]
	quits      quits
	progress   progress
	journal    *journal.Journal
	documents  *document.Folder
	store      *datastore.Store
	logins     logins
	measures   measures
	events     events
	gates      gates
	shadows    shadows
	probation  probation
	started    time.Time
	showing    sync.Mutex // one telling of the tables to remote clients at a time: nobody is told an older state last

	forced    chan struct{} // closed when the shutdown is forced
	forceOnce sync.Once
	staging   sync.Mutex // one change of the sessions' stage at a time
	starting  sync.Mutex // guards ended against a process that is just being started
	ended     bool       // no process may be started any more

	leftMu sync.Mutex
	left   []string // what did not end by itself, from goroutines that the stages do not see

	refusals, visits, faults lineBudget
}

// ErrStartup wraps the error of on_server_startup, with which Run returns.
var ErrStartup = errors.New("the host cannot start")

// New puts a server together. Scripts that ask the host for something before Run get it; they must be given by
// SetScripts before that.
func New(c Config) *Host {
	h := &Host{
		config: c, log: c.Log, sessions: session.NewRegistry(c.Rules, c.MaxConnections), forced: make(chan struct{}),
		started: time.Now(),
	}
	h.boxes.Start = h.startWorker
	h.quits.init()
	h.logins.users = c.Users
	h.application = application.NewServer(application.Options{
		Version: c.Version, IdleTimeout: c.IdleTimeout, LoginTimeout: c.LoginTimeout, Accounts: c.Users != nil, Sessions: h.sessions,
	})
	h.refusals.about, h.visits.about, h.faults.about = "refusals", "connections", "scripts that failed"
	h.client.said.about = "messages of the server"
	h.role = roles[max(c.Role, method.Server)]
	if h.role.main == process.Main {
		h.startWaits, h.startOver, h.mainOver = make(chan struct{}), make(chan struct{}), make(chan struct{})
	}
	h.main = h.processes.Start(process.Spec{Name: "Main process", Type: h.role.main, Method: h.mainMethod()})
	return h
}

// SetScripts gives the host its scripts. It is called once, before Run.
func (h *Host) SetScripts(s Scripts) { h.scripts = s }

// SetData gives the host its data. It is called once, before Run; without it nothing is kept.
func (h *Host) SetData(d Data) {
	h.journal, h.logins.numbers, h.documents, h.store = d.Journal, d.Numbers, d.Documents, d.Store
}

// Documents is the folder of the documents, nil when there is none.
func (h *Host) Documents() *document.Folder { return h.documents }

// Store is the data store, nil when there is none.
func (h *Host) Store() *datastore.Store { return h.store }

// Processes is the process table.
func (h *Host) Processes() *process.Table { return &h.processes }

// Sessions are the connections.
func (h *Host) Sessions() *session.Registry { return h.sessions }

// Report is how a server ended.
type Report struct {
	Stages []shutdown.Result
	Left   []string // what did not end by itself, over all stages
}

// Run is a server's life: on_server_startup, then open is called, which lets clients in, then it serves until
// somebody quits, then come the stages of the shutdown, during the first of which shut is called when nobody is let
// in any more. It blocks until all is over. A Host runs once. The error wraps ErrStartup; the stages run in that case
// too, so that whatever the startup method began is ended.
func (h *Host) Run(open, shut func()) (Report, error) {
	stop := make(chan struct{})
	var attendants sync.WaitGroup // they end when stop is closed
	attendants.Go(func() { h.scripts.Watch(stop) })
	attendants.Go(func() { h.application.Sweep(stop) })
	err := h.serve(open)
	report := h.shutdown(func() {
		shut()
		h.gates.shut()
	})
	if h.sessions.Totals().Live == 0 {
		h.gates.end()
	}
	h.events.publish(Event{Kind: Ended, Report: &report, Err: err})
	h.events.close()
	close(stop)
	attendants.Wait()
	h.scripts.Close()
	return report, err
}

// mainMethod is the method that the main process begins with: a local host's.
func (h *Host) mainMethod() string {
	if h.role.main == process.Main {
		return h.role.startup
	}
	return ""
}

// serve starts the host and lets it live until somebody quits.
func (h *Host) serve(open func()) error {
	if h.role.main == process.Main {
		return h.live(open)
	}
	err := h.startup()
	for opened := false; ; {
		if err == nil && !h.quits.isAsked() {
			h.markStage(true)
			if !opened {
				opened = true
				h.beginShadow()
				open()
				h.gates.serve()
			}
		}
		<-h.quits.wanted()
		if h.leave() {
			return err
		}
	}
}

// startup runs on_server_startup, in the process that 4D calls Client Manager, which stays.
func (h *Host) startup() error {
	manager := h.processes.Start(process.Spec{Name: "Client Manager", Type: process.ClientManager, Method: method.OnServerStartup})
	program := h.scripts.NewProgram(manager, nil)
	defer program.Close()
	defer manager.Rest(process.WaitingForInternalFlag)
	if !program.Has(method.OnServerStartup) {
		return nil
	}
	stopped := make(chan struct{})
	defer close(stopped)
	go func() { // ends with startup: an OS signal during a long startup method ends it
		select {
		case <-h.quits.interrupted():
			if h.quits.commit(h.quits.terms()) { // what the startup method has not finished cannot serve
				manager.Kill(errShutdown)
			}
		case <-stopped:
		}
	}()
	_, err := h.call(program, CallOptions{}, method.OnServerStartup)
	if err == nil || errors.Is(err, errShutdown) {
		return nil
	}
	h.quits.demand()
	return fmt.Errorf("%w: %w", ErrStartup, err)
}

// Procedure is a stored procedure to start.
type Procedure struct {
	Method string
	Name   string
	Args   []any
	Unique bool // do not start it when a user process of that name is alive (4D's *)
	Type   process.Type
}

// ErrStopped is returned by Start when the server no longer starts processes.
var ErrStopped = errors.New("the server is stopping and starts no processes any more")

// Start starts a stored procedure in a process and a goroutine of its own ("New process", which on the server is
// "Execute on server") and returns its number at once, or that of the process that has the name already. The error
// wraps ErrNoMethod or ErrStopped.
func (h *Host) Start(p Procedure) (process.Number, error) {
	if method.IsEvent(p.Method) || !h.scripts.Has(p.Method) {
		return 0, fmt.Errorf("%s: %w", p.Method, ErrNoMethod)
	}
	h.starting.Lock()
	defer h.starting.Unlock()
	if err := h.refusesLocked(); err != nil {
		return 0, err
	}
	if strings.HasPrefix(p.Name, "$") && h.role.main == process.MainOfServer {
		return 0, fmt.Errorf("%q is no name for a process of the server: $ begins the names of local ones", p.Name)
	}
	spec := process.Spec{Name: p.Name, Type: p.Type, Method: p.Method, Preemptive: h.scripts.Preemptive(p.Method)}
	var proc *process.Process
	if p.Unique {
		var started bool
		if proc, started = h.processes.StartUnique(spec); !started {
			return proc.Number(), nil
		}
	} else {
		proc = h.processes.Start(spec)
	}
	h.run(proc, p.Args)
	return proc.Number(), nil
}

// run runs a process's method in a goroutine that ends with it; the last stage of the shutdown sees that it does.
func (h *Host) run(p *process.Process, args []any) {
	program := h.scripts.NewProgram(p, nil)
	h.procedures.Go(func() {
		defer h.finish(p)
		defer program.Close()
		_, err := h.measured(program, CallOptions{}, p.Method(), args...)
		h.logEnd(p, program, err)
	})
}

// Drop ends the connections of a session ("DROP REMOTE USER"). It does not wait for their ends. An unknown session is
// nothing to do.
func (h *Host) Drop(sessionID string) {
	s := h.sessions.SessionOf(sessionID)
	if s == nil {
		return
	}
	if application := s.Application(); application != nil {
		application.End(session.Dropped)
		return
	}
	for _, c := range h.sessions.OfSession(sessionID) {
		h.end(c, session.Dropped)
	}
}

// end ends a connection, also one that is still being decided.
func (h *Host) end(c *session.Connection, cause session.Cause) {
	c.End(cause)
	if c.State() == session.Deciding {
		c.Process.Kill(fmt.Errorf("%w: %s", errDropped, cause))
	}
}

// noteLeft keeps something that did not end by itself for the report of the shutdown, if it was stopped for that.
func (h *Host) noteLeft(what string, err error) {
	if !errors.Is(err, ErrTooLong) || !h.quits.isAsked() {
		return
	}
	h.leftMu.Lock()
	defer h.leftMu.Unlock()
	h.left = append(h.left, what)
}

func (h *Host) takeLeft() []string {
	h.leftMu.Lock()
	defer h.leftMu.Unlock()
	left := h.left
	h.left = nil
	return left
}
