package trial

import (
	"fmt"
	"io"
	"strings"
)

// Coverage is which lines of the scripts have run, file by file, sorted by name.
type Coverage []Covered

// Covered is the lines of one file that can run.
type Covered struct {
	File  string // from the scripts folder, with slashes
	Lines []Line // in order
}

// Line is a line on which something begins that can run.
type Line struct {
	Number int   // from 1
	Times  int64 // how often code has come to it; 0: it has not run
}

// Run is how many of the lines have run.
func (c Covered) Run() int {
	n := 0
	for _, l := range c.Lines {
		if l.Times > 0 {
			n++
		}
	}
	return n
}

// Missing are the lines that have not run, as 3-5, 9. Lines between which nothing can run are one span.
func (c Covered) Missing() string {
	var spans []string
	for i := 0; i < len(c.Lines); i++ {
		if c.Lines[i].Times > 0 {
			continue
		}
		first, last := c.Lines[i].Number, c.Lines[i].Number
		for i+1 < len(c.Lines) && c.Lines[i+1].Times == 0 {
			i++
			last = c.Lines[i].Number
		}
		span := fmt.Sprint(first)
		if last > first {
			span = fmt.Sprintf("%d-%d", first, last)
		}
		spans = append(spans, span)
	}
	return strings.Join(spans, ", ")
}

// Total is how many lines have run, and how many there are.
func (c Coverage) Total() (run, lines int) {
	for _, f := range c {
		run += f.Run()
		lines += len(f.Lines)
	}
	return run, lines
}

// WriteText writes a line for each file: how much of it has run, and which lines have not.
func (c Coverage) WriteText(w io.Writer) error {
	longest := len("total")
	for _, f := range c {
		longest = max(longest, len(f.File))
	}
	var b strings.Builder
	for _, f := range c {
		missing := ""
		if m := f.Missing(); m != "" {
			missing = "  not run: " + m
		}
		fmt.Fprintf(&b, "%-*s  %s%s\n", longest, f.File, percent(f.Run(), len(f.Lines)), missing)
	}
	run, lines := c.Total()
	fmt.Fprintf(&b, "%-*s  %s of the lines\n", longest, "total", percent(run, lines))
	_, err := io.WriteString(w, b.String())
	return err
}

func percent(part, whole int) string {
	if whole == 0 {
		return "100.0%"
	}
	return fmt.Sprintf("%5.1f%%", 100*float64(part)/float64(whole))
}

// writeLCOV writes a tracefile; path gives what a file is called.
func (c Coverage) writeLCOV(w io.Writer, path func(file string) string) error {
	var b strings.Builder
	for _, f := range c {
		fmt.Fprintf(&b, "TN:\nSF:%s\n", path(f.File))
		for _, l := range f.Lines {
			fmt.Fprintf(&b, "DA:%d,%d\n", l.Number, l.Times)
		}
		fmt.Fprintf(&b, "LF:%d\nLH:%d\nend_of_record\n", len(f.Lines), f.Run())
	}
	_, err := io.WriteString(w, b.String())
	return err
}
