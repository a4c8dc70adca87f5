package journal

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// stuck is a Journal that has no folder yet: nothing is written until it is made.
func stuck(t *testing.T, capacity int) (j *Journal, log *logged, folder string, mend func()) {
	t.Helper()
	parent := t.TempDir()
	folder = parent + "/data"
	j, log = opened(t, Options{Folder: folder, Queue: capacity}, brisk())
	failing(t, j)
	return j, log, folder, func() { makeFolder(t, folder) }
}

// TestOverflow holds that what does not fit is dropped and counted, and nothing else.
func TestOverflow(t *testing.T) {
	j, log, folder, mend := stuck(t, 1000)
	for n := range int64(1500) {
		j.Refused(refusedRow(n))
	}
	s := j.Stats()
	expect(t, "queued", s.Queued, 1000)
	expect(t, "capacity", s.Capacity, 1000)
	expect(t, "dropped", s.Dropped, 500)
	mend()
	written(t, j)
	until(t, "the log says so", func() bool { return log.count("journal works again") == 1 })
	rows := all(t, folder, Query{})
	if len(rows) != 1000 {
		t.Fatalf("got %d rows, want 1000", len(rows))
	}
	for i, r := range rows {
		expect(t, "connection", r.Connection, int64(i))
	}
	j.Refused(refusedRow(2000))
	written(t, j)
	expect(t, "dropped", j.Stats().Dropped, 500)
}

// TestDroppedBeginning holds that a row whose Accepted was dropped is complete when Closed gets through.
func TestDroppedBeginning(t *testing.T) {
	j, _, folder, mend := stuck(t, 1)
	j.Refused(refusedRow(1))
	j.Accepted(openRow(2)) // no room
	mend()
	written(t, j)
	j.Closed(ended(2))
	written(t, j)
	rows := all(t, folder, Query{})
	if len(rows) != 2 {
		t.Fatalf("got %+v", rows)
	}
	same(t, "row", rows[1], ended(2))
}

// TestDroppedEnd holds that a row whose Closed was dropped does not stay open.
func TestDroppedEnd(t *testing.T) {
	j, _, folder, mend := stuck(t, 2)
	j.Accepted(openRow(1))
	j.Accepted(openRow(2))
	j.Closed(ended(1)) // no room
	mend()
	written(t, j)
	until(t, "the end is recorded", func() bool { return len(all(t, folder, Query{Open: true})) == 1 })
	rows := all(t, folder, Query{Connection: 1})
	if len(rows) != 1 || rows[0].Cause != Lost || !rows[0].Closed.Equal(ended(1).Closed) {
		t.Errorf("got %+v, want lost at the moment it was closed", rows)
	}
}

// TestManyDoors records from many goroutines at once.
func TestManyDoors(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	const doors, each = 8, 2000
	var all8 sync.WaitGroup
	for d := range int64(doors) {
		all8.Go(func() { // ends after its rows
			for i := range int64(each) {
				n := d*each + i + 1
				if n%2 == 0 {
					j.Refused(refusedRow(n))
					continue
				}
				j.Accepted(openRow(n))
				j.Closed(ended(n))
			}
		})
	}
	all8.Wait()
	closed(t, j)
	s := j.Stats()
	expect(t, "rows", s.Rows, doors*each)
	expect(t, "dropped", s.Dropped, 0)
	seen := map[int64]bool{}
	for _, r := range all(t, folder, Query{}) {
		if seen[r.Connection] {
			t.Errorf("connection %d twice", r.Connection)
		}
		seen[r.Connection] = true
		want := ended(r.Connection)
		if r.Connection%2 == 0 {
			want = refusedRow(r.Connection)
		}
		same(t, "row", r, want)
	}
	expect(t, "connections", len(seen), doors*each)
}

// TestDoorDoesNotAllocate holds the steady state.
func TestDoorDoesNotAllocate(t *testing.T) {
	q := newQueue(DefaultQueue, 4096)
	r := refusedRow(1)
	cycle := func() {
		for range blockRows {
			q.put(r, wasRefused)
		}
		blocks, _ := q.take()
		q.done(blocks)
	}
	cycle()
	if perRow := testing.AllocsPerRun(100, cycle) / blockRows; perRow > 0.01 {
		t.Errorf("%v allocations for a row", perRow)
	}
}

// TestGather holds when batches are written: after a while, or when enough waits, and never when nothing does.
func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := defaultPace()
		p.ripe = 10
		j, _ := opened(t, Options{Folder: t.TempDir()}, p)
		synctest.Wait()
		j.Refused(refusedRow(1))
		time.Sleep(p.gather - time.Millisecond)
		synctest.Wait()
		expect(t, "rows before the time", j.Stats().Rows, 0)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		expect(t, "rows in time", j.Stats().Rows, 1)
		for n := range int64(10) {
			j.Refused(refusedRow(n))
		}
		synctest.Wait()
		expect(t, "rows of a full batch", j.Stats().Rows, 11)
		closed(t, j)
		synctest.Wait()
	})
}

// TestLogIsBounded holds that an outage of an hour fills no disk with lines.
func TestLogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir() + "/data"
		j, log := opened(t, Options{Folder: folder, Queue: 100}, defaultPace())
		for n := range int64(3600) {
			j.Refused(refusedRow(n))
			time.Sleep(time.Second)
		}
		makeFolder(t, folder)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		expect(t, "lines about the failure", log.count("journal not written"), 1)
		if n := log.count("journal rows dropped"); n < 100 || n > 361 {
			t.Errorf("%d lines about drops in an hour", n)
		}
		expect(t, "lines about the end", log.count(fmt.Sprintf("msg=\"journal works again\" dropped=%d", 3500)), 1)
		expect(t, "rows", j.Stats().Rows, 100)
		closed(t, j)
		synctest.Wait()
	})
}
