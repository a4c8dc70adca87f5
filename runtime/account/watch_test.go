package account

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// looks looks until the file has settled, as Watch does.
func (u *Users) looks() {
	for u.look() {
	}
}

func names(u *Users) string {
	var list []string
	for _, user := range u.List() {
		list = append(list, user.Name)
	}
	return strings.Join(list, " ")
}

func TestWatchPicksUpChangesUntilItIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := usersFile(t, cheapLine("ada", "", "moon"))
		u, log := open(t, path)
		stop := make(chan struct{})
		var watching sync.WaitGroup
		watching.Go(func() { u.Watch(stop) })
		if err := add(path, "bob", []byte("sun"), cheap); err != nil {
			t.Fatal(err)
		}
		time.Sleep(everySecond + soon + time.Millisecond)
		synctest.Wait()
		expect(t, "users", names(u), "ada bob")
		if err := SetDisabled(path, "ada", true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(everySecond + soon + time.Millisecond)
		synctest.Wait()
		_, err := u.Verify(t.Context(), "ada", []byte("moon"))
		expect(t, "error", err, ErrWrongPassword)
		expect(t, "lines of the log", strings.Count(log.take(), `level=INFO msg="the users file has changed" file=`+path+" accounts=2\n"), 2)
		close(stop)
		watching.Wait()
	})
}

func TestBrokenFileLeavesTheLastGoodOneInUse(t *testing.T) {
	good := cheapLine("ada", "", "moon")
	path := usersFile(t, good)
	u, log := open(t, path)
	for _, b := range []struct {
		how   string
		words string
		do    func() error
	}{
		{"a broken line", path + ":1: the line has 0 colons", func() error { return os.WriteFile(path, []byte("ada\n"), 0o600) }},
		{"no file", "moongate user add NAME", func() error { return nil }},
		{"a folder", "is not a file", func() error { return os.Mkdir(path, 0o700) }},
	} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := b.do(); err != nil {
			t.Fatal(err)
		}
		u.looks()
		u.looks()
		u.looks()
		got := log.take()
		if strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "level=ERROR ") || !strings.Contains(got, b.words) {
			t.Errorf("%s: got log %q, want one error with %q", b.how, got, b.words)
		}
		expect(t, b.how, names(u), "ada")
		if _, err := u.Verify(t.Context(), "ada", []byte("moon")); err != nil {
			t.Errorf("%s: %v", b.how, err)
		}
		os.Remove(path) // there is none in one case
		write(t, path, good)
		u.looks()
		u.looks()
		got = log.take()
		if strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, `level=INFO msg="the users file is mended"`) {
			t.Errorf("%s: got log %q, want one line that it is mended", b.how, got)
		}
	}
}

// TestHalfWrittenFileIsNotTaken is an editor that writes in place.
func TestHalfWrittenFileIsNotTaken(t *testing.T) {
	ada, bob := cheapLine("ada", "", "moon"), cheapLine("bob", "", "sun")
	path := usersFile(t, ada+bob)
	u, log := open(t, path)
	write(t, path, "")
	expect(t, "to be looked at again", u.look(), true)
	write(t, path, ada)
	expect(t, "to be looked at again", u.look(), true)
	write(t, path, ada+bob)
	expect(t, "to be looked at again", u.look(), false)
	expect(t, "users", names(u), "ada bob")
	expect(t, "log", log.take(), "")
}

// TestChangeWithinOneTickIsSeen is a file system whose times are coarse: the file changes and its state does not.
func TestChangeWithinOneTickIsSeen(t *testing.T) {
	path := usersFile(t, cheapLine("ada", "", "moon"))
	u, _ := open(t, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, cheapLine("bob", "", "moon"))
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	u.looks()
	expect(t, "users", names(u), "bob")
}

// TestFileThatRestsIsNotRead is a file that has not changed for long: its state is enough.
func TestFileThatRestsIsNotRead(t *testing.T) {
	path := usersFile(t, cheapLine("ada", "", "moon"))
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	u, _ := open(t, path)
	u.seen.settled = state{} // would be noticed by a reading
	expect(t, "to be looked at again", u.look(), false)
	expect(t, "something was seen", u.seen.candidate != nil, false)
}

func TestExposedFileIsAWarningOnce(t *testing.T) {
	path := usersFile(t, cheapLine("ada", "", "moon"))
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Skip("this system keeps no permissions of this kind")
	}
	u, log := open(t, path)
	u.looks()
	got := log.take()
	if strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "level=WARN ") || !strings.Contains(got, "chmod 600") || !strings.Contains(got, "mode=-rw-r--r--") {
		t.Errorf("got log %q, want one warning", got)
	}
}

func TestWatchFollowsALink(t *testing.T) {
	folder := t.TempDir()
	link, one, two := filepath.Join(folder, "users"), filepath.Join(folder, "one"), filepath.Join(folder, "two")
	write(t, one, cheapLine("ada", "", "moon"))
	write(t, two, cheapLine("bob", "", "moon"))
	if err := os.Symlink(one, link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	u, _ := open(t, link)
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(two, link); err != nil {
		t.Fatal(err)
	}
	u.looks()
	expect(t, "users", names(u), "bob")
}
