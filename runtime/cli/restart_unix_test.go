//go:build unix

package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"moongate/runtime/admin"
	operator "moongate/runtime/admin/client"
	"moongate/runtime/journal"
)

// lineage is a server and all that take over from it.
type lineage struct {
	t        *testing.T
	folder   string
	log      string // file
	first    *exec.Cmd
	over     chan struct{} // closed when the first process has gone
	program  string        // a copy, which a test may replace
	admin    *operator.Client
	adminAt  string
	clients  []string // addresses
	stopping bool
}

// startLineage starts a server with these scripts and flags, and waits until clients can connect. prepare may be nil.
func startLineage(t *testing.T, scripts map[string]string, prepare func(*exec.Cmd), flags ...string) *lineage {
	t.Helper()
	h := &lineage{t: t, folder: t.TempDir(), over: make(chan struct{})}
	for name, text := range scripts {
		h.write(filepath.Join("scripts", name), text)
	}
	os.MkdirAll(filepath.Join(h.folder, "scripts"), 0o700)
	found, err := exec.LookPath("moongate")
	if err != nil {
		t.Fatal(err)
	}
	h.program, h.log = filepath.Join(h.folder, "moongate"), filepath.Join(h.folder, "log")
	content, err := os.ReadFile(found)
	if err == nil {
		err = os.WriteFile(h.program, content, 0o700)
	}
	log, err2 := os.Create(h.log)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	defer log.Close()
	args := append([]string{"serve", "--data", "data", "--address-file", "addresses", "--admin-address-file", "admin", "--quit-delay", "0s"}, flags...)
	if !strings.Contains(strings.Join(flags, " "), "--admin") {
		args = append(args, "--admin", "127.0.0.1:0")
	}
	h.first = exec.Command(h.program, args...)
	h.first.Dir, h.first.Stderr, h.first.Stdout = h.folder, log, log
	if prepare != nil {
		prepare(h.first)
	}
	if err := h.first.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process
		h.first.Wait()
		close(h.over)
	}()
	t.Cleanup(func() {
		h.end()
		if t.Failed() {
			t.Logf("log:\n%s", lastLines(h.read("log"), 6000))
		}
	})
	h.awaitLog("clients can connect", 1)
	h.clients = strings.Fields(h.read("addresses"))
	h.adminAt = strings.TrimSpace(h.read("admin"))
	h.admin = operator.New(h.adminAt, "")
	return h
}

func (h *lineage) write(name, text string) {
	h.t.Helper()
	path := filepath.Join(h.folder, name)
	os.MkdirAll(filepath.Dir(path), 0o700)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		h.t.Fatal(err)
	}
}

func (h *lineage) read(name string) string {
	h.t.Helper()
	text, err := os.ReadFile(filepath.Join(h.folder, name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}

// awaitLog waits until the log matches so many times.
func (h *lineage) awaitLog(expression string, times int) {
	h.t.Helper()
	pattern := regexp.MustCompile(expression)
	for until := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		text := h.read("log")
		if len(pattern.FindAllStringIndex(text, -1)) >= times {
			return
		}
		if time.Now().After(until) {
			h.t.Fatalf("the log does not match %d times: %s\n%s", times, expression, lastLines(text, 40))
		}
	}
}

// end stops whoever serves, and waits until every process of the lineage has gone: the data folder is free then.
func (h *lineage) end() {
	if h.stopping {
		return
	}
	h.stopping = true
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if h.admin != nil {
		h.admin.Quit(ctx, admin.QuitAct{Mode: "now"})
	}
	for _, found := range regexp.MustCompile(`msg=restart .*pid=(\d+)`).FindAllStringSubmatch(h.read("log"), -1) {
		var pid int
		fmt.Sscan(found[1], &pid)
		h.awaitGone(pid)
	}
	if h.admin == nil {
		h.first.Process.Kill()
	}
	<-h.over
	for _, bad := range []string{"fault of the host", "DATA RACE", "panic: "} {
		if strings.Contains(h.read("log"), bad) {
			h.t.Errorf("the log has: %s", bad)
		}
	}
}

// awaitGone waits for the end of a process, which need not be a child; it is killed when it does not come.
func (h *lineage) awaitGone(pid int) {
	for until := time.Now().Add(patience); syscall.Kill(pid, 0) == nil; time.Sleep(2 * time.Millisecond) {
		if state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && strings.Contains(string(state), ") Z ") {
			return // nobody takes notice of its end here
		}
		if time.Now().After(until) {
			h.t.Errorf("process %d has not ended", pid)
			syscall.Kill(pid, syscall.SIGKILL)
			return
		}
	}
}

// restart runs moongate restart.
func (h *lineage) restart(flags ...string) (code int, text string) {
	var out bytes.Buffer
	cmd := exec.Command(h.program, append([]string{"restart", "--admin", h.adminAt}, flags...)...)
	if found, err := exec.LookPath("moongate"); err == nil {
		cmd.Path = found
	}
	cmd.Stdout, cmd.Stderr = &out, &out
	code = exitCode(cmd.Run())
	return code, out.String()
}

// pid is who answers administrators.
func (h *lineage) pid() int {
	h.t.Helper()
	s, err := h.admin.Server(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	return s.PID
}

// dialed is a client's connection.
type dialed struct {
	net.Conn
	r *bufio.Reader
}

func dial(address string) (*dialed, error) {
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(patience))
	return &dialed{c, bufio.NewReader(c)}, nil
}

// ask sends a line and reads one.
func (d *dialed) ask(line string) (string, error) {
	if _, err := io.WriteString(d, line+"\r\n"); err != nil {
		return "", err
	}
	answer, err := d.r.ReadString('\n')
	return strings.TrimSpace(answer), err
}

// echo is an upstream that gives back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { // ends with its client
				io.Copy(c, c)
				c.Close()
			})
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return l.Addr().String()
}

