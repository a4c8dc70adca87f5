package finding

import (
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

var rules = []Rule{
	{Name: "unknown-name", Severity: Warning, Meaning: "a name is read that nothing defines", Why: "It is nil.",
		Bad: "return limti\n", Good: "return limit\n", File: "a.lua"},
	{Name: "syntax", Severity: Error, Meaning: "the file is no Lua", Why: "It is not loaded."},
	{Name: "not-run", Severity: Note, Meaning: "nobody calls it", Why: "It may stay."},
}

var report = Report{Files: 3, Findings: []Finding{
	{File: "scripts/a b.lua", Line: 2, Column: 19, EndLine: 2, EndColumn: 24, Severity: Warning, Rule: "unknown-name",
		Message: "unknown name x<y", Text: "print('é𝄞é', limti)"},
	{File: "scripts/b.lua", Line: 3, Severity: Error, Rule: "syntax", Message: "syntax error at the end of the file"},
	{File: "scripts/c.lua", Severity: Note, Rule: "not-run", Message: "nobody calls it"},
}}

func TestGolden(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"report.txt": report.WriteText, "report.json": report.WriteJSON,
		"report.sarif": func(w io.Writer) error { return report.WriteSARIF(w, rules, "0.1.0") },
		"page.txt":     func(w io.Writer) error { _, err := io.WriteString(w, rules[0].Page()); return err },
		"empty.json":   Report{}.WriteJSON,
	} {
		t.Run(name, func(t *testing.T) {
			var got strings.Builder
			if err := write(&got); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(file, []byte(got.String()), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got:\n%swant:\n%s", got.String(), want)
			}
		})
	}
}

// TestSARIF holds a log to what the schema of SARIF 2.1.0 requires, and to what the places where it is shown ask for.
func TestSARIF(t *testing.T) {
	for _, r := range []Report{report, {}} {
		var text strings.Builder
		if err := r.WriteSARIF(&text, rules, "0.1.0"); err != nil {
			t.Fatal(err)
		}
		var log struct {
			Version string
			Schema  string `json:"$schema"`
			Runs    []struct {
				ColumnKind string
				Tool       struct{ Driver sarifDriver }
				Results    *[]sarifResult
			}
		}
		if err := json.Unmarshal([]byte(text.String()), &log); err != nil {
			t.Fatal(err)
		}
		if log.Version != "2.1.0" || !strings.Contains(log.Schema, "sarif-2.1.0") || len(log.Runs) != 1 || log.Runs[0].ColumnKind != "utf16CodeUnits" {
			t.Fatalf("got %+v, want one run of version 2.1.0", log)
		}
		run := log.Runs[0]
		if run.Tool.Driver.Name == "" || len(run.Tool.Driver.Rules) != len(rules) || run.Results == nil || len(*run.Results) != len(r.Findings) {
			t.Fatalf("got %+v, want a driver with all rules and all results", run)
		}
		for _, rule := range run.Tool.Driver.Rules {
			if rule.ID == "" || rule.Short.Text == "" || rule.Full.Text == "" || rule.Help.Text == "" || rule.Help.Markdown == "" {
				t.Errorf("got %+v, want an id and texts", rule)
			}
		}
		for _, result := range *run.Results {
			checkResult(t, result)
		}
	}
}

func checkResult(t *testing.T, r sarifResult) {
	t.Helper()
	if r.Rule != rules[r.Index].Name || r.Message.Text == "" || len(r.Locations) != 1 {
		t.Errorf("got %+v, want its rule, a message and a place", r)
		return
	}
	at := r.Locations[0].Physical
	if strings.ContainsAny(at.Artifact.URI, ` \`) || at.Artifact.URI == "" {
		t.Errorf("got the address %q, want a URI", at.Artifact.URI)
	}
	if g := at.Region; g != nil && (g.StartLine < 1 || g.StartColumn < 0 || g.EndLine != 0 && (g.EndLine < g.StartLine || g.EndColumn < g.StartColumn)) {
		t.Errorf("got the region %+v, want one that goes forward from 1", g)
	}
}

// UnmarshalText reads what MarshalText gives.
func (s *Severity) UnmarshalText(text []byte) error {
	for _, severity := range []Severity{Note, Warning, Error} {
		if severity.String() == string(text) {
			*s = severity
		}
	}
	return nil
}

func TestColumnsOfSARIF(t *testing.T) {
	f := Finding{Line: 1, Column: 19, EndLine: 1, EndColumn: 24, Text: "print('é𝄞é', limti)"}
	got := *f.region()
	if want := (sarifRegion{1, 15, 1, 20}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSummary(t *testing.T) {
	for _, test := range []struct {
		report Report
		want   string
	}{
		{Report{Files: 1}, "nothing found in 1 file"},
		{Report{Files: 2, Findings: []Finding{{Severity: Error}, {Severity: Error}}}, "2 errors in 2 files"},
		{Report{Files: 2, Findings: []Finding{{Severity: Warning}, {Severity: Note}}}, "1 warning and 1 note in 2 files"},
		{report, "1 error, 1 warning and 1 note in 3 files"},
	} {
		if got := test.report.Summary(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestSort(t *testing.T) {
	got := Sort([]Finding{{File: "b"}, {File: "a", Line: 2}, {File: "a", Line: 1, Column: 2}, {File: "a", Line: 1}, {File: "b"}})
	want := []string{"a:1", "a:1:2", "a:2", "b"}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i, f := range got {
		if place, _, _ := strings.Cut(f.String(), ": "); place != want[i] {
			t.Errorf("got %s, want %s", place, want[i])
		}
	}
}

func TestFileURI(t *testing.T) {
	for file, want := range map[string]string{"scripts/a b.lua": "scripts/a%20b.lua", "a:b.lua": "./a:b.lua", "ü.lua": "%C3%BC.lua"} {
		if got := fileURI(file); got != want {
			t.Errorf("%s: got %s, want %s", file, got, want)
		}
	}
}
