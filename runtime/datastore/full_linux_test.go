package datastore

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk fills the disk under a store, and frees it again: what was confirmed is there, and nothing else.
func TestFullDisk(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("data", folder, "tmpfs", 0, "size=2m"); err != nil {
		t.Skip("needs the right to mount a small disk: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(folder, syscall.MNT_DETACH) })
	config := Config{Path: filepath.Join(folder, "data.sqlite"), Structure: serverLog()}
	s := openTest(t, config)
	ctx, c := t.Context(), contextOf(t, s, 1)
	ballast := filepath.Join(folder, "ballast")
	confirmed := 0
	for range 2 {
		fillDisk(t, ballast)
		var err error
		for range 1000 {
			r := record(t, c, "server_log", map[string]any{"process_name": strings.Repeat("x", 4000)})
			if err = c.Save(ctx, r); err != nil {
				break
			}
			confirmed++
		}
		if wantKind(t, err, Disk); err != nil && !strings.Contains(err.Error(), folder) {
			t.Errorf("%v; want the file in it", err)
		}
		ok(t, c.StartTransaction(ctx))
		big := record(t, c, "things", map[string]any{"must": strings.Repeat("x", 8<<20)})
		if err := c.Save(ctx, big); err == nil {
			wantKind(t, c.ValidateTransaction(ctx), Disk)
		} else {
			wantKind(t, err, Disk)
			ok(t, c.CancelTransaction(ctx))
		}
		ok(t, os.Remove(ballast))
		saved(t, c, "server_log", nil)
		confirmed++
	}
	if n := find(t, c, "server_log", "").Len(); n != confirmed {
		t.Errorf("%d rows; want the %d that were confirmed", n, confirmed)
	}
	if n := find(t, c, "things", "").Len(); n != 0 {
		t.Errorf("%d rows of transactions that failed", n)
	}
	ok(t, s.engine.Read(ctx, "PRAGMA integrity_check", nil, func(row []any) error {
		if row[0] != "ok" {
			t.Error(row[0])
		}
		return nil
	}))
}

// fillDisk writes until nothing more fits.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	ok(t, err)
	defer f.Close()
	for size := 65536; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}
