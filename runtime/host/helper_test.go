package host_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moongate/luabind"
	"moongate/runtime/datastore"
	"moongate/runtime/host"
	"moongate/runtime/method"
	"moongate/runtime/session"
)

// files are the files of a scripts folder, by name.
type files map[string]string

func (f files) write(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range f {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// line is a record of the log.
type line struct {
	level   slog.Level
	message string
	attrs   map[string]string
	at      time.Duration // since the server was made
}

// logbook is a slog.Handler that keeps everything.
type logbook struct {
	start time.Time
	mu    sync.Mutex
	lines []line
}

func (b *logbook) Enabled(context.Context, slog.Level) bool { return true }
func (b *logbook) WithAttrs([]slog.Attr) slog.Handler {
	panic("the host's log has no groups and no attributes")
}
func (b *logbook) WithGroup(string) slog.Handler {
	panic("the host's log has no groups and no attributes")
}

func (b *logbook) Handle(_ context.Context, r slog.Record) error {
	l := line{level: r.Level, message: r.Message, attrs: map[string]string{}, at: r.Time.Sub(b.start)}
	r.Attrs(func(a slog.Attr) bool {
		l.attrs[a.Key] = a.Value.String()
		return true
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, l)
	return nil
}

// with are the records with that message.
func (b *logbook) with(message string) []line {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []line
	for _, l := range b.lines {
		if l.message == message {
			found = append(found, l)
		}
	}
	return found
}

// server is a host with real scripts, in a bubble.
type server struct {
	*host.Host
	t       *testing.T
	log     *logbook
	scripts host.Scripts
	opened  atomic.Int32  // how often Run let clients in
	shut    atomic.Int32  // how often Run kept them out
	over    chan struct{} // closed when Run has returned
	report  host.Report   // after over
	err     error
	took    time.Duration
	clients []*client
}

// quiet are scripts that nobody changes: a watcher of files does not end when a bubble waits for it.
type quiet struct{ host.Scripts }

func (quiet) Watch(stop <-chan struct{}) { <-stop }

// serve runs a server in a bubble of its own, and checks when all is over that nothing is left of it. The scripts' notes are lines of print whose first
// value is ">".
func serve(t *testing.T, f files, do func(t *testing.T, s *server)) {
	t.Helper()
	serveWith(t, f, func(*host.Config) {}, do)
}

func serveWith(t *testing.T, f files, change func(*host.Config), do func(t *testing.T, s *server)) {
	t.Helper()
	folder := f.write(t)
	synctest.Test(t, func(t *testing.T) {
		s := &server{t: t, log: &logbook{start: time.Now()}, over: make(chan struct{})}
		config := host.Config{
			Log: slog.New(s.log), Version: "test", MethodTimeout: 5 * time.Second, Slice: 10 * time.Millisecond,
			QuitDelay: 5 * time.Second, QuitWindow: 13 * time.Second,
		}
		change(&config)
		s.Host = host.New(config)
		scripts, err := luabind.Open(host.ScriptsConfig{Folder: folder, Role: method.Server, Log: config.Log, Slice: config.Slice, Host: s.Host})
		if err != nil {
			t.Fatal(err)
		}
		s.scripts = scripts
		s.SetScripts(quiet{scripts})
		if len(scripts.Structure().Tables) > 0 {
			defer s.openStore(folder, config.Log)()
		}
		go func() {
			defer close(s.over)
			s.report, s.err = s.Run(func() { s.opened.Add(1) }, func() { s.shut.Add(1) })
			s.took = time.Since(s.log.start)
		}()
		synctest.Wait()
		defer s.finish()
		do(t, s)
	})
}

// openStore opens a data store for the scripts' tables, and gives what closes it.
func (s *server) openStore(folder string, log *slog.Logger) (closing func()) {
	store, err := datastore.Open(s.t.Context(), datastore.Config{
		Path: filepath.Join(folder, "data.sqlite"), Durability: datastore.Normal, Structure: s.scripts.Structure(), Log: log,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.SetData(host.Data{Store: store})
	return func() { store.Close() }
}

// finish ends the server and checks what must be true of every server that has ended.
func (s *server) finish() {
	s.t.Helper()
	for _, c := range s.clients {
		c.conn.Close()
	}
	s.Quit(0)
	s.wait()
	synctest.Wait()
	for _, c := range s.clients {
		if !c.isOver() {
			s.t.Errorf("client %v is not over", c.peer.Address)
		}
	}
	var names []string
	for _, p := range s.Processes().All() {
		names = append(names, p.Name())
	}
	expect(s.t, "processes at the end", names, []string{"Main process", "Client Manager"})
	totals := s.Sessions().Totals()
	expect(s.t, "live connections at the end", totals.Live, 0)
	expect(s.t, "open connections at the end", totals.Open, 0)
	expect(s.t, "links at the end", totals.Links, 0)
	expect(s.t, "arrivals at the end", totals.Arrivals, 0)
	expect(s.t, "remote sessions at the end", len(s.Sessions().Remotes()), 0)
	expect(s.t, "registered clients at the end", len(s.Sessions().Clients().List()), 0)
	expect(s.t, "users at the end", s.Sessions().Users(), 0)
	expect(s.t, "closed connections", totals.Closed, totals.Accepted)
	expect(s.t, "times that clients were kept out", s.shut.Load(), 1)
	for _, fault := range s.log.with("fault of the host") {
		s.t.Errorf("fault of the host: %v", fault.attrs)
	}
	if calls := s.count("close"); calls != 0 {
		expect(s.t, "close calls", int64(calls), totals.Accepted)
	}
}

// wait waits until Run has returned.
func (s *server) wait() {
	s.t.Helper()
	select {
	case <-s.over:
	case <-time.After(24 * time.Hour):
		s.t.Fatal("the server still runs after a day")
	}
}

// stopped reports whether Run has returned when nothing more happens.
func (s *server) stopped() bool {
	synctest.Wait()
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// notes are what the scripts have noted, each with its time: "5s: close 1 1 0".
func (s *server) notes() []string {
	synctest.Wait()
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	var notes []string
	for _, l := range s.log.lines {
		if text, ok := strings.CutPrefix(l.message, ">\t"); ok {
			notes = append(notes, fmt.Sprintf("%v: %s", l.at.Round(time.Millisecond), strings.ReplaceAll(text, "\t", " ")))
		}
	}
	return notes
}

func (s *server) expectNotes(want ...string) {
	s.t.Helper()
	expect(s.t, "notes of the scripts", s.notes(), want)
}

// count is how many notes begin with that word.
func (s *server) count(word string) int {
	n := 0
	for _, note := range s.notes() {
		if _, text, _ := strings.Cut(note, ": "); text == word || strings.HasPrefix(text, word+" ") {
			n++
		}
	}
	return n
}

// refusedBy is how many connections a check has refused.
func (s *server) refusedBy(check string) int64 {
	i := slices.IndexFunc(s.Sessions().Checks(), func(c *session.Check) bool { return c.Name == check })
	return s.Sessions().Checks()[i].Count()
}

// client is a connection and its other end.
type client struct {
	s        *server
	peer     session.Peer
	conn     net.Conn // the client's end
	handover atomic.Int32
	broken   chan error    // takes the error that the server finds when conn is closed, in place of end of file
	decided  chan struct{} // closed when Open has returned
	accepted bool          // after decided
	answer   string        // what a refused client was sent
	verdict  time.Duration // when it was decided, since the server was made
	over     chan struct{} // closed when the connection is over
	ended    time.Duration // when, after over

	mu   sync.Mutex
	came strings.Builder
}

// terms are what is special about a client.
type terms struct {
	deaf    bool                      // it reads nothing
	between func(*session.Connection) // what happens between its acceptance and its stay
	slow    time.Duration             // how long the first change of its write deadline takes
	address string                    // where it comes from; "": 192.0.2.1
}

// connect opens a connection as a listener does, in a goroutine of its own, and waits until nothing more happens.
func (s *server) connect() *client { return s.connectOn(terms{}) }

func (s *server) connectOn(o terms) *client {
	ours, theirs := net.Pipe()
	c := &client{s: s, conn: theirs, decided: make(chan struct{}), over: make(chan struct{}), broken: make(chan error, 1), peer: session.Peer{
		Address:  netip.AddrPortFrom(netip.MustParseAddr(cmp.Or(o.address, "192.0.2.1")), uint16(40001+len(s.clients))),
		Local:    netip.MustParseAddrPort("127.0.0.1:19813"),
		Listener: "test",
	}}
	s.clients = append(s.clients, c)
	go func() {
		defer func() {
			c.ended = time.Since(s.log.start)
			close(c.over)
		}()
		guest, answer := s.Open(c.peer, func() { c.handover.Add(1) })
		s.Rest()
		c.accepted, c.answer, c.verdict = guest != nil, string(answer), time.Since(s.log.start)
		close(c.decided)
		if guest == nil {
			ours.Close()
			return
		}
		if o.between != nil {
			o.between(c.connection())
		}
		guest.Serve(&slowConn{Conn: ours, wait: o.slow, broken: c.broken})
	}()
	if !o.deaf {
		go c.listen()
	}
	synctest.Wait()
	return c
}

// slowConn is a connection whose first change of the write deadline takes a time, so that whoever asks for its end is late;
// and that can fail to read in a way of one's choice, when it is cut off.
type slowConn struct {
	net.Conn
	wait   time.Duration
	once   atomic.Bool
	broken chan error
}

func (c *slowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if errors.Is(err, io.EOF) {
		select {
		case err = <-c.broken:
		default:
		}
	}
	return n, err
}

func (c *slowConn) SetWriteDeadline(t time.Time) error {
	if !c.once.Swap(true) {
		time.Sleep(c.wait)
	}
	return c.Conn.SetWriteDeadline(t)
}

func (c *client) listen() {
	b := make([]byte, 4096)
	for {
		n, err := c.conn.Read(b)
		c.mu.Lock()
		c.came.Write(b[:n])
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// connectAccepted is connect for a client that must be let in at once.
func (s *server) connectAccepted() *client {
	s.t.Helper()
	c := s.connect()
	if !c.isDecided() || !c.accepted {
		s.t.Fatalf("client %v was not let in: %q", c.peer.Address, c.answer)
	}
	return c
}

func (c *client) isDecided() bool { return isClosed(c.decided) }
func (c *client) isOver() bool    { return isClosed(c.over) }

func isClosed(done <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// take is what has come since the last time, when nothing more happens.
func (c *client) take() string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	text := c.came.String()
	c.came.Reset()
	return text
}

// ask sends a command line and gives what comes until nothing more happens.
func (c *client) ask(command string) string {
	c.s.t.Helper()
	if _, err := io.WriteString(c.conn, command+"\r\n"); err != nil {
		c.s.t.Errorf("%s: %v", command, err)
	}
	return c.take()
}

func (c *client) expectReply(command, want string) {
	c.s.t.Helper()
	expect(c.s.t, command, c.ask(command), want)
}

// connection is the client's connection as the host has it, nil when it is not live.
func (c *client) connection() *session.Connection {
	for _, live := range c.s.Sessions().Live() {
		if live.Peer == c.peer {
			return live
		}
	}
	return nil
}

func (c *client) expectRefused(want string) {
	c.s.t.Helper()
	if !c.isDecided() {
		c.s.t.Fatalf("client %v is not decided", c.peer.Address)
	}
	expect(c.s.t, "let in", c.accepted, false)
	expect(c.s.t, "answer", c.answer, want)
}

// expectEnd checks when the connection was over and why, by the log.
func (c *client) expectEnd(at time.Duration, cause session.Cause) {
	c.s.t.Helper()
	if !c.isOver() {
		c.s.t.Fatalf("client %v is not over", c.peer.Address)
	}
	expect(c.s.t, "end of the connection", c.ended, at)
	for _, l := range c.s.log.with("connection closed") {
		if l.attrs["address"] == c.peer.Address.String() {
			expect(c.s.t, "cause", l.attrs["cause"], cause.String())
			return
		}
	}
	c.s.t.Errorf("the log does not say that client %v has gone", c.peer.Address)
}

func expect[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
