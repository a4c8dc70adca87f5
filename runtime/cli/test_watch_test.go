package cli

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/trial"
)

// TestWatchRunsWhatHasFailedFirst changes files under a watch.
func TestWatchRunsWhatHasFailedFirst(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "a_test.lua")
	write := func(content string) {
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("fails")
	synctest.Test(t, func(t *testing.T) {
		var runs []string
		var out bytes.Buffer
		scripts := Scripts{Test: func(_ context.Context, folder string, o trial.Options, done func(trial.File)) (trial.Summary, error) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
			}
			runs = append(runs, strings.TrimSpace(fmt.Sprint(string(content), " ", strings.Join(slices.Sorted(maps.Keys(o.Only)), ","))))
			f := trial.File{Name: "a_test.lua", Tests: []trial.Test{{Name: "test_a", Failed: string(content) == "fails"}}}
			done(f)
			return trial.Summary{Files: []trial.File{f}, Found: 1}, nil
		}}
		m := &invocation{stdout: &out, stderr: &out, scripts: scripts}
		run := &testRun{operation: newTool(m, testManual), folders: []string{folder}}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan int)
		go func() { over <- run.watch(ctx) }()
		for _, content := range []string{"", "", "fails still", "fails", "passes", "passes more"} {
			if content != "" {
				write(content)
			}
			time.Sleep(2 * lookAtFiles)
			synctest.Wait()
		}
		cancel()
		if code := <-over; code != ExitClean {
			t.Errorf("got exit code %d, want %d", code, ExitClean)
		}
		want := []string{"fails", "fails still a_test.lua:test_a", "fails still", "fails", "passes a_test.lua:test_a", "passes", "passes more"}
		if !slices.Equal(runs, want) {
			t.Errorf("got the runs %q, want %q", runs, want)
		}
		if text := out.String(); strings.Count(text, "--- FAIL: test_a") != 2 || !strings.Contains(text, "FAIL\n") {
			t.Errorf("got the output:\n%s", text)
		}
	})
}
