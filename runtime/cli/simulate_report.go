package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"moongate/runtime/simulate"
)

// mostRows is how many rows of one sort a report has for people. --json has all.
const mostRows = 10

// writeReport writes what became of a run, for people.
func writeReport(s *screen, r *simulate.Report) error {
	var b strings.Builder
	head := fmt.Sprintf("%s: %s for %s, seed %d", r.Server, coming(r.Rate, r.Clients), lasted(r.Planned), r.Seed)
	if r.Ended != "completed" {
		head += fmt.Sprintf("; %s after %s", r.Ended, lasted(r.Duration))
	}
	fmt.Fprintf(&b, "%s\n%s, %s at once at the most, %.1f verdicts a second\n\n", head,
		counted(int(r.Started), "client", "clients"), counted(r.MostOpen, "connection", "connections"), r.PerSecond)
	out := *s
	out.Writer = &b
	if err := verdicts(&out, r); err != nil {
		return err
	}
	b.WriteByte('\n')
	if err := latencies(&out, r); err != nil {
		return err
	}
	if len(r.Bars) > 0 {
		fmt.Fprintf(&b, "\n%s\n", s.styled("how long verdicts took", bold))
		drawBars(&out, r.Bars)
	}
	for _, line := range remarks(r) {
		fmt.Fprintf(&b, "\n%s\n", line)
	}
	_, err := io.WriteString(s, b.String())
	return err
}

// fates is the table of what became of the clients, as it is filled.
type fates struct {
	*table
	all int64 // clients and connections that the shares are of
}

// sum is a row about one fate.
func (f fates) sum(what string, n int64, as style) {
	share := ""
	if f.all > 0 {
		share = percentage(n, f.all)
	}
	f.add([]cell{{what, as}, {strconv.FormatInt(n, 10), plain}, {share, plain}, {}})
}

// detail is a row below it.
func (f fates) detail(what string, n int64, said string, as style) {
	f.add([]cell{{what, as}, {strconv.FormatInt(n, 10), plain}, {}, {said, plain}})
}

// verdicts is the table of what became of the clients.
func verdicts(s *screen, r *simulate.Report) error {
	f := fates{all: r.Verdicts() + r.Errors + r.BrokenOff + r.Omitted, table: &table{screen: s, gather: -1,
		headings: []heading{{title: "verdict"}, {title: "count", right: true}, {title: "share", right: true}, {title: "said"}}}}
	f.sum(map[bool]string{true: "connected", false: "accepted"}[r.Raw], r.Accepted, green)
	for _, l := range first(r.Losses) {
		f.detail("  of those lost", l.Count, l.Kind, yellow)
	}
	f.sum("refused", r.Refused, red)
	for _, refusal := range first(r.Refusals) {
		f.detail("  "+strconv.FormatInt(refusal.Code, 10), refusal.Count, orNothing(refusal.Reason), plain)
	}
	if left := len(r.Refusals) - mostRows; left > 0 {
		f.detail("  ...", rest(r.Refusals[mostRows:]), fmt.Sprintf("(%d more reasons; --json has them)", left), plain)
	}
	f.sum("no verdict", r.Errors, yellow)
	for _, failure := range r.Failures {
		f.detail("  "+failure.Kind, failure.Count, failure.Example, plain)
	}
	for _, m := range first(r.Misbehaviours) {
		f.detail(m.Kind, m.Count, m.Example, yellow)
	}
	if r.BrokenOff > 0 {
		f.sum("broken off", r.BrokenOff, plain)
	}
	if r.Omitted > 0 {
		f.sum("not started", r.Omitted, yellow)
	}
	return f.settle()
}

// first is as much of a list as a report has for people.
func first[T any](list []T) []T { return list[:min(len(list), mostRows)] }

func orNothing(reason string) string {
	if reason == "" {
		return "(no reason)"
	}
	return reason
}

func rest(list []simulate.Refusal) (n int64) {
	for _, r := range list {
		n += r.Count
	}
	return n
}

// percentage is a share in percent with one digit after the point; what is little, but not nothing, is not 0.
func percentage(n, all int64) string {
	p := float64(n) / float64(all) * 100
	if n > 0 && p < 0.05 {
		return "<0.1%"
	}
	return strconv.FormatFloat(p, 'f', 1, 64) + "%"
}

