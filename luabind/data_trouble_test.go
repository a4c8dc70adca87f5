package luabind_test

import (
	"bufio"
	"database/sql"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/datastore"
	"moongate/runtime/host"
	"moongate/runtime/process"
	"moongate/runtime/session"
)

// troubled are scripts that keep a row of each visit, as the shipped ones do, and go on when they cannot.
var troubled = scripts{
	"structure.lua": `return { visit = { { "id", "integer", primary = true, sequence = true }, { "note", "text" } } }`,
	"on_server_open_connection.lua": `local saved, problem = ds.visit:new{ note = "came" }:save()
if not saved then print("not kept: " .. problem) end
return 0`,
	"save.lua": `local saved, problem, code = ds.visit:new{ note = ("x"):rep(tonumber((...))) }:save()
return tostring(saved) .. " " .. tostring(code) .. " " .. tostring(problem)`,
	"rows.lua": `local n, problem, code = ds.visit:count() return tostring(n) .. " " .. tostring(code) .. " " .. tostring(problem)`,
}

// trouble is a host in real time whose database gets into trouble.
type trouble struct {
	*house
	t   *testing.T
	log *lines
}

// openTrouble makes a host with these scripts.
func openTrouble(t *testing.T, s scripts, data datastore.Config) *trouble {
	t.Helper()
	folder, log := t.TempDir(), &lines{}
	s.write(t, folder)
	h, err := openOn(data, folder, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.settle()
		h.close(t)
	})
	return &trouble{h, t, log}
}

// says calls a method with a number, and looks whether what it returns matches.
func (h *trouble) says(method string, n int, want string) {
	h.t.Helper()
	got, err := h.house.says(method, int64(n))
	if err != nil || !regexp.MustCompile(want).MatchString(got) {
		h.t.Errorf("%s: got %q, %v, want a match of %s", method, got, err, want)
	}
}

// knock comes to the door, which must be open.
func (h *trouble) knock() {
	h.t.Helper()
	guest, refusal := h.Open(session.Peer{
		Address: netip.MustParseAddrPort("192.0.2.7:40000"), Local: netip.MustParseAddrPort("192.0.2.1:19813"), Listener: "192.0.2.1:19813",
	}, func() {})
	if guest == nil {
		h.t.Errorf("refused: %s\n%s", refusal, strings.Join(h.log.all(), "\n"))
		return
	}
	client, server := net.Pipe()
	served := make(chan struct{})
	go func() { // ends when the client closes its end
		guest.Serve(server)
		close(served)
	}()
	defer func() {
		client.Close()
		<-served
	}()
	fmt.Fprint(client, "PING\r\n")
	if reply, err := bufio.NewReader(client).ReadString('\n'); reply != "+PONG\r\n" {
		h.t.Errorf("got %q, %v, want +PONG", reply, err)
	}
}

// TestLockedDataFile has another program hold the write lock of the data.
func TestLockedDataFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.sqlite")
	h := openTrouble(t, troubled, datastore.Config{Path: path})
	h.says("save", 1, "^true")
	other, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	h.knock()
	h.says("save", 1, "^nil 3 .*data.sqlite: database is locked .*; end the program that has locked it")
	h.says("rows", 0, "^1 ") // reading goes on
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	h.says("save", 1, "^true")
	h.knock()
	h.says("rows", 0, "^3 ")
}

// TestLongTransactionAndTheDoor has a process keep the data for its transaction for a minute: who comes is let in after half of
// the time that the open method has.
func TestLongTransactionAndTheDoor(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := scripts{"hold.lua": `start_transaction() ds.visit:new{ note = "long" }:save() delay_process(current_process(), 60 * 60)
validate_transaction()`}
		maps.Copy(s, troubled)
		h := openTrouble(t, s, datastore.Config{Path: filepath.Join(folder, "data.sqlite")})
		if _, err := h.Start(host.Procedure{Method: "hold", Type: process.ExecuteOnServer}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		start := time.Now()
		h.knock()
		if took := time.Since(start).Round(100 * time.Millisecond); took != 2500*time.Millisecond {
			t.Errorf("it took %v, want 2.5s, half of --method-timeout", took)
		}
		if log := strings.Join(h.log.all(), "\n"); !strings.Contains(log, "not kept: the database did not answer in half of the time that the method had left; ") {
			t.Errorf("the log does not say why the row is not there:\n%s", log)
		}
		h.says("save", 1, `^nil 3 .*held by the transaction of .* for more than 10s`)
		time.Sleep(time.Minute)
		h.says("save", 1, "^true")
		h.says("rows", 0, "^2 ")
	})
}

// TestReadOnlyServer has a PostgreSQL that must not be written, as a standby: scripts read, and are told when they save.
func TestReadOnlyServer(t *testing.T) {
	data := onPostgres(t)
	openTrouble(t, troubled, data).says("save", 1, "^true") // there are the tables
	data.URL += "&default_transaction_read_only=on"
	h := openTrouble(t, troubled, data)
	h.knock()
	h.says("save", 1, "^nil -1 .*cannot execute INSERT in a read-only transaction .*; the server is a standby; name the primary in the URL")
	h.says("rows", 0, "^1 ")
}

// newer is what a newer version of the scripts has made of their table: a column that these do not know; newest has one that
// must have a value besides.
const (
	newer  = `return { visit = { { "id", "integer", primary = true, sequence = true }, { "note", "text" }, { "tone", "text" } } }`
	newest = `return { visit = { { "id", "integer", primary = true, sequence = true }, { "note", "text" }, { "must", "text", not_null = true } } }`
)

// TestDataNewerThanTheScripts has columns that the scripts do not declare, as after going back to older scripts.
func TestDataNewerThanTheScripts(t *testing.T) {
	for name, config := range map[engineName]func(t *testing.T) datastore.Config{
		sqlite: func(t *testing.T) datastore.Config {
			return datastore.Config{Path: filepath.Join(t.TempDir(), "data.sqlite")}
		},
		postgreSQL: onPostgres,
	} {
		t.Run(string(name), func(t *testing.T) {
			data := config(t)
			withStructure(t, newer, data).says("save", 1, "^true")
			h := openTrouble(t, troubled, data)
			h.knock()
			h.says("save", 1, "^true")
			h.says("rows", 0, "^3 ")

			data = config(t)
			withStructure(t, newest, data)
			folder := t.TempDir()
			troubled.write(t, folder)
			_, err := openOn(data, folder, slog.New(slog.DiscardHandler))
			if datastore.KindOf(err) != datastore.Conflict || !strings.Contains(err.Error(), "give it a default there, or declare it") {
				t.Errorf("got %v, want an error that says what to do", err)
			}
		})
	}
}

// TestDataThatBecomesNewer has somebody make a column that the scripts do not declare while they are served.
func TestDataThatBecomesNewer(t *testing.T) {
	data := onPostgres(t)
	h := openTrouble(t, troubled, data)
	runOn(t, data.URL, "ALTER TABLE visit ADD COLUMN must text NOT NULL")
	h.says("save", 1, "^nil -1 .*must.*; the database is newer than structure.lua: give the column a default in the database, or declare it$")
	h.knock()
	runOn(t, data.URL, "ALTER TABLE visit ALTER COLUMN must SET DEFAULT 'x'")
	h.says("save", 1, "^true")
	h.says("rows", 0, "^1 ")
}

// withStructure is openTrouble with another structure.lua.
func withStructure(t *testing.T, text string, data datastore.Config) *trouble {
	t.Helper()
	other := maps.Clone(troubled)
	other["structure.lua"] = text
	return openTrouble(t, other, data)
}
