package current

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestValueFollowsItsFile has each way in which a file may change.
func TestValueFollowsItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "one")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		made := 0
		v, err := Open("the file", slog.New(slog.NewTextHandler(&log, nil)), []string{path}, nil, func() (string, error) {
			made++
			content, err := os.ReadFile(path)
			if err == nil && strings.HasPrefix(string(content), "wrong") {
				err = errors.New(string(content))
			}
			return string(content), err
		})
		if err != nil {
			t.Fatal(err)
		}
		want := func(step, value string, makes, problems int) {
			t.Helper()
			if got := v.Get(); got != value || made != makes || strings.Count(log.String(), "not loaded") != problems {
				t.Errorf("%s: %q made %d times; want %q made %d times and %d problems in the log:\n%s", step, got, made, value, makes, problems, log.String())
			}
		}
		write(t, path, "second")
		want("before it is time to look", "one", 1, 0)
		time.Sleep(Interval) // of the bubble, as all others
		want("changed", "second", 2, 0)
		time.Sleep(Interval)
		want("as it was", "second", 2, 0)
		write(t, path, "wrong one")
		time.Sleep(Interval)
		want("wrong", "second", 3, 1)
		time.Sleep(Interval)
		want("still wrong", "second", 3, 1)
		time.Sleep(retryInterval)
		want("wrong for long", "second", 4, 1)
		write(t, path, "third one")
		time.Sleep(Interval)
		want("mended", "third one", 5, 1)
		os.Remove(path)
		time.Sleep(Interval)
		want("gone", "third one", 6, 2)
	})
}

func TestFirstFailureIsTheCallers(t *testing.T) {
	failed := errors.New("no")
	if _, err := Open("x", slog.New(slog.DiscardHandler), nil, nil, func() (int, error) { return 0, failed }); err != failed {
		t.Errorf("error %v, want %v", err, failed)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
