//go:build !unix

package handover

import (
	"os"
	"syscall"
)

// supported reports whether processes can be given sockets.
const supported = false

func inherited(number int, name string) *os.File { return os.NewFile(uintptr(number), name) }

func listens(*os.File) error { return ErrUnsupported }

// Duplicate gives a descriptor of the same socket for another process; not here.
func Duplicate(syscall.Conn) (*os.File, error) { return nil, ErrUnsupported }

func replaceStderr(*os.File) error { return nil }
