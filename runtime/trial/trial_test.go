package trial_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"moongate/runtime/trial"
)

var update = flag.Bool("update", false, "write testdata anew")

// results is one of each thing that can be reported.
func results() trial.Summary {
	return trial.Summary{Found: 4, Files: []trial.File{
		{Name: "lib/a_test.lua", Elapsed: 1234 * time.Millisecond, Tests: []trial.Test{
			{Name: "test_passes", Line: 1, Elapsed: 4 * time.Millisecond, Log: []string{"printed"}},
			{Name: "test_notes", Line: 3, Notices: []string{"process 5 (job) was left running"}},
			{Name: "test_fails", Line: 9, Failed: true, Elapsed: 1230 * time.Millisecond, Log: []string{"one <&> \x1b\xff two"},
				Output: []string{"a_test.lua:12: got 0, want 22000", "a_test.lua:13: got and want differ\ngot  {}\nwant {1}"}},
		}},
		{Name: "b_test.lua", Problems: []string{"b_test.lua:1:9: syntax error near 'x' (syntax)"}},
		{Name: "c_test.lua", Elapsed: time.Millisecond, Tests: []trial.Test{{Name: "test_more", Line: 2, Elapsed: time.Millisecond}}},
	}, Coverage: trial.Coverage{
		{File: "lib/a.lua", Lines: []trial.Line{{1, 2}, {2, 0}, {4, 0}, {5, 1}, {9, 0}}},
		{File: "on_server_open_connection.lua", Lines: []trial.Line{{3, 7}}},
		{File: "z.lua"},
	}}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got:\n%s\nwant:\n%s", name, got, want)
	}
}

func TestText(t *testing.T) {
	summary := results()
	for name, verbose := range map[string]bool{"results.txt": false, "verbose.txt": true} {
		var b bytes.Buffer
		for _, f := range summary.Files {
			if err := f.WriteText(&b, "scripts/"+f.Name, verbose); err != nil {
				t.Fatal(err)
			}
		}
		if err := summary.WriteEnd(&b, "scripts"); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
	var b bytes.Buffer
	if err := summary.Coverage.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "coverage.txt", b.Bytes())
}

// TestEnds has the last lines of summaries without results.
func TestEnds(t *testing.T) {
	for _, c := range []struct {
		summary trial.Summary
		want    string
	}{
		{trial.Summary{}, "?   \tscripts\t[no tests: they are functions test_... in files *_test.lua]\n"},
		{trial.Summary{Found: 3}, "ok  \tscripts\t[no tests to run]\n"},
		{trial.Summary{Found: 3, Problems: []string{"a.lua:1: no", "b.lua:2: no"}}, "a.lua:1: no\nb.lua:2: no\nFAIL\tscripts [the scripts do not load]\n"},
	} {
		var b bytes.Buffer
		if err := c.summary.WriteEnd(&b, "scripts"); err != nil || b.String() != c.want {
			t.Errorf("%+v: got %q (%v), want %q", c.summary, b.String(), err, c.want)
		}
		if failed := len(c.summary.Problems) > 0; c.summary.Failed() != failed {
			t.Errorf("%+v: got failed %v, want %v", c.summary, c.summary.Failed(), failed)
		}
	}
}

func TestJSON(t *testing.T) {
	summary := results()
	var b bytes.Buffer
	for _, f := range summary.Files {
		if err := f.WriteJSON(&b, "scripts/"+f.Name); err != nil {
			t.Fatal(err)
		}
	}
	broken := trial.Summary{Problems: []string{"a.lua:1: no"}}
	if err := broken.WriteJSONEnd(&b, "scripts"); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b.Bytes()) {
		if !json.Valid(line) {
			t.Errorf("got %s, want an object", line)
		}
	}
	golden(t, "results.json", b.Bytes())
}

func TestJUnit(t *testing.T) {
	var r trial.Report
	r.Add("scripts", results())
	r.Add("broken", trial.Summary{Problems: []string{"a.lua:1: no", "b.lua:2: no"}})
	var b bytes.Buffer
	if err := r.WriteJUnit(&b); err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(b.Bytes(), new(struct{ XMLName xml.Name })); err != nil {
		t.Error(err)
	}
	golden(t, "results.xml", b.Bytes())
}

func TestLCOV(t *testing.T) {
	var r trial.Report
	r.Add("scripts", results())
	var b bytes.Buffer
	if err := r.WriteLCOV(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "lcov.info", b.Bytes())
}

// TestFailedTests names what is to run again.
func TestFailedTests(t *testing.T) {
	summary := results()
	if got := summary.FailedTests(); got != nil {
		t.Errorf("got %v of files that cannot run, want none: all must run again", got)
	}
	summary.Files = summary.Files[:1]
	if got := summary.FailedTests(); len(got) != 1 || !got["lib/a_test.lua:test_fails"] {
		t.Errorf("got %v, want lib/a_test.lua:test_fails", got)
	}
	if ran, failed := summary.Ran(); ran != 3 || failed != 1 {
		t.Errorf("got %d tests, %d of them failed; want 3 and 1", ran, failed)
	}
}
