package datastore

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// cable stands between a store and its server, and breaks when it is told to.
type cable struct {
	listener net.Listener
	target   string
	swallow  atomic.Bool // the next answer is lost, and its connection breaks
	away     atomic.Bool // nobody can connect
	mu       sync.Mutex
	open     map[net.Conn]bool
}

// wired gives the Config by way of a cable.
func wired(t *testing.T, c Config) (*cable, Config) {
	t.Helper()
	u, err := url.Parse(c.URL)
	ok(t, err)
	w := &cable{target: u.Host, open: map[net.Conn]bool{}}
	w.listener, err = net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	u.Host = w.listener.Addr().String()
	c.URL = u.String()
	var all sync.WaitGroup
	t.Cleanup(func() { w.listener.Close(); w.cut(); all.Wait() })
	all.Go(func() { // until the listener is closed
		for {
			client, err := w.listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { w.carry(client) }) // until either side closes
		}
	})
	return w, c
}

func (w *cable) carry(client net.Conn) {
	defer client.Close()
	if w.away.Load() {
		return
	}
	server, err := net.Dial("tcp", w.target)
	if err != nil {
		return
	}
	defer server.Close()
	w.mu.Lock()
	w.open[client], w.open[server] = true, true
	w.mu.Unlock()
	go func() { // until either side closes
		io.Copy(server, client)
		server.Close()
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil || n > 0 && w.swallow.CompareAndSwap(true, false) {
			return
		}
		client.Write(buffer[:n])
	}
}

// cut breaks all connections.
func (w *cable) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		c.Close()
	}
	clear(w.open)
}

// TestServerGoesAway loses nothing, and saves nothing twice, when answers are lost and connections break.
func TestServerGoesAway(t *testing.T) {
	w, config := wired(t, databases[1].config(t))
	config.Structure, config.RetryFor = serverLog(), 3*time.Second
	s := openTest(t, config)
	ctx, c := t.Context(), contextOf(t, s, 1)
	r := saved(t, c, "server_log", nil)
	for range 5 {
		w.swallow.Store(true)
		saved(t, c, "server_log", map[string]any{"user_id": 1}) // was done, but the answer is lost
		w.swallow.Store(true)
		set(t, r, map[string]any{"user_id": 2})
		ok(t, c.Save(ctx, r))
		w.cut()
		saved(t, c, "server_log", map[string]any{"user_id": 3}) // was not done
		w.cut()
		ok(t, c.Reload(ctx, r))
	}
	for user, want := range map[int]int{1: 5, 2: 1, 3: 5} {
		if n := find(t, c, "server_log", "user_id = :1", user).Len(); n != want {
			t.Errorf("user %d has %d rows; want %d", user, n, want)
		}
	}
	ok(t, c.StartTransaction(ctx))
	saved(t, c, "server_log", map[string]any{"user_id": 4})
	w.swallow.Store(true)
	ok(t, c.ValidateTransaction(ctx))
	if n := find(t, c, "server_log", "user_id = 4").Len(); n != 1 {
		t.Errorf("%d rows of a transaction whose end was not answered; want 1", n)
	}
	ok(t, c.StartTransaction(ctx))
	saved(t, c, "server_log", map[string]any{"user_id": 5})
	w.cut()
	wantKind(t, c.Save(ctx, record(t, c, "server_log", nil)), Unavailable)
	wantKind(t, c.ValidateTransaction(ctx), Unavailable)
	if n := find(t, c, "server_log", "user_id = 5").Len(); n != 0 || c.Level() != 0 {
		t.Errorf("%d rows of a transaction that was cut off, at level %d; want 0, 0", n, c.Level())
	}
	w.swallow.Store(true)
	ok(t, c.Drop(ctx, r))
	w.swallow.Store(true)
	if n, err := s.UserNumber(ctx, "somebody"); n != 3 || err != nil {
		t.Errorf("the first user has %d, %v; want 3", n, err)
	}
	for range serverBlock {
		if _, err := c.Sequence(ctx, "words"); err != nil {
			t.Fatal(err)
		}
	}
	w.swallow.Store(true)
	if n, err := c.Sequence(ctx, "words"); n <= serverBlock || err != nil {
		t.Errorf("the next number is %d, %v; want one that was not given", n, err)
	}
}

// TestServerStaysAway fails after a bounded time, and works when the server is back; locks are taken again.
func TestServerStaysAway(t *testing.T) {
	w, config := wired(t, databases[1].config(t))
	config.Structure, config.RetryFor = serverLog(), 200*time.Millisecond
	s := openTest(t, config)
	ctx, c := t.Context(), contextOf(t, s, 1)
	r := saved(t, c, "words", map[string]any{"word": "a"})
	ok(t, c.Lock(ctx, r))
	w.away.Store(true)
	w.cut()
	lost := record(t, c, "words", map[string]any{"word": "b"})
	wantKind(t, c.Save(ctx, lost), Unavailable)
	_, err := c.Select(ctx, "words", nil, nil)
	wantKind(t, err, Unavailable)
	_, err = s.UserNumber(ctx, "somebody")
	wantKind(t, err, Unavailable)
	w.away.Store(false)
	ok(t, c.Save(ctx, lost))
	second := saved(t, c, "words", map[string]any{"word": "c"})
	ok(t, c.Lock(ctx, second)) // on a new connection, which takes the old lock again
	other := contextOf(t, openTest(t, s.config), 2)
	theirs, err := other.Get(ctx, "words", "a")
	ok(t, err)
	wantKind(t, other.Lock(ctx, theirs), Locked)
}
