package remote_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"moongate/luabind"
	"moongate/runtime/datastore"
	"moongate/runtime/host"
	"moongate/runtime/listener"
	"moongate/runtime/method"
	"moongate/runtime/remote"
	"moongate/runtime/structure"
)

// scripts are those of a server that counts its calls.
var scripts = map[string]string{
	"on_server_open_connection.lua": `interprocess.opened = (interprocess.opened or 0) + 1
		if interprocess.full then return 22000, "full" end`,
	"on_server_close_connection.lua": `interprocess.closed = (interprocess.closed or 0) + 1`,
	"bump.lua":                       `interprocess.n = (interprocess.n or 0) + 1; return interprocess.n`,
	"count.lua":                      `return interprocess[...] or 0`,
	"set.lua":                        `local name, value = ...; interprocess[name] = value`,
	"big.lua":                        `return string.rep("x", ...)`,
	"structure.lua":                  `return { entry = { { "id", "integer", primary = true, sequence = true }, { "text", "text" } } }`,
	"endless.lua":                    `interprocess.started = 1; while true do delay_process(current_process(), 60) end`,
}

// server is a real one, on loopback.
type server struct {
	*host.Host
	address string
}

// serve serves scripts until the test is over.
func serve(t testing.TB) *server {
	t.Helper()
	s, end, err := start(t.TempDir(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	return s
}

// start starts a server, whose scripts are put into the folder; the function ends it.
func start(folder, address string) (*server, func(), error) {
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return nil, nil, err
		}
	}
	log := slog.New(slog.DiscardHandler)
	h := host.New(host.Config{
		Log: log, Version: "test", MethodTimeout: 5 * time.Second, Slice: 10 * time.Millisecond, QuitWindow: time.Second, SessionTimeout: time.Minute,
	})
	methods, err := luabind.Open(host.ScriptsConfig{Folder: folder, Role: method.Server, Log: log, Slice: 10 * time.Millisecond, Host: h})
	if err != nil {
		return nil, nil, err
	}
	h.SetScripts(methods)
	store, err := datastore.Open(context.Background(), datastore.Config{
		Path: filepath.Join(folder, "data.sqlite"), Durability: datastore.Normal, Structure: methods.Structure(), Log: log,
	})
	if err != nil {
		return nil, nil, err
	}
	h.SetData(host.Data{Store: store})
	l, err := listener.Open(address, log)
	if err != nil {
		return nil, nil, err
	}
	over, ready := make(chan struct{}), make(chan struct{})
	go func() { // ends with the result
		defer close(over)
		h.Run(func() {
			go l.Serve(h) // ends with l
			close(ready)
		}, l.Close)
	}()
	<-ready
	return &server{h, l.Address().String()}, func() { h.Quit(0); <-over; store.Close() }, nil
}

