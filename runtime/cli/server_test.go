package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

const defaultServer = "server"

// transcript is text that grows: what a program or a connection has said so far. Its methods may be called from any goroutine.
type transcript struct {
	mu      sync.Mutex
	content []byte
	over    bool
	changed chan struct{} // closed, and made anew, when something comes
}

func newTranscript() *transcript { return &transcript{changed: make(chan struct{})} }

// Write adds to the text.
func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.content = append(t.content, b...)
	t.tellLocked()
	return len(b), nil
}

// end says that nothing more will come.
func (t *transcript) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	t.tellLocked()
}

func (t *transcript) tellLocked() {
	close(t.changed)
	t.changed = make(chan struct{})
}

func (t *transcript) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.content)
}

// drop takes the first n bytes away.
func (t *transcript) drop(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.content = t.content[n:]
}

// await waits until the text is as enough wants it, and reports whether that has come about: it has not when the text is over, or time is.
func (t *transcript) await(enough func(text []byte) bool) bool {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		t.mu.Lock()
		ok, over, changed := enough(t.content), t.over, t.changed
		t.mu.Unlock()
		if ok || over {
			return ok
		}
		select {
		case <-changed:
		case <-limit.C:
			return false
		}
	}
}

// server is one run of the program.
type server struct {
	name        string
	cmd         *exec.Cmd
	log, out    *transcript
	addressFile string
	done        chan struct{} // closed when it has ended
	code        int           // after done
	used        time.Duration // processor time at the last look
}

// start starts the program.
func start(name, folder string, environment, words []string) (*server, error) {
	s := &server{name: name, log: newTranscript(), out: newTranscript(), done: make(chan struct{})}
	s.cmd = exec.Command(words[0], words[1:]...)
	s.cmd.Dir, s.cmd.Env = folder, environment
	s.cmd.Stderr, s.cmd.Stdout = s.log, s.out
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { // ends with the program
		s.code = exitCode(s.cmd.Wait())
		s.log.end()
		close(s.done)
	}()
	return s, nil
}

func exitCode(err error) int {
	var failed *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &failed):
		return failed.ExitCode()
	default:
		return -1
	}
}

func (s *server) kill() {
	s.cmd.Process.Kill()
	<-s.done
}

func (s *server) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// addresses are where the server listens. The file that says so is complete as soon as it is there.
func (s *server) addresses() ([]string, error) {
	for limit := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		content, err := os.ReadFile(s.addressFile)
		switch {
		case err == nil:
			return strings.Fields(string(content)), nil
		case s.ended() || time.Now().After(limit):
			return nil, fmt.Errorf("%s does not say where it listens: %w", s.name, err)
		}
	}
}

// serve starts a server.
func (s *scene) serve(args []string) error {
	name, wait, files := defaultServer, true, ""
	for len(args) > 0 && (args[0] == "-nowait" || args[0] == "-files") {
		if args[0] == "-nowait" {
			wait, args = false, args[1:]
		} else {
			files, args = args[1], args[2:]
		}
	}
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	words := []string{"moongate"}
	if path, err := exec.LookPath("moongate"); err == nil {
		words[0] = path
	}
	if files != "" {
		words = []string{"sh", "-c", `ulimit -n "$0" && exec "$@"`, files, words[0]}
	}
	addressFile := s.given(&args, "address-file", filepath.Join(s.ts.Getenv("WORK"), "address-"+name))
	s.given(&args, "listen", "127.0.0.1:0")
	adminFile := s.given(&args, "admin-address-file", filepath.Join(s.ts.Getenv("WORK"), "admin-"+name))
	s.given(&args, "admin", "127.0.0.1:0")
	s.given(&args, "data", filepath.Join(s.ts.Getenv("WORK"), "data-"+name))
	if old := s.servers[name]; old != nil && !old.ended() {
		return fmt.Errorf("%s runs already", name)
	}
	for _, file := range []string{addressFile, adminFile} {
		if err := os.RemoveAll(s.ts.MkAbs(file)); err != nil {
			return err
		}
	}
	server, err := start(name, s.ts.MkAbs("."), s.environment(), append(words, args...))
	if err != nil {
		return err
	}
	server.addressFile = s.ts.MkAbs(addressFile)
	s.servers[name] = server
	if !wait {
		return nil
	}
	if err := server.awaitLog("clients can connect"); err != nil {
		return err
	}
	if admin, err := os.ReadFile(s.ts.MkAbs(adminFile)); err == nil {
		s.ts.Setenv(name+"_admin", strings.TrimSpace(string(admin)))
	}
	addresses, err := server.addresses()
	for i, address := range addresses {
		_, port, _ := strings.Cut(address, ":")
		suffix := ""
		if i > 0 {
			suffix = strconv.Itoa(i + 1)
		}
		s.ts.Setenv(name+"_address"+suffix, address)
		s.ts.Setenv(name+"_port"+suffix, port)
	}
	return err
}

// given is the value of a flag; it is added with the value that it has otherwise when the script gives none.
func (s *scene) given(args *[]string, flag, otherwise string) string {
	for i, arg := range *args {
		if value, ok := strings.CutPrefix(arg, "--"+flag+"="); ok {
			return value
		}
		if arg == "--"+flag && i+1 < len(*args) {
			return (*args)[i+1]
		}
	}
	if value := s.ts.Getenv("MOONGATE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))); value != "" {
		return value
	}
	*args = append(*args, "--"+flag, otherwise)
	return otherwise
}

