package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"moongate/runtime/host"
	"moongate/runtime/listener"
	"moongate/runtime/method"
)

// serve is moongate serve.
func serve(m *invocation, args []string) int {
	f := newFlags()
	if ok, code := m.parsed(f, args); !ok {
		return code
	}
	writer := newLogWriter(m.stderr)
	defer writer.Close()
	log, err := newLog(writer, f.logLevel, f.logFormat)
	if err != nil {
		return m.usage(err)
	}
	for _, name := range f.unknownVariables() {
		log.Warn("no flag has this environment variable; see moongate --help", "variable", name)
	}
	limitMemory(uint64(f.memoryLimit))
	s := &server{flags: f, log: log}
	if err := s.open(m.open); err != nil {
		writer.Close()
		return m.failed(err)
	}
	return s.run()
}

// server is one run of serve.
type server struct {
	flags     *flags
	log       *slog.Logger
	host      *host.Host
	scripts   host.Scripts
	listeners []*listener.Listener
	serving   sync.WaitGroup // a goroutine for each listener, ended by its Close
}

// open loads the scripts and binds the addresses, in this order: with a mistake in a script nothing listens.
func (s *server) open(open host.OpenScripts) error {
	f := s.flags
	s.host = host.New(host.Config{
		Log: s.log, Version: Version(), Rules: f.rules, MaxConnections: f.maxConnections,
		MethodTimeout: f.methodTimeout, IdleTimeout: f.idleTimeout, Slice: f.slice,
		QuitDelay: f.quitDelay, QuitWindow: f.quitWindow, AcceptOnError: f.onError == "accept",
	})
	scripts, err := open(host.ScriptsConfig{
		Folder: f.scripts, Role: method.Server, Log: s.log, Slice: f.slice, MemoryLimit: uint64(f.memoryLimit), Host: s.host,
	})
	if err != nil {
		return err
	}
	s.scripts = scripts
	s.host.SetScripts(scripts)
	if err := os.MkdirAll(f.data, 0o700); err != nil {
		return fmt.Errorf("cannot make the data folder: %w", err)
	}
	return s.listen()
}

func (s *server) listen() error {
	for _, address := range s.flags.listen {
		if address == "none" {
			continue
		}
		l, err := listener.Open(address, s.log)
		if err != nil {
			s.shut()
			if errors.Is(err, syscall.EADDRINUSE) {
				err = fmt.Errorf("%w: another program has the port; stop it, or give another address with --listen", err)
			}
			return err
		}
		s.listeners = append(s.listeners, l)
	}
	if err := s.writeAddresses(); err != nil {
		s.shut()
		return err
	}
	return nil
}

// writeAddresses writes --address-file whole or not at all, so that who waits for it never reads half of it.
func (s *server) writeAddresses() error {
	name := s.flags.addressFile
	if name == "" {
		return nil
	}
	var b strings.Builder
	for _, l := range s.listeners {
		fmt.Fprintln(&b, l.Address())
	}
	temporary := name + ".new"
	if err := os.WriteFile(temporary, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("cannot write --address-file: %w", err)
	}
	if err := os.Rename(temporary, name); err != nil {
		return fmt.Errorf("cannot write --address-file: %w", err)
	}
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
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	over := make(chan struct{})
	defer close(over)
	go func() { // ends with run
		for {
			select {
			case sig := <-signals:
				s.log.Info("OS signal", "signal", sig.String())
				s.host.Interrupt()
			case <-over:
				return
			}
		}
	}()
	report, err := s.host.Run(s.letIn, s.shut)
	if err == nil && len(report.Left) == 0 {
		s.serving.Wait()
	}
	return s.conclude(report, err)
}

func (s *server) letIn() {
	for _, l := range s.listeners {
		s.serving.Go(func() { l.Serve(s.host) })
	}
	s.log.Info("clients can connect", "listen", s.addresses())
}

func (s *server) addresses() string {
	var all []string
	for _, l := range s.listeners {
		all = append(all, l.Address().String())
	}
	if all == nil {
		return "none"
	}
	return strings.Join(all, " ")
}

// greet says what was loaded, from where, and what will not run.
func (s *server) greet() {
	folder, data := absolute(s.flags.scripts), absolute(s.flags.data)
	s.log.Info("moongate starts", "version", Version(), "scripts", folder, "scripts_version", s.scripts.Version(), "data", data, "listen", s.addresses())
	for _, l := range s.scripts.Loaded() {
		kind := "project method"
		if l.Event {
			kind = "database method"
		}
		if l.NotRun != "" {
			s.log.Info("method not run", "method", l.Name, "file", l.File, "hash", l.Hash, "reason", l.NotRun)
			continue
		}
		s.log.Info("method", "method", l.Name, "file", l.File, "hash", l.Hash, "kind", kind)
	}
	if !s.scriptsDecide() {
		s.log.Warn("there is no on_server_open_connection.lua: everybody may connect", "scripts", folder)
	}
}

func (s *server) scriptsDecide() bool { return s.scripts.Has(method.OnServerOpenConnection) }

// conclude writes the last lines and gives the exit code.
func (s *server) conclude(report host.Report, err error) int {
	totals := s.host.Sessions().Totals()
	attrs := []any{"accepted", totals.Accepted, "refused_by_method", totals.Refused}
	for _, check := range s.host.Sessions().Checks() {
		if n := check.Count(); n > 0 {
			attrs = append(attrs, "refused_by_"+strings.ReplaceAll(check.Name, " ", "_"), n)
		}
	}
	s.log.Info("connections", attrs...)
	switch {
	case err != nil:
		s.log.Error("moongate failed", "error", err)
		return ExitFailed
	case len(report.Left) > 0:
		s.log.Warn("moongate stopped, but something did not end by itself", "left", len(report.Left))
		return ExitStopped
	default:
		s.log.Info("moongate stopped")
		return ExitClean
	}
}

func absolute(path string) string {
	if a, err := filepath.Abs(path); err == nil {
		return a
	}
	return path
}
