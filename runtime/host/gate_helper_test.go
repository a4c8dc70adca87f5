package host_test

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"moongate/luabind"
	"moongate/runtime/gate"
	"moongate/runtime/host"
	"moongate/runtime/journal"
	"moongate/runtime/method"
	"moongate/runtime/session"
)

// patience is the longest that a cause is waited for; only a failing test reaches it.
const patience = 30 * time.Second

// gated is a host with gates, real scripts, a journal and real sockets.
type gated struct {
	*host.Host
	t      *testing.T
	log    *logbook
	folder string // of the scripts
	data   string
	stop   func() host.Report
}

// serveGates runs a host with these scripts, and with what is set in change. At the end of the test it is stopped, and nothing may be
// left of it.
func serveGates(t *testing.T, f files, gates ...gate.Definition) *gated {
	t.Helper()
	return serveGatesFor(t, f, nil, gates...)
}

// serveGatesFor is serveGates with rules about addresses.
func serveGatesFor(t *testing.T, f files, rules session.Rules, gates ...gate.Definition) *gated {
	t.Helper()
	before := runtime.NumGoroutine()
	s := &gated{t: t, log: &logbook{start: time.Now()}, folder: f.write(t), data: t.TempDir()}
	config := host.Config{
		Log: slog.New(s.log), Version: "test", MethodTimeout: 5 * time.Second, Slice: 10 * time.Millisecond,
		QuitDelay: 5 * time.Second, QuitWindow: 5 * time.Second, Session: "S-1", Rules: rules,
	}
	s.Host = host.New(config)
	scripts, err := luabind.Open(host.ScriptsConfig{Folder: s.folder, Role: method.Server, Log: config.Log, Slice: config.Slice, Host: s.Host})
	if err != nil {
		t.Fatal(err)
	}
	s.SetScripts(scripts)
	s.SetData(host.Data{Journal: journal.Open(journal.Options{Folder: s.data, Session: "S-1", Log: config.Log}), Numbers: newBook()})
	for _, d := range gates {
		if _, err := s.OpenGate(d); err != nil {
			t.Fatal(err)
		}
	}
	opened, over := make(chan struct{}), make(chan host.Report, 1)
	go func() { // until stop
		report, err := s.Run(func() { close(opened) }, func() {})
		if err != nil {
			t.Errorf("the host: %v", err)
		}
		over <- report
	}()
	s.stop = sync.OnceValue(func() host.Report {
		s.Quit(0)
		select {
		case report := <-over:
			return report
		case <-time.After(patience):
			t.Error("the host does not stop")
			return host.Report{}
		}
	})
	select {
	case <-opened:
	case report := <-over:
		over <- report
	}
	t.Cleanup(func() { s.finish(before) })
	return s
}

// finish stops the host and checks what must be true of each that has ended.
func (s *gated) finish(goroutines int) {
	s.stop()
	totals := s.Sessions().Totals()
	expect(s.t, "live connections at the end", totals.Live, 0)
	expect(s.t, "closed connections", totals.Closed, totals.Accepted)
	expect(s.t, "faults of the host", len(s.log.with("fault of the host")), 0)
	for _, p := range s.Processes().All() {
		if p.RunsScripts() {
			s.t.Errorf("process %d is left", p.Number())
		}
	}
	s.until("the goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines })
	if s.t.Failed() && runtime.NumGoroutine() > goroutines {
		b := make([]byte, 1<<20)
		os.Stderr.Write(b[:runtime.Stack(b, true)])
	}
}

// until waits for a cause that cannot be waited for otherwise.
func (s *gated) until(what string, is func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Errorf("%s: it never came to that", what)
			return
		}
	}
}

// address is where a gate listens.
func (s *gated) address(name string) string {
	s.t.Helper()
	for _, g := range s.Gates() {
		if g.Name == name {
			return g.Listen.String()
		}
	}
	s.t.Fatalf("there is no gate %s", name)
	return ""
}

// enter connects to a gate.
func (s *gated) enter(name string) net.Conn {
	s.t.Helper()
	c, err := net.DialTimeout("tcp", s.address(name), patience)
	if err != nil {
		s.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	s.t.Cleanup(func() { c.Close() })
	return c
}

// notes are what the scripts have printed.
func (s *gated) notes() []string {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	var notes []string
	for _, l := range s.log.lines {
		if text, ok := strings.CutPrefix(l.message, ">\t"); ok {
			notes = append(notes, strings.ReplaceAll(text, "\t", " "))
		}
	}
	return notes
}

// expectNotes waits until the scripts have printed this, and no more.
func (s *gated) expectNotes(want ...string) {
	s.t.Helper()
	s.until("the notes "+strings.Join(want, "; "), func() bool { return len(s.notes()) >= len(want) })
	expect(s.t, "notes", s.notes(), want)
}

// rows stops the host and reads its journal.
func (s *gated) rows() []journal.Row {
	s.t.Helper()
	s.stop()
	var all []journal.Row
	for r, err := range journal.Read(s.t.Context(), s.data, journal.Query{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// upstream listens, and gives each connection to serve in a goroutine, which ends with the test. Its address comes back.
func upstream(t *testing.T, serve func(c *net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case err != nil: // a test has left no descriptors, and will leave some again
				time.Sleep(time.Millisecond)
				continue
			}
			c.SetDeadline(time.Now().Add(patience))
			running.Go(func() {
				defer c.Close()
				serve(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return l.Addr().String()
}

// echo is an upstream that gives back what it gets.
func echo(t *testing.T) string {
	return upstream(t, func(c *net.TCPConn) { io.Copy(c, c) })
}

// nobody is an address where nobody listens.
func nobody(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// say sends a line and expects one.
func say(t *testing.T, c net.Conn, line, want string) {
	t.Helper()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		t.Fatal(err)
	}
	got, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || got != want+"\n" {
		t.Fatalf("asked %q: got %q, %v; want %q", line, got, err, want)
	}
}

// end is how a connection ends: "end" or "reset", after what came before.
func end(t *testing.T, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	switch {
	case err == nil:
		return string(b) + "end"
	case strings.Contains(err.Error(), "reset"):
		return string(b) + "reset"
	case errors.Is(err, os.ErrDeadlineExceeded):
		t.Fatal("it does not end")
	}
	return string(b) + err.Error()
}