// TestRestartRefusesNobody restarts a server 10 times while clients connect all the time, at the application listener and at
// two gates, one of which a script has opened; none of them is refused or reset, those who were there before stay, and each
// has one row in the journal.
func TestRestartRefusesNobody(t *testing.T) {
	upstream := echo(t)
	h := startLineage(t, map[string]string{
		"on_server_open_connection.lua": `return 0`,
		"on_server_startup.lua":         fmt.Sprintf(`open_gate{ name = "scripted", listen = "127.0.0.1:0", upstream = %q }`, upstream),
	}, nil, "--listen", "127.0.0.1:0", "--gate", "127.0.0.1:0="+upstream, "--log-level", "info")
	if len(h.clients) != 3 {
		t.Fatalf("got addresses %v, want 3", h.clients)
	}
	var held []*dialed
	keep := func() {
		for _, address := range h.clients {
			d, err := dial(address)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.ask("PING"); err != nil {
				t.Fatal(err)
			}
			held = append(held, d)
		}
	}
	keep()
	var served, failed atomic.Int64
	stop := make(chan struct{})
	var load sync.WaitGroup
	for i := range 6 {
		load.Go(func() { // ends when stop is closed
			for {
				select {
				case <-stop:
					return
				default:
				}
				d, err := dial(h.clients[i%3])
				if err == nil {
					_, err = d.ask("PING")
					d.Close()
				}
				if err != nil {
					failed.Add(1)
					t.Errorf("got %v, want every client served", err)
					return
				}
				served.Add(1)
			}
		})
	}
	const restarts = 10
	pids := map[int]bool{h.pid(): true}
	for i := range restarts {
		if i%2 == 0 {
			if code, text := h.restart(); code != 0 || !strings.Contains(text, "serves") {
				t.Errorf("got exit code %d and %s, want 0", code, text)
			}
		} else {
			syscall.Kill(h.pid(), syscall.SIGUSR2)
			h.awaitLog("another process serves from now on", i+1)
		}
		pids[h.pid()] = true
		if i < 4 {
			keep()
		}
	}
	close(stop)
	load.Wait()
	if failed.Load() != 0 || len(pids) != restarts+1 {
		t.Errorf("got %d failures of %d, and %d processes, want none and %d", failed.Load(), served.Load(), len(pids), restarts+1)
	}
	t.Logf("%d connections while %d restarts", served.Load(), restarts)
	for i, d := range held {
		if answer, err := d.ask("PING"); err != nil || !strings.HasSuffix(answer, "PING") && answer != "+PONG" {
			t.Errorf("got %q, %v of held connection %d, want an answer", answer, err, i)
		}
		d.Close()
	}
	h.end()
	rows, connections := 0, map[int64]int{}
	for row, err := range journal.Read(context.Background(), filepath.Join(h.folder, "data"), journal.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		rows++
		connections[row.Connection]++
		if row.Closed.IsZero() || row.Cause == journal.Lost || row.Verdict != journal.Accepted {
			t.Errorf("got %+v, want a connection that was let in and has ended", row)
		}
	}
	if want := int(served.Load()) + len(held); rows != want || len(connections) != want {
		t.Errorf("got %d rows with %d connection numbers, want %d of each", rows, len(connections), want)
	}
}

