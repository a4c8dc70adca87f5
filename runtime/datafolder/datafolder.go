// Package datafolder is the folder where a server keeps what outlives it: one server at a time, nobody else's eyes, and a
// layout with a version.
package datafolder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// Layout is the version of the layout that this program writes. Layout 2: the files lock, layout, journal.db and data.sqlite,
// and the folder documents. In layout 1 the users' numbers were in a file of their own, which is imported into the data; an
// older program would give numbers anew, and must not have the folder any more.
const Layout = 2

// Names of the files in the folder. The journal's belongs to package journal.
const (
	lockFile   = "lock"
	layoutFile = "layout"
	NumberFile = "numbers" // the users' numbers of layout 1
)

// Folder is a data folder that this program has to itself until Close, or together with the server that it takes over
// from (Inherit).
type Folder struct {
	path string
	lock lock
}

// ErrInUse is returned by Open when another server has the folder.
var ErrInUse = errors.New("another moongate has it")

// Open makes the folder if it is missing and takes it. The error wraps ErrInUse, or says what to do. Two servers cannot
// have one folder, whatever ends them: the lock is the operating system's.
func Open(path string) (*Folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data folder: %w; give another with --data", err)
	}
	lock, taken, err := takeLock(filepath.Join(path, lockFile))
	if err != nil {
		return nil, fmt.Errorf("cannot lock the data folder: %w; it must be writable, or give another with --data", err)
	}
	if !taken {
		return nil, fmt.Errorf("data folder %s: %w%s; stop that one, or give this one another folder with --data", path, ErrInUse, holder(path))
	}
	f := &Folder{path: path, lock: lock}
	if err := f.enter(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Inherit takes part in a folder that another server has, by the lock that this server has handed over; the file is the
// Folder's from now on. It is an error when that is not the lock of this folder. Who has the folder is not written down
// before Sign.
func Inherit(path string, shared *os.File) (*Folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	lock, err := shareLock(filepath.Join(path, lockFile), shared)
	if err != nil {
		return nil, fmt.Errorf("data folder %s: it is not the one that was handed over: %w; quit the server and start it again", path, err)
	}
	text, err := os.ReadFile(filepath.Join(path, layoutFile))
	if err == nil {
		err = check(filepath.Join(path, layoutFile), string(text))
	}
	if err != nil {
		lock.close()
		return nil, fmt.Errorf("cannot read the data folder: %w", err)
	}
	return &Folder{path: path, lock: lock}, nil
}

// Shared is the lock for a process that is to Inherit the folder. It stays the Folder's. It is nil on systems where locks
// cannot be shared.
func (f *Folder) Shared() *os.File { return f.lock.file() }

// Sign writes down that this process has the folder now. A full disk is no reason not to serve: then the file says who
// had it before.
func (f *Folder) Sign() error {
	return replace(filepath.Join(f.path, layoutFile), signature())
}

// signature is what the layout file says.
func signature() string { return fmt.Sprintf("layout %d\nserver %d\n", Layout, os.Getpid()) }

// holder says which process has the folder, if that is known.
func holder(path string) string {
	text, err := os.ReadFile(filepath.Join(path, layoutFile))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if pid, ok := strings.CutPrefix(strings.TrimSpace(line), "server "); ok {
			return " (process " + pid + ")"
		}
	}
	return ""
}

// enter checks the layout and writes it down, with the process that has the folder now. The lock file itself stays empty:
// where locks are mandatory nobody else could read it.
func (f *Folder) enter() error {
	name := filepath.Join(f.path, layoutFile)
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot read the data folder: %w", err)
	}
	if err := check(name, string(text)); err != nil {
		return err
	}
	if err := replace(name, signature()); err != nil && len(text) == 0 { // a full disk is no reason not to serve
		return fmt.Errorf("cannot write to the data folder: %w; give another with --data", err)
	}
	return nil
}

// check reads the first line of the layout file; an empty file is a folder that is new.
func check(name, text string) error {
	first, _, _ := strings.Cut(text, "\n")
	if first == "" {
		return nil
	}
	number, ok := strings.CutPrefix(first, "layout ")
	version, err := strconv.Atoi(number)
	switch {
	case !ok || err != nil || version < 1:
		return fmt.Errorf("%s:1: %q is no layout; is this a data folder of moongate? Give another with --data", name, first)
	case version > Layout:
		return fmt.Errorf("%s:1: the data folder was written by a newer moongate (layout %d; this one knows %d): run that version, or give another folder with --data",
			name, version, Layout)
	}
	return nil
}

// replace writes a file whole or not at all.
func replace(name, text string) error {
	temporary := name + ".new"
	if err := os.WriteFile(temporary, []byte(text), 0o600); err != nil {
		return err
	}
	if err := os.Rename(temporary, name); err != nil {
		os.Remove(temporary)
		return err
	}
	return nil
}

// Path is the folder's absolute path.
func (f *Folder) Path() string { return f.path }

// Exposed reports whether others than its owner can look into the folder.
func (f *Folder) Exposed() bool {
	info, err := os.Stat(f.path)
	return err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0
}

// File is the path of a file in the folder.
func (f *Folder) File(name string) string { return filepath.Join(f.path, name) }

// Close lets another server have the folder, unless it is shared: then with the Close of the last one.
func (f *Folder) Close() { f.lock.close() }
