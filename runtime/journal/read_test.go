package journal

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// numbers are the connections of rows, in order.
func numbers(rows []Row) string {
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprint(&b, r.Connection, " ")
	}
	return strings.TrimSpace(b.String())
}

// TestQueries holds what each field of a Query leaves.
func TestQueries(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	for n := range int64(9) {
		r := refusedRow(n + 1)
		if n%3 != 0 {
			r = openRow(n + 1)
		}
		r.UserName = []string{"Ann", "bob", "Zoë"}[n%3]
		switch n % 3 {
		case 0:
			j.Refused(r)
		case 1:
			j.Accepted(r)
		case 2:
			r.Closed, r.Cause = r.Decided, "idle"
			j.Closed(r)
		}
	}
	written(t, j)
	at := func(n int64) time.Time { return refusedRow(n).Decided }
	for _, c := range []struct {
		query Query
		want  string
	}{
		{Query{}, "1 2 3 4 5 6 7 8 9"},
		{Query{Refused: true}, "1 4 7"},
		{Query{Accepted: true}, "2 3 5 6 8 9"},
		{Query{Open: true}, "2 5 8"},
		{Query{Accepted: true, Open: true}, "2 3 5 6 8 9"},
		{Query{Refused: true, Open: true}, "1 2 4 5 7 8"},
		{Query{Refused: true, Accepted: true}, "1 2 3 4 5 6 7 8 9"},
		{Query{User: "ann"}, "1 4 7"},
		{Query{User: "BOB", Since: at(3)}, "5 8"},
		{Query{User: "Zoë"}, "3 6 9"},
		{Query{User: "nobody"}, ""},
		{Query{Connection: 6}, "6"},
		{Query{Last: 2}, "8 9"},
		{Query{Last: 2, Refused: true}, "4 7"},
		{Query{Last: 100}, "1 2 3 4 5 6 7 8 9"},
		{Query{Since: at(4)}, "4 5 6 7 8 9"},
		{Query{Until: at(4)}, "1 2 3"},
		{Query{Since: at(3), Until: at(6)}, "3 4 5"},
		{Query{Since: at(100)}, ""},
		{Query{Until: at(-100)}, ""},
	} {
		expect(t, fmt.Sprintf("%+v", c.query), numbers(all(t, folder, c.query)), c.want)
	}
}

// TestLongJournal reads over many pages, from both ends, by times that jump.
func TestLongJournal(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	const rows = 2*pageSpan + 17
	at := func(n int64) time.Time { // the clock is set back by an hour in the middle
		back := time.Duration(0)
		if n > rows/2 {
			back = time.Hour
		}
		return moment.Add(time.Duration(n)*time.Second - back)
	}
	for n := int64(1); n <= rows; n++ {
		r := refusedRow(n)
		r.Opened, r.Decided = at(n), at(n)
		j.Refused(r)
	}
	written(t, j)
	for _, c := range []Query{
		{}, {Since: at(1000)}, {Since: at(rows/2 - 10)}, {Since: at(rows/2 + 10)}, {Since: at(rows - 5)}, {Until: at(5)},
		{Until: at(rows/2 + 100)}, {Since: at(10000), Until: at(10010)}, {Since: at(rows/2 + 10), Last: 5000}, {Since: at(20), Until: at(40), Last: 3},
	} {
		var want []int64
		for n := int64(1); n <= rows; n++ {
			if (c.Since.IsZero() || !at(n).Before(c.Since)) && (c.Until.IsZero() || at(n).Before(c.Until)) {
				want = append(want, n)
			}
		}
		if c.Last > 0 {
			want = want[max(0, len(want)-c.Last):]
		}
		got := all(t, folder, c)
		expect(t, fmt.Sprintf("rows of %+v", c), len(got), len(want))
		for i := range min(len(got), len(want)) {
			if got[i].Connection != want[i] {
				t.Fatalf("%+v: row %d is %d, want %d", c, i, got[i].Connection, want[i])
			}
		}
	}
	closed(t, j)
	j, _ = opened(t, Options{Folder: folder, Session: second}, brisk()) // marks go on where they were
	late := refusedRow(rows + 1)
	late.Opened, late.Decided = moment.Add(-time.Hour), moment.Add(-time.Hour)
	for range markRows {
		j.Refused(late)
	}
	written(t, j)
	expect(t, "since the end of the first session", len(all(t, folder, Query{Since: at(rows - 5)})), len(all(t, folder, Query{Since: at(rows - 5), Last: 1 << 30})))
	expect(t, "before the first", len(all(t, folder, Query{Until: moment})), markRows)
}

