//go:build !unix

package cli

import "os"

// restartSignals gives the OS signals that ask a server for a restart: none, for there can be no restart here.
func restartSignals() (<-chan os.Signal, func()) { return nil, func() {} }
