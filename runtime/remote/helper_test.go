package remote

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/wire"
)

// fake is a server that does what a test says, one line after another.
type fake struct {
	t        *testing.T
	incoming chan net.Conn
	notices  *heard

	mu    sync.Mutex
	fails error // what dialing gives; nil: a transport
	dials int
}

func newFake(t *testing.T) *fake {
	return &fake{t: t, incoming: make(chan net.Conn, 64), notices: &heard{}}
}

func (f *fake) dial(ctx context.Context, address string) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dials++
	if f.fails != nil {
		return nil, f.fails
	}
	client, server := net.Pipe()
	f.incoming <- server
	return client, nil
}

// refuse has dialing fail from now on; nil: no longer.
func (f *fake) refuse(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = err
}

func (f *fake) attempts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dials
}

func (f *fake) config() Config {
	return Config{Address: "server:19813", Machine: Machine{Name: "box", SystemUser: "ann", Version: "9"}, Notices: f.notices, Dial: f.dial}
}

// accept is the next transport that the client makes.
func (f *fake) accept() *peer {
	f.t.Helper()
	conn := <-f.incoming
	f.t.Cleanup(func() { conn.Close() })
	w := wire.NewWriter(conn)
	w.SetVersion(wire.RESP3)
	return &peer{t: f.t, conn: conn, r: wire.NewReader(conn, wire.Limits{MaxBulk: 4 << 20, MaxCommand: 8 << 20}), w: w}
}

// quiet reports whether the client makes no transport by itself.
func (f *fake) quiet() bool {
	synctest.Wait()
	return len(f.incoming) == 0
}

// peer is the server's end of a transport.
type peer struct {
	t    *testing.T
	conn net.Conn
	r    *wire.Reader
	w    *wire.Writer
}

// read is the next command.
func (p *peer) read() string {
	p.t.Helper()
	words, err := p.r.ReadCommand()
	if err != nil {
		return err.Error()
	}
	var text []string
	for i, w := range words {
		if i == 2 && (string(words[0]) == "CALLV" || string(words[0]) == "DO" || string(words[0]) == "DATA") {
			w = []byte(strings.ReplaceAll(string(w), "\r\n", " "))
		}
		text = append(text, string(w))
	}
	return strings.TrimSpace(strings.Join(text, " "))
}

// expect reads a command and compares it.
func (p *peer) expect(want string) {
	p.t.Helper()
	if got := p.read(); got != want {
		p.t.Errorf("the client sent %q, want %q", got, want)
	}
}

func (p *peer) reply(v any) {
	p.t.Helper()
	p.w.WriteValue(v)
	if err := p.w.Flush(); err != nil {
		p.t.Errorf("reply: %v", err)
	}
}

func (p *peer) push(values ...any) {
	p.t.Helper()
	p.w.WritePush(values)
	if err := p.w.Flush(); err != nil {
		p.t.Errorf("push: %v", err)
	}
}

// raw sends bytes, as many as the client takes.
func (p *peer) raw(bytes string) { io.WriteString(p.conn, bytes) }

func (p *peer) close() { p.conn.Close() }

const timeout = 900 * time.Second

var helloReply = wire.Map{{Key: "server", Value: "moongate"}, {Key: "version", Value: "9"}, {Key: "proto", Value: int64(3)}}

func sessionReply() wire.Map {
	return wire.Map{
		{Key: "session", Value: "S"}, {Key: "token", Value: "T"}, {Key: "user", Value: "ann"}, {Key: "user_number", Value: int64(7)},
		{Key: "process", Value: int64(6)}, {Key: "connection", Value: int64(1)}, {Key: "server_session", Value: "SS"},
		{Key: "version", Value: "9"}, {Key: "protocol", Value: int64(1)}, {Key: "timeout", Value: int64(timeout / time.Second)},
		{Key: "structure", Value: "{}"},
	}
}

var joinReply = wire.Map{{Key: "session", Value: "S"}, {Key: "user", Value: "ann"}, {Key: "user_number", Value: int64(7)}}

func resumeReply(done int64) wire.Map {
	return wire.Map{{Key: "session", Value: "S"}, {Key: "done", Value: done}}
}

// connect is a client that the fake has let in, with the transport of its Application process. It is severed when
// the test is over.
func (f *fake) connect() (*Client, *peer) {
	f.t.Helper()
	made := later(func() (*Client, error) { return Connect(context.Background(), f.config()) })
	p := f.accept()
	p.expect("HELLO 3")
	p.reply(helloReply)
	p.expect("SESSION PROTOCOL 1 VERSION 9 MACHINE box SYSTEMUSER ann PROCESS 1 NAME Application process COMPILED 0")
	p.reply(sessionReply())
	c, err := made.wait()
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { c.Sever(); c.links.Wait() })
	return c, p
}

// join lets a link in.
func (f *fake) join(number string) *peer {
	f.t.Helper()
	p := f.accept()
	p.expect("JOIN T " + number + " P" + number)
	p.reply(joinReply)
	return p
}

// resume lets a transport go on.
func (f *fake) resume(number, got string, done int64) *peer {
	f.t.Helper()
	p := f.accept()
	p.expect("RESUME T " + number + " " + got)
	p.reply(resumeReply(done))
	return p
}

// outcome is what a function gives that runs meanwhile.
type outcome[V any] struct {
	value V
	err   error
	over  chan struct{}
}

func later[V any](f func() (V, error)) *outcome[V] {
	o := &outcome[V]{over: make(chan struct{})}
	go func() {
		defer close(o.over)
		o.value, o.err = f()
	}()
	return o
}

func (o *outcome[V]) wait() (V, error) {
	<-o.over
	return o.value, o.err
}

// isOver reports whether the function has returned.
func (o *outcome[V]) isOver() bool {
	synctest.Wait()
	select {
	case <-o.over:
		return true
	default:
		return false
	}
}

// call is a CALLV of that process.
func call(ctx context.Context, p *Process, method string, args ...any) *outcome[[]any] {
	return later(func() ([]any, error) { return p.Call(ctx, method, args) })
}

// want checks that a call has succeeded.
func (f *fake) want(o *outcome[[]any], want string) {
	f.t.Helper()
	got, err := o.wait()
	if err != nil || len(got) != 1 || got[0] != want {
		f.t.Errorf("the call gives %v, %v, want [%s]", got, err, want)
	}
}

// wantNumber checks that something has failed with a number.
func (f *fake) wantNumber(err error, number int) {
	f.t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Number != number {
		f.t.Errorf("error %v, want one with the number %d", err, number)
	}
}

// heard notes what the server says by itself.
type heard struct {
	mu    sync.Mutex
	words []string
	act   func(string) // nil: none
}

func (h *heard) note(s string) {
	h.mu.Lock()
	h.words = append(h.words, s)
	act := h.act
	h.mu.Unlock()
	if act != nil {
		act(s)
	}
}

func (h *heard) all() string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.words, "|")
}

func (h *heard) Message(text string) { h.note("message " + text) }
func (h *heard) Quitting(in time.Duration, text string) {
	h.note("quitting " + in.String() + " " + text)
}
func (h *heard) Staying(text string)                       { h.note("staying " + text) }
func (h *heard) Order(id int64, method string, args []any) { h.note("order " + method) }
func (h *heard) Structure(json []byte)                     { h.note("structure " + string(json)) }
func (h *heard) Lost(err error)                            { h.note("lost: " + err.Error()) }

// inBubble runs a test in a bubble of synctest, with a fake.
func inBubble(t *testing.T, test func(t *testing.T, f *fake)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newFake(t)) })
}
