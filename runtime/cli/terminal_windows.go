package cli

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// understandsEscapes asks a console to understand ECMA-48, and reports whether it does.
func understandsEscapes(file *os.File) bool {
	console := windows.Handle(file.Fd())
	var mode uint32
	if windows.GetConsoleMode(console, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}

// isClosedPipe tells that whoever read the output has gone, as head does.
func isClosedPipe(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}

// awaitReaderGone would block until whoever reads the output has gone, or until ctx ends. This system does not tell before
// something is written, so it reports false at once.
func awaitReaderGone(context.Context, *os.File) bool { return false }
