package journal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestRowsComeBack records one of each kind and reads them, with the server running and when it has gone.
func TestRowsComeBack(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	j.Refused(refusedRow(1))
	j.Accepted(openRow(2))
	written(t, j)
	j.Refused(refusedRow(3))
	j.Accepted(openRow(4))
	j.Closed(ended(4))
	written(t, j)
	check := func(second *Row) {
		rows := all(t, folder, Query{})
		if len(rows) != 4 {
			t.Fatalf("got %d rows, want 4: %+v", len(rows), rows)
		}
		for i, want := range []*Row{refusedRow(1), second, refusedRow(3), ended(4)} {
			same(t, "row", rows[i], want)
		}
	}
	check(openRow(2))
	j.Closed(ended(2))
	written(t, j)
	check(ended(2))
	expect(t, "rows", j.Stats().Rows, 4)
	expect(t, "dropped", j.Stats().Dropped, 0)
	closed(t, j)
	check(ended(2))
	if runtime.GOOS != "windows" {
		info, err := os.Stat(filepath.Join(folder, FileName))
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "mode", info.Mode().Perm(), os.FileMode(0o600))
	}
}

// TestView holds what people see with sqlite3.
func TestView(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	for range 3 { // texts that come again get numbers
		j.Refused(refusedRow(7))
	}
	closed(t, j)
	db := database(t, folder)
	for column, want := range map[string]string{
		"session": first, "connection": "7", "user": "1", "user_name": "Designer", "address": "203.0.113.7:7", "listener": "127.0.0.1:19813",
		"version": "4e2c1a5d9b07", "verdict": "refused", "code": "22000", "reason": "closed for today",
		"refused_by": "on_server_open_connection.lua:1", "opened": "2026-03-01 09:00:07.123", "decided": "2026-03-01 09:00:07.124",
		"closed": "2026-03-01 09:00:07.124", "bytes_in": "0", "bytes_out": "0", "cause": "",
	} {
		expect(t, column, value(t, db, "SELECT "+column+" FROM connections WHERE id = 3"), want)
	}
}

// TestOddRows holds rows at the edges of what may come.
func TestOddRows(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	long := strings.Repeat("ä", TextLimit)
	backwards := ended(3)
	backwards.Decided, backwards.Closed = moment.Add(-time.Hour), moment.Add(-2*time.Hour)
	for _, r := range []*Row{{}, {Reason: long, UserName: "a\x00b\xff", Code: -1 << 63, Connection: 1<<63 - 1}} {
		j.Refused(r)
	}
	j.Closed(backwards)
	closed(t, j)
	rows := all(t, folder, Query{})
	if len(rows) != 3 {
		t.Fatalf("got %d rows, want 3", len(rows))
	}
	expect(t, "address of the empty row", rows[0].Address.IsValid(), false)
	expect(t, "long reason", len(rows[1].Reason) <= TextLimit && strings.HasSuffix(rows[1].Reason, "ä…"), true)
	expect(t, "name", rows[1].UserName, "a\x00b\xff")
	expect(t, "code", rows[1].Code, int64(-1<<63))
	expect(t, "decided", rows[2].Decided.Equal(rows[2].Opened), true)
	expect(t, "closed", rows[2].Closed.Equal(rows[2].Opened), true)
}

// TestMonotonicDurations holds that a clock that is set while a connection lives does not change how long it lived.
func TestMonotonicDurations(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	r := openRow(1)
	r.Opened = time.Now()
	r.Decided, r.Closed = r.Opened.Add(time.Millisecond), r.Opened.Add(time.Second)
	r.Cause = "client left"
	j.Closed(r)
	closed(t, j)
	got := all(t, folder, Query{})[0]
	expect(t, "duration", got.Closed.Sub(got.Opened), time.Second)
	expect(t, "decided after", got.Decided.Sub(got.Opened), time.Millisecond)
}

// TestLostAtClose holds that a connection whose end nobody told is not shown as open when the server has gone.
func TestLostAtClose(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	j.Accepted(openRow(1))
	closed(t, j)
	rows := all(t, folder, Query{})
	expect(t, "cause", rows[0].Cause, Lost)
	expect(t, "closed", rows[0].Closed.IsZero(), false)
	if rows = all(t, folder, Query{Open: true}); len(rows) != 0 {
		t.Errorf("open rows: %+v", rows)
	}
}

// TestAfterClose holds that late rows are counted, and that Close says it once.
func TestAfterClose(t *testing.T) {
	j, _ := opened(t, Options{Folder: t.TempDir()}, brisk())
	closed(t, j)
	j.Refused(refusedRow(1))
	expect(t, "dropped", j.Stats().Dropped, 1)
	closed(t, j)
}

// TestCloseSaysWhatIsLost closes a Journal that cannot write.
func TestCloseSaysWhatIsLost(t *testing.T) {
	j, _ := opened(t, Options{Folder: filepath.Join(t.TempDir(), "missing")}, brisk())
	j.Refused(refusedRow(1))
	j.Refused(refusedRow(2))
	failing(t, j)
	err := j.Close(patience)
	if err == nil || !strings.HasPrefix(err.Error(), "journal: 2 rows lost: ") || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want 2 rows lost, because the folder does not exist", err)
	}
	expect(t, "dropped", j.Stats().Dropped, 2)
	expect(t, "queued", j.Stats().Queued, 0)
}

// TestCloseWithoutBudget returns at once.
func TestCloseWithoutBudget(t *testing.T) {
	p := brisk()
	p.gather = time.Hour
	j, _ := opened(t, Options{Folder: t.TempDir()}, p)
	for n := range int64(1000) {
		j.Refused(refusedRow(n))
	}
	err := j.Close(0)
	s := j.Stats()
	expect(t, "all rows are accounted for", s.Rows+s.Dropped >= 1000, true)
	expect(t, "queued", s.Queued, 0)
	if err == nil && s.Dropped > 0 {
		t.Errorf("%d rows dropped without an error", s.Dropped)
	}
}

// TestNoJournal holds what a reader is told.
func TestNoJournal(t *testing.T) {
	for _, read := range []func() error{
		func() error { return lastError(Read(context.Background(), "nowhere", Query{})) },
		func() error { return lastError(Follow(context.Background(), "nowhere", Query{})) },
	} {
		err := read()
		if !errors.Is(err, ErrNone) || err.Error() != "no journal in nowhere: has a server run with --data nowhere?" {
			t.Errorf("got %v", err)
		}
	}
}
