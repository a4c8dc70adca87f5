package policytest_test

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"moongate/luabind/policytest"
	"moongate/runtime/trial"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the reports of testdata anew")

// limit is the real time that a test of testdata may take: enough to wait for a day of its clock.
const limit = 2 * time.Second

// took are the times in a report.
var took = regexp.MustCompile(`\d+\.\d+s`)

// TestReports runs the tests of each archive of testdata, and compares what is reported with the archive's last file.
func TestReports(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives (%v)", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			last := len(archive.Files) - 1
			got := report(t, write(t, archive.Files[:last]), trial.Options{Limit: limit})
			if *update {
				archive.Files[last].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(archive.Files[last].Data); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// write makes a scripts folder.
func write(t testing.TB, files []txtar.File) string {
	t.Helper()
	folder := t.TempDir()
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(folder, f.Name), f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// report is what moongate test -v writes, with other times.
func report(t testing.TB, folder string, o trial.Options) string {
	t.Helper()
	var b strings.Builder
	summary := run(t, folder, o, func(f trial.File) {
		if err := f.WriteText(&b, f.Name, true); err != nil {
			t.Error(err)
		}
	})
	if err := summary.WriteEnd(&b, "scripts"); err != nil {
		t.Error(err)
	}
	return took.ReplaceAllString(b.String(), "0.00s")
}

func run(t testing.TB, folder string, o trial.Options, done func(trial.File)) trial.Summary {
	t.Helper()
	summary, err := policytest.Run(t.Context(), folder, o, done)
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

// shipped are the scripts folders that come with Moongate.
func shipped(t testing.TB) []string {
	t.Helper()
	examples, err := filepath.Glob("../../scripts/examples/*")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples (%v)", err)
	}
	starters, err := filepath.Glob("../../runtime/cli/starter/*")
	if err != nil || len(starters) != 2 {
		t.Fatalf("starters: got %q (%v)", starters, err)
	}
	return slices.Concat([]string{"../../scripts"}, examples, starters)
}

// TestShippedScriptsPass holds every shipped folder to having tests, which pass.
func TestShippedScriptsPass(t *testing.T) {
	for _, folder := range shipped(t) {
		summary := run(t, folder, trial.Options{Cover: true}, func(f trial.File) {
			if f.Failed() {
				f.WriteText(t.Output(), f.Name, false)
			}
		})
		if ran, failed := summary.Ran(); ran == 0 || failed > 0 || summary.Failed() {
			t.Errorf("%s: got %d tests, %d of them failed; want some, and none: %v", folder, ran, failed, summary.Problems)
		}
		if lines, all := summary.Coverage.Total(); lines*100 < all*60 && filepath.Base(folder) != "simulate" {
			t.Errorf("%s: got %d of %d lines run by its tests, want most", folder, lines, all)
		}
	}
}

// TestChoice has the tests that are wanted, and those only.
func TestChoice(t *testing.T) {
	folder := write(t, []txtar.File{
		{Name: "a_test.lua", Data: []byte("function test_one() end function test_two() fail('two') end function help() end")},
		{Name: "b_test.lua", Data: []byte("function test_one() fail('one') end function test_three() end")},
	})
	for _, c := range []struct {
		options trial.Options
		want    string
	}{
		{trial.Options{}, "a.one a.two! b.one! b.three"},
		{trial.Options{Run: regexp.MustCompile("^test_t")}, "a.two! b.three"},
		{trial.Options{Run: regexp.MustCompile("nothing")}, ""},
		{trial.Options{Only: map[string]bool{"b_test.lua:test_one": true}}, "b.one!"},
	} {
		summary := run(t, folder, c.options, func(trial.File) {})
		var got []string
		for _, f := range summary.Files {
			for _, one := range f.Tests {
				name := f.Name[:1] + "." + strings.TrimPrefix(one.Name, "test_")
				if one.Failed {
					name += "!"
				}
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: got %q, want %q", c.options, got, c.want)
		}
		if summary.Found != 4 {
			t.Errorf("%+v: got %d tests in the folder, want 4", c.options, summary.Found)
		}
	}
}

// TestCoverage counts lines, in methods, modules, functions and coroutines.
func TestCoverage(t *testing.T) {
	folder := write(t, []txtar.File{
		{Name: "on_server_open_connection.lua", Data: []byte("local a\nif count_connections() > 1 then\n  return 429,\n    \"many\"\nelse\n  a = 1\nend\n\nreturn help(\n  a)\n")},
		{Name: "help.lua", Data: []byte("local f = function(x)\n  for i = 1, 3 do\n    x = x + i\n  end\n  return x\nend\nlocal n\ncoroutine.wrap(function()\n  n = f(-6)\nend)()\nif n > 7 then return 1 end\ndo return n - n end\n")},
		{Name: "never.lua", Data: []byte("--%attributes = {\"preemptive\":\"capable\"}\nprint(1)\n-- nothing\nreturn 2\n")},
		{Name: "a_test.lua", Data: []byte("function test_one() assert_accepted(connect()) end")},
	})
	summary := run(t, folder, trial.Options{Cover: true}, func(f trial.File) {
		if f.Failed() {
			f.WriteText(t.Output(), f.Name, true)
		}
	})
	var got strings.Builder
	if err := summary.Coverage.WriteText(&got); err != nil {
		t.Fatal(err)
	}
	const want = "" +
		"help.lua                       100.0%\n" +
		"never.lua                        0.0%  not run: 2-4\n" +
		"on_server_open_connection.lua   80.0%  not run: 3\n" +
		"total                           81.2% of the lines\n"
	if got.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
	if off := run(t, folder, trial.Options{}, func(trial.File) {}); off.Coverage != nil {
		t.Errorf("got coverage %v without being asked, want none", off.Coverage)
	}
}

// TestNoFolder says what is wrong with the folder itself.
func TestNoFolder(t *testing.T) {
	_, err := policytest.Run(t.Context(), "nowhere", trial.Options{}, func(trial.File) {})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("got %v, want that there is no folder nowhere", err)
	}
}

// TestInterrupted runs no test any more when the context has ended.
func TestInterrupted(t *testing.T) {
	folder := write(t, []txtar.File{{Name: "a_test.lua", Data: []byte("function test_one() end")}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	summary, err := policytest.Run(ctx, folder, trial.Options{}, func(trial.File) {})
	if err != nil || !summary.Failed() {
		t.Errorf("got %+v (%v), want a failure", summary, err)
	}
}

// TestNothingIsLeft looks for goroutines of tests that are over, whatever they did.
func TestNothingIsLeft(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/bad.txtar")
	if err != nil {
		t.Fatal(err)
	}
	folder := write(t, archive.Files[:len(archive.Files)-1])
	before := runtime.NumGoroutine()
	run(t, folder, trial.Options{Limit: 300 * time.Millisecond}, func(trial.File) {})
	for range 100 { // the last of them may be on their way out
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("got %d goroutines, want %d:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

// BenchmarkShipped runs the tests of all shipped folders.
func BenchmarkShipped(b *testing.B) {
	folders := shipped(b)
	b.ReportAllocs()
	tests := 0
	for b.Loop() {
		for _, folder := range folders {
			summary := run(b, folder, trial.Options{}, func(trial.File) {})
			ran, failed := summary.Ran()
			if tests += ran; failed > 0 || ran == 0 {
				b.Fatalf("%s: %d of %d failed", folder, failed, ran)
			}
		}
	}
	b.ReportMetric(float64(tests)/float64(b.N), "tests/op")
}

// TestACallThatIsNeverAnswered fails a test once, for what it is: not the client too, whom nobody listens to any more.
func TestACallThatIsNeverAnswered(t *testing.T) {
	folder := write(t, []txtar.File{
		{Name: "on_server_open_connection.lua", Data: []byte("return 0")},
		{Name: "waits.lua", Data: []byte("pause_process(current_process())")},
		{Name: "waits_test.lua", Data: []byte("function test_waits()\n  connect{}:call(\"waits\")\nend")},
	})
	summary := run(t, folder, trial.Options{Limit: time.Minute}, func(trial.File) {})
	one := summary.Files[0].Tests[0]
	if len(one.Output) != 1 || !strings.Contains(one.Output[0], "the test waits for what does not come") {
		t.Errorf("got %q, want one failure", one.Output)
	}
}
