package document

import "syscall"

// noWait has no meaning on Windows: nothing in a folder is a pipe.
const noWait = 0

var (
	diskFull     error = syscall.Errno(112)  // ERROR_DISK_FULL
	quotaReached error = syscall.Errno(1295) // ERROR_DISK_QUOTA_EXCEEDED
)
