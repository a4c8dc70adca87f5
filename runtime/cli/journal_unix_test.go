//go:build unix

package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"moongate/runtime/journal"
)

// TestJournalSurvivesKill kills a server (SIGKILL) in the middle of many connections. The next one on the same data folder closes
// what the first left open as lost; no row is torn or there twice; and what the second server confirms is all there.
func TestJournalSurvivesKill(t *testing.T) {
	all := 50_000
	if testing.Short() {
		all = 5_000
	}
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs a shell")
	}
	dir := t.TempDir()
	scripts := filepath.Join(dir, "scripts")
	if err := os.Mkdir(scripts, 0o700); err != nil {
		t.Fatal(err)
	}
	policy := `local _, connection = ... if connection % 2 == 0 then return 22000, "even" end`
	if err := os.WriteFile(filepath.Join(scripts, "on_server_open_connection.lua"), []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}

	first := startJournaled(t, dir, "first")
	var done atomic.Int64
	kill := sync.OnceFunc(first.kill)
	visitMany(first.addressOf(t), all, &done, func(n int64) bool {
		if n == int64(all/2) {
			kill()
		}
		return !first.ended()
	})
	kill()

	second := startJournaled(t, dir, "second")
	rest := int64(all) - done.Load()
	var visited atomic.Int64
	visitMany(second.addressOf(t), int(rest), &visited, func(int64) bool { return true })
	if got := visited.Load(); got != rest {
		t.Fatalf("got %d answers of the second server, want %d", got, rest)
	}
	second.cmd.Process.Signal(os.Interrupt)
	<-second.done
	if second.code != 0 {
		t.Errorf("got exit code %d of the second server, want 0\n%s", second.code, lastLines(second.log.text(), 20))
	}
	checkJournal(t, filepath.Join(dir, "data"), done.Load(), rest)
}

// startJournaled starts a server on the data folder of dir.
func startJournaled(t *testing.T, dir, name string) *server {
	t.Helper()
	program, err := exec.LookPath("moongate")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "address-"+name)
	s, err := start(name, dir, os.Environ(), []string{
		program, "--data", "data", "--listen", "127.0.0.1:0", "--admin", "none", "--address-file", file, "--log-level", "warn", "--quit-delay", "0s",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.addressFile = file
	t.Cleanup(s.kill)
	return s
}

func (s *server) addressOf(t *testing.T) string {
	t.Helper()
	addresses, err := s.addresses()
	if err != nil || len(addresses) != 1 {
		t.Fatalf("got addresses %v, %v\n%s", addresses, err, s.log.text())
	}
	return addresses[0]
}

// visitMany makes so many connections, some at a time, and counts those that were answered to their end. It ends before when
// goOn, which is told the count, says so.
func visitMany(address string, connections int, answered *atomic.Int64, goOn func(answered int64) bool) {
	var begun atomic.Int64
	var visitors sync.WaitGroup
	for range 16 {
		visitors.Go(func() {
			for begun.Add(1) <= int64(connections) {
				if visitOnce(address) == nil {
					answered.Add(1)
				}
				if !goOn(answered.Load()) {
					return
				}
			}
		})
	}
	visitors.Wait()
}

// visitOnce connects, and leaves if it was let in.
func visitOnce(address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	io.WriteString(conn, "QUIT\r\n")
	answer, err := io.ReadAll(conn)
	if !bytes.HasPrefix(answer, []byte("+OK")) && !bytes.HasPrefix(answer, []byte("-REFUSED 22000 even")) {
		return fmt.Errorf("answer %q: %w", answer, err)
	}
	return nil
}

// checkJournal reads the journal of two servers: how many connections the first had confirmed, and the second.
func checkJournal(t *testing.T, folder string, before, after int64) {
	t.Helper()
	type key struct {
		session    string
		connection int64
	}
	seen, perSession, lost := map[key]bool{}, map[string]int64{}, map[string]int{}
	var last string
	for row, err := range journal.Read(context.Background(), folder, journal.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		k := key{row.Session, row.Connection}
		if seen[k] {
			t.Errorf("connection %d of session %s is there twice", row.Connection, row.Session)
		}
		seen[k], last = true, row.Session
		perSession[row.Session]++
		if row.Closed.IsZero() {
			t.Errorf("connection %d of session %s is still open", row.Connection, row.Session)
		}
		if row.Cause == journal.Lost {
			lost[row.Session]++
		}
		even := row.Connection%2 == 0
		if refused := row.Verdict == journal.Refused; refused != even || even && (row.Code != 22000 || row.Reason != "even") {
			t.Errorf("connection %d: got %v %d %q", row.Connection, row.Verdict, row.Code, row.Reason)
		}
		if t.Failed() {
			return
		}
	}
	if len(perSession) != 2 || perSession[last] != after || lost[last] != 0 {
		t.Errorf("got rows %v and lost %v, want two sessions, and of the second %d rows and none lost", perSession, lost, after)
	}
	for session, n := range perSession {
		if session != last {
			t.Logf("the killed server had confirmed %d connections; the journal has %d of them, %d of those lost", before, n, lost[session])
			if n == 0 {
				t.Error("the killed server has left nothing")
			}
		}
	}
	if names, _ := filepath.Glob(filepath.Join(folder, "*.broken*")); len(names) > 0 {
		t.Errorf("the journal was broken: %s", strings.Join(names, " "))
	}
}
