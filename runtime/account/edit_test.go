package account

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"
)

// hashless is a users file with its hashes left out.
func hashless(text string) string {
	var b strings.Builder
	for raw := range strings.SplitAfterSeq(text, "\n") {
		if i := strings.Index(raw, ":$argon2id$"); i >= 0 {
			end := strings.TrimLeft(raw[i+1:], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/$=,")
			raw = raw[:i+1] + end
		}
		b.WriteString(raw)
	}
	return b.String()
}

func logsIn(t *testing.T, path, name, password string, want error) {
	t.Helper()
	u, _ := open(t, path)
	_, err := u.Verify(t.Context(), name, []byte(password))
	expect(t, name+" "+password, err, want)
}

func TestAddMakesTheFileForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	if err := Add(path, "ada", []byte("moon")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		expect(t, "permissions", info.Mode().Perm(), 0o600)
	}
	expect(t, "costs", strings.HasPrefix(content(t, path), "ada::$argon2id$v=19$m=19456,t=2,p=1$"), true)
	logsIn(t, path, "ada", "moon", nil)
}

func TestChangesKeepTheRest(t *testing.T) {
	const before = "# night shift\nada::OLD\r\n\n  # and\nBob:disabled:$2y$10$abc\ncyn::x"
	for _, c := range []struct {
		how, after string
		do         func(path string) error
	}{
		{"add", before + "\nDora::\n", func(path string) error { return add(path, "Dora", []byte("moon"), cheap) }},
		{"password", strings.Replace(before, "OLD", "", 1), func(path string) error { return setPassword(path, "ADA", []byte("moon"), cheap) }},
		{"password of a disabled user", strings.Replace(before, "$2y$10$abc", "", 1), func(path string) error { return setPassword(path, "bob", []byte("moon"), cheap) }},
		{"password in the last line", before[:len(before)-1], func(path string) error { return setPassword(path, "cyn", []byte("moon"), cheap) }},
		{"disable", strings.Replace(before, "cyn::", "cyn:disabled:", 1), func(path string) error { return SetDisabled(path, "Cyn", true) }},
		{"disable again", before, func(path string) error { return SetDisabled(path, "BOB", true) }},
		{"enable", strings.Replace(before, "Bob:disabled:", "Bob::", 1), func(path string) error { return SetDisabled(path, "bob", false) }},
	} {
		path := usersFile(t, before)
		if err := c.do(path); err != nil {
			t.Errorf("%s: %v", c.how, err)
		}
		expect(t, c.how, hashless(content(t, path)), c.after)
		entries, _ := os.ReadDir(filepath.Dir(path))
		expect(t, c.how+": files", len(entries), 2) // the users file and the lock
	}
}

func TestAddKeepsTheEndsOfLines(t *testing.T) {
	path := usersFile(t, "# x\r\n")
	if err := add(path, "ada", []byte("moon"), cheap); err != nil {
		t.Fatal(err)
	}
	expect(t, "file", hashless(content(t, path)), "# x\r\nada::\r\n")
	logsIn(t, path, "ada", "moon", nil)
}

func TestChangesThatAreRefused(t *testing.T) {
	const text = "ada::x\nBob::y\nbob::z\n"
	folder := t.TempDir()
	for _, c := range []struct {
		how   string
		text  string
		words []string
		do    func(path string) error
	}{
		{"add who is there", text, []string{"user ada is in", "already", "moongate user passwd ada"}, func(path string) error { return Add(path, "ADA", []byte("moon")) }},
		{"may add who is there", text, []string{"user ada is in"}, func(path string) error { return MayAdd(path, "ADA") }},
		{"change who is not", text, []string{`no user "eve"`, "moongate user add"}, func(path string) error { return SetPassword(path, "eve", []byte("moon")) }},
		{"may change who is not", text, []string{`no user "eve"`}, func(path string) error { return MayChange(path, "eve") }},
		{"disable who is not", text, []string{`no user "eve"`}, func(path string) error { return SetDisabled(path, "eve", true) }},
		{"who is there twice", text, []string{":3: user bob is there twice", "delete"}, func(path string) error { return SetDisabled(path, "BOB", true) }},
		{"bad name", text, []string{"colon"}, func(path string) error { return Add(path, "a:b", []byte("moon")) }},
		{"a line more", text, []string{"U+000A"}, func(path string) error { return Add(path, "a\nroot", []byte("moon")) }},
		{"empty password", text, []string{"password is empty"}, func(path string) error { return Add(path, "eve", nil) }},
		{"empty password for ada", text, []string{"password is empty"}, func(path string) error { return SetPassword(path, "ada", nil) }},
		{"long password", text, []string{"password is too long"}, func(path string) error { return SetPassword(path, "ada", make([]byte, 1025)) }},
		{"not a users file", "package main\n", []string{":1: the line has 0 colons"}, func(path string) error { return Add(path, "eve", []byte("moon")) }},
		{"no file", text, []string{"moongate user add NAME"}, func(string) error { return SetDisabled(filepath.Join(folder, "none"), "ada", true) }},
		{"no folder", text, []string{"folder must be there"}, func(string) error { return Add(filepath.Join(folder, "no", "users"), "ada", []byte("moon")) }},
		{"a folder", text, []string{"is not a file"}, func(string) error { return Add(folder, "ada", []byte("moon")) }},
	} {
		path := usersFile(t, c.text)
		expectError(t, c.how, c.do(path), c.words...)
		expect(t, c.how, content(t, path), c.text)
	}
	entries, _ := os.ReadDir(folder)
	expect(t, "files made", len(entries), 0)
}

