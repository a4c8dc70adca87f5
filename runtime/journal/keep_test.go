package journal

import (
	"sync"
	"testing"
	"time"
)

// machine is a clock that can be set, apart from the time that goes by.
type machine struct {
	mu     sync.Mutex
	clock  time.Time
	uptime time.Duration
}

// pace is brisk by the machine's clock.
func (m *machine) pace() pace {
	p := brisk()
	p.now = func() time.Time { m.mu.Lock(); defer m.mu.Unlock(); return m.clock }
	p.uptime = func() time.Duration { m.mu.Lock(); defer m.mu.Unlock(); return m.uptime }
	return p
}

// pass lets time go by.
func (m *machine) pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock, m.uptime = m.clock.Add(d), m.uptime+d
}

// set sets the clock.
func (m *machine) set(to time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock = to
}

// visits records connections of one second each that begin now, one a second; the time does not pass.
func (m *machine) visits(j *Journal, from, to int64) {
	for n := from; n < to; n++ {
		r := ended(n)
		r.Opened = m.clock.Add(time.Duration(n-from) * time.Second)
		r.Decided, r.Closed = r.Opened, r.Opened.Add(time.Second)
		j.Closed(r)
	}
}

// swept has a look for old rows made, to its end. It records a row, since an idle Journal does nothing.
func swept(t *testing.T, j *Journal, m *machine) {
	t.Helper()
	written(t, j)
	m.pass(2 * time.Minute)
	m.visits(j, 1<<40, 1<<40+1)
	written(t, j)
	until(t, "the look is over", func() bool { return j.keeper.looked.Load() >= int64(m.uptime) })
}

// TestKeep holds that connections that ended long ago go, with what only they needed, and that the file does not grow.
func TestKeep(t *testing.T) {
	folder, m := t.TempDir(), &machine{clock: moment}
	j, _ := opened(t, Options{Folder: folder, Keep: 30 * 24 * time.Hour}, m.pace())
	open := openRow(0)
	open.Opened, open.Decided = m.clock, m.clock
	j.Accepted(open) // it stays, however old: it has not ended
	m.visits(j, 1, 5001)
	written(t, j)
	m.pass(20 * 24 * time.Hour)
	m.visits(j, 5001, 5101)
	swept(t, j, m)
	expect(t, "rows after 20 days", len(all(t, folder, Query{})), 5102)
	m.pass(11 * 24 * time.Hour)
	swept(t, j, m)
	rows := all(t, folder, Query{Connection: 5001})
	expect(t, "young rows", len(rows), 1)
	expect(t, "all rows after 31 days", len(all(t, folder, Query{})), 1+100+2)
	db := database(t, folder)
	pages := value(t, db, "PRAGMA page_count")
	m.visits(j, 6000, 9000)
	written(t, j)
	expect(t, "pages after more rows", value(t, db, "PRAGMA page_count"), pages)
	expect(t, "integrity", value(t, db, "PRAGMA integrity_check"), "ok")
}

// TestKeepAndClocks holds that a clock that is wrong for a while does not empty a journal.
func TestKeepAndClocks(t *testing.T) {
	folder, m := t.TempDir(), &machine{clock: moment}
	j, _ := opened(t, Options{Folder: folder, Keep: 30 * 24 * time.Hour}, m.pace())
	m.visits(j, 1, 1001)
	swept(t, j, m)
	m.set(moment.AddDate(14, 0, 0))
	swept(t, j, m)
	m.visits(j, 2000, 2010) // dated 14 years ahead
	swept(t, j, m)
	expect(t, "rows while the clock is wrong", len(all(t, folder, Query{})), 1013)
	m.set(moment.Add(time.Hour))
	swept(t, j, m)
	m.pass(2 * time.Hour)
	m.visits(j, 3000, 3010)
	swept(t, j, m)
	expect(t, "rows when it is right again", len(all(t, folder, Query{})), 1025)
	m.pass(31 * 24 * time.Hour)
	swept(t, j, m)
	swept(t, j, m)
	left := all(t, folder, Query{})
	expect(t, "rows a month later", len(left), 2)
	closed(t, j)

	m.set(moment.AddDate(0, 6, 0)) // half a year off, or so the clock says
	j, _ = opened(t, Options{Folder: folder, Session: second, Keep: 30 * 24 * time.Hour}, m.pace())
	swept(t, j, m)
	expect(t, "rows after a long sleep", len(all(t, folder, Query{})), 3)
	m.pass(2 * time.Hour)
	swept(t, j, m)
	expect(t, "and when the clock has proved itself", len(all(t, folder, Query{})), 2)
}

// TestKeepForgetsTexts holds that the dictionary goes with the rows that need it.
func TestKeepForgetsTexts(t *testing.T) {
	folder, m := t.TempDir(), &machine{clock: moment}
	for range 4 {
		j, _ := opened(t, Options{Folder: folder, Session: second, Keep: time.Hour}, m.pace())
		m.visits(j, 1, 10)
		closed(t, j)
		m.pass(2 * time.Hour)
	}
	j, _ := opened(t, Options{Folder: folder, Keep: time.Hour}, m.pace())
	m.visits(j, 1, 10)
	swept(t, j, m)
	db := database(t, folder)
	expect(t, "rows", value(t, db, "SELECT count(*) FROM record"), "10")
	expect(t, "parts", value(t, db, "SELECT count(*) FROM part"), "1")
	expect(t, "texts without a row", value(t, db, "SELECT count(*) FROM text WHERE id NOT IN (SELECT name FROM record UNION SELECT listener FROM record UNION SELECT version FROM record UNION SELECT cause FROM record)"), "0")
}
