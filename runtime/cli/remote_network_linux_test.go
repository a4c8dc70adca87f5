package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// wireBetween is a server and a client, each in a network namespace of its own, with a cable between them.
type wireBetween struct {
	t              *testing.T
	name           string
	folder         string
	server, client *server
	pulled         time.Time
}

// run runs a program that must succeed.
func run(t *testing.T, words ...string) {
	t.Helper()
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", words, err, out)
	}
}

// layWire makes the two namespaces and the cable, and starts the server and a client in them. It skips the test where the
// machine does not allow namespaces.
func layWire(t *testing.T, name, timeout string, scripts map[string]string) *wireBetween {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	if out, err := exec.Command("ip", "netns", "add", name+"-s").CombinedOutput(); err != nil {
		t.Skipf("no network namespaces here: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", name+"-s").Run() })
	run(t, "ip", "netns", "add", name+"-c")
	t.Cleanup(func() { exec.Command("ip", "netns", "del", name+"-c").Run() })
	run(t, "ip", "link", "add", name+"0", "netns", name+"-s", "type", "veth", "peer", "name", name+"1", "netns", name+"-c")
	for end, address := range map[string]string{"s": "10.73.0.1/24", "c": "10.73.0.2/24"} {
		device := name + map[string]string{"s": "0", "c": "1"}[end]
		run(t, "ip", "-n", name+"-"+end, "address", "add", address, "dev", device)
		run(t, "ip", "-n", name+"-"+end, "link", "set", device, "up")
		run(t, "ip", "-n", name+"-"+end, "link", "set", "lo", "up")
	}
	w := &wireBetween{t: t, name: name, folder: t.TempDir()}
	for file, text := range scripts {
		file = filepath.Join(w.folder, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w.server = w.start("s", "serve", "--listen", "10.73.0.1:19813", "--admin", "none", "--session-timeout", timeout)
	w.await(w.server, "clients can connect")
	w.client = w.start("c", "remote", "10.73.0.1")
	w.await(w.client, "the processes run")
	return w
}

// start starts the program at one end.
func (w *wireBetween) start(end string, args ...string) *server {
	w.t.Helper()
	program, err := exec.LookPath("moongate")
	if err != nil {
		w.t.Fatal(err)
	}
	words := append([]string{"ip", "netns", "exec", w.name + "-" + end, program}, args...)
	words = append(words, "--scripts", end, "--data", filepath.Join(w.folder, "data-"+end))
	s, err := start(end, w.folder, os.Environ(), words)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		s.kill()
		if w.t.Failed() {
			w.t.Logf("log of %s:\n%s", end, lastLines(s.log.text(), 40))
		}
	})
	return s
}

func (w *wireBetween) await(s *server, expression string) {
	w.t.Helper()
	if err := s.awaitLog(expression); err != nil {
		w.t.Fatal(err)
	}
}

// pull pulls the cable, or puts it back. Nobody is told: the other end of it is as it was.
func (w *wireBetween) pull(out bool) {
	w.t.Helper()
	how := "up"
	if out {
		how, w.pulled = "down", time.Now()
	}
	run(w.t, "ip", "-n", w.name+"-s", "link", "set", w.name+"0", how)
}

// within checks how long ago the cable was pulled.
func (w *wireBetween) within(what string, most time.Duration) {
	w.t.Helper()
	if took := time.Since(w.pulled); took > most {
		w.t.Errorf("%s: it took %v, want no more than %v", what, took.Round(time.Second), most)
	}
}

var networkScripts = map[string]string{
	"s/on_server_open_connection.lua":  `print("opened " .. select(2, ...))`,
	"s/on_server_close_connection.lua": `print("closed " .. select(2, ...))`,
	"c/on_startup.lua": `
		new_process("holds", 0, "holder")
		for n = 1, 1e6 do
			if process_aborted() then break end
			local time, why, number = current_time("*")
			if not time then print("failed: " .. tostring(number)) break end
			print("asked " .. n)
			delay_process(current_process(), 30)
		end`,
	"c/holds.lua": `
		if not semaphore("it") then print("has it") end
		while not process_aborted() do
			delay_process(current_process(), 60)
			print("has it still: " .. tostring(test_semaphore("it") and not semaphore("it")))
		end`,
	"c/on_exit.lua": `print("exits")`,
}

// A cable that is pulled and put back: both ends have given the connections up meanwhile; afterwards the session, its processes
// and what they hold are as they were, and nobody was asked or told anything.
func TestACableIsPulledAndPutBack(t *testing.T) {
	t.Parallel()
	w := layWire(t, "mgback", "5m", networkScripts)
	w.await(w.client, `msg="has it still: true"`)
	w.pull(true)
	w.await(w.server, `msg="link unreachable"`)
	w.within("the server notices", 35*time.Second)
	w.await(w.client, "connection to the server lost, trying again")
	before := strings.Count(w.client.log.text(), "has it still: true")
	w.pull(false)
	for _, pattern := range []string{`has it still: true`, `asked \d+`} {
		w.await(w.client, fmt.Sprintf(`(?s)trying again.*(%s.*){2}`, pattern))
	}
	if after := strings.Count(w.client.log.text(), "has it still: true"); after <= before {
		t.Errorf("got %d looks at the semaphore, want more than the %d before", after, before)
	}
	for _, bad := range []string{"has it still: false", "failed:"} {
		if strings.Contains(w.client.log.text(), bad) {
			t.Errorf("the client says %q", bad)
		}
	}
	if text := w.server.log.text(); strings.Contains(text, "closed ") || strings.Count(text, "opened ") != 4 {
		t.Errorf("got %d open calls and %d close calls, want 4 and none", strings.Count(text, "opened "), strings.Count(text, "closed "))
	}
	w.client.cmd.Process.Signal(os.Interrupt)
	<-w.client.done
	if w.client.code != 0 {
		t.Errorf("got exit code %d of the client, want 0", w.client.code)
	}
}

// A cable that stays out: the server frees what the client held when the session's time is over, and calls the close methods; the
// client gives up too, and on_exit runs.
func TestACableIsPulled(t *testing.T) {
	t.Parallel()
	w := layWire(t, "mgout", "2s", networkScripts)
	w.await(w.client, `msg="has it"`)
	w.pull(true)
	for n := 1; n <= 4; n++ {
		w.await(w.server, fmt.Sprintf(`msg="closed %d"`, n))
	}
	w.within("the server ends the session", 40*time.Second)
	w.await(w.client, `msg=exits`)
	<-w.client.done
	if w.client.code != 1 {
		t.Errorf("got exit code %d of the client, want 1", w.client.code)
	}
	w.within("the client ends", 45*time.Second)
}
