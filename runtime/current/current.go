// Package current keeps a value that is made of files, and makes it anew when the files change: a certificate and its key,
// a list of networks.
//
// A [Value] looks at the files while it is used, at most once in an interval: there is no goroutine that waits for a
// change. What cannot be made of changed files is said once in the log, and the last good value stays in use. A look is a
// system call for each file; size and time of modification tell a change.
package current

import (
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Interval is the shortest time between two looks at the files of a value.
const Interval = time.Second

// retryInterval is how long files that could not be used are left alone while they look the same: the right to read them
// may have been given meanwhile, but to read a large one each second would cost too much.
const retryInterval = 10 * time.Second

// Value is a value of files. Make one with Open; its methods may be called from many goroutines at once.
type Value[T any] struct {
	name string
	stat func(name string) (fs.FileInfo, error)
	make func() (T, error)
	log  *slog.Logger

	value atomic.Pointer[T]
	next  atomic.Int64 // when to look again, in nanoseconds since opened
	start time.Time

	mu      sync.Mutex // held by who looks
	files   []string
	seen    []state // of files, when the value was last made or tried to be
	problem string  // the last one in the log, "" when the value is that of the files
	retry   time.Time
}

// state is what tells a changed file.
type state struct {
	size     int64
	modified time.Time
	missing  bool
}

// Open makes the value for the first time; the error is that of make. name is what the log calls the value. stat looks
// at a file, os.Stat if it is nil. make blocks for as long as it reads the files, and is never called twice at the same
// time.
func Open[T any](name string, log *slog.Logger, files []string, stat func(name string) (fs.FileInfo, error), make func() (T, error)) (*Value[T], error) {
	if stat == nil {
		stat = os.Stat
	}
	v := &Value[T]{name: name, stat: stat, make: make, log: log, files: files, start: time.Now()}
	v.seen = v.look()
	first, err := make()
	if err != nil {
		return nil, err
	}
	v.value.Store(&first)
	v.next.Store(int64(Interval))
	return v, nil
}

// Now is the value as it was last made. It does not block and looks at no file.
func (v *Value[T]) Now() T { return *v.value.Load() }

// Due reports whether it is time for another look. It does not block.
func (v *Value[T]) Due() bool { return int64(time.Since(v.start)) >= v.next.Load() }

// Get is the value, after a look at the files if one is due. It blocks while it looks and makes the value anew; while
// another goroutine does that, it gives the old value at once.
func (v *Value[T]) Get() T {
	if v.Due() {
		v.Refresh()
	}
	return v.Now()
}

// Refresh looks at the files, and makes the value anew if they have changed. It blocks meanwhile; it returns at once while
// another goroutine looks.
func (v *Value[T]) Refresh() {
	if !v.mu.TryLock() {
		return
	}
	defer v.mu.Unlock()
	defer func() { v.next.Store(int64(time.Since(v.start) + Interval)) }()
	if !v.changedLocked() {
		return
	}
	v.remakeLocked()
}

func (v *Value[T]) changedLocked() bool {
	for i, now := range v.look() {
		if now != v.seen[i] {
			return true
		}
	}
	return v.problem != "" && !time.Now().Before(v.retry)
}

// look gives the state of the files. A file that cannot be looked at counts as missing: make will say why.
func (v *Value[T]) look() []state {
	states := make([]state, len(v.files))
	for i, name := range v.files {
		info, err := v.stat(name)
		if err != nil {
			states[i] = state{missing: true}
		} else {
			states[i] = state{size: info.Size(), modified: info.ModTime()}
		}
	}
	return states
}

// remakeLocked makes the value. The files are looked at before, so that a change while they are read is seen by the next
// look.
func (v *Value[T]) remakeLocked() {
	v.seen = v.look()
	made, err := v.make()
	if err != nil {
		v.retry = time.Now().Add(retryInterval)
		if problem := err.Error(); problem != v.problem {
			v.problem = problem
			v.log.Error("changed files not loaded; the last good ones stay in use", "files", v.name, "error", err)
		}
		return
	}
	v.problem = ""
	v.value.Store(&made)
	v.log.Info("changed files loaded", "files", v.name)
}
