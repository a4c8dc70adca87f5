package journal

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Sessions of the tests.
const (
	first  = "11111111-0000-4000-8000-000000000001"
	second = "22222222-0000-4000-8000-000000000002"
)

// patience is how long a test waits for what must happen.
const patience = 60 * time.Second

// logged collects what a Journal logs.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// count says how many lines have the text in them.
func (l *logged) count(text string) int { return strings.Count(l.String(), text) }

// brisk is the pace of tests: nothing waits for long.
func brisk() pace {
	p := defaultPace()
	p.gather, p.retry, p.retryMost = time.Millisecond, 2*time.Millisecond, 20*time.Millisecond
	p.sweepPause, p.report = time.Millisecond, 0
	return p
}

// opened is a Journal that the test's end closes.
func opened(t testing.TB, o Options, p pace) (*Journal, *logged) {
	t.Helper()
	log := new(logged)
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(log, nil))
	}
	if o.Session == "" {
		o.Session = first
	}
	j := open(o, p)
	t.Cleanup(func() {
		j.Close(0)
		select {
		case <-j.done:
		case <-time.After(patience):
			t.Error("the writer still runs")
		}
	})
	return j, log
}

// moment is a time that a journal keeps without loss.
var moment = time.Date(2026, 3, 1, 9, 0, 0, 123456000, time.UTC)

// refusedRow and openRow are rows of a connection; ended is what Closed gets for the latter.
func refusedRow(n int64) *Row {
	return &Row{
		Session: first, Connection: n, User: 1, UserName: "Designer", Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(n)}), uint16(n)),
		Listener: "127.0.0.1:19813", Version: "4e2c1a5d9b07", Verdict: Refused, Code: 22000, Reason: "closed for today",
		By: "on_server_open_connection.lua:1", Opened: moment.Add(time.Duration(n) * time.Second),
		Decided: moment.Add(time.Duration(n)*time.Second + 250*time.Microsecond),
	}
}

func openRow(n int64) *Row {
	r := refusedRow(n)
	r.Verdict, r.Code, r.Reason, r.By = Accepted, 0, "", ""
	return r
}

func ended(n int64) *Row {
	r := openRow(n)
	r.Closed, r.BytesIn, r.BytesOut, r.Cause = r.Decided.Add(time.Minute), 10*n, 20*n, "client left"
	return r
}

// same compares rows as a journal gives them back.
func same(t *testing.T, what string, got Row, want *Row) {
	t.Helper()
	w := *want
	if w.Verdict == Refused && w.Closed.IsZero() {
		w.Closed = w.Decided
	}
	for _, at := range []*time.Time{&got.Opened, &got.Decided, &got.Closed, &got.Began, &w.Opened, &w.Decided, &w.Closed, &w.Began} {
		if !at.IsZero() {
			*at = at.UTC().Round(0)
		}
	}
	if got != w {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, w)
	}
}

// all are the rows that a query gives.
func all(t testing.TB, folder string, q Query) []Row {
	t.Helper()
	var rows []Row
	for r, err := range Read(context.Background(), folder, q) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// written waits until nothing is queued and all is well.
func written(t testing.TB, j *Journal) {
	t.Helper()
	until(t, "all rows are written", func() bool { s := j.Stats(); return s.Queued == 0 && s.Failing == nil && !j.queue.owes() })
}

// failing waits until the Journal says that it cannot write, and why.
func failing(t testing.TB, j *Journal) string {
	t.Helper()
	until(t, "it fails", func() bool { return j.Stats().Failing != nil })
	if err := j.Stats().Failing; err != nil {
		return err.Error()
	}
	return ""
}

// until waits for a cause.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// closed closes the Journal and expects that nothing is lost.
func closed(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Close(patience); err != nil {
		t.Fatal(err)
	}
}

// database opens the file as anybody could.
func database(t testing.TB, folder string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(folder, FileName))+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// value is what a query of one value gives.
func value(t testing.TB, db *sql.DB, query string, arguments ...any) string {
	t.Helper()
	var v any
	if err := db.QueryRow(query, arguments...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return fmt.Sprint(v)
}

// expect compares.
func expect[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// lastError is the error that ends the rows.
func lastError(rows iter.Seq2[Row, error]) (last error) {
	for _, err := range rows {
		last = err
	}
	return last
}

func makeFolder(t *testing.T, folder string) {
	t.Helper()
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
}
