//go:build unix

package simulate

import "syscall"

// MostFiles is how many file descriptors this program may have (ulimit -n; package os has raised it to what is
// allowed), 0 for no limit.
func MostFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || uint64(limit.Cur) > 1<<30 {
		return 0
	}
	return int(limit.Cur)
}
