//go:build unix

package account

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives a new file the owner, the group and the permissions of the one that it is to replace. A group that cannot
// be given does not matter when the group may do nothing.
func keepOwner(f *os.File, old fs.FileInfo) error {
	now, err := f.Stat()
	if err != nil {
		return err
	}
	was, ok := old.Sys().(*syscall.Stat_t)
	is, ok2 := now.Sys().(*syscall.Stat_t)
	if ok && ok2 && (was.Uid != is.Uid || was.Gid != is.Gid) {
		err := f.Chown(int(was.Uid), int(was.Gid))
		if err != nil && (was.Uid != is.Uid || old.Mode().Perm()&0o070 != 0) {
			return err
		}
	}
	return f.Chmod(old.Mode().Perm())
}
