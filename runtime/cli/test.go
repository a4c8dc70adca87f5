package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"moongate/runtime/method"
	"moongate/runtime/structure"
	"moongate/runtime/trial"
)

var testManual = manual{
	name: "test", arguments: "[FOLDER]", meaning: "run the tests of a scripts folder",
	examples: []string{"test", "test -v --run night scripts/examples/night_window", "test scripts/...", "test --watch", "test --cover --cover-profile lcov.info"},
	more: "Tests are functions test_... in files *_test.lua; moongate api lists what they can call (Tests). Each has a host of its\n" +
		"own, with an empty database, and a clock that only moves when the test waits: it begins at the first moment of the year\n" +
		"2000, or where the test's first at(\"2026-03-01 01:59:59\") says, in UTC unless TZ names another zone. FOLDER is\n" +
		"$MOONGATE_SCRIPTS, or scripts, if it is left out; FOLDER/... are all scripts folders below as well. Exit codes: 0 all\n" +
		"tests have passed, 1 one has failed or could not run, 2 wrong usage.",
}

// testRun is one run of moongate test.
type testRun struct {
	*operation
	options trial.Options
	verbose bool
	junit   string // file; "": none
	profile string // file for the coverage; "": none
	folders []string
}

// test runs the tests of a scripts folder.
func test(m *invocation, args []string) int {
	t := &testRun{operation: newTool(m, testManual)}
	pattern := t.set.String("run", "", "run only tests whose name matches the regular expression `PATTERN`")
	t.set.BoolVarP(&t.verbose, "verbose", "v", false, "show every test, and what it prints")
	t.set.StringVar(&t.options.Role, "role", "", "whose methods the folder has: `server|local` (the default is found out)")
	t.set.DurationVar(&t.options.Limit, "timeout", trial.DefaultLimit, "the most real time that one test may take")
	watch := t.set.Bool("watch", false, "run again whenever a file changes, first only what has failed")
	t.set.BoolVar(&t.json, "json", false, "write JSON, for programs: an object a line, as go test -json does")
	t.set.StringVar(&t.junit, "junit", "", "also write the results to a `FILE`, as JUnit's XML")
	t.set.BoolVar(&t.options.Cover, "cover", false, "say how much of each method has run, and which lines have not")
	t.set.StringVar(&t.profile, "cover-profile", "", "write the coverage to a `FILE`, in lcov's form")
	if ok, code := t.parseTool(args, 1); !ok {
		return code
	}
	t.options.Cover = t.options.Cover || t.profile != ""
	if err := t.settle(*pattern); err != nil {
		return t.misused(err)
	}
	defer timesInUTC()()
	ctx, cancel := interruptible()
	defer cancel()
	var err error
	if t.folders, err = scriptsFolders(t.folder()); err != nil {
		return t.failed(err)
	}
	if *watch {
		return t.watch(ctx)
	}
	failed, err := t.all(ctx)
	if err != nil {
		return t.failed(err)
	}
	if failed {
		return ExitFailed
	}
	return ExitClean
}

// settle reads what the flags mean.
func (t *testRun) settle(pattern string) (err error) {
	if pattern != "" {
		if t.options.Run, err = regexp.Compile(pattern); err != nil {
			return fmt.Errorf("--run: %w", err)
		}
	}
	switch t.options.Role {
	case "":
	case "server":
		t.options.Role = method.Server.String()
	case "local":
		t.options.Role = method.Local.String()
	default:
		return fmt.Errorf("--role is %q; it must be server or local%s", t.options.Role, structure.DidYouMean(t.options.Role, []string{"server", "local"}))
	}
	if t.options.Limit <= 0 {
		return errors.New("--timeout must be more than 0")
	}
	return nil
}

// timesInUTC makes local times those of UTC, unless somebody has chosen a zone, so that a test is the same everywhere. The
// function takes that back.
func timesInUTC() func() {
	if os.Getenv("TZ") != "" {
		return func() {}
	}
	local := time.Local
	time.Local = time.UTC
	return func() { time.Local = local }
}

// scriptsFolders are the folder, or with /... behind it, that and all scripts folders below: those with database methods.
func scriptsFolders(folder string) ([]string, error) {
	root, all := strings.CutSuffix(filepath.ToSlash(folder), "/...")
	if !all {
		return []string{folder}, nil
	}
	root = filepath.FromSlash(root)
	folders := []string{root}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != root && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir() && isDatabaseMethod(entry.Name()):
			if dir := filepath.Dir(name); folders[len(folders)-1] != dir && dir != root {
				folders = append(folders, dir)
			}
		}
		return nil
	})
	return folders, err
}

func isDatabaseMethod(file string) bool {
	name, isLua := strings.CutSuffix(file, ".lua")
	return isLua && method.IsEvent(name)
}

// all runs everything once, and writes it. It reports whether something failed.
func (t *testRun) all(ctx context.Context) (failed bool, err error) {
	var report trial.Report
	var written error
	for _, folder := range t.folders {
		summary, err := t.scripts.Test(ctx, folder, t.options, func(f trial.File) {
			written = errors.Join(written, t.write(f, folder))
		})
		if err == nil {
			err = errors.Join(written, t.writeEnd(&summary, folder))
		}
		if err != nil {
			return true, err
		}
		report.Add(folder, summary)
	}
	if ctx.Err() != nil {
		return true, errors.New("interrupted")
	}
	if report.Failed() && !t.json {
		fmt.Fprintln(t.stdout, t.out.styled("FAIL", red))
	}
	return report.Failed(), t.writeFiles(&report)
}

// write writes the results of a file.
func (t *testRun) write(f trial.File, folder string) error {
	path := filepath.Join(folder, filepath.FromSlash(f.Name))
	if t.json {
		return f.WriteJSON(t.stdout, path)
	}
	var b strings.Builder
	if err := f.WriteText(&b, path, t.verbose); err != nil {
		return err
	}
	return t.coloured(b.String())
}

// coloured writes lines, those that say what came of something in a colour, where there are colours.
func (t *testRun) coloured(text string) error {
	for line := range strings.Lines(text) {
		line, end := strings.CutSuffix(line, "\n")
		parts := strings.Split(line, "\t")
		for i := range parts {
			parts[i] = printable(parts[i])
		}
		line = strings.Join(parts, "\t")
		switch {
		case strings.HasPrefix(line, "FAIL"), strings.HasPrefix(line, "--- FAIL"):
			line = t.out.styled(line, red)
		case strings.HasPrefix(line, "ok "), strings.HasPrefix(line, "--- PASS"):
			line = t.out.styled(line, green)
		}
		if end {
			line += "\n"
		}
		if _, err := io.WriteString(t.stdout, line); err != nil {
			return err
		}
	}
	return nil
}

// writeEnd writes what there is to say of a folder when its tests are over.
func (t *testRun) writeEnd(s *trial.Summary, folder string) error {
	if t.json {
		return s.WriteJSONEnd(t.stdout, folder)
	}
	var b strings.Builder
	if err := s.WriteEnd(&b, folder); err != nil {
		return err
	}
	if t.options.Cover && len(s.Problems) == 0 {
		if err := s.Coverage.WriteText(&b); err != nil {
			return err
		}
	}
	return t.coloured(b.String())
}

// writeFiles writes the files that were asked for.
func (t *testRun) writeFiles(report *trial.Report) error {
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{{t.junit, report.WriteJUnit}, {t.profile, report.WriteLCOV}} {
		if file.name == "" {
			continue
		}
		var b strings.Builder
		err := file.write(&b)
		if err == nil {
			err = os.WriteFile(file.name, []byte(b.String()), 0o666)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
