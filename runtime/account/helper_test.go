package account

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// cheap are the least costs that Argon2 can have.
var cheap = Costs{Memory: 8, Passes: 1, Threads: 1}

// cheapLine is a line of a users file.
func cheapLine(name, state, password string) string {
	return line{name, state, newHash([]byte(password), cheap).String()}.String() + "\n"
}

// usersFile writes a users file into a folder of the test's own.
func usersFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users")
	write(t, path, text)
	return path
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func content(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// logged is a log that a test reads.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// take is what was written since the last call, without the times.
func (l *logged) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return regexp.MustCompile(`(?m)^time=\S+ `).ReplaceAllString(l.text.String(), "")
}

func open(t testing.TB, path string) (*Users, *logged) {
	t.Helper()
	log := &logged{}
	u, err := Open(path, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return u, log
}

func expect[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// expectError checks that an error has one line with all these words in it.
func expectError(t testing.TB, what string, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: got no error, want one with %q", what, words)
		return
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: got an error of several lines: %v", what, err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s: got error %q, want one with %q", what, err, word)
		}
	}
}
