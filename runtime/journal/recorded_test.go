package journal

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// recorded is a row with all that a verdict depended on.
func recorded(r *Row, reads string) *Row {
	r.Recorded = Recorded{Local: netip.MustParseAddrPort("127.0.0.1:19813"), Began: r.Opened.Add(90 * time.Microsecond), Took: 40 * time.Microsecond,
		Steps: 17, Line: "on_server_open_connection.lua:3", Reads: reads}
	return r
}

// TestRecorded holds that what a verdict depended on comes back as it was, of rows of every kind, and stays when the
// row of the end does not say it again.
func TestRecorded(t *testing.T) {
	folder := t.TempDir()
	slow := brisk()
	slow.gather = time.Hour // the first two rows are one batch
	slow.ripe = 4
	j, _ := opened(t, Options{Folder: folder}, slow)
	refused := recorded(refusedRow(1), "\x01\x00reads\xff")
	refused.Shadow, refused.Fault = "accepted", "on_server_open_connection.lua:3: oh no"
	j.Refused(refused)
	j.Accepted(recorded(openRow(2), strings.Repeat("r", ReadsLimit)))
	j.Closed(ended(2)) // in the batch of its beginning
	j.Accepted(recorded(openRow(3), "three"))
	written(t, j)
	three := ended(3)
	three.Shadow = "refused 403"
	j.Closed(three) // in a later one
	j.Refused(recorded(refusedRow(4), strings.Repeat("r", ReadsLimit+1)))
	closed(t, j)

	three.Recorded = recorded(ended(3), "three").Recorded
	want := []*Row{refused, recorded(ended(2), strings.Repeat("r", ReadsLimit)), three, refusedRow(4)}
	got := all(t, folder, Query{WithReads: true})
	if len(got) != len(want) {
		t.Fatalf("got %d rows, want %d", len(got), len(want))
	}
	for i := range want {
		same(t, "with reads", got[i], want[i])
	}
	bare := all(t, folder, Query{})
	want[0].Reads = ""
	same(t, "without reads", bare[0], want[0])
	db := database(t, folder)
	expect(t, "reads for people", value(t, db, "SELECT reads FROM connections WHERE connection = 3"), "5")
	expect(t, "kept as", value(t, db, "SELECT typeof(reads) FROM record WHERE connection = 3"), "blob")
}

// TestReadsFindNoRoom holds that reads which wait are bounded, and that their rows are written all the same.
func TestReadsFindNoRoom(t *testing.T) {
	q := newQueue(10, 10)
	q.room = 100
	for _, n := range []int{60, 60, 40, 1} {
		q.put(recorded(refusedRow(int64(n)), strings.Repeat("r", n)), wasRefused)
	}
	blocks, _ := q.take()
	got := []bool{}
	for _, e := range blocks[0].rows[:blocks[0].n] {
		got = append(got, e.recorded)
	}
	expect(t, "rows", len(got), 4)
	if !got[0] || got[1] || !got[2] || got[3] {
		t.Errorf("recorded: got %v, want true false true false", got)
	}
	expect(t, "left out", q.leftOut(), 2)
	q.put(recorded(refusedRow(5), "r"), wasRefused) // the writer has not written yet
	expect(t, "left out while it writes", q.leftOut(), 3)
	q.done(blocks)
	q.put(recorded(refusedRow(6), strings.Repeat("r", 100)), wasRefused)
	expect(t, "left out afterwards", q.leftOut(), 3)
}

// TestOneOfASession holds that a connection is found by the beginning of its session.
func TestOneOfASession(t *testing.T) {
	folder := t.TempDir()
	for _, session := range []string{first, second} {
		j, _ := opened(t, Options{Folder: folder, Session: session}, brisk())
		j.Refused(refusedRow(7))
		closed(t, j)
	}
	for prefix, want := range map[string]int{"": 2, "1111": 1, strings.ToUpper(second): 1, "3": 0, "_1": 0} {
		expect(t, "rows of "+prefix, len(all(t, folder, Query{Session: prefix, Connection: 7})), want)
	}
}

// secondLayout makes the file that the second version wrote: a refused connection.
const secondLayout = `PRAGMA application_id = 1299148654; PRAGMA user_version = 2;
CREATE TABLE record(id INTEGER PRIMARY KEY, part, connection, user, name, address, listener, version, verdict, code,
  reason, decider, opened, decided, closed, bytes_in, bytes_out, cause, gate, upstream, facts);
CREATE INDEX record_open ON record(connection) WHERE closed IS NULL;
CREATE TABLE text(id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE part(id INTEGER PRIMARY KEY, session TEXT NOT NULL, first INTEGER, texts INTEGER, alive INTEGER);
CREATE TABLE mark(last INTEGER PRIMARY KEY, low INTEGER NOT NULL, high INTEGER NOT NULL);
CREATE VIEW connections AS SELECT r.id, r.connection FROM record r;
INSERT INTO part VALUES (1, 'an earlier run', 1, 1, 1772355600000000);
INSERT INTO record VALUES (1, 1, 7, 1, 'Designer', NULL, '127.0.0.1:19813', NULL, 1, 403, 'no', NULL, 1772355600000000, 250, 250, 0, 0, NULL, 'db', NULL, '{}');`

// TestSecondLayout holds that a journal of the second version is read as it is, whose rows have nothing recorded, and
// written on in the version of today.
func TestSecondLayout(t *testing.T) {
	folder := t.TempDir()
	if _, err := database(t, folder).Exec(secondLayout); err != nil {
		t.Fatal(err)
	}
	before := all(t, folder, Query{WithReads: true})
	expect(t, "rows before", len(before), 1)
	expect(t, "gate before", before[0].Gate, "db")
	expect(t, "recorded before", before[0].Recorded, Recorded{})
	j, _ := opened(t, Options{Folder: folder}, brisk())
	j.Refused(recorded(refusedRow(8), "eight"))
	closed(t, j)
	after := all(t, folder, Query{WithReads: true})
	expect(t, "rows after", len(after), 2)
	same(t, "the old row", after[0], &before[0])
	same(t, "the new row", after[1], recorded(refusedRow(8), "eight"))
	db := database(t, folder)
	expect(t, "version", value(t, db, "PRAGMA user_version"), "3")
	expect(t, "line", value(t, db, "SELECT line FROM connections WHERE id = 2"), "on_server_open_connection.lua:3")
}

// TestOmissionsAreSaid holds that the log and Stats say when rows are written without what was read.
func TestOmissionsAreSaid(t *testing.T) {
	j, log := opened(t, Options{Folder: t.TempDir()}, brisk())
	written(t, j)
	j.queue.mu.Lock()
	j.queue.room = 3
	j.queue.mu.Unlock()
	j.Refused(recorded(refusedRow(1), "four"))
	j.Refused(recorded(refusedRow(2), "two"))
	closed(t, j)
	s := j.Stats()
	expect(t, "unrecorded", s.Unrecorded, 1)
	expect(t, "rows", s.Rows, 2)
	expect(t, "lines of the log", log.count(`level=WARN msg="journal rows without what was read" rows=1`), 1)
}
