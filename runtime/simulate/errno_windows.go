package simulate

import "syscall"

// systemErrors are the errors of the operating system that say why there is no connection. Package syscall has names
// for few of Winsock's.
var systemErrors = map[Kind][]error{
	NotListening: {syscall.Errno(10061)},                                                 // WSAECONNREFUSED
	Unreachable:  {syscall.Errno(10065), syscall.Errno(10051), syscall.Errno(10064)},     // WSAEHOSTUNREACH, ENETUNREACH, EHOSTDOWN
	TimedOut:     {syscall.Errno(10060)},                                                 // WSAETIMEDOUT
	Closed:       {syscall.WSAECONNRESET, syscall.WSAECONNABORTED, syscall.Errno(10058)}, // and WSAESHUTDOWN
	NoPort:       {syscall.Errno(10049), syscall.Errno(10048)},                           // WSAEADDRNOTAVAIL, EADDRINUSE
	NoFile:       {syscall.Errno(10024), syscall.Errno(10055)},                           // WSAEMFILE, ENOBUFS
}
