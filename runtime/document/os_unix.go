//go:build unix

package document

import "syscall"

// noWait opens what is not an ordinary file without waiting for its other end: it may have taken the place of one just
// before.
const noWait = syscall.O_NONBLOCK

var (
	diskFull     error = syscall.ENOSPC
	quotaReached error = syscall.EDQUOT
)
