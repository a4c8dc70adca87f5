package check

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// found is what is found in a folder, a line each.
func found(t *testing.T, dir string) string {
	t.Helper()
	report, err := Folder(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := report.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestFilesThatAreNoScripts has a line for each, and looks at the others all the same.
func TestFilesThatAreNoScripts(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "large.lua"), strings.Repeat("-- a line\n", 5<<20/10))
	write(t, filepath.Join(dir, "binary.lua"), "return 1\n\x00\x01\x02")
	write(t, filepath.Join(dir, "latin.lua"), "-- one\nprint(\"caf\xe9\")\n")
	write(t, filepath.Join(dir, "bytecode_test.lua"), "\x1bLua\x00")
	write(t, filepath.Join(dir, "fine.lua"), "curent_time()\n")
	want := `binary.lua:2: not a text file: it has a zero byte; scripts are Lua source in UTF-8 (syntax)
bytecode_test.lua:1: not a text file: it has a zero byte; scripts are Lua source in UTF-8 (syntax)
fine.lua:1:1: unknown name curent_time; did you mean current_time? (unknown-command)
large.lua: 5242880 bytes; a script has at most 1048576 (file)
latin.lua:2: not UTF-8: save the file in the encoding UTF-8 (syntax)
`
	if got := found(t, dir); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestLinksOutOfTheFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a right here")
	}
	outside, dir := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "secret.lua"), "return 1\n")
	for link, target := range map[string]string{"secret.lua": filepath.Join(outside, "secret.lua"), "lib": outside, "round": "."} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	want := `lib: warning: a link out of the scripts folder is not followed: copy what it leads to (file)
secret.lua: a link out of the scripts folder is not followed: copy what it leads to (file)
`
	if got := found(t, dir); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestManyFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes many files")
	}
	dir := t.TempDir()
	for i := range 10_000 {
		write(t, filepath.Join(dir, fmt.Sprintf("method_%d.lua", i)), "local a, b = ...\nreturn a + b\n")
	}
	if got := found(t, dir); got != "" {
		t.Errorf("got %.200s, want nothing", got)
	}
	write(t, filepath.Join(dir, "one_more.lua"), "return 1\n")
	if _, err := Folder(dir, options); err == nil || !strings.Contains(err.Error(), "more than 10000 Lua files or folders") {
		t.Errorf("got %v, want an error that says the limit", err)
	}
}

// TestDeepSources takes no time: what is written with what is written with what...
func TestDeepSources(t *testing.T) {
	var b strings.Builder
	b.WriteString("local v0 = 1\n")
	for i := range 150 {
		fmt.Fprintf(&b, "local v%d = v%d * v%d\n", i+1, i, i)
	}
	b.WriteString("delay_process(current_process(), v150)\n")
	b.WriteString(strings.Repeat("if count_users() > 1 then\n", 150) + "return 1\n" + strings.Repeat("end\nprint(1)\n", 150))
	b.WriteString("x = " + strings.Repeat("count_users() + ", 900) + "1\nreturn x\n")
	dir := t.TempDir()
	write(t, filepath.Join(dir, openFile), b.String())
	if got := found(t, dir); strings.Contains(got, "syntax") || !strings.Contains(got, ruleForgottenLocal) {
		t.Errorf("got %.300s, want no error of syntax and the global x", got)
	}
}

// FuzzFolder holds that no source makes the rules fail, and that each finding has a place in it.
func FuzzFolder(f *testing.F) {
	for _, r := range table {
		f.Add(r.Bad)
	}
	f.Fuzz(func(t *testing.T, source string) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, openFile), source)
		report, err := Folder(dir, options)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(source, "\n") + strings.Count(source, "\r") + 1
		for _, found := range report.Findings {
			if found.Line > lines || found.Rule == "" || found.Column > len(source)+1 {
				t.Errorf("got %+v in %q", found, source)
			}
		}
	})
}

func BenchmarkFolder(b *testing.B) {
	for b.Loop() {
		if _, err := Folder("../../scripts", options); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
}
