//go:build unix

package journal

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childVariable makes the test binary one of children instead.
const childVariable = "MOONGATE_JOURNAL_TEST_CHILD"

// children are what the test binary can be, each with the data folder. They talk on the standard streams, by lines.
var children = map[string]func(folder string){
	"busy": busyChild, "recorder": recorderChild, "reader": readerChild,
}

func TestMain(m *testing.M) {
	name, folder, ok := strings.Cut(os.Getenv(childVariable), " ")
	if !ok {
		os.Exit(m.Run())
	}
	children[name](folder)
}

// busyChild records connections as fast as they are written, without end, and says how many are.
func busyChild(folder string) {
	j := Open(Options{Folder: folder, Session: first, Log: slog.New(slog.DiscardHandler)})
	for n := int64(1); ; n++ {
		for n%500 == 0 && j.Stats().Queued > 5000 {
			time.Sleep(100 * time.Microsecond)
		}
		switch {
		case n%3 == 0:
			j.Refused(refusedRow(n))
		default:
			j.Accepted(openRow(n))
		}
		if before := n - 1000; before > 0 && before%3 != 0 && before%7 != 0 { // the seventh never ends
			j.Closed(ended(before))
		}
		if n%1000 == 0 {
			fmt.Println(j.Stats().Rows)
		}
	}
}

// recorderChild records a row for each line, and says why that fails, and when it works.
func recorderChild(folder string) {
	j, in := open(Options{Folder: folder, Session: first, Log: slog.New(slog.DiscardHandler)}, brisk()), bufio.NewScanner(os.Stdin)
	for n := int64(1); in.Scan(); n++ {
		j.Refused(refusedRow(n))
		for failed := false; ; time.Sleep(time.Millisecond) {
			s := j.Stats()
			if s.Failing != nil && !failed {
				fmt.Println(s.Failing)
				failed = true
			}
			if s.Queued == 0 && s.Failing == nil {
				fmt.Println("written")
				break
			}
		}
	}
	fmt.Println(j.Close(patience))
}

// readerChild says what it reads.
func readerChild(folder string) {
	rows := 0
	for _, err := range Read(context.Background(), folder, Query{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		rows++
	}
	fmt.Println(rows, "rows")
}

// child is a process of its own.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

// start starts a child, as a user without rights if it is said so.
func start(t *testing.T, name, folder string, nobody bool) *child {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t}
	if nobody {
		program = forEverybody(t, program)
	}
	c.cmd = exec.Command(program)
	if nobody {
		c.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	c.cmd.Env = append(os.Environ(), childVariable+"="+name+" "+folder)
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cmd.Process.Kill(); c.cmd.Wait() })
	return c
}

// line is the child's next line.
func (c *child) line() string {
	c.t.Helper()
	if !c.lines.Scan() {
		c.t.Fatalf("the child ended: %v", c.lines.Err())
	}
	return c.lines.Text()
}

// say writes a line to the child.
func (c *child) say(line string) {
	c.t.Helper()
	if _, err := fmt.Fprintln(c.in, line); err != nil {
		c.t.Fatal(err)
	}
}

// forEverybody is a copy of the program where every user may run it.
func forEverybody(t *testing.T, program string) string {
	t.Helper()
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(openFolder(t), "child")
	if err := os.WriteFile(copied, content, 0o755); err != nil {
		t.Fatal(err)
	}
	return copied
}

