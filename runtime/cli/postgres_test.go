package cli_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// postgresVariable holds the URL of a PostgreSQL for the tests that want one.
const postgresVariable = "MOONGATE_TEST_POSTGRES"

// testPostgres is what the variable held when the tests began: see TestMain.
var testPostgres string

// schemas counts the schemas that tests have made.
var schemas atomic.Int64

// newDatabase makes an empty schema, which the end of the test takes away, and gives a wire to it and its URL by that.
func newDatabase(t testing.TB) (*wire, string, error) {
	given := testPostgres
	schema := fmt.Sprintf("moongate_cli_%d_%d", os.Getpid(), schemas.Add(1))
	if err := runOn(given, "CREATE SCHEMA "+schema); err != nil {
		return nil, "", err
	}
	t.Cleanup(func() {
		if err := runOn(given, "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(given)
	if err != nil {
		return nil, "", err
	}
	w, err := newWire(t, u.Host)
	if err != nil {
		return nil, "", err
	}
	u.Host = w.listener.Addr().String()
	q := u.Query()
	q.Set("options", "-csearch_path="+schema) // which psql understands, too
	u.RawQuery = q.Encode()
	return w, u.String(), nil
}

// runOn runs a statement on a PostgreSQL.
func runOn(url, text string) error {
	c, err := pgx.Connect(context.Background(), url)
	if err != nil {
		return err
	}
	defer c.Close(context.Background())
	_, err = c.Exec(context.Background(), text)
	return err
}

// wire stands between servers and their PostgreSQL, and breaks when it is told to. Its methods may be called from any goroutine.
type wire struct {
	listener net.Listener
	target   string

	mu   sync.Mutex
	away bool // nobody can connect
	open map[net.Conn]bool
}

// newWire makes a wire to an address, until the end of the test.
func newWire(t testing.TB, target string) (*wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{listener: l, target: target, open: map[net.Conn]bool{}}
	var all sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		w.cut(true)
		all.Wait()
	})
	all.Go(func() { // until the listener is closed
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { w.carry(client) }) // until either side closes
		}
	})
	return w, nil
}

func (w *wire) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.target)
	if err != nil || !w.joins(client, server) {
		return
	}
	defer server.Close()
	var there sync.WaitGroup
	there.Go(func() { // until either side closes
		io.Copy(server, client)
		server.Close()
	})
	io.Copy(client, server)
	client.Close()
	there.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, client)
}

// joins reports whether a connection may be, and keeps it for cut.
func (w *wire) joins(client, server net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away {
		server.Close()
		return false
	}
	w.open[client] = true
	return true
}

// cut breaks all connections, and says whether new ones are broken at once.
func (w *wire) cut(away bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = away
	for c := range w.open {
		c.Close()
	}
	clear(w.open)
}

// database makes a PostgreSQL's schema for the script, or sends it away and back.
func (s *scene) database(args []string) (err error) {
	switch {
	case len(args) == 0:
		var url string
		if s.wire, url, err = newDatabase(s.t); err == nil {
			s.ts.Setenv("database", url)
		}
		return err
	case len(args) == 1 && (args[0] == "away" || args[0] == "back") && s.wire != nil:
		s.wire.cut(args[0] == "away")
		return nil
	}
	return fmt.Errorf("usage: database [away|back]")
}