// TestRestartFails leaves the old process serving whatever is wrong with the new one, and says what.
func TestRestartFails(t *testing.T) {
	h := startLineage(t, map[string]string{"on_server_open_connection.lua": `return 0`}, nil, "--listen", "127.0.0.1:0")
	before := h.pid()
	expect := func(what, want string) {
		t.Helper()
		code, text := h.restart()
		if code != 1 || !strings.Contains(text, want) {
			t.Errorf("%s: got exit code %d and %s, want 1 and %s", what, code, text, want)
		}
		d, err := dial(h.clients[0])
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if answer, err := d.ask("PING"); err != nil || answer != "+PONG" || h.pid() != before {
			t.Errorf("%s: got %q, %v of process %d, want PONG of %d", what, answer, err, h.pid(), before)
		}
	}
	h.write("scripts/on_server_startup.lua", `error("no coffee")`)
	expect("a startup method that fails", "no coffee")
	h.write("scripts/on_server_startup.lua", `return return`)
	expect("a script that is none", "on_server_startup.lua:1")
	os.Remove(filepath.Join(h.folder, "scripts/on_server_startup.lua"))
	content, err := os.ReadFile(h.program)
	if err != nil {
		t.Fatal(err)
	}
	replace := func(content string, mode os.FileMode) {
		t.Helper()
		h.write("moongate", content)
		if err := os.Chmod(h.program, mode); err != nil {
			t.Fatal(err)
		}
	}
	replace("#!/bin/sh\necho wrong program >&2\nexit 7\n", 0o700)
	expect("another program", "wrong program")
	replace("#!/bin/sh\nexit 0\n", 0o700)
	expect("a program that does nothing", "without a word")
	replace(string(content), 0o600)
	expect("a file that is not executable", "permission denied")
	os.Remove(h.program)
	expect("no file", "no such file")
	replace(string(content), 0o700)
	if code, text := h.restart(); code != 0 {
		t.Errorf("got exit code %d and %s, want 0", code, text)
	}
}

// TestRestartWhenThereCanBeNone refuses a second restart, one while the server starts, and one while it stops.
func TestRestartWhenThereCanBeNone(t *testing.T) {
	h := startLineage(t, map[string]string{"on_server_open_connection.lua": `return 0`}, nil, "--listen", "127.0.0.1:0")
	h.write("scripts/on_server_startup.lua", `while test_path_name("go_on") ~= 1 do delay_process(current_process(), 1) end`)
	h.write("data/documents/some", "")
	ctx := context.Background()
	if _, err := h.admin.Restart(ctx, admin.RestartAct{}); err != nil {
		t.Fatal(err)
	}
	if code, text := h.restart(); code != 1 || !strings.Contains(text, "a restart is under way") {
		t.Errorf("got exit code %d and %s, want 1", code, text)
	}
	h.write("data/documents/go_on", "")
	h.awaitLog("this process serves in place of another", 1)
	syscall.Kill(h.first.Process.Pid, syscall.SIGUSR2) // it may have gone already
	d, err := dial(h.clients[0])
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.ask("PING"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.admin.Quit(ctx, admin.QuitAct{Mode: "wait"}); err != nil {
		t.Fatal(err)
	}
	if code, text := h.restart(); code != 1 || !strings.Contains(text, "the server is stopping") {
		t.Errorf("got exit code %d and %s, want 1", code, text)
	}
	d.Close()
}

// TestRestartIn disconnects the old process's clients when their time is over.
func TestRestartIn(t *testing.T) {
	h := startLineage(t, map[string]string{"on_server_open_connection.lua": `return 0`}, nil, "--listen", "127.0.0.1:0")
	d, err := dial(h.clients[0])
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.ask("PING"); err != nil {
		t.Fatal(err)
	}
	if code, text := h.restart("--in", "0.1"); code != 0 {
		t.Errorf("got exit code %d and %s, want 0", code, text)
	}
	if rest, err := io.ReadAll(d.r); err != nil || !strings.Contains(string(rest), "CLOSED") {
		t.Errorf("got %q, %v, want to be told that it is over", rest, err)
	}
	<-h.over
	if code, text := h.restart("--in", "x"); code != 2 {
		t.Errorf("got exit code %d and %s, want 2", code, text)
	}
}
