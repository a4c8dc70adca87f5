//go:build unix

package cli_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"moongate/luabind"
	"moongate/runtime/datastore"
)

// keeping are scripts whose method keep saves a row, changes it, and takes a number. What it returns, a save has confirmed.
var keeping = map[string]string{
	"structure.lua": `return {
  kept = { { "id", "integer", primary = true, sequence = true }, { "worker", "integer" }, { "n", "integer" }, { "whole", "boolean" },
    indexes = { { "worker", "n" } } },
  ticket = { { "id", "integer", primary = true } },
}`,
	"keep.lua": `local worker, n = ...
local row = ds.kept:new{ worker = tonumber(worker), n = tonumber(n), whole = false }
if tonumber(n) % 10 == 0 then start_transaction() end
assert(row:save())
row.whole = true
assert(row:save())
local number = sequence_number("ticket")
if in_transaction() then assert(validate_transaction()) end
return { row.id, number }`,
}

// confirmed is what servers have told their clients, over all rounds.
type confirmed struct {
	mu      sync.Mutex
	rows    map[int64][2]int64 // worker and n by id
	tickets map[int64]bool
	twice   []string
}

// add keeps an answer, and gives how many there are.
func (c *confirmed) add(id, ticket, worker, n int64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.rows[id]; ok || c.tickets[ticket] {
		c.twice = append(c.twice, fmt.Sprintf("row %d or number %d", id, ticket))
	}
	c.rows[id], c.tickets[ticket] = [2]int64{worker, n}, true
	return len(c.rows)
}

// TestDataSurvivesKill kills a server (SIGKILL) under load, several times over: every row that a save had confirmed is there, whole,
// and no sequence number came twice.
func TestDataSurvivesKill(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	for name, database := range map[string]func(t *testing.T) string{
		"SQLite": func(t *testing.T) string { return filepath.Join(t.TempDir(), "data") },
		"PostgreSQL": func(t *testing.T) string {
			if testPostgres == "" {
				t.Skip(postgresVariable + " holds no URL of a PostgreSQL to test with")
			}
			_, url, err := newDatabase(t)
			if err != nil {
				t.Fatal(err)
			}
			return url
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, data := t.TempDir(), database(t)
			scripts := filepath.Join(dir, "scripts")
			if err := os.Mkdir(scripts, 0o700); err != nil {
				t.Fatal(err)
			}
			for file, text := range keeping {
				if err := os.WriteFile(filepath.Join(scripts, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c := &confirmed{rows: map[int64][2]int64{}, tickets: map[int64]bool{}}
			for round := range rounds {
				s := startKeeping(t, dir, data, round)
				keepMany(t, s, int64(round), 150+40*round, c)
			}
			checkKept(t, scripts, data, c)
		})
	}
}

// startKeeping starts a server on the data.
func startKeeping(t *testing.T, dir, data string, round int) *server {
	t.Helper()
	program, err := exec.LookPath("moongate")
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprint("round", round)
	file := filepath.Join(dir, "address-"+name)
	s, err := start(name, dir, append(os.Environ(), "XDG_STATE_HOME="+dir), []string{
		program, "--data", data, "--listen", "127.0.0.1:0", "--admin", "none", "--address-file", file, "--log-level", "warn",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.addressFile = file
	t.Cleanup(s.kill)
	return s
}

// keepMany has eight clients call keep, until so many more calls were answered; then the server is killed.
func keepMany(t *testing.T, s *server, round int64, rows int, c *confirmed) {
	t.Helper()
	address, enough := s.addressOf(t), len(c.rows)+rows
	var killed atomic.Bool
	kill := sync.OnceFunc(func() {
		killed.Store(true)
		s.kill()
	})
	defer kill()
	var clients sync.WaitGroup
	for worker := range int64(8) {
		clients.Go(func() { // ends when the server does, at the latest
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			for n := int64(0); ; n++ {
				fmt.Fprintf(conn, "CALL keep %d %d\r\n", round*8+worker, n)
				id, ticket, err := readKept(in)
				switch {
				case err != nil && !killed.Load():
					t.Error(err)
					kill()
				case err == nil && c.add(id, ticket, round*8+worker, n) < enough:
					continue
				default:
					kill()
				}
				return
			}
		})
	}
	clients.Wait()
}

// readKept reads the answer of keep: a list of two numbers.
func readKept(in *bufio.Reader) (id, ticket int64, err error) {
	var answer [3]string
	for i := range answer {
		if answer[i], err = in.ReadString('\n'); err != nil {
			return 0, 0, err
		}
		if answer[0][0] == '-' {
			return 0, 0, fmt.Errorf("answer %q", answer[0])
		}
	}
	number := func(line string) int64 {
		n, wrong := strconv.ParseInt(strings.Trim(line, ":\r\n"), 10, 64)
		if wrong != nil {
			err = fmt.Errorf("answer %q: %w", answer, wrong)
		}
		return n
	}
	return number(answer[1]), number(answer[2]), err
}

// checkKept compares what was confirmed with what is there.
func checkKept(t *testing.T, scripts, data string, c *confirmed) {
	t.Helper()
	tables, err := luabind.ReadStructure(scripts)
	if err != nil {
		t.Fatal(err)
	}
	config := datastore.Config{Structure: tables}
	if strings.Contains(data, "://") {
		config.URL = data
	} else {
		config.Path = filepath.Join(data, "data.sqlite")
	}
	ctx := context.Background()
	store, err := datastore.Open(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	reader := store.NewContext(datastore.Owner{Name: "test"})
	defer reader.Close(ctx)
	all, err := reader.Select(ctx, "kept", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	records, err := all.Records(ctx, 0, all.Len())
	if err != nil {
		t.Fatal(err)
	}
	there, torn := map[int64]bool{}, 0
	for _, r := range records {
		id := r.Key().(int64)
		want, ok := c.rows[id]
		got := [2]int64{r.Value(1).(int64), r.Value(2).(int64)}
		whole := r.Value(3) == true
		if ok && (got != want || !whole) {
			t.Errorf("row %d: got %v, whole %v, want %v, whole", id, got, whole, want)
		}
		if got[1]%10 == 0 && !whole {
			t.Errorf("row %d: half of a transaction is there", id)
		}
		if !whole {
			torn++
		}
		there[id] = true
	}
	for id := range c.rows {
		if !there[id] {
			t.Errorf("row %d was confirmed and is not there", id)
		}
	}
	if len(c.twice) > 0 {
		t.Errorf("came twice: %v", c.twice)
	}
	if n, err := reader.Sequence(ctx, "ticket"); err != nil || c.tickets[n] {
		t.Errorf("the next number is %d, %v, which was given before", n, err)
	}
	t.Logf("%d rows were confirmed; %d are there, %d of them not changed yet by a call that nobody confirmed", len(c.rows), len(there), torn)
}