func TestChangesAtOnceLoseNone(t *testing.T) {
	path := usersFile(t, cheapLine("ada", "", "moon"))
	const changes = 20
	var all sync.WaitGroup
	for i := range changes {
		all.Go(func() {
			if err := add(path, fmt.Sprint("user", i), []byte("moon"), cheap); err != nil {
				t.Error(err)
			}
			if err := SetDisabled(path, fmt.Sprint("user", i), true); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	users, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "accounts", len(users), 1+changes)
	for _, u := range users[1:] {
		expect(t, u.Name, u.Disabled, true)
	}
}

// TestChangeOfALinkChangesItsTarget holds for the target's folder too, where the lock is.
func TestChangeOfALinkChangesItsTarget(t *testing.T) {
	target := usersFile(t, cheapLine("ada", "", "moon"))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(target, link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := SetDisabled(link, "ada", true); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("got %v, %v, want a link", info, err)
	}
	expect(t, "target", hashless(content(t, target)), "ada:disabled:\n")
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	expectError(t, "a link to nothing", Add(link, "ada", []byte("moon")), "symbolic link to nothing")
}

// TestChangeKeepsWhoMayReadTheFile is a server that runs as somebody else than who changes the file.
func TestChangeKeepsWhoMayReadTheFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no permissions of this kind")
	}
	path := usersFile(t, cheapLine("ada", "", "moon"))
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	isRoot := os.Geteuid() == 0
	if isRoot {
		if err := os.Chown(path, 4711, 4712); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := SetDisabled(path, "ada", true); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "permissions", after.Mode().Perm(), 0o640)
	if isRoot {
		expect(t, "owner", owner(after), owner(before))
	}
	expect(t, "another file", os.SameFile(before, after), false)
}

// TestLockIsGivenBack has changes that fail, which must not keep the lock, and one that waits for it.
func TestLockIsGivenBack(t *testing.T) {
	path := usersFile(t, cheapLine("ada", "", "moon"))
	for range 2 {
		if err := SetDisabled(path, "eve", true); err == nil {
			t.Error("got no error")
		}
	}
	other := flock.New(filepath.Join(filepath.Dir(path), ".users.lock"))
	taken, err := other.TryLock()
	if err != nil || !taken {
		t.Fatalf("got %v, %v, want the lock", taken, err)
	}
	changed := make(chan error)
	go func() { changed <- SetDisabled(path, "ada", true) }() // ends when the lock is free
	select {
	case err := <-changed:
		t.Errorf("got %v while somebody else had the lock", err)
	default:
	}
	other.Unlock()
	if err := <-changed; err != nil {
		t.Error(err)
	}
}

func TestLockThatIsHeldForLongIsAnError(t *testing.T) {
	path := usersFile(t, cheapLine("ada", "", "moon"))
	before := content(t, path)
	synctest.Test(t, func(t *testing.T) {
		other := flock.New(filepath.Join(filepath.Dir(path), ".users.lock"))
		if taken, err := other.TryLock(); err != nil || !taken {
			t.Fatalf("got %v, %v, want the lock", taken, err)
		}
		defer other.Unlock()
		start := time.Now()
		expectError(t, "held", SetDisabled(path, "ada", true), path, "somebody else is changing it", "try again")
		expect(t, "waited", time.Since(start), lockPatience)
	})
	expect(t, "file", content(t, path), before)
}
