package cli

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/netip"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"moongate/runtime/journal"
)

var cameAt = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

var cannedRows = []journal.Row{
	{
		Session: "S-1", Connection: 7, User: 3, UserName: "=cmd|' /C calc'!A0", Address: netip.MustParseAddrPort("10.0.0.7:51234"), Listener: "127.0.0.1:19813",
		Version: "4e2c1a5d9b07", Opened: cameAt, Decided: cameAt.Add(time.Millisecond), Closed: cameAt.Add(80 * time.Second), BytesIn: 2048, BytesOut: 10,
		Cause: "client left", Gate: "db", Upstream: "10.1.0.5:5432", Facts: `{"database":"shop"}`,
	},
	{
		Session: "S-1", Address: netip.MustParseAddrPort("[2001:db8::1]:5"), Verdict: journal.Refused, Code: -10515, Reason: "closed, \"for\" today\n\x1b[2J",
		By: "on_server_open_connection.lua:3", Opened: cameAt, Decided: cameAt, Closed: cameAt,
	},
	{Session: "S-1", Connection: 8, User: 1, UserName: "日本", Address: netip.MustParseAddrPort("10.0.0.8:1"), Opened: cameAt, Decided: cameAt},
}

func rowsOf(rows []journal.Row, err error) iter.Seq2[journal.Row, error] {
	return func(yield func(journal.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
		if err != nil {
			yield(journal.Row{}, err)
		}
	}
}

func minuteLater() time.Time { return cameAt.Add(time.Minute) }

func TestLogAsTable(t *testing.T) {
	inUTC(t)
	out, written := testScreen(0, 0, false)
	to := newTableRows(out, -1)
	to.now = minuteLater
	if n, err := (&reading{}).write(rowsOf(cannedRows, nil), to, func() error { return nil }); n != 3 || err != nil {
		t.Fatalf("got %d rows and %v", n, err)
	}
	compare(t, written.String(), `
TIME                 CONNECTION  USER                ADDRESS          VERDICT     CODE  REASON/CAUSE                  BY                               DURATION   BYTES  VERSION
2026-11-21 10:00:00           7  =cmd|' /C calc'!A0  10.0.0.7:51234   accepted          client left                                                       1m20s  2KB/10  4e2c1a5d9b07
2026-11-21 10:00:00                                  [2001:db8::1]:5  refused   -10515  closed, "for" today\n\x1b[2J  on_server_open_connection.lua:3        0s     0/0
2026-11-21 10:00:00           8  日本                10.0.0.8:1       accepted          open                                                                 1m     0/0
`)
}

func TestLogAsJSON(t *testing.T) {
	var written strings.Builder
	to := &jsonRows{&written, minuteLater}
	if _, err := (&reading{}).write(rowsOf(cannedRows, nil), to, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(written.String(), "\n"), "\n")
	want := `{"session":"S-1","connection":8,"user":1,"user_name":"日本","address":"10.0.0.8:1","listener":"","version":"","verdict":"accepted","code":0,` +
		`"reason":"","by":"","opened":"2026-11-21T10:00:00Z","decided":"2026-11-21T10:00:00Z","closed":null,"duration":60,"bytes_in":0,"bytes_out":0,"cause":"","gate":"","upstream":"","facts":null,"shadow":""}`
	if len(lines) != 3 || lines[2] != want {
		t.Errorf("got %s\nwant %s", lines[len(lines)-1], want)
	}
	var record logRecord
	if err := json.Unmarshal([]byte(lines[1]), &record); err != nil || record.Reason != cannedRows[1].Reason || record.Verdict != journal.Refused {
		t.Errorf("got %+v and %v", record, err)
	}
}

func TestLogAsCSV(t *testing.T) {
	var written strings.Builder
	to := newCSVRows(&written)
	to.now = minuteLater
	if _, err := (&reading{}).write(rowsOf(cannedRows, nil), to, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if strings.Count(written.String(), "\r\n") != 4 || strings.Contains(written.String(), "\x1b") {
		t.Errorf("got %q", written.String())
	}
	records, err := csv.NewReader(strings.NewReader(written.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		csvHead,
		{"S-1", "7", "3", "'=cmd|' /C calc'!A0", "10.0.0.7:51234", "127.0.0.1:19813", "4e2c1a5d9b07", "accepted", "0", "", "", "2026-11-21T10:00:00Z",
			"2026-11-21T10:00:00.001Z", "2026-11-21T10:01:20Z", "80.000000", "2048", "10", "client left", "db", "10.1.0.5:5432", `{"database":"shop"}`, ""},
		{"S-1", "0", "0", "", "[2001:db8::1]:5", "", "", "refused", "-10515", `closed, "for" today\n\x1b[2J`, "on_server_open_connection.lua:3",
			"2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z", "0.000000", "0", "0", "", "", "", "", ""},
		{"S-1", "8", "1", "日本", "10.0.0.8:1", "", "", "accepted", "0", "", "", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z", "", "60.000000", "0", "0", "", "", "", "", ""},
	}
	if !reflect.DeepEqual(records, want) {
		t.Errorf("got\n%q\nwant\n%q", records, want)
	}
}

// TestColumnsAreTheFields holds CSV to JSON: the same names in the same order.
func TestColumnsAreTheFields(t *testing.T) {
	var fields []string
	for field := range reflect.TypeFor[logRecord]().Fields() {
		fields = append(fields, field.Tag.Get("json"))
	}
	if !reflect.DeepEqual(fields, csvHead) {
		t.Errorf("got the fields\n%q\nwant the columns\n%q", fields, csvHead)
	}
}

func TestHarmless(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "ann": "ann", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "'x": "''x", "a=b": "a=b", "\t=1": `\t=1`, "\r\n": `\r\n`,
	} {
		if got := harmless(text); got != want {
			t.Errorf("got %q of %q, want %q", got, text, want)
		}
	}
}

// brokenWriter takes so many bytes.
type brokenWriter struct {
	left int
	err  error
}

func (b *brokenWriter) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, b.err
	}
	return len(p), nil
}

func TestLogToAReaderThatHasGone(t *testing.T) {
	folder := journalWith(t, cannedRows[:2])
	for _, test := range []struct {
		err    error
		code   int
		stderr string
	}{
		{syscall.EPIPE, ExitClean, ""},
		{errors.New("no space left on device"), ExitFailed, "moongate: cannot write: no space left on device\n"},
	} {
		var stderr strings.Builder
		r := &reading{operation: newReading(&invocation{stdout: &brokenWriter{10, test.err}, stderr: &stderr}, "log"), csv: true}
		r.data = folder
		got := outcomeOf{r.run(t.Context()), "", stderr.String()}
		got.want(t, test.code, "", test.stderr)
	}
}

// journalWith makes a folder whose journal has rows.
func journalWith(t *testing.T, rows []journal.Row) string {
	t.Helper()
	folder := t.TempDir()
	j := journal.Open(journal.Options{Folder: folder, Session: "S-1"})
	for _, row := range rows {
		if row.Verdict == journal.Refused {
			j.Refused(&row)
			continue
		}
		j.Accepted(&row)
		if !row.Closed.IsZero() {
			j.Closed(&row)
		}
	}
	if err := j.Close(time.Minute); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestLogOfAFolder(t *testing.T) {
	inUTC(t)
	folder := journalWith(t, cannedRows)
	if got := run("log", "--data", folder, "--refused"); got.code != ExitClean || strings.Count(got.stdout, "\n") != 2 || !strings.Contains(got.stdout, "-10515") {
		t.Errorf("got %+v, want the refused one", got)
	}
	if got := run("log", "--data", folder, "--connection", "8", "--json"); !strings.Contains(got.stdout, `"cause":"lost"`) {
		t.Errorf("got %+v, want the lost one", got)
	}
	run("log", "--data", folder, "--user", "nobody").want(t, ExitClean, "", "no connections\n")
	run("log", "--data", folder, "--user", "nobody", "--json").want(t, ExitClean, "", "")
	run("log", "--data", folder, "--user", "nobody", "--csv").want(t, ExitClean, strings.Join(csvHead, ",")+"\r\n", "")
	if got := run("log", "--data", t.TempDir()); got.code != ExitFailed || !strings.HasPrefix(got.stderr, "moongate: ") {
		t.Errorf("got %+v, want that there is no journal", got)
	}
}

func TestLogEndsWithTheJournalsError(t *testing.T) {
	var written strings.Builder
	n, err := (&reading{}).write(rowsOf(cannedRows[:1], io.ErrUnexpectedEOF), newJSONRows(&written), func() error { return nil })
	if n != 1 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %d rows and %v", n, err)
	}
}

func TestMoments(t *testing.T) {
	zone := time.FixedZone("here", 3600)
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, zone)
	for text, want := range map[string]time.Time{
		"1h": now.Add(-time.Hour), "90s": now.Add(-90 * time.Second), "30d": now.Add(-30 * 24 * time.Hour),
		"2026-11-21": time.Date(2026, 11, 21, 0, 0, 0, 0, zone), "2026-11-21 10:00": time.Date(2026, 11, 21, 10, 0, 0, 0, zone),
		"2026-11-21 10:00:07": time.Date(2026, 11, 21, 10, 0, 7, 0, zone), "2026-11-21T10:00:00Z": time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC),
		"10:00": time.Date(2026, 11, 21, 10, 0, 0, 0, zone),
	} {
		if got, err := momentOf(text, now); err != nil || !got.Equal(want) {
			t.Errorf("got %v and %v of %s, want %v", got, err, text, want)
		}
	}
	for _, text := range []string{"", "yesterday", "2026-13-01", "-1h", "25:00", "2026-11-21 10"} {
		if got, err := momentOf(text, now); err == nil {
			t.Errorf("got %v of %q, want an error", got, text)
		}
	}
}
