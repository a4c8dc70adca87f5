//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// restartSignals gives the OS signals that ask a server for a restart. The function ends that.
func restartSignals() (<-chan os.Signal, func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR2)
	return signals, func() { signal.Stop(signals) }
}
