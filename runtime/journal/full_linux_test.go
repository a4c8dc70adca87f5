package journal

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk fills the disk under a server, and frees it again.
func TestFullDisk(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("journal", folder, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("needs the right to mount a small disk: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(folder, syscall.MNT_DETACH) })
	j, log := opened(t, Options{Folder: folder, Queue: 20000}, brisk())
	n := int64(0)
	record := func(rows int64) {
		for range rows {
			n++
			j.Refused(refusedRow(n))
		}
	}
	record(100)
	written(t, j)
	ballast := filepath.Join(folder, "ballast")
	fill(t, ballast)
	record(5000)
	if why := failing(t, j); !strings.Contains(why, "disk") || !strings.Contains(why, folder) {
		t.Errorf("failing: %q", why)
	}
	expect(t, "queued", j.Stats().Queued, 5000)
	expect(t, "dropped before the queue is full", j.Stats().Dropped, 0)
	record(20000)
	expect(t, "dropped", j.Stats().Dropped, 5000)
	expect(t, "reading meanwhile", len(all(t, folder, Query{})), 100)
	until(t, "the log says so", func() bool { return log.count("journal rows dropped") > 0 })
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("journal", folder, "tmpfs", syscall.MS_REMOUNT, "size=32m"); err != nil {
		t.Fatal(err)
	}
	written(t, j)
	until(t, "the log says so", func() bool { return log.count("msg=\"journal works again\" dropped=5000") == 1 })
	record(10)
	written(t, j)
	expect(t, "rows", len(all(t, folder, Query{})), 100+20000+10)
	closed(t, j)
	db := database(t, folder)
	expect(t, "integrity", value(t, db, "PRAGMA integrity_check"), "ok")
	db.Close()
}

// fill writes until nothing more fits.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 65536; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}
