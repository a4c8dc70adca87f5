package runtime_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestReadmeTranscript does what README.md shows: the built program with the shipped scripts, and the commands of the transcript, whose output must be
// the one that is printed there.
func TestReadmeTranscript(t *testing.T) {
	if _, err := exec.LookPath("redis-cli"); err != nil {
		t.Skip("the transcript uses redis-cli, which is not installed")
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)<!-- transcript: .*?```console\n(.*?)```").FindSubmatch(text)
	if block == nil {
		t.Fatal("README.md has no transcript")
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "scripts"), os.DirFS(filepath.Join(root, "scripts"))); err != nil {
		t.Fatal(err)
	}
	port, log := serve(t, dir)
	steps := strings.Split(strings.ReplaceAll("\n"+string(block[1]), "19813", port), "\n$ ")
	for _, step := range steps[1:] {
		line, want, _ := strings.Cut(step, "\n")
		loads := log.count("scripts loaded")
		shell := exec.Command("sh", "-c", line)
		shell.Dir = dir
		got, err := shell.CombinedOutput()
		if err != nil && !strings.HasPrefix(want, "REFUSED") {
			t.Errorf("$ %s: %v", line, err)
		}
		if strings.TrimSpace(string(got)) != strings.TrimSpace(want) {
			t.Errorf("$ %s\ngot:\n%swant:\n%s\nlog:\n%s", line, got, want, log)
		}
		if strings.Contains(line, "> scripts/") {
			log.await(t, "scripts loaded", loads+1)
		}
	}
}

// serve starts the built program in dir and returns its port and its log. The test's end stops it.
func serve(t *testing.T, dir string) (string, *liveLog) {
	t.Helper()
	program := filepath.Join(dir, "moongate")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	address := filepath.Join(dir, "address")
	log := &liveLog{changed: make(chan struct{}, 1)}
	server := exec.Command(program, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--address-file", address, "--data", filepath.Join(dir, "data"))
	server.Dir, server.Stderr = dir, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Signal(os.Interrupt)
		if err := server.Wait(); err != nil {
			t.Errorf("the server ended with %v\n%s", err, log)
		}
	})
	log.await(t, "clients can connect", 1)
	bound, err := os.ReadFile(address)
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(strings.TrimSpace(string(bound)), ":")
	return port, log
}

// liveLog is what a program has written so far.
type liveLog struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func (l *liveLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	select {
	case l.changed <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (l *liveLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *liveLog) count(what string) int { return strings.Count(l.String(), what) }

// await waits until the log has a text n times.
func (l *liveLog) await(t *testing.T, what string, n int) {
	t.Helper()
	deadline := time.After(time.Minute)
	for l.count(what) < n {
		select {
		case <-l.changed:
		case <-deadline:
			t.Fatalf("the log never said %q for the %dth time:\n%s", what, n, l)
		}
	}
}
