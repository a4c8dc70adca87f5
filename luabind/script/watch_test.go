package script

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

var errDone = errors.New("the test is over")

// settings are what a test chooses of a watcher.
type settings struct {
	interval time.Duration
	open     func() (*fsnotify.Watcher, error)
}

// watching runs a watcher until the test ends.
type watching struct {
	*Watcher
	t       *testing.T
	changes chan string // the version that Load gave in Changed, or its error
	running atomic.Int32
}

// startWatching has seen the first call of Changed when it returns.
func startWatching(t *testing.T, dir string, s settings) *watching {
	t.Helper()
	w := &watching{t: t, changes: make(chan string, 100)}
	w.Watcher = &Watcher{Dir: dir, Interval: s.interval, open: s.open, Changed: func() {
		if w.running.Add(1) != 1 {
			t.Error("Changed runs twice at the same time")
		}
		w.changes <- outcome(dir)
		w.running.Add(-1)
	}}
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error)
	go func() { ended <- w.Watch(ctx) }() // ends with ctx; the cleanup waits for it
	t.Cleanup(func() {
		cancel(errDone)
		if err := <-ended; err != errDone {
			t.Errorf("Watch returned %v", err)
		}
	})
	w.wait(outcome(dir))
	return w
}

// outcome is what the caller of Load compares: a version, or the text of an error.
func outcome(dir string) string {
	set, err := Load(dir, nil)
	if err != nil {
		return err.Error()
	}
	return set.Version
}

// wait waits for a change that leads to an outcome, over those on the way to it.
func (w *watching) wait(want string) {
	w.t.Helper()
	limit := time.After(20 * time.Second)
	got := "nothing"
	for got != want {
		select {
		case got = <-w.changes:
		case <-limit:
			w.t.Fatalf("the last change seen is %s, want %s", got, want)
		}
	}
}

// quick is an interval for tests that must not wait for the operating system, never one for those in which
// only the operating system may be quick.
const (
	quick = 2 * time.Millisecond
	never = time.Hour
)

func noNotifications() (*fsnotify.Watcher, error) { return nil, errors.ErrUnsupported }

// ways are the two ways in which a change can be seen.
func ways(t *testing.T, test func(t *testing.T, s settings)) {
	t.Run("notifications", func(t *testing.T) { test(t, settings{interval: never}) })
	t.Run("polling", func(t *testing.T) { test(t, settings{interval: quick, open: noNotifications}) })
	t.Run("both", func(t *testing.T) { test(t, settings{interval: quick}) })
}

func TestWatchSeesChanges(t *testing.T) {
	ways(t, func(t *testing.T, s settings) {
		dir := write(t, map[string]string{"a.lua": "return 1", "lib/b.lua": ""})
		w := startWatching(t, dir, s)
		for _, step := range []struct {
			name   string
			change func() error
		}{
			{"a file changes", func() error { return os.WriteFile(filepath.Join(dir, "a.lua"), []byte("return 22"), 0o666) }},
			{"a module changes", func() error { return os.WriteFile(filepath.Join(dir, "lib", "b.lua"), []byte("return 1"), 0o666) }},
			{"a file appears", func() error { return os.WriteFile(filepath.Join(dir, "c.lua"), []byte("return 1"), 0o666) }},
			{"a file is wrong", func() error { return os.WriteFile(filepath.Join(dir, "c.lua"), []byte("= 1"), 0o666) }},
			{"a file goes", func() error { return os.Remove(filepath.Join(dir, "c.lua")) }},
			{"a folder appears", func() error { return os.Mkdir(filepath.Join(dir, "new"), 0o777) }},
			{"a file in it", func() error { return os.WriteFile(filepath.Join(dir, "new", "d.lua"), nil, 0o666) }},
			{"a file is renamed", func() error { return os.Rename(filepath.Join(dir, "a.lua"), filepath.Join(dir, "e.lua")) }},
			{"an editor saves", func() error {
				if err := os.WriteFile(filepath.Join(dir, "e.lua.tmp"), []byte("return 3"), 0o666); err != nil {
					return err
				}
				return os.Rename(filepath.Join(dir, "e.lua.tmp"), filepath.Join(dir, "e.lua"))
			}},
		} {
			before := outcome(dir)
			if err := step.change(); err != nil {
				t.Fatal(err)
			}
			if after := outcome(dir); after != before {
				w.wait(after)
			}
		}
	})
}