// openFolder is a folder that every user may enter.
func openFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "journal")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// TestKilled kills a server in the middle of 50,000 connections and looks at what it leaves.
func TestKilled(t *testing.T) {
	folder := t.TempDir()
	c := start(t, "busy", folder, false)
	var told int64
	for told < 25000 {
		if _, err := fmt.Sscan(c.line(), &told); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.cmd.Wait()
	db := database(t, folder)
	expect(t, "integrity", value(t, db, "PRAGMA integrity_check"), "ok")
	left := value(t, db, "SELECT count(*) FROM record WHERE closed IS NULL")
	if left == "0" {
		t.Error("no row was open")
	}
	db.Close()

	j, log := opened(t, Options{Folder: folder, Session: second}, brisk())
	j.Refused(refusedRow(1))
	written(t, j)
	expect(t, "the log", log.count("rows="+left+" cause=lost"), 1)
	db = database(t, folder)
	expect(t, "integrity", value(t, db, "PRAGMA integrity_check"), "ok")
	expect(t, "twice", value(t, db, "SELECT count(*) FROM (SELECT 1 FROM connections GROUP BY session, connection HAVING count(*) > 1)"), "0")
	expect(t, "still open", value(t, db, "SELECT count(*) FROM record WHERE closed IS NULL"), "0")
	expect(t, "lost", value(t, db, "SELECT count(*) FROM connections WHERE cause = 'lost' AND session = ?", first), left)
	expect(t, "closed before they were decided", value(t, db, "SELECT count(*) FROM record WHERE closed < decided"), "0")
	expect(t, "torn", value(t, db, "SELECT count(*) FROM connections WHERE listener <> '127.0.0.1:19813' OR version <> '4e2c1a5d9b07' OR user_name <> 'Designer'"), "0")
	expect(t, "without a connection of three", value(t, db, `SELECT count(*) FROM connections WHERE (verdict = 'refused') <> (connection % 3 = 0) AND session = ?`, first), "0")
	rows := all(t, folder, Query{})
	if int64(len(rows)) < told {
		t.Errorf("got %d rows, but the server had written %d", len(rows), told)
	}
	for i, r := range rows[:len(rows)-1] {
		if r.Connection != int64(i+1) {
			t.Fatalf("row %d is connection %d: something is missing", i, r.Connection)
		}
		switch {
		case r.Verdict == Refused:
			same(t, "refused", r, refusedRow(r.Connection))
		case r.Cause == Lost:
			if r.Closed.Before(moment) || r.Closed.After(time.Now()) && r.Closed.After(r.Decided) {
				t.Errorf("lost at %v", r.Closed)
			}
		default:
			same(t, "ended", r, ended(r.Connection))
		}
	}
}

// TestUnwritable takes the right to write away from a server, and gives it back.
func TestUnwritable(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to run a child as a user without rights")
	}
	folder := openFolder(t)
	c := start(t, "recorder", folder, true)
	c.say("row")
	if why := c.line(); !strings.Contains(why, "let the server's user write the file and its folder") || !strings.Contains(why, FileName) {
		t.Errorf("a folder of somebody else's: %q", why)
	}
	if err := os.Chown(folder, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	expect(t, "after chown", c.line(), "written")
	c.in.Close()
	expect(t, "at the end", c.line(), "<nil>")
	path := filepath.Join(folder, FileName)
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	c = start(t, "recorder", folder, true)
	c.say("row")
	if why := c.line(); !strings.Contains(why, "let the server's user write the file and its folder") {
		t.Errorf("a file that is read-only: %q", why)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, "after chmod", c.line(), "written")
	expect(t, "rows", len(all(t, folder, Query{})), 2)
}

// TestReadOnlyCopy reads copies of a journal without the right to write beside them.
func TestReadOnlyCopy(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to run a child as a user without rights")
	}
	folder, copied, running, torn := openFolder(t), openFolder(t), openFolder(t), openFolder(t)
	j, _ := opened(t, Options{Folder: folder}, brisk())
	j.Refused(refusedRow(1))
	written(t, j)
	expect(t, "a private file", strings.Contains(start(t, "reader", folder, true).line(), "read it as the server's user"), true)
	copyFiles(t, folder, running, "", "-wal", "-shm")
	copyFiles(t, folder, torn, "", "-wal")
	closed(t, j)
	copyFiles(t, folder, copied, "")
	expect(t, "of a server that has gone", start(t, "reader", copied, true).line(), "1 rows")
	expect(t, "of a server that runs", start(t, "reader", running, true).line(), "1 rows")
	expect(t, "without -shm", strings.Contains(start(t, "reader", torn, true).line(), "cannot be read in a folder that is read-only"), true)
}

// copyFiles copies the journal's files, readable by everybody.
func copyFiles(t *testing.T, from, to string, suffixes ...string) {
	t.Helper()
	for _, suffix := range suffixes {
		content, err := os.ReadFile(filepath.Join(from, FileName+suffix))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, FileName+suffix), content, 0o444); err != nil {
			t.Fatal(err)
		}
	}
}