// latencies is the table of how long things took.
func latencies(s *screen, r *simulate.Report) error {
	t := &table{screen: s, gather: -1, headings: []heading{{title: "latency"}, {title: "count", right: true}, {title: "failed", right: true, drop: 2}, {title: "mean", right: true, drop: 1},
		{title: "p50", right: true}, {title: "p90", right: true}, {title: "p99", right: true}, {title: "p99.9", right: true}, {title: "max", right: true}}}
	row := func(what string, l simulate.Latency, failed int64) {
		if l.Count == 0 {
			return
		}
		cells := []cell{{what, plain}, {strconv.FormatInt(l.Count, 10), plain}, {number(failed), plain}}
		for _, seconds := range []float64{l.Mean, l.P50, l.P90, l.P99, l.P999, l.Max} {
			cells = append(cells, cell{lasted(seconds), plain})
		}
		t.add(cells)
	}
	row("verdict", r.Verdict, 0)
	if r.Accepted > 0 && r.Refused > 0 {
		row("  accepted", r.Accepting, 0)
		row("  refused", r.Refusing, 0)
	}
	for _, c := range first(r.Calls) {
		row("call "+c.Method, c.Latency, c.Failed)
	}
	row("leaving", r.Leaving, 0)
	row("(own delay)", r.Late, 0)
	return t.settle()
}

// tooLate is how late this program may be, in seconds, before that is worth a remark.
const tooLate = 0.01

// remarks are what a reader should know besides.
func remarks(r *simulate.Report) []string {
	var lines []string
	for _, c := range first(r.Calls) {
		if c.Failed > 0 {
			lines = append(lines, fmt.Sprintf("call %s failed %s: %s", printable(c.Method), times(c.Failed), printable(c.Example)))
		}
	}
	if r.Verdicts() > 0 && r.Late.P99 > tooLate && r.Late.P99 > r.Verdict.P99/10 {
		fewer := "take a lower rate"
		if r.Clients > 0 {
			fewer = "take fewer clients"
		}
		lines = append(lines, fmt.Sprintf("This program itself was late: %s at the 99th percentile. What it measured is about this machine rather than the server; %s.",
			lasted(r.Late.P99), fewer))
	}
	if r.Omitted > 0 {
		lines = append(lines, fmt.Sprintf("%s were not started: all file descriptors were in use (ulimit -n). Raise it, or take a lower rate or a shorter --stay.",
			counted(int(r.Omitted), "client", "clients")))
	}
	return lines
}

// times is a number of times, in words.
func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// defaultColumns is how wide a drawing is where there is no terminal that says.
const defaultColumns = 80

// drawBars draws a histogram, a line for each bar.
func drawBars(s *screen, bars []simulate.Bar) {
	var all, most int64
	widest := 0
	for _, b := range bars {
		all += b.Count
		most = max(most, b.Count)
		widest = max(widest, displayWidth(lasted(b.UpTo)))
	}
	columns := s.columns()
	if columns <= 0 {
		columns = defaultColumns
	}
	counts := len(strconv.FormatInt(most, 10))
	blocks := s.terminal && s.colors
	length := max(shortestBar, min(columns, 120)-widest-counts-len("<=   |  100.0%  ")-1)
	for _, b := range bars {
		drawn := bar(float64(b.Count)/float64(max(1, most)), length, blocks)
		edge := map[bool]string{true: "│", false: "|"}[blocks]
		upTo := lasted(b.UpTo)
		fmt.Fprintf(s, "<= %s%s %s%s  %*d  %6s\n", strings.Repeat(" ", widest-displayWidth(upTo)), upTo, edge, drawn, counts, b.Count, percentage(b.Count, all))
	}
}

// eighths are the blocks that fill a part of a column, from an eighth on.
const eighths = "▏▎▍▌▋▊▉█"

// bar is a bar as long as a share of so many columns, and spaces for the rest. What is not nothing is seen.
func bar(share float64, columns int, blocks bool) string {
	share = max(0, min(1, share))
	if !blocks {
		n := int(share*float64(columns) + 0.5)
		if n == 0 && share > 0 {
			n = 1
		}
		return strings.Repeat("#", n) + strings.Repeat(" ", columns-n)
	}
	parts := int(share*float64(columns)*8 + 0.5)
	if parts == 0 && share > 0 {
		parts = 1
	}
	full := []rune(eighths)
	text := strings.Repeat("█", parts/8)
	used := parts / 8
	if part := parts % 8; part > 0 {
		text += string(full[part-1])
		used++
	}
	return text + strings.Repeat(" ", columns-used)
}
