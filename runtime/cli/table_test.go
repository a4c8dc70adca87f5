package cli

import (
	"fmt"
	"strings"
	"testing"

	"moongate/runtime/admin"
)

// testScreen is a screen that keeps what is written: a terminal of a width, or none with 0.
func testScreen(columns, rows int, colors bool) (*screen, *strings.Builder) {
	var b strings.Builder
	return &screen{Writer: &b, terminal: columns > 0, colors: colors, size: func() (int, int) { return columns, rows }}, &b
}

var testHeadings = []heading{{title: "NUMBER", right: true, least: 8}, {title: "NAME", least: 6}, {title: "STATE"}}

func testRows(t *testing.T, to *table) {
	t.Helper()
	for _, row := range [][]cell{
		{{text: "7"}, {text: "日本語のとても長い名前"}, {"executing", green}},
		{{text: "12"}, {text: "\x1b[2Jann"}, {text: ""}},
	} {
		if err := to.add(row); err != nil {
			t.Fatal(err)
		}
	}
}

func compare(t *testing.T, got, want string) {
	t.Helper()
	want = strings.TrimPrefix(want, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTableIsAligned(t *testing.T) {
	out, written := testScreen(0, 0, false)
	to := &table{screen: out, headings: testHeadings, gather: -1}
	testRows(t, to)
	to.settle()
	compare(t, written.String(), `
NUMBER  NAME                    STATE
     7  日本語のとても長い名前  executing
    12  \x1b[2Jann
`)
}

func TestTableIsCutToTheTerminal(t *testing.T) {
	out, written := testScreen(30, 10, true)
	to := &table{screen: out, headings: testHeadings, gather: -1}
	testRows(t, to)
	to.settle()
	compare(t, written.String(), ""+
		"\x1b[1mNUMBER\x1b[0m  \x1b[1mNAME\x1b[0m         \x1b[1mSTATE\x1b[0m\n"+
		"     7  日本語のと…  \x1b[32mexecuting\x1b[0m\n"+
		"    12  \\x1b[2Jann\n")
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	for columns := 1; columns < 60; columns++ {
		out, written := testScreen(columns, 10, false)
		to := &table{screen: out, headings: testHeadings, gather: -1}
		testRows(t, to)
		to.settle()
		for line := range strings.Lines(written.String()) {
			if got := displayWidth(strings.TrimSuffix(line, "\n")); got > columns {
				t.Errorf("got a line of %d columns on a terminal of %d: %q", got, columns, line)
			}
		}
	}
}

// TestTableRowByRow: with --follow the widths cannot be known before, so they are at least something, and grow.
func TestTableRowByRow(t *testing.T) {
	out, written := testScreen(0, 0, false)
	to := &table{screen: out, headings: testHeadings}
	to.add([]cell{{text: "1"}, {text: "ann"}, {text: "open"}})
	if written.Len() == 0 {
		t.Error("nothing was written after the first row")
	}
	to.add([]cell{{text: "2"}, {text: "wilhelmina"}, {text: "open"}})
	to.add([]cell{{text: "3"}, {text: "bob"}, {text: "open"}})
	compare(t, written.String(), `
  NUMBER  NAME    STATE
       1  ann     open
       2  wilhelmina  open
       3  bob         open
`)
}

func TestTableGathers(t *testing.T) {
	out, written := testScreen(0, 0, false)
	to := &table{screen: out, headings: testHeadings, gather: 2}
	for i := range 4 {
		to.add([]cell{{text: fmt.Sprint(i)}, {text: strings.Repeat("x", 4*i)}, {}})
		if got, want := strings.Count(written.String(), "\n"), []int{0, 0, 4, 5}[i]; got != want {
			t.Errorf("got %d lines after %d rows, want %d", got, i+1, want)
		}
	}
}

func TestFigures(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0s", -1: "0s", 0.0000036: "3.6µs", 0.0004: "400µs", 0.00099999: "1ms", 0.012: "12ms", 0.35: "350ms", 0.9991: "999ms", 0.9999: "1s", 1.25: "1.3s", 9.96: "10s",
		42: "42s", 59.6: "1m", 60: "1m", 80: "1m20s", 3600: "1h", 7500: "2h5m", 86400: "1d", 90000: "1d1h", 3 * 86400: "3d",
	} {
		if got := lasted(seconds); got != want {
			t.Errorf("got %s of %v seconds, want %s", got, seconds, want)
		}
	}
	for bytes, want := range map[int64]string{0: "0", 1023: "1023", 1024: "1KB", 1536: "1.5KB", 20 << 20: "20MB", 3 << 30: "3GB", -1: "-1"} {
		if got := amount(bytes); got != want {
			t.Errorf("got %s of %d bytes, want %s", got, bytes, want)
		}
	}
	for share, want := range map[float64]string{0: "0%", 0.004: "0.4%", 0.055: "5.5%", 0.0996: "10%", 0.5: "50%", 1: "100%"} {
		if got := percent(share); got != want {
			t.Errorf("got %s of %v, want %s", got, share, want)
		}
	}
}

// BenchmarkTable is a list of many rows on a terminal that is too narrow for it.
func BenchmarkTable(b *testing.B) {
	out, written := testScreen(100, 50, true)
	rows := make([]admin.Connection, 1000)
	for i := range rows {
		rows[i] = admin.Connection{ID: int64(i), UserName: "日本語", Name: strings.Repeat("x", 150), State: "open", Address: "10.0.0.7:51234"}
	}
	l := listing[admin.Connection]{columns: connectionColumns}
	b.ReportAllocs()
	for b.Loop() {
		written.Reset()
		l.write(out, rows)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
}
