//go:build unix

package document_test

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"moongate/runtime/document"
)

// expectNoDocument checks that nothing can be done with what is there under a name. None of it may wait.
func expectNoDocument(t *testing.T, f *document.Folder, name string) {
	t.Helper()
	for _, m := range []document.Mode{document.ReadWrite, document.Write, document.Read} {
		_, err := f.Open(me, name, m)
		expectCode(t, "Open("+name+")", err, document.CodeNotFound)
	}
	_, err := f.Append(me, name)
	expectCode(t, "Append("+name+")", err, document.CodeNotFound)
	_, err = f.Create(me, name)
	expectCode(t, "Create("+name+")", err, document.CodeNotFound)
	_, err = f.Test(name)
	expectCode(t, "Test("+name+")", err, document.CodeNotFound)
	expectCode(t, "Delete("+name+")", f.Delete(name), document.CodeNotFound)
}

func TestPipesAndSocketsAreNoDocuments(t *testing.T) {
	f, path := newFolder(t)
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(path, "pipe"), 0o600); err != nil {
		t.Skipf("no named pipe can be made here: %v", err)
	}
	expectNoDocument(t, f, "pipe")
	t.Chdir(path) // the path of a socket is short
	l, err := net.Listen("unix", "socket")
	if err != nil {
		t.Skipf("no socket can be made here: %v", err)
	}
	defer l.Close()
	expectNoDocument(t, f, "socket")
}

func TestDevicesAreNoDocuments(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("making a device needs root, and the test knows Linux's numbers")
	}
	f, path := newFolder(t)
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mknod(filepath.Join(path, "zero"), syscall.S_IFCHR|0o600, 1<<8|5); err != nil {
		t.Skipf("no device can be made here: %v", err)
	}
	expectNoDocument(t, f, "zero")
}

func TestPermissions(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may do everything")
	}
	f, path := newFolder(t)
	write(t, filepath.Join(path, "closed"), "text")
	if err := os.Chmod(filepath.Join(path, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	_, err := f.Open(me, "closed", document.Read)
	expectCode(t, "Open", err, document.CodeLocked)
}
