package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"moongate/runtime/account"
	"moongate/runtime/admin"
	"moongate/runtime/datafolder"
	"moongate/runtime/datastore"
	documents "moongate/runtime/document"
	"moongate/runtime/front"
	"moongate/runtime/handover"
	"moongate/runtime/host"
	"moongate/runtime/journal"
	"moongate/runtime/listener"
	"moongate/runtime/method"
	"moongate/runtime/metrics"
	"moongate/runtime/session"
)

// serve is moongate serve.
func serve(m *invocation, args []string) int { return start(m, newFlags(), args) }

// local is moongate local: a host without clients.
func local(m *invocation, args []string) int { return start(m, newLocalFlags(), args) }

// start runs a host.
func start(m *invocation, f *flags, args []string) int {
	if ok, code := m.parsed(f, args); !ok {
		return code
	}
	lines := &detour{to: m.stderr}
	writer := newLogWriter(lines)
	defer writer.Close()
	log, err := newLog(writer, f.logLevel, f.logFormat)
	if err != nil {
		return m.usage(err)
	}
	s := &server{flags: f, log: log, stderr: m.stderr}
	s.numbers.server = s
	if !f.local {
		signals, quiet := restartSignals() // from the first moment on: without it the signal ends the program
		defer quiet()
		s.restarts.signals = signals
		if err := s.inherit(); err != nil {
			return m.failed(err)
		}
	}
	for _, name := range f.unknownVariables() {
		log.Warn("no flag has this environment variable; see moongate --help", "variable", name)
	}
	limitMemory(uint64(f.memoryLimit))
	if f.console {
		s.console = newConsole(m, lines, log)
	}
	if f.remote != nil {
		defer s.heedSignals()() // from before it is connected on
	}
	if err = s.open(m.scripts.Open); err == nil {
		if err = s.openShadow(m.scripts.Shadow); err != nil {
			s.close()
		}
	}
	if err == nil && f.remote != nil {
		if err = s.connect(m, writer); err != nil {
			s.close()
		}
	}
	if err != nil {
		writer.Close()
		return m.failed(err)
	}
	return s.run()
}

// server is one run of serve.
type server struct {
	flags     *flags
	log       *slog.Logger
	session   string // of this run, for the journal
	data      *datafolder.Folder
	journal   *journal.Journal
	users     *account.Users // nil: no accounts
	host      *host.Host
	scripts   host.Scripts
	store     *datastore.Store // nil: nobody needs one, or only numbers does, later
	numbers   userNumbers
	listeners []*listener.Listener
	asked     []string         // the address that --listen has for each of them
	front     *front.Front     // that ends TLS on them; nil: they have none
	gates     []netip.AddrPort // of --gate, then those of on_server_startup
	admin     *admin.Listener  // nil: none
	console   *console         // nil: none
	signals   chan os.Signal   // that end programs
	serving   sync.WaitGroup   // a goroutine for each listener, ended by its Close
	over      chan struct{}    // closed when the server is over

	stderr     io.Writer          // of a successor, until it serves
	heritage   *handover.Heritage // from the process that this one takes over from; nil: none
	sockets    *handover.Sockets  // that were inherited and not taken yet; nil: none
	restarts   restarts
	notifier   *notifier      // nil: systemd does not want to know
	failed     error          // why it does not serve although it has started
	attendants sync.WaitGroup // goroutines that end when the server is over
}

// open makes a server: it reads the accounts, loads the scripts, takes the data folder and binds the addresses, in this
// order: with a mistake in a flag, an account or a script nothing is touched, and nobody gets in. What was opened is closed
// again when it fails.
func (s *server) open(open host.OpenScripts) (err error) {
	s.over, s.session = make(chan struct{}), session.NewID()
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	f := s.flags
	if f.users != "" {
		if s.users, err = account.Open(f.users, s.log); err != nil {
			return err
		}
	}
	if s.front, err = f.openTLS(s.log); err != nil {
		return err
	}
	s.assemble()
	s.scripts, err = open(host.ScriptsConfig{
		Folder: f.scripts, Role: s.role(), Log: s.log, Slice: f.slice, MemoryLimit: uint64(f.memoryLimit), Host: s.host,
	})
	if err != nil {
		return err
	}
	s.host.SetScripts(s.scripts)
	s.heritage.Alive("scripts loaded")
	if err := s.takeData(); err != nil {
		return err
	}
	s.heritage.Alive("data folder open")
	return s.listen()
}

// assemble makes the host.
func (s *server) assemble() {
	f := s.flags
	s.host = host.New(host.Config{
		Role: s.role(), Log: s.log, Version: Version(), Rules: f.rules, MaxConnections: f.maxConnections,
		MethodTimeout: f.methodTimeout, IdleTimeout: f.idleTimeout, LoginTimeout: f.loginTimeout, NoRemote: f.noRemote, SessionTimeout: f.sessionTimeout, Slice: f.slice, TraceSlow: f.traceSlow,
		QuitDelay: f.quitDelay, QuitWindow: f.quitWindow, AcceptOnError: f.onError == "accept", Record: f.record == "on", Session: s.session, Users: s.users,
		Sockets: gateSockets{s.sockets},
	})
}

