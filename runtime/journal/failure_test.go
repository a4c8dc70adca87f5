package journal

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// asides are the files that were put aside, without what SQLite kept beside them.
func asides(t *testing.T, folder string) (found []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, FileName+".broken-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if !strings.HasSuffix(n, "-wal") && !strings.HasSuffix(n, "-shm") {
			found = append(found, n)
		}
	}
	return found
}

// TestBrokenFile holds that what is no journal is put aside, whole, and a new journal begun.
func TestBrokenFile(t *testing.T) {
	garbage := bytes.Repeat([]byte("this is no database. "), 1000)
	for name, content := range map[string][]byte{"long": garbage, "short": garbage[:30], "header only": []byte("SQLite format 3\x00")} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, FileName), content, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := lastError(Read(context.Background(), folder, Query{})); err == nil || !strings.Contains(err.Error(), "it is no journal") {
				t.Errorf("reading: %v", err)
			}
			j, log := opened(t, Options{Folder: folder}, brisk())
			j.Refused(refusedRow(1))
			written(t, j)
			expect(t, "rows", len(all(t, folder, Query{})), 1)
			expect(t, "lines of the log", log.count("level=ERROR msg=\"journal file broken; it was put aside and a new one begun\""), 1)
			kept := asides(t, folder)
			if len(kept) != 1 {
				t.Fatalf("put aside: %v", kept)
			}
			if got, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(got, content) {
				t.Errorf("the file that was put aside has other content: %v", err)
			}
		})
	}
}

// TestForeignFile holds that the database of another program is put aside, and so is what it has made of ours.
func TestForeignFile(t *testing.T) {
	for _, change := range []string{"CREATE TABLE guests(name)", tables + "DROP TABLE mark"} {
		folder := t.TempDir()
		db := database(t, folder)
		if _, err := db.Exec(change); err != nil {
			t.Fatal(err)
		}
		db.Close()
		j, _ := opened(t, Options{Folder: folder}, brisk())
		j.Refused(refusedRow(1))
		written(t, j)
		expect(t, "put aside", len(asides(t, folder)), 1)
	}
}

// TestCorruptWhileRunning damages pages under a server that runs.
func TestCorruptWhileRunning(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	for n := range int64(2000) {
		j.Refused(refusedRow(n))
	}
	closed(t, j)
	path := filepath.Join(folder, FileName)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{0x55}, int(info.Size())-4096), 4096); err != nil { // all but the first page
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	j, _ = opened(t, Options{Folder: folder, Session: second}, brisk())
	j.Refused(refusedRow(1))
	written(t, j)
	expect(t, "put aside", len(asides(t, folder)), 1)
	rows := all(t, folder, Query{})
	expect(t, "rows", len(rows), 1)
	expect(t, "session", rows[0].Session, second)
}

// TestAsideNotForEver holds that a disk that breaks every file does not fill with them.
func TestAsideNotForEver(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, FileName)
	spoil := func() {
		if err := os.WriteFile(path+".new", bytes.Repeat([]byte("x"), 5000), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	spoil()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	j.Refused(refusedRow(1))
	written(t, j)
	spoil()
	j.Refused(refusedRow(2))
	if why := failing(t, j); !strings.Contains(why, "move it away") {
		t.Errorf("got %q", why)
	}
	expect(t, "put aside", len(asides(t, folder)), 1)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	written(t, j)
	expect(t, "rows", len(all(t, folder, Query{})), 1)
}

// TestNewerVersion holds that the journal of a newer Moongate is never changed, and that recording begins when it is gone.
func TestNewerVersion(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	j.Refused(refusedRow(1))
	closed(t, j)
	db := database(t, folder)
	if _, err := db.Exec("PRAGMA user_version = 9"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	path := filepath.Join(folder, FileName)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const want = "journal.db was written by a newer moongate (layout 9; this one knows 3): run that version or move the file away"
	j, log := opened(t, Options{Folder: folder, Session: second, Queue: 10}, brisk())
	for n := range int64(30) {
		j.Refused(refusedRow(n))
	}
	expect(t, "failing", failing(t, j), want)
	s := j.Stats()
	expect(t, "queued", s.Queued, 10)
	expect(t, "dropped", s.Dropped, 20)
	expect(t, "since", s.FailingSince.IsZero(), false)
	if err := lastError(Read(context.Background(), folder, Query{})); !errors.Is(err, ErrNewer) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("reading: got %v", err)
	}
	until(t, "it has tried again", func() bool { return log.count("journal rows dropped") > 0 })
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("files beside it: %v", entries)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed: %v", err)
	}
	if err := os.Rename(path, path+".newer"); err != nil {
		t.Fatal(err)
	}
	written(t, j)
	expect(t, "rows", len(all(t, folder, Query{})), 10)
	until(t, "the log says so", func() bool { return log.count("msg=\"journal works again\" dropped=20") == 1 })
	expect(t, "lines about the failure", log.count("journal not written"), 1)
}

