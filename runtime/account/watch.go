package account

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"time"
)

// How often the file is looked at.
const (
	everySecond = time.Second
	soon        = 100 * time.Millisecond // after it has been found changed, until it stays as it is
)

// oldEnough is how long ago a file must have changed for its time of change to tell it from what it is then, on every
// file system.
const oldEnough = 3 * time.Second

// sight is what was seen of the users file. Only the goroutine that watches has it.
type sight struct {
	info      fs.FileInfo // at the last look; nil: it could not be read
	fresh     bool        // info's time says nothing yet
	settled   state       // what was taken, or found broken, last
	candidate *state      // what the last look saw that differs from settled; nil: nothing
	broken    string      // why the accounts in use are not the file's; "": they are
	exposed   bool        // it was said that others can read or write it
}

// state is what the file says, or why it could not be read, in short.
type state [sha256.Size]byte

func stateOf(text string, err error) state {
	if err != nil {
		return sha256.Sum256([]byte("error " + err.Error()))
	}
	return sha256.Sum256([]byte("text " + text))
}

// Watch looks at the file about once a second, and uses what is in it as soon as two looks have seen the same, so that a
// file is not taken while somebody writes it. A broken or missing file leaves the last good accounts in use; the log has
// that once as an error, and once when it is mended. It blocks until stop is closed. One goroutine may watch at a time.
func (u *Users) Watch(stop <-chan struct{}) {
	next := time.NewTimer(everySecond)
	defer next.Stop()
	for {
		select {
		case <-stop:
			return
		case <-next.C:
		}
		if u.look() {
			next.Reset(soon)
		} else {
			next.Reset(everySecond)
		}
	}
}

// look looks at the file once. It reports whether the file has to be looked at again soon.
func (u *Users) look() bool {
	s := &u.seen
	if info, err := os.Stat(u.path); err == nil && s.candidate == nil && !s.fresh && sameFile(s.info, info) {
		return false
	}
	text, info, err := read(u.path)
	now := stateOf(text, err)
	s.see(info)
	u.warnIfExposed(info)
	switch {
	case now == s.settled:
		s.candidate = nil
		return false
	case s.candidate == nil || *s.candidate != now:
		s.candidate = &now
		return true
	}
	s.settled, s.candidate = now, nil
	u.take(text, err)
	return false
}

// see keeps what the folder says of the file; info is nil when it could not be read.
func (s *sight) see(info fs.FileInfo) {
	s.info = info
	s.fresh = info != nil && time.Since(info.ModTime()) < oldEnough
}

// sameFile reports whether the file is the same and has not changed in between, as far as its folder knows.
func sameFile(old, now fs.FileInfo) bool {
	return old != nil && os.SameFile(old, now) && old.ModTime().Equal(now.ModTime()) && old.Size() == now.Size() && old.Mode() == now.Mode()
}

// take uses what the file says now. If that is nothing good, the accounts stay what they are.
func (u *Users) take(text string, err error) {
	var r *roll
	if err == nil {
		r, err = parse(u.path, text)
	}
	if err == nil && len(r.list) == 0 && len(u.now.Load().list) > 0 {
		err = fmt.Errorf("%s has no account any more; to lock everybody out, disable them or stop the server", u.path)
	}
	if err != nil {
		if u.seen.broken != err.Error() {
			u.log.Error("the users file is broken; the accounts stay as they were", "file", u.path, "error", err)
		}
		problem := err.Error()
		u.seen.broken = problem
		u.problem.Store(&problem)
		return
	}
	u.problem.Store(nil)
	u.now.Store(r)
	if u.seen.broken != "" {
		u.log.Info("the users file is mended", "file", u.path, "accounts", len(r.list))
	} else {
		u.log.Info("the users file has changed", "file", u.path, "accounts", len(r.list))
	}
	u.seen.broken = ""
}

// warnIfExposed says once that others can read the hashes, which they could try passwords against.
func (u *Users) warnIfExposed(info fs.FileInfo) {
	exposed := info != nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o066 != 0
	if exposed != u.seen.exposed {
		u.seen.exposed = exposed
	} else {
		exposed = false // it was said
	}
	if exposed {
		u.log.Warn("others can read or write the users file; take that from them: chmod 600", "file", u.path, "mode", info.Mode().Perm().String())
	}
}