// takeData takes the data folder and opens what is in it.
func (s *server) takeData() (err error) {
	if err := s.openData(); err != nil {
		return err
	}
	if s.flags.remote != nil { // the tables are the server's
		s.host.SetData(host.Data{Documents: documents.New(s.data.File(documents.FolderName))})
		return nil
	}
	if err := s.openStore(); err != nil {
		return err
	}
	if s.flags.local { // nobody connects
		s.host.SetData(host.Data{Documents: documents.New(s.data.File(documents.FolderName)), Store: s.store})
		return nil
	}
	s.journal = journal.Open(journal.Options{Folder: s.data.Path(), Session: s.session, Keep: time.Duration(s.flags.journalKeep), Beside: s.heritage != nil, Log: s.log})
	s.host.SetData(host.Data{Journal: s.journal, Numbers: &s.numbers, Documents: documents.New(s.data.File(documents.FolderName)), Store: s.store})
	return nil
}

// openData takes the data folder, or a part in it.
func (s *server) openData() (err error) {
	if s.heritage != nil {
		s.data, err = datafolder.Inherit(s.flags.data, s.heritage.Lock)
		return err
	}
	s.data, err = datafolder.Open(s.flags.data)
	if err == nil {
		s.removeAddresses() // of a server that was killed; one that runs has the folder
	}
	return err
}

// close closes what open has opened when it fails.
func (s *server) close() {
	s.shut()
	if s.admin != nil {
		s.admin.Close(0)
	}
	if s.journal != nil {
		s.journal.Close(time.Second)
	}
	s.closeStore()
	if s.data != nil {
		s.data.Close()
	}
}

func (s *server) listen() error {
	for _, address := range s.flags.listen {
		if address == "none" {
			continue
		}
		l, err := s.bind(address)
		if err != nil {
			return inUse(err, "--listen")
		}
		s.listeners, s.asked = append(s.listeners, l), append(s.asked, address)
	}
	if err := s.openGates(); err != nil {
		return err
	}
	if err := s.openAdmin(); err != nil {
		return err
	}
	if s.heritage != nil {
		return nil // the predecessor's are right until it stops
	}
	return s.writeAddresses()
}

// bind binds an address of --listen, or takes the socket that was inherited for it.
func (s *server) bind(address string) (*listener.Listener, error) {
	if inner := s.sockets.Take(handover.Clients, address, ""); inner != nil {
		return listener.Inherit(inner, s.log)
	}
	return listener.Open(address, s.log)
}

// inUse says what to do about an address that another program has.
func inUse(err error, flag string) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: another program has the port; stop it, or give another address with %s", err, flag)
	}
	return err
}

// openAdmin binds the admin listener.
func (s *server) openAdmin() error {
	f := s.flags
	if f.admin == "none" {
		return nil
	}
	token := ""
	if f.adminTokenFile != "" {
		var err error
		if token, err = admin.ReadToken(f.adminTokenFile); err != nil {
			return err
		}
	}
	facts := admin.Facts{
		Version: Version(), Listen: s.bound(), Scripts: absolute(f.scripts), Data: s.data.Path(), Journal: s.journal,
		Exit: exitCode, Restart: s.restart,
	}
	l, err := admin.Open(admin.Options{
		Address: f.admin, Token: token, House: admin.NewHouse(s.host, facts), Metrics: metrics.Handler(s.host, s.journal, Version(), s.log),
		Dashboard: metrics.Dashboard(), Log: s.log, Socket: s.sockets.Take(handover.Admin, f.admin, ""),
	})
	if err != nil {
		return inUse(err, "--admin")
	}
	s.admin = l
	return nil
}

// shut closes the listeners. It does not wait for those who are served.
func (s *server) shut() {
	for _, l := range s.listeners {
		l.Close()
	}
}

// run says what was loaded, serves, and reports how it ended.
func (s *server) run() int {
	s.greet()
	if s.signals == nil {
		defer s.heedSignals()()
	}
	if s.console != nil {
		defer s.console.restore()
	}
	s.notifier = newNotifier(s.log)
	defer s.notifier.close()
	defer s.attendants.Wait()
	defer s.heritage.Close()
	defer close(s.over)
	defer s.data.Close()
	defer s.closeStore()
	defer func() {
		if !s.restarts.replaced() {
			s.removeAddresses()
		}
	}()
	if s.admin != nil {
		if s.heritage == nil { // otherwise administrators are still the predecessor's
			s.attendants.Go(s.admin.Serve)
		}
		defer s.admin.Close(lastAnswers)
	}
	if s.users != nil {
		s.attendants.Go(func() { s.users.Watch(s.over) })
	}
	s.attendants.Go(func() { s.attend(s.signals, s.restarts.signals) })
	report, err := s.host.Run(s.letIn, func() {
		s.notifier.stopping()
		s.shut()
	})
	if err == nil {
		err = s.failed
	}
	if err == nil && len(report.Left) == 0 {
		s.serving.Wait()
	}
	if s.console != nil {
		s.console.end(len(report.Left) == 0)
	}
	code := s.conclude(report, err)
	if code == ExitClean && s.console.hasFailed() {
		return ExitFailed
	}
	return code
}

