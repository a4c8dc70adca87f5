package application_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/application"
	"moongate/runtime/session"
)

func expect[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// guest is a client process whose methods are Go functions.
type guest struct {
	connection *session.Connection
	later      *session.Connection // that it has when it is let in by its first command
	stay       session.Stay
	visitorLink
	methods map[string]func(g *guest, args []any) ([]any, error)
	stop    chan session.Cause // takes the first Interrupt

	names sync.Mutex
	name  string
}

func (g *guest) Connection() *session.Connection { return g.connection }

func (g *guest) ServedBy(stay session.Stay) {
	g.stay = stay
	if g.connection != nil {
		g.connection.ServedBy(stay)
	}
}

func (g *guest) End(cause session.Cause) {
	if g.connection == nil {
		g.stay.End(cause)
		return
	}
	g.connection.End(cause)
}

func (g *guest) Identify(string, []byte) error { return errors.New("no login") }

func (g *guest) Enter() error { return errors.New("no login") }

func (g *guest) Call(method string, args []any) ([]any, error) {
	f := g.methods[method]
	if f == nil {
		return nil, errors.New(method + ": no such method")
	}
	return f(g, args)
}

func (g *guest) Name() string {
	g.names.Lock()
	defer g.names.Unlock()
	return g.name
}

func (g *guest) SetName(name string) {
	g.names.Lock()
	defer g.names.Unlock()
	g.name = name
}

func (g *guest) Interrupt(cause session.Cause) {
	select {
	case g.stop <- cause:
	default:
	}
}

// visit is a client in memory and its stay on a server.
type visit struct {
	*guest
	t     *testing.T
	start time.Time
	conn  net.Conn // the client's end
	send  chan string
	sent  sync.WaitGroup
	over  chan struct{} // closed when the stay is

	cause session.Cause // after over
	ended time.Duration // since start

	mu   sync.Mutex
	came strings.Builder
	eof  bool
}

// terms are what a test says about a visit.
type terms struct {
	idleTimeout time.Duration
	methods     map[string]func(g *guest, args []any) ([]any, error)
	deaf        bool  // the client reads nothing
	refusal     error // of the open method
}

// pay makes a visit in a bubble of its own and checks that nothing is left of it.
func pay(t *testing.T, o terms, do func(v *visit)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		registry := session.NewRegistry(nil, 0)
		registry.SetStage(session.Serving)
		server := application.NewServer(application.Options{Version: "1.2.3", IdleTimeout: o.idleTimeout, Sessions: registry})
		stop, swept := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(swept)
			server.Sweep(stop)
		}()
		v := begin(t, server, registry, o)
		do(v)
		v.finish()
		close(stop)
		<-swept
		expect(t, "live connections at the end", len(registry.Live()), 0)
	})
}

func begin(t *testing.T, server *application.Server, registry *session.Registry, o terms) *visit {
	peer := session.Peer{Address: netip.MustParseAddrPort("192.0.2.1:40000"), Local: netip.MustParseAddrPort("127.0.0.1:19813"), Listener: "test"}
	c := registry.New(peer, session.User{Number: session.Designer}, nil, time.Now())
	registry.Accept(c)
	client, transport := net.Pipe()
	v := &visit{
		guest: &guest{connection: c, methods: o.methods, stop: make(chan session.Cause, 1), name: "Application process"},
		t:     t, start: time.Now(), conn: client, send: make(chan string, 100), over: make(chan struct{}),
	}
	go func() {
		defer close(v.over)
		v.cause = server.Serve(transport, v.guest)
		v.ended = time.Since(v.start)
		c.End(v.cause)
		registry.Close(c)
		transport.Close()
	}()
	v.refusal = o.refusal
	v.talk(o.deaf)
	return v
}

// talk sends what is to be sent, and listens unless the client is deaf.
func (v *visit) talk(deaf bool) {
	v.sent.Go(func() {
		for text := range v.send {
			io.WriteString(v.conn, text)
		}
	})
	if !deaf {
		v.sent.Go(v.listen)
	}
}

func (v *visit) listen() {
	b := make([]byte, 4096)
	for {
		n, err := v.conn.Read(b)
		v.mu.Lock()
		v.came.Write(b[:n])
		v.eof = err == io.EOF
		v.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// take is what has come since the last time.
func (v *visit) take() string {
	synctest.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	text := v.came.String()
	v.came.Reset()
	return text
}

// ask sends bytes and gives what comes until nothing more happens.
func (v *visit) ask(text string) string {
	v.send <- text
	return v.take()
}

func (v *visit) expect(text, want string) {
	v.t.Helper()
	if got := v.ask(text); got != want {
		v.t.Errorf("%q: got %q, want %q", text, got, want)
	}
}

func (v *visit) expectMatch(text, want string) {
	v.t.Helper()
	if got := v.ask(text); !regexp.MustCompile("^" + want + "$").MatchString(got) {
		v.t.Errorf("%q: got %q, want a match of %q", text, got, want)
	}
}

// isOver reports whether the stay is over when nothing more happens.
func (v *visit) isOver() bool {
	synctest.Wait()
	select {
	case <-v.over:
		return true
	default:
		return false
	}
}

// expectEnd waits for the end of the stay and checks its cause and what came before it.
func (v *visit) expectEnd(cause session.Cause, lastWords string) {
	v.t.Helper()
	select {
	case <-v.over:
	case <-time.After(24 * time.Hour):
		v.t.Fatalf("the stay is not over after a day, want its end: %v", cause)
	}
	if got := v.take(); got != lastWords {
		v.t.Errorf("at the end came %q, want %q", got, lastWords)
	}
	expect(v.t, "cause", v.cause, cause)
}

// expectTime checks when the stay was over, to the second: the sweep looks once a second.
func (v *visit) expectTime(want time.Duration) {
	v.t.Helper()
	if v.ended < want-time.Second || v.ended > want+time.Second {
		v.t.Errorf("ended after %v, want %v and no more than a second off", v.ended, want)
	}
}

// finish ends the visit as a client does that hangs up.
func (v *visit) finish() {
	v.conn.Close()
	close(v.send)
	<-v.over
	v.sent.Wait()
}

// Limits are none.
func (g *guest) Limits() (idle time.Duration, until time.Time) { return 0, time.Time{} }
