//go:build !linux

package simulate

import "syscall"

// bindLate is nothing that this system knows.
var bindLate func(network, address string, conn syscall.RawConn) error
