package luabind_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"moongate/runtime/datastore"
)

// smallDisk is a folder on a disk of 2 MB.
func smallDisk(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := syscall.Mount("data", folder, "tmpfs", 0, "size=2m"); err != nil {
		t.Skip("needs the right to mount a small disk: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(folder, syscall.MNT_DETACH) })
	return folder
}

// TestFullDisk fills the disk under the data, and frees it again.
func TestFullDisk(t *testing.T) {
	folder := smallDisk(t)
	h := openTrouble(t, troubled, datastore.Config{Path: filepath.Join(folder, "data.sqlite")})
	h.says("save", 1, "^true")
	ballast := filepath.Join(folder, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	for size := 65536; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	f.Close()
	h.says("save", 2<<20, "^nil -34 .*data.sqlite: .*; free some space on its disk")
	for range 1000 { // until the last small row fits no more
		h.knock()
		if strings.Contains(strings.Join(h.log.all(), "\n"), "not kept: ") {
			break
		}
	}
	if !strings.Contains(strings.Join(h.log.all(), "\n"), "free some space on its disk") {
		t.Error("the log does not say why the row is not there")
	}
	h.says("rows", 0, `^\d+ nil`)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	h.says("save", 1000, "^true")
	h.knock()
}

// TestReadOnlyFile has a file that must not be written: that is said at the start, before anybody can come. (Nobody can make
// it so under a server that has it open.)
func TestReadOnlyFile(t *testing.T) {
	folder := smallDisk(t)
	data := datastore.Config{Path: filepath.Join(folder, "data.sqlite")}
	t.Run("writes", func(t *testing.T) { openTrouble(t, troubled, data).says("save", 1, "^true") })
	if err := syscall.Mount("data", folder, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=2m"); err != nil {
		t.Fatal(err)
	}
	scripts := t.TempDir()
	troubled.write(t, scripts)
	_, err := openOn(data, scripts, slog.New(slog.DiscardHandler))
	if datastore.KindOf(err) != datastore.ReadOnly || !strings.Contains(err.Error(), "let the server's user write the file and its folder") {
		t.Errorf("got %v, want an error that says what to do", err)
	}
}
