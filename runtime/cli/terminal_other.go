//go:build !windows

package cli

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// understandsEscapes reports whether a terminal knows ECMA-48: they all do.
func understandsEscapes(*os.File) bool { return true }

// isClosedPipe tells that whoever read the output has gone, as head does.
func isClosedPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }

// awaitReaderGone blocks until whoever reads the output has gone, and then reports true, or until ctx ends. What is no
// pipe, socket or terminal has no such reader.
func awaitReaderGone(ctx context.Context, output *os.File) bool {
	const step = time.Second // of looking whether ctx has ended
	for ctx.Err() == nil {
		fds := []unix.PollFd{{Fd: int32(output.Fd())}}
		n, err := unix.Poll(fds, int(step.Milliseconds()))
		switch {
		case err == nil && n > 0:
			return fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
		case err != nil && err != unix.EINTR:
			return false
		}
	}
	return false
}