// TestSlowReaderHoldsNothing stops in the middle of reading: the -wal file can still be emptied.
func TestSlowReaderHoldsNothing(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	for n := range int64(5000) {
		j.Refused(refusedRow(n))
	}
	written(t, j)
	seen := 0
	for _, err := range Read(context.Background(), folder, Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 10 {
			j.Refused(refusedRow(1))
			written(t, j)
			var busy, pages, copied int
			if err := database(t, folder).QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &copied); err != nil {
				t.Fatal(err)
			}
			expect(t, "a reader in the way", busy, 0)
		}
	}
	expect(t, "rows of the moment it began", seen, 5000)
}

// TestReadEnds holds that a reader may stop, and that its context does.
func TestReadEnds(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	for n := range int64(10) {
		j.Refused(refusedRow(n))
	}
	written(t, j)
	for range Read(context.Background(), folder, Query{}) {
		break
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := lastError(Read(ctx, folder, Query{})); err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("got %v, want that it was canceled", err)
	}
}

// TestTexts holds texts that come once, twice and often, also beyond one dictionary.
func TestTexts(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	const rows = 2*dictionaryTexts + 1000
	reason := func(n int64) string { return fmt.Sprint("reason ", n*n%(dictionaryTexts+500)) }
	for n := range int64(rows) {
		r := refusedRow(n)
		r.Reason = reason(n)
		r.UserName = fmt.Sprint("visitor ", n)
		r.Address = netip.MustParseAddrPort("[2001:db8::1]:443")
		j.Refused(r)
		if n%5000 == 0 {
			written(t, j)
		}
	}
	written(t, j)
	for n, r := range all(t, folder, Query{}) {
		if r.Reason != reason(int64(n)) || r.UserName != fmt.Sprint("visitor ", n) || r.Address.String() != "[2001:db8::1]:443" || r.Session != first {
			t.Fatalf("row %d: %+v", n, r)
		}
	}
	db := database(t, folder)
	if parts := value(t, db, "SELECT count(*) FROM part"); parts < "2" {
		t.Errorf("%s parts", parts)
	}
	expect(t, "sessions in the view", value(t, db, "SELECT count(DISTINCT session) FROM connections"), "1")
}

// following is a Follow that runs.
type following struct {
	t    *testing.T
	next func() (Row, error, bool)
}

func follow(t *testing.T, folder string, q Query) *following {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	next, stop := iter.Pull2(Follow(ctx, folder, q))
	t.Cleanup(stop)
	return &following{t, next}
}

// row expects the next row.
func (f *following) row(what string, want *Row) {
	f.t.Helper()
	got, err, ok := f.next()
	if err != nil || !ok {
		f.t.Fatalf("%s: %v, %v", what, err, ok)
	}
	same(f.t, what, got, want)
}

// TestFollow follows a journal over rows, ends and a file that is replaced.
func TestFollow(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	j.Refused(refusedRow(1))
	j.Accepted(openRow(2))
	written(t, j)
	f, refused := follow(t, folder, Query{}), follow(t, folder, Query{Refused: true, Last: 1})
	f.row("before", refusedRow(1))
	f.row("open before", openRow(2))
	refused.row("refused before", refusedRow(1))
	j.Accepted(openRow(3))
	written(t, j)
	f.row("new", openRow(3))
	j.Closed(ended(2))
	j.Accepted(openRow(4))
	j.Closed(ended(4))
	j.Refused(refusedRow(5))
	written(t, j)
	f.row("ended", ended(2))
	f.row("new and ended", ended(4))
	f.row("refused", refusedRow(5))
	refused.row("refused", refusedRow(5))
	path := filepath.Join(folder, FileName)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Skip("this system does not delete files that are open:", err)
		}
	}
	j.Refused(refusedRow(6))
	written(t, j)
	f.row("in the new file", refusedRow(6))
	j.Closed(ended(3))
	written(t, j)
	f.row("ended in the new file", ended(3))
}

// TestFollowEnds holds that the end of the context is no error.
func TestFollowEnds(t *testing.T) {
	folder := t.TempDir()
	j, _ := opened(t, Options{Folder: folder}, brisk())
	j.Refused(refusedRow(1))
	written(t, j)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	rows := 0
	for _, err := range Follow(ctx, folder, Query{}) {
		if err != nil {
			t.Error(err)
		}
		rows++
		cancel()
	}
	expect(t, "rows", rows, 1)
}