// connect is a client of a server at an address.
func connect(t testing.TB, address string, n remote.Notices) *remote.Client {
	t.Helper()
	c, err := remote.Connect(t.Context(), remote.Config{
		Address: address, Machine: remote.Machine{Name: "box", SystemUser: "ann", Version: "test"}, Notices: n,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Sever)
	return c
}

// number is what a method returns.
func number(t testing.TB, p *remote.Process, name string, args ...any) float64 {
	t.Helper()
	v, err := p.Call(context.Background(), name, args)
	if err != nil || len(v) != 1 {
		t.Fatalf("%s gives %v, %v", name, v, err)
	}
	switch n := v[0].(type) {
	case int64:
		return float64(n)
	case float64:
		return n
	}
	t.Fatalf("%s gives %v", name, v)
	return 0
}

// TestRealServer is a session's life with a real server.
func TestRealServer(t *testing.T) {
	s := serve(t)
	c := connect(t, s.address, nil)
	w := c.Welcome()
	if w.Session == "" || w.Token == "" || w.User != "Designer" || w.UserNumber != 1 || w.Connection != 1 || w.Timeout != time.Minute || w.Version != "test" {
		t.Errorf("welcome %+v", w)
	}
	p := c.Process(4, "P4")
	if err := p.Language(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := number(t, p, "count", "opened"); n != 2 {
		t.Errorf("%v open calls, want 2", n)
	}
	if v, err := p.Do(t.Context(), "current_time", []any{}); err != nil || len(v) != 1 {
		t.Errorf("current_time gives %v, %v", v, err)
	}
	var e *remote.Error
	if _, err := p.Call(t.Context(), "no_such_method", nil); !errors.As(err, &e) || e.Number != 0 {
		t.Errorf("an unknown method gives %v", err)
	}
	number(t, c.Application(), "count", "closed")
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n := number(t, c.Application(), "count", "closed"); n != 1 {
		t.Errorf("%v close calls when Close has returned, want 1", n)
	}
	if err := c.Sleep(t.Context()); err != nil {
		t.Error(err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if totals := s.Sessions().Totals(); totals.Live != 0 {
		t.Errorf("connections are left: %+v", totals)
	}
}

// TestRealRefusal: a later process is refused, and asks again.
func TestRealRefusal(t *testing.T) {
	c := connect(t, serve(t).address, nil)
	p := c.Process(4, "P4")
	c.Application().Call(t.Context(), "set", []any{"full", true})
	var refused *remote.Refused
	if err := p.Language(t.Context()); !errors.As(err, &refused) || *refused != (remote.Refused{Code: 22000, Reason: "full"}) {
		t.Errorf("error %v", err)
	}
	c.Application().Call(t.Context(), "set", []any{"full", false})
	if err := p.Language(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestContextEndsAtARealServer: the method that runs is ended, and the process has new twins when the old ones are gone.
func TestContextEndsAtARealServer(t *testing.T) {
	c := connect(t, serve(t).address, nil)
	p := c.Process(4, "P4")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { // ends with ctx
		_, err := p.Call(ctx, "endless", nil)
		ended <- err
	}()
	for number(t, c.Application(), "count", "started") == 0 {
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if n := number(t, p, "count", "closed"); n != 1 {
		t.Errorf("%v close calls, want 1", n)
	}
}

// TestExactlyOnce: whatever becomes of the transports, each call is carried out once, and its result comes.
func TestExactlyOnce(t *testing.T) {
	s := serve(t)
	cut := newCutter(t, s.address)
	c := connect(t, cut.address, nil)
	const processes, calls = 4, 60
	var working sync.WaitGroup
	for i := range processes {
		p := c.Process(int64(10+i), fmt.Sprint("P", i))
		working.Go(func() {
			for j := range calls {
				if j%10 == 9 {
					if v, err := p.Call(context.Background(), "big", []any{int64(300_000)}); err != nil || len(v) != 1 || len(v[0].(string)) != 300_000 {
						t.Errorf("big gives %d values, %v", len(v), err)
						return
					}
				}
				if _, err := p.Call(context.Background(), "bump", nil); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { // ends with the calls
		defer close(over)
		working.Wait()
	}()
	cut.until(over)
	if n := number(t, c.Application(), "count", "n"); n != processes*calls {
		t.Errorf("%v calls were carried out, want %d", n, processes*calls)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	t.Logf("%d transports were cut", cut.cuts)
}

// data is the server's data, as a process of the client has it.
func data(t testing.TB, c *remote.Client, p *remote.Process) *datastore.Distant {
	t.Helper()
	var tables structure.Structure
	if err := json.Unmarshal(c.Welcome().Structure, &tables); err != nil {
		t.Fatal(err)
	}
	return datastore.NewDistant(&tables, p)
}

// save saves a new row.
func save(d *datastore.Distant, text string) error {
	r, err := d.New("entry")
	if err != nil {
		return err
	}
	if err := r.Set(1, text); err != nil {
		return err
	}
	return d.Save(context.Background(), r)
}

// TestSavedExactlyOnce: whatever becomes of the transports, also in a transaction, each row is saved once. A process that
// only has data has no open method.
func TestSavedExactlyOnce(t *testing.T) {
	s := serve(t)
	cut := newCutter(t, s.address)
	c := connect(t, cut.address, nil)
	d := data(t, c, c.Process(4, "P4"))
	const rows = 400
	over := make(chan struct{})
	go func() { // ends with the rows
		defer close(over)
		for i := range rows {
			err := errors.Join(d.StartTransaction(context.Background()), save(d, fmt.Sprint("row ", i)))
			if i%2 == 0 {
				err = errors.Join(err, d.CancelTransaction(context.Background()), save(d, "after all"))
			} else {
				err = errors.Join(err, d.ValidateTransaction(context.Background()))
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	}()
	cut.until(over)
	if n, err := d.Count(t.Context(), "entry", nil, nil); n != rows || err != nil {
		t.Errorf("%d rows, %v, want %d", n, err, rows)
	}
	if n := number(t, c.Application(), "count", "opened"); n != 1 {
		t.Errorf("%v open calls, want 1", n)
	}
	t.Logf("%d transports were cut", cut.cuts)
}

// cutter is a network that cuts connections.
type cutter struct {
	address string
	server  string
	cuts    int

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

func newCutter(t *testing.T, server string) *cutter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{address: l.Addr().String(), server: server, conns: map[net.Conn]struct{}{}}
	t.Cleanup(func() { l.Close(); c.cut(1) })
	go func() { // ends with l
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.carry(conn) // ends with one of the two
		}
	}()
	return c
}

func (c *cutter) carry(conn net.Conn) {
	onward, err := net.Dial("tcp", c.server)
	if err != nil {
		conn.Close()
		return
	}
	c.mu.Lock()
	c.conns[conn] = struct{}{}
	c.mu.Unlock()
	var both sync.WaitGroup // ended by either
	for _, way := range [][2]net.Conn{{conn, onward}, {onward, conn}} {
		both.Go(func() {
			io.Copy(way[0], way[1])
			way[0].Close()
			way[1].Close()
		})
	}
	both.Wait()
	c.mu.Lock()
	delete(c.conns, conn)
	c.mu.Unlock()
}

// cut cuts some of the connections, with or without a reset.
func (c *cutter) cut(share float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		if rand.Float64() > share {
			continue
		}
		if rand.IntN(2) == 0 {
			conn.(*net.TCPConn).SetLinger(0)
		}
		conn.Close()
		c.cuts++
	}
}

// until cuts a connection here and there until over is closed.
func (c *cutter) until(over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-time.After(time.Duration(rand.IntN(10)+1) * time.Millisecond):
			c.cut(0.3)
		}
	}
}

// lostNotices waits for the loss.
type lostNotices struct {
	remote.Notices
	lost chan error
}

func (n lostNotices) Lost(err error)                 { n.lost <- err }
func (n lostNotices) Quitting(time.Duration, string) {}
func (n lostNotices) Message(string)                 {}

// TestRealLoss: a server that stops, and one that drops the session, say so.
func TestRealLoss(t *testing.T) {
	for name, c := range map[string]struct {
		act  func(s *server, c *remote.Client)
		said string // which the client would not know if it had to find out by itself
	}{
		"stop": {func(s *server, _ *remote.Client) { s.Quit(0) }, "the server is stopping"},
		"drop": {func(s *server, c *remote.Client) { s.Drop(c.Welcome().Session) }, "dropped by the server"},
	} {
		act, said := c.act, c.said
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			n := lostNotices{lost: make(chan error, 1)}
			c := connect(t, s.address, n)
			number(t, c.Process(4, "P4"), "bump")
			act(s, c)
			if err := <-n.lost; !errors.Is(err, remote.ErrLost) || !strings.Contains(err.Error(), said) {
				t.Errorf("error %v, want %q", err, said)
			}
			if _, err := c.Process(5, "P5").Call(t.Context(), "bump", nil); !errors.Is(err, remote.ErrLost) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestNobodyListens says so.
func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	_, err = remote.Connect(t.Context(), remote.Config{Address: address})
	if err == nil || !strings.Contains(err.Error(), "nobody listens there") {
		t.Errorf("error %v", err)
	}
}
