//go:build unix

package runtime_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestReadmeTour does what README.md's tour shows, in one shell, with the built program. What is printed must be what is printed there, but
// for what is another each time: times, durations, ports, versions of scripts, folders.
func TestReadmeTour(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("the tour is typed into bash, which is not installed")
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile("(?s)<!-- tour: .*?```console\n(.*?)```").FindSubmatchIndex(text)
	if at == nil {
		t.Fatal("README.md has no tour")
	}
	before, block, after := text[:at[2]], text[at[2]:at[3]], text[at[3]:]
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "bin", "moongate"), ".")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	house := filepath.Join(dir, "work")
	if err := os.Mkdir(house, 0o700); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	s := openShell(t, bash, house, "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "XDG_STATE_HOME="+dir, "MOONGATE_LISTEN=127.0.0.1:"+port,
		"MOONGATE_ADMIN=127.0.0.1:"+freePort(t), "TZ=UTC", "NO_COLOR=1")
	var tour strings.Builder
	for _, step := range strings.Split(strings.ReplaceAll("\n"+string(block), "19813", port), "\n$ ")[1:] {
		line, want, _ := strings.Cut(step, "\n")
		got := s.run(t, line)
		if always(got) != always(want) && !*update {
			t.Errorf("$ %s\ngot:\n%s\nwant:\n%s\nthe server's warnings:\n%s", line, got, want, warnings(filepath.Join(house, "log")))
		}
		fmt.Fprintf(&tour, "$ %s\n%s", line, strings.TrimLeft(strings.TrimSpace(got)+"\n", "\n"))
	}
	if *update {
		written := strings.NewReplacer(port, "19813", house, "/home/ann").Replace(tour.String())
		if err := os.WriteFile(filepath.Join(root, "README.md"), []byte(string(before)+written+string(after)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// warnings are the lines of a log that are not merely news.
func warnings(path string) string {
	log, _ := os.ReadFile(path)
	var lines strings.Builder
	for line := range strings.Lines(string(log)) {
		if !strings.Contains(line, "level=INFO") {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// always is what a text says every time that it is printed.
func always(text string) string {
	for _, v := range []struct{ pattern, by string }{
		{`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?`, "TIME"},
		{`\b\d+(\.\d+)?(µs|ms|s)\b`, "DURATION"},
		{`\b[0-9a-f]{12}\b`, "VERSION"},
		{`\b[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\b`, "SESSION"},
		{`\b[0-9A-F]{8}:\d+`, "SESSION:N"},
		{`(\d+\.\d+\.\d+\.\d+):\d+`, "$1:PORT"},
		{`\b127\.1\.0\.[1-5]\b`, "127.1.0.N"},
		{`[\w/.-]*/(house|next)\b`, "$1"},
		{`local_port = \d+|\d+ connections at once|[\d.]+ verdicts a second`, "N"},
		{`(?m)^(milliseconds) +\d+`, "$1 N"},
		{`[ \t]+`, " "},
		{`(?m) $`, ""},
	} {
		text = regexp.MustCompile(v.pattern).ReplaceAllString(text, v.by)
	}
	return strings.TrimSpace(text)
}

// freePort is a port that nobody has at this moment.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// shell is a bash that goes on from line to line.
type shell struct {
	in  io.Writer
	out *bufio.Reader
}

// openShell starts a shell in a folder. The test's end ends it, and whatever it has started.
func openShell(t *testing.T, bash, dir string, environment ...string) *shell {
	t.Helper()
	c := exec.Command(bash, "--norc")
	c.Dir, c.Env = dir, append(os.Environ(), environment...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		c.Wait()
	})
	return &shell{in, bufio.NewReader(out)}
}

// mark is what a shell says when a line has been carried out.
const mark = "@@ done"

// run has the shell carry out a line, and gives what it has printed. A server that the line has started is waited for, and after visitors the
// journal, which is written a moment later.
func (s *shell) run(t *testing.T, line string) string {
	t.Helper()
	switch {
	case strings.HasSuffix(line, "&"):
		line += "\nuntil grep -q 'clients can connect' log 2>/dev/null; do sleep 0.05; done"
	case strings.Contains(line, "moongate simulate"):
		line += `
until [ "$(moongate log --json | wc -l)" = "$(grep -c 'msg="connection \(opened\|refused\)"' log)" ]; do sleep 0.05; done`
	}
	fmt.Fprintf(s.in, "{ %s\n} 2>&1; echo; echo '%s'\n", line, mark)
	var printed strings.Builder
	for {
		text, err := s.out.ReadString('\n')
		if err != nil {
			t.Fatalf("%s: the shell has ended: %v\n%s", line, err, printed.String())
		}
		if strings.TrimSpace(text) == mark {
			return printed.String()
		}
		printed.WriteString(text)
	}
}