// TestGoneWhileRunning deletes and replaces the file under a server that runs.
func TestGoneWhileRunning(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, FileName)
	j, log := opened(t, Options{Folder: folder}, brisk())
	j.Accepted(openRow(1))
	j.Refused(refusedRow(2))
	written(t, j)
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(name); err != nil {
			t.Skip("this system does not delete files that are open:", err)
		}
	}
	j.Refused(refusedRow(3))
	j.Closed(ended(1))
	written(t, j)
	rows := all(t, folder, Query{})
	if len(rows) != 2 {
		t.Fatalf("got %+v", rows)
	}
	same(t, "first of the new file", rows[0], refusedRow(3))
	same(t, "the open one, complete", rows[1], ended(1))
	expect(t, "lines of the log", log.count("journal file gone"), 1)

	if err := os.Remove(path + "-wal"); err != nil { // only this one: what it had is saved
		t.Fatal(err)
	}
	j.Refused(refusedRow(4))
	written(t, j)
	expect(t, "rows", len(all(t, folder, Query{})), 3)
	closed(t, j)
	expect(t, "integrity", value(t, database(t, folder), "PRAGMA integrity_check"), "ok")
}

// TestOlderCopyPutBack replaces the file by a copy from before: rows of then stay, new ones follow, texts are right.
func TestOlderCopyPutBack(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, FileName)
	j, _ := opened(t, Options{Folder: folder}, brisk())
	j.Accepted(openRow(1))
	j.Accepted(openRow(2))
	written(t, j)
	if _, err := database(t, folder).Exec("VACUUM INTO ?", path+".copy"); err != nil {
		t.Fatal(err)
	}
	j.Closed(ended(1))
	for n := range int64(20) { // texts get numbers that the copy does not have
		j.Refused(refusedRow(10 + n))
	}
	written(t, j)
	if err := os.Rename(path+".copy", path); err != nil {
		t.Skip("this system does not replace files that are open:", err)
	}
	os.Remove(path + "-wal")
	os.Remove(path + "-shm")
	j.Refused(refusedRow(100))
	j.Closed(ended(2))
	written(t, j)
	rows := all(t, folder, Query{})
	if len(rows) != 3 {
		t.Fatalf("got %d rows: %+v", len(rows), rows)
	}
	same(t, "completed", rows[1], ended(2))
	same(t, "new", rows[2], refusedRow(100))
}

// TestLocked holds that a foreign lock delays and loses nothing, and that Close waits for its end.
func TestLocked(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	j.Refused(refusedRow(1))
	written(t, j)
	db := database(t, folder)
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	j.Refused(refusedRow(2))
	if why := failing(t, j); !strings.Contains(why, "end the program that has locked it") {
		t.Errorf("got %q", why)
	}
	ending := make(chan error)
	go func() { ending <- j.Close(patience) }()
	until(t, "it is closing", func() bool {
		j.queue.mu.Lock()
		defer j.queue.mu.Unlock()
		return j.queue.closed
	})
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := <-ending; err != nil {
		t.Error(err)
	}
	expect(t, "rows", len(all(t, folder, Query{})), 2)
}

// TestCloseWhileLocked holds that the budget is kept.
func TestCloseWhileLocked(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	j.Refused(refusedRow(1))
	written(t, j)
	db := database(t, folder)
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	j.Refused(refusedRow(2))
	if err := j.Close(10 * time.Millisecond); err == nil || !strings.HasPrefix(err.Error(), "journal: 1 rows lost") {
		t.Errorf("got %v", err)
	}
}
