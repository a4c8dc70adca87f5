//go:build unix

package host_test

import (
	"net"
	"os"
	"syscall"
	"testing"
)

// listenShort listens with a queue of one, and takes nobody in.
func listenShort(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "listener")
	t.Cleanup(func() { file.Close() })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 1); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	v4 := name.(*syscall.SockaddrInet4)
	return (&net.TCPAddr{IP: v4.Addr[:], Port: v4.Port}).String()
}
