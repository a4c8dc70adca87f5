//go:build !windows

package cli

import (
	"errors"
	"os"
	"syscall"
)

// understandsEscapes reports whether a terminal knows ECMA-48: they all do.
func understandsEscapes(*os.File) bool { return true }

// isClosedPipe tells that whoever read the output has gone, as head does.
func isClosedPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }
