package trial

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteText writes the results of a file as go test does: failures with their lines, and with verbose every test. path is
// what the file is called in the last line.
func (f *File) WriteText(w io.Writer, path string, verbose bool) error {
	var b strings.Builder
	for _, p := range f.Problems {
		b.WriteString(p + "\n")
	}
	for _, t := range f.Tests {
		t.write(&b, verbose)
	}
	switch {
	case len(f.Problems) > 0:
		fmt.Fprintf(&b, "FAIL\t%s [not run]\n", path)
	case f.Failed():
		fmt.Fprintf(&b, "FAIL\t%s\t%s\n", path, thousandths(f))
	default:
		fmt.Fprintf(&b, "ok  \t%s\t%s\n", path, thousandths(f))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func thousandths(f *File) string { return fmt.Sprintf("%.3fs", f.Elapsed.Seconds()) }

// write writes a test: what it has printed too, if it failed or everything is wanted.
func (t *Test) write(b *strings.Builder, verbose bool) {
	if verbose {
		fmt.Fprintf(b, "=== RUN   %s\n", t.Name)
	}
	messages := t.messages()
	if !t.Failed && !verbose {
		messages = t.Notices
	}
	if t.Failed || verbose || len(messages) > 0 {
		b.WriteString(t.verdict() + "\n")
	}
	for _, message := range messages {
		b.WriteString(indented(message))
	}
}

// messages are all that there is to say of a test.
func (t *Test) messages() []string { return slices.Concat(t.Log, t.Notices, t.Output) }

// verdict is the line that begins with the dashes.
func (t *Test) verdict() string {
	word := "PASS"
	if t.Failed {
		word = "FAIL"
	}
	return fmt.Sprintf("--- %s: %s (%s)", word, t.Name, seconds(t.Elapsed))
}

// indented is a message below a test: its lines stand four columns in, those after the first eight.
func indented(message string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(message, "\n"), "\n", "\n        ") + "\n"
}

// WriteEnd writes the last lines: what is wrong with the scripts, or that there was no test.
func (s *Summary) WriteEnd(w io.Writer, folder string) error {
	var b strings.Builder
	ran, _ := s.Ran()
	for _, p := range s.Problems {
		b.WriteString(p + "\n")
	}
	switch {
	case len(s.Problems) > 0:
		fmt.Fprintf(&b, "FAIL\t%s [the scripts do not load]\n", folder)
	case s.Failed():
	case s.Found == 0:
		fmt.Fprintf(&b, "?   \t%s\t[no tests: they are functions test_... in files *_test.lua]\n", folder)
	case ran == 0:
		fmt.Fprintf(&b, "ok  \t%s\t[no tests to run]\n", folder)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
