//go:build !unix || aix || solaris || illumos

package datafolder

import (
	"errors"
	"os"

	"github.com/gofrs/flock"
)

// lock is a lock of the operating system, which processes cannot share here.
type lock struct{ inner *flock.Flock }

// takeLock takes the lock, and reports whether it could.
func takeLock(name string) (lock, bool, error) {
	l := lock{flock.New(name, flock.SetPermissions(0o600))}
	taken, err := l.inner.TryLock()
	return l, taken, err
}

func shareLock(string, *os.File) (lock, error) {
	return lock{}, errors.New("this system cannot share locks")
}

func (l lock) file() *os.File { return nil }

func (l lock) close() {
	if l.inner != nil {
		l.inner.Unlock()
	}
}
