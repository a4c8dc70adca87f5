package cli

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"moongate/runtime/trial"
)

// lookAtFiles is how often moongate test --watch looks whether a file has changed.
const lookAtFiles = 300 * time.Millisecond

// watch runs the tests again whenever a Lua file of the folders changes, until ctx ends: first those that have failed, and
// when they pass, all.
func (t *testRun) watch(ctx context.Context) int {
	all := t.options
	ticker := time.NewTicker(lookAtFiles)
	defer ticker.Stop()
	var seen uint64
	var failed map[string]map[string]bool // by folder
	for first := true; ; first = false {
		now := t.sight()
		if first || now != seen {
			seen = now
			if !first {
				fmt.Fprintf(t.stdout, "\n%s\n", t.out.styled("a file has changed", faint))
			}
			var err error
			if failed, err = t.rerun(ctx, all, failed); err != nil && ctx.Err() == nil {
				fmt.Fprintf(t.stderr, "moongate: %v\n", err)
			}
		}
		select {
		case <-ctx.Done():
			return ExitClean
		case <-ticker.C:
		}
	}
}

// rerun runs what has failed, and if nothing of that fails any more, everything. It gives what fails now, by folder.
func (t *testRun) rerun(ctx context.Context, options trial.Options, failed map[string]map[string]bool) (map[string]map[string]bool, error) {
	if len(failed) > 0 {
		again, err := t.round(ctx, options, failed)
		if err != nil || len(again) > 0 {
			return again, err
		}
	}
	return t.round(ctx, options, nil)
}

// round runs the tests of only, nil being all, and gives those that have failed. A folder whose scripts do not load has
// failed with no test.
func (t *testRun) round(ctx context.Context, options trial.Options, only map[string]map[string]bool) (map[string]map[string]bool, error) {
	failed := map[string]map[string]bool{}
	for _, folder := range t.folders {
		t.options = options
		tests, chosen := only[folder]
		if only != nil && !chosen {
			continue
		}
		if len(tests) > 0 {
			t.options.Only = tests
		}
		summary, err := t.scripts.Test(ctx, folder, t.options, func(f trial.File) { t.write(f, folder) })
		if err == nil {
			err = t.writeEnd(&summary, folder)
		}
		if err != nil {
			return only, err
		}
		if summary.Failed() {
			failed[folder] = summary.FailedTests()
		}
	}
	if len(failed) > 0 && !t.json {
		fmt.Fprintln(t.stdout, t.out.styled("FAIL", red))
	}
	return failed, nil
}

// sight is a number that is another when a Lua file of the folders, or one beside them, is another.
func (t *testRun) sight() uint64 {
	sum := fnv.New64a()
	for _, folder := range t.folders {
		filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return nil
			case name != folder && strings.HasPrefix(entry.Name(), "."):
				if entry.IsDir() {
					return fs.SkipDir
				}
				return nil
			case entry.IsDir() || !strings.HasSuffix(name, ".lua"):
				return nil
			}
			io.WriteString(sum, name)
			if content, err := os.ReadFile(name); err == nil {
				sum.Write(content)
			}
			return nil
		})
	}
	return sum.Sum64()
}
