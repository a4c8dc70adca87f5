// Package finding is what a check of a scripts folder finds, and the forms in which it is reported: lines for people,
// JSON and SARIF for programs.
//
// A [Finding] is a message about a place, by a [Rule]; a [Report] is all of them. Nothing here changes after it is
// made, and every function may be called from any goroutine.
package finding

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// Severity is how bad something is.
type Severity int

const (
	// Note is worth knowing, and nothing is wrong.
	Note Severity = iota
	// Warning is most probably not what was meant.
	Warning
	// Error does not load, or fails when it runs.
	Error
)

// String is the word for it: note, warning or error.
func (s Severity) String() string { return [...]string{"note", "warning", "error"}[s] }

// MarshalText gives String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Rule is one thing that is looked for.
type Rule struct {
	Name     string   // unknown-name
	Severity Severity // of its findings
	Meaning  string   // one line, without a full stop
	Why      string   // what goes wrong otherwise, and what to do: some sentences
	Bad      string   // an example that has a finding; "" when it cannot be shown by a script
	Good     string   // the same as it should be
	File     string   // the name of the file that the examples are
}

// Finding is a message about a place.
type Finding struct {
	File      string   `json:"file"`
	Line      int      `json:"line,omitempty"`       // from 1; 0: the file as a whole
	Column    int      `json:"column,omitempty"`     // in bytes, from 1; 0: not known
	EndLine   int      `json:"end_line,omitempty"`   // 0: not known
	EndColumn int      `json:"end_column,omitempty"` // behind the last byte; 0: not known
	Severity  Severity `json:"severity"`
	Rule      string   `json:"rule"`
	Message   string   `json:"message"` // with what to do, without a full stop
	Text      string   `json:"-"`       // the line, for WriteSARIF, which counts columns in another way; "": not known
}

// String is file:line:column: message (rule), without the numbers that are 0. The severity is said when it is no error.
func (f Finding) String() string {
	place := f.File
	for _, n := range []int{f.Line, f.Column} {
		if n == 0 {
			break
		}
		place = fmt.Sprintf("%s:%d", place, n)
	}
	severity := ""
	if f.Severity != Error {
		severity = f.Severity.String() + ": "
	}
	return fmt.Sprintf("%s: %s%s (%s)", place, severity, f.Message, f.Rule)
}

// Report is what was found in a folder.
type Report struct {
	Findings []Finding // sorted by place
	Files    int       // that were looked at
}

// Sort sorts findings by place, and leaves of those that are equal one.
func Sort(findings []Finding) []Finding {
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(findings)
}

// Count is how many findings are of a severity.
func (r Report) Count(s Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// WriteText writes a line for each finding.
func (r Report) WriteText(w io.Writer) error {
	for _, f := range r.Findings {
		if _, err := fmt.Fprintln(w, f); err != nil {
			return err
		}
	}
	return nil
}

// Summary is the report in one line: 1 error and 2 warnings in 7 files.
func (r Report) Summary() string {
	var parts []string
	for _, s := range []Severity{Error, Warning, Note} {
		if n := r.Count(s); n > 0 {
			parts = append(parts, count(n, s.String()))
		}
	}
	files := " in " + count(r.Files, "file")
	switch len(parts) {
	case 0:
		return "nothing found" + files
	case 1:
		return parts[0] + files
	case 2:
		return parts[0] + " and " + parts[1] + files
	default:
		return parts[0] + ", " + parts[1] + " and " + parts[2] + files
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
