package journal

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// rowsOf reads everything that a folder's journal has.
func rowsOf(t *testing.T, folder string) []Row {
	t.Helper()
	var all []Row
	for row, err := range Read(context.Background(), folder, Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}

func rowOf(session string, n int64, version string) *Row {
	now := time.Now()
	return &Row{
		Session: session, Connection: n, User: 1, UserName: "Designer", Address: netip.MustParseAddrPort("127.0.0.1:4000"),
		Listener: "listener of " + session, Version: version, Opened: now, Decided: now,
	}
}

// TestTwoSessionsWriteAtTheSameTime has a predecessor and a successor write to one file, batch by batch in turns, with texts
// of their own, and a predecessor that opened what it closes after the successor has come.
func TestTwoSessionsWriteAtTheSameTime(t *testing.T) {
	folder := t.TempDir()
	p := brisk()
	old := open(Options{Folder: folder, Session: "old"}, p)
	const kept = 50
	for n := range int64(kept) {
		old.Accepted(rowOf("old", n+1, "v1"))
	}
	settle(t, old)
	old.Share()
	young := open(Options{Folder: folder, Session: "young", Beside: true}, p)
	settle(t, young)
	want := map[string]bool{}
	for n := range int64(kept) {
		row := rowOf("old", n+1, fmt.Sprintf("old text %d", n%7))
		row.Closed, row.Cause = time.Now(), fmt.Sprintf("old cause %d", n%5)
		old.Closed(row)
		fresh := rowOf("old", 1000+n, fmt.Sprintf("old fresh %d", n%6))
		fresh.Closed, fresh.Cause = time.Now(), "client left"
		old.Closed(fresh)
		other := rowOf("young", 2000+n, fmt.Sprintf("young text %d", n%7))
		other.Closed, other.Cause = time.Now(), fmt.Sprintf("young cause %d", n%5)
		young.Closed(other)
		for _, r := range []*Row{row, fresh, other} {
			want[fmt.Sprint(r.Session, r.Connection, r.Listener, r.Version, r.Cause)] = true
		}
		if n%3 == 0 {
			settle(t, old)
		}
		if n%4 == 0 {
			settle(t, young)
		}
	}
	for _, j := range []*Journal{old, young} {
		if err := j.Close(10 * time.Second); err != nil {
			t.Fatal(err)
		}
	}
	got := rowsOf(t, folder)
	for _, r := range got {
		key := fmt.Sprint(r.Session, r.Connection, r.Listener, r.Version, r.Cause)
		if !want[key] {
			t.Errorf("got %s, which nobody wrote or which came twice", key)
		}
		delete(want, key)
	}
	if len(want) > 0 {
		t.Errorf("got %d rows; missing %v", len(got), want)
	}
}

// TestLivingSessionIsNotLost leaves a predecessor's open rows alone until it is said to have ended.
func TestLivingSessionIsNotLost(t *testing.T) {
	folder := t.TempDir()
	p := brisk()
	old := open(Options{Folder: folder, Session: "old"}, p)
	old.Accepted(rowOf("old", 1, "v1"))
	settle(t, old)
	old.Share()
	young := open(Options{Folder: folder, Session: "young", Beside: true}, p)
	young.Accepted(rowOf("young", 2, "v2"))
	settle(t, young)
	if got := rowsOf(t, folder); len(got) != 2 || !got[0].Closed.IsZero() {
		t.Errorf("got %v, want both rows open", got)
	}
	young.Ended("old")
	until(t, "the first row is lost and the second open", func() bool {
		got := rowsOf(t, folder)
		return len(got) == 2 && got[0].Cause == Lost && got[1].Closed.IsZero()
	})
	closed(t, young)
	closed(t, old)
}

// settle waits until nothing waits to be written.
func settle(t *testing.T, j *Journal) {
	t.Helper()
	until(t, "nothing waits", func() bool { s := j.Stats(); return s.Queued == 0 && s.Failing == nil })
}
