//go:build !windows

package simulate

import "syscall"

// systemErrors are the errors of the operating system that say why there is no connection.
var systemErrors = map[Kind][]error{
	NotListening: {syscall.ECONNREFUSED},
	Unreachable:  {syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN},
	TimedOut:     {syscall.ETIMEDOUT},
	Closed:       {syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED},
	NoPort:       {syscall.EADDRNOTAVAIL, syscall.EADDRINUSE},
	NoFile:       {syscall.EMFILE, syscall.ENFILE},
}