// attend does what OS signals say, until the server is over.
func (s *server) attend(signals, restart <-chan os.Signal) {
	for {
		select {
		case sig := <-signals:
			s.log.Info("OS signal", "signal", sig.String())
			s.notifier.stopping()
			s.host.Interrupt()
		case sig := <-restart:
			s.log.Info("OS signal", "signal", sig.String())
			if _, err := s.restart(host.QuitRequest{Mode: host.QuitWait}); err != nil {
				s.log.Warn("not restarted: the server goes on", "error", err)
			}
		case <-s.over:
			return
		}
	}
}

// lastAnswers is how long administrators have to take the last answers.
const lastAnswers = 2 * time.Second

// role is what the host is.
func (s *server) role() method.Role {
	switch {
	case s.flags.remote != nil:
		return method.Remote
	case s.flags.local:
		return method.Local
	default:
		return method.Server
	}
}

func (s *server) letIn() {
	if s.flags.local {
		s.letRun()
		return
	}
	if s.failed = s.takeOver(); s.failed != nil {
		s.host.ShutGates()
		s.host.AskToQuit(host.QuitRequest{Mode: host.QuitNow})
		return
	}
	s.noteGates()
	for _, l := range s.listeners {
		s.serving.Go(func() { l.Serve(s.door(l)) })
	}
	if s.heritage != nil && s.admin != nil {
		s.attendants.Go(s.admin.Serve)
	}
	s.inherited()
	s.notifier.ready(s.addresses())
	s.attendants.Go(func() { s.notifier.guard(doorAnswers(s.scripts), s.over) })
	s.log.Info("clients can connect", "listen", s.addresses())
}

// bound are the addresses where clients come in.
func (s *server) bound() []string {
	all := []string{}
	for _, l := range s.listeners {
		all = append(all, l.Address().String())
	}
	return all
}

// addresses are the bound addresses in one word, for the log.
func (s *server) addresses() string {
	if len(s.listeners) == 0 {
		return "none"
	}
	return strings.Join(s.bound(), " ")
}

func (s *server) adminAddress() string {
	if s.admin == nil {
		return "none"
	}
	return s.admin.Address().String()
}

// greet says what was loaded, from where, and what will not run.
func (s *server) greet() {
	folder := absolute(s.flags.scripts)
	s.log.Info("moongate starts", "version", Version(), "scripts", folder, "scripts_version", s.scripts.Version(), "data", s.data.Path(),
		"listen", s.addresses(), "admin", s.adminAddress())
	if s.data.Exposed() {
		s.log.Warn("others can look into the data folder: chmod 700 it", "data", s.data.Path())
	}
	for _, l := range s.scripts.Loaded() {
		if l.NotRun != "" {
			s.log.Info("method not run", "method", l.Name, "file", l.File, "hash", l.Hash, "reason", l.NotRun)
			continue
		}
		s.log.Info("method", "method", l.Name, "file", l.File, "hash", l.Hash, "kind", l.Kind())
	}
	if !s.flags.local && !s.scriptsDecide() {
		s.log.Warn("there is no on_server_open_connection.lua: everybody may connect", "scripts", folder)
	}
}

func (s *server) scriptsDecide() bool { return s.scripts.Has(method.OnServerOpenConnection) }

// conclude writes the last lines and gives the exit code.
func (s *server) conclude(report host.Report, err error) int {
	if !s.flags.local {
		s.countConnections()
	}
	return s.lastLine(report, err)
}

// countConnections says how many were let in, and how many refused and by what.
func (s *server) countConnections() {
	totals := s.host.Sessions().Totals()
	attrs := []any{"accepted", totals.Accepted, "refused_by_method", totals.Refused}
	for _, check := range s.host.Sessions().Checks() {
		if n := check.Count(); n > 0 {
			attrs = append(attrs, "refused_by_"+strings.ReplaceAll(check.Name, " ", "_"), n)
		}
	}
	s.log.Info("connections", attrs...)
}

// lastLine says how the host ended, and gives the exit code.
func (s *server) lastLine(report host.Report, err error) int {
	code := exitCode(report, err)
	switch code {
	case ExitFailed:
		s.log.Error("moongate failed", "error", err)
	case ExitStopped:
		s.log.Warn("moongate stopped, but something did not end by itself", "left", len(report.Left))
	default:
		s.log.Info("moongate stopped")
	}
	return code
}

// exitCode is what the end of a server means for the program.
func exitCode(report host.Report, err error) int {
	switch {
	case err != nil:
		return ExitFailed
	case len(report.Left) > 0:
		return ExitStopped
	default:
		return ExitClean
	}
}

func absolute(path string) string {
	if a, err := filepath.Abs(path); err == nil {
		return a
	}
	return path
}