func TestPollingReadsContents(t *testing.T) {
	dir := write(t, map[string]string{"a.lua": "return 1"})
	w := startWatching(t, dir, settings{interval: quick, open: noNotifications})
	path := filepath.Join(dir, "a.lua")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "a.lua", "return 2")
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	w.wait(outcome(dir))
}

func TestWatchSeesTheFolderGoAndReturn(t *testing.T) {
	for _, open := range []func() (*fsnotify.Watcher, error){nil, noNotifications} {
		dir := filepath.Join(t.TempDir(), "scripts")
		w := func() *watching {
			put(t, dir, "a.lua", "return 1")
			put(t, dir, "lib/b.lua", "")
			return startWatching(t, dir, settings{interval: quick, open: open})
		}()
		if err := os.Rename(dir, dir+".old"); err != nil {
			t.Fatal(err)
		}
		w.wait(outcome(dir))
		put(t, dir, "lib/b.lua", "return 2")
		w.wait(outcome(dir))
		put(t, dir, "lib/b.lua", "return 3")
		w.wait(outcome(dir))
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		w.wait(outcome(dir))
		put(t, dir, "lib/b.lua", "return 3")
		w.wait(outcome(dir))
	}
}

func TestWatchBeginsWithoutTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "scripts")
	w := startWatching(t, dir, settings{interval: quick})
	put(t, dir, "a.lua", "return 1")
	w.wait(outcome(dir))
}

func TestEqualContentIsNoChange(t *testing.T) {
	dir := write(t, map[string]string{"a.lua": "= 1"})
	calls := 0
	w := Watcher{Dir: dir, Changed: func() { calls++ }}
	for _, step := range []struct {
		name   string
		change func()
		calls  int
	}{
		{"the first look", func() {}, 1},
		{"nothing", func() {}, 1},
		{"another time", func() {
			if err := os.Chtimes(filepath.Join(dir, "a.lua"), time.Time{}, time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
		}, 1},
		{"the same again", func() { put(t, dir, "a.lua", "= 1") }, 1},
		{"what is not read", func() { put(t, dir, "note.txt", ""); put(t, dir, "a_test.lua", "") }, 1},
		{"an example", func() { put(t, dir, "example/on_exit.lua", "") }, 1},
		{"another content", func() { put(t, dir, "a.lua", "= 2") }, 2},
		{"tables", func() { put(t, dir, "structure.lua", "") }, 3},
		{"a link to nowhere", func() { link(t, "nowhere", dir, "b.lua") }, 4},
		{"nothing again", func() {}, 4},
	} {
		step.change()
		for _, deep := range []bool{false, true} {
			w.look(nil, deep)
		}
		if calls != step.calls {
			t.Errorf("%s: %d calls, want %d", step.name, calls, step.calls)
		}
	}
}

func TestPollingIsSaid(t *testing.T) {
	dir := t.TempDir()
	if !startWatching(t, dir, settings{interval: quick, open: noNotifications}).Polling() {
		t.Error("no notifications, and Polling is false")
	}
	if startWatching(t, dir, settings{interval: quick}).Polling() {
		t.Error("Polling is true")
	}
}

func TestWatchLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancelCause(t.Context())
	dir := t.TempDir()
	if err := Watch(ctx, dir, func() { cancel(errDone) }); err != errDone {
		t.Errorf("Watch returned %v", err)
	}
	for runtime.NumGoroutine() > before { // fsnotify's own goroutine ends soon after Close
		runtime.Gosched()
	}
}
