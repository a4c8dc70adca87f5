//go:build unix && !linux

package handover

import (
	"os"

	"golang.org/x/sys/unix"
)

// replaceStderr makes a file the standard error of this process.
func replaceStderr(file *os.File) error { return unix.Dup2(int(file.Fd()), int(os.Stderr.Fd())) }