// environment is what the program sees of the script's environment: the variables that matter to it.
func (s *scene) environment() []string {
	var list []string
	names := []string{"PATH", "HOME", "TMPDIR", "TZ", "GORACE", "GOTRACEBACK", "GOCOVERDIR", "XDG_STATE_HOME"}
	for _, flag := range strings.Fields("SCRIPTS LISTEN ADDRESS_FILE DATA ALLOW DENY MAX_CONNECTIONS IDLE_TIMEOUT METHOD_TIMEOUT SLICE " +
		"ON_ERROR MEMORY_LIMIT QUIT_DELAY QUIT_WINDOW LOG_LEVEL LOG_FORMAT USERS LOGIN_TIMEOUT ADMIN ADMIN_TOKEN_FILE ADMIN_ADDRESS_FILE " +
		"JOURNAL_KEEP TRACE_SLOW GATE CONSOLE DURABILITY TLS_CERT TLS_KEY TLS_CLIENT_CA SESSION_TIMEOUT NO_REMOTE RECORD SHADOW PROBATION") {
		names = append(names, "MOONGATE_"+flag)
	}
	for _, name := range names {
		if value := s.ts.Getenv(name); value != "" {
			list = append(list, name+"="+value)
		}
	}
	return list
}

// log waits for a line, or says that there never was one.
func (s *scene) log(never bool, args []string) error {
	count := 0
	if i := slices.Index(args, "-count"); i >= 0 && i+1 < len(args) {
		n, err := strconv.Atoi(args[i+1])
		if err != nil {
			return err
		}
		count, args = n, slices.Delete(slices.Clone(args), i, i+2)
	}
	server, args, err := s.serverAnd(args, 1)
	if err != nil {
		return err
	}
	if !never && count == 0 {
		return server.awaitLog(args[0])
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	if err != nil {
		return err
	}
	if never && !server.ended() {
		return fmt.Errorf("! log is for a server that has ended")
	}
	got := 0
	enough := server.log.await(func(text []byte) bool {
		got = len(pattern.FindAllIndex(text, -1))
		return got >= count
	})
	if !enough || server.ended() && got != count {
		return fmt.Errorf("the log of %s matches %d times, want %d: %s", server.name, got, count, args[0])
	}
	return nil
}

func (s *server) awaitLog(expression string) error {
	pattern, err := regexp.Compile("(?m)" + expression)
	if err != nil {
		return err
	}
	if !s.log.await(pattern.Match) {
		return fmt.Errorf("the log of %s does not match: %s", s.name, expression)
	}
	return nil
}

// signal sends an OS signal.
func (s *scene) signal(args []string) error {
	server, args, err := s.serverAnd(args, 1)
	if err != nil {
		return err
	}
	signals := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}
	if signals[args[0]] == nil {
		return fmt.Errorf("unknown signal %s", args[0])
	}
	return server.cmd.Process.Signal(signals[args[0]])
}

// loggable is how many connections the log tells of with certainty: with more in a second it leaves lines out.
const loggable = 100

// exit waits for the end of a server.
func (s *scene) exit(args []string) error {
	server, args, err := s.serverAnd(args, 1)
	if err != nil {
		return err
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	select {
	case <-server.done:
	case <-time.After(patience):
		return fmt.Errorf("%s has not ended", server.name)
	}
	if server.code != want {
		return fmt.Errorf("got exit code %d of %s, want %d", server.code, server.name, want)
	}
	text := server.log.text()
	opened, closed := strings.Count(text, "connection opened"), strings.Count(text, "connection closed")
	if opened != closed && opened < loggable && want >= 0 {
		return fmt.Errorf("%s opened %d connections and closed %d", server.name, opened, closed)
	}
	return nil
}

// exits runs the program to its end.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: exits CODE [ARGUMENT ...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s := ts.Value(sceneKey{}).(*scene)
	s.ts = ts
	path, err := exec.LookPath("moongate")
	ts.Check(err)
	cmd := exec.CommandContext(ctx, path, args[1:]...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), s.environment()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	got := exitCode(cmd.Run())
	ts.Stdout().Write(stdout.Bytes())
	ts.Stderr().Write(stderr.Bytes())
	if got != want {
		ts.Fatalf("got exit code %d, want %d\n%s%s", got, want, stdout.String(), lastLines(stderr.String(), 20))
	}
}

// cpu compares the processor time since the last look with a limit.
func (s *scene) cpu(args []string) error {
	server, args, err := s.serverAnd(args, 1)
	if err != nil {
		return err
	}
	limit, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", server.cmd.Process.Pid))
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(content), ") ") // after the name of the program
	fields := strings.Fields(rest)
	used := time.Duration(0)
	for _, field := range fields[11:13] { // utime and stime
		hundredths, err := strconv.Atoi(field)
		if err != nil {
			return err
		}
		used += time.Duration(hundredths) * 10 * time.Millisecond
	}
	before := server.used
	server.used = used
	if used-before > limit {
		return fmt.Errorf("%s used %v of processor time, want at most %v", server.name, used-before, limit)
	}
	return nil
}

var peakMemory = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// memory compares the most memory that the server has ever had with a limit.
func (s *scene) memory(args []string) error {
	server, args, err := s.serverAnd(args, 1)
	if err != nil {
		return err
	}
	limit, err := strconv.Atoi(strings.TrimSuffix(args[0], "MB"))
	if err != nil {
		return err
	}
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", server.cmd.Process.Pid))
	if err != nil {
		return err
	}
	found := peakMemory.FindSubmatch(content)
	if found == nil {
		return fmt.Errorf("the system does not say how much memory %s has", server.name)
	}
	got, _ := strconv.Atoi(string(found[1]))
	if got/1024 > limit {
		return fmt.Errorf("%s had %d MB of memory, want at most %d", server.name, got/1024, limit)
	}
	return nil
}
