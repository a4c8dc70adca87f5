//go:build unix && !aix && !solaris && !illumos

package datafolder

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock is a lock of the operating system. It belongs to the open file, which processes can share: it is free when the
// last descriptor of it is closed. So it is never given back in words, which would be for all of them at once.
type lock struct{ open *os.File }

// takeLock takes the lock, and reports whether it could.
func takeLock(name string) (lock, bool, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return lock{}, false, err
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return lock{file}, true, nil
	}
	file.Close()
	if err == unix.EWOULDBLOCK {
		return lock{}, false, nil
	}
	return lock{}, false, os.NewSyscallError("flock", err)
}

// shareLock makes a lock of a file that another process has opened and locked.
func shareLock(name string, file *os.File) (lock, error) {
	ours, err := file.Stat()
	if err != nil {
		return lock{}, err
	}
	there, err := os.Stat(name)
	if err != nil {
		return lock{}, err
	}
	if !os.SameFile(ours, there) {
		return lock{}, errors.New("the lock is that of another folder")
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil { // it has it already, if it is the one
		return lock{}, os.NewSyscallError("flock", err)
	}
	return lock{file}, nil
}

func (l lock) file() *os.File { return l.open }

func (l lock) close() {
	if l.open != nil {
		l.open.Close()
	}
}
