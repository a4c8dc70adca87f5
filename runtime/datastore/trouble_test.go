package datastore

import (
	"database/sql"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestTroubleWithTheFile has a failure of the right kind, which names the file and says what to do.
func TestTroubleWithTheFile(t *testing.T) {
	folder := t.TempDir()
	garbage := filepath.Join(folder, "garbage")
	ok(t, os.WriteFile(garbage, []byte(strings.Repeat("no database ", 1000)), 0o600))
	for path, want := range map[string]Kind{garbage: Corrupt, filepath.Join(folder, "none", "data.sqlite"): Unavailable, folder: ReadOnly} {
		_, err := Open(t.Context(), Config{Path: path, Structure: serverLog()})
		if wantKind(t, err, want); err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("%v; want %s in it", err, path)
		}
	}
	_, err := Open(t.Context(), Config{Structure: serverLog()})
	wantKind(t, err, Value)
}

// TestReadOnlyFile reads a file that must not be written, and says so when it is.
func TestReadOnlyFile(t *testing.T) {
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("the superuser may write everything")
	}
	config := databases[0].config(t)
	config.Structure = serverLog()
	s, err := Open(t.Context(), config)
	ok(t, err)
	ok(t, s.Close())
	ok(t, os.Chmod(config.Path, 0o400))
	_, err = Open(t.Context(), config)
	wantKind(t, err, ReadOnly)
}

// TestLockedFile fails while another program holds the file, and works afterwards.
func TestLockedFile(t *testing.T) {
	config := databases[0].config(t)
	config.Structure = serverLog()
	s := openTest(t, config)
	c := contextOf(t, s, 1)
	other, err := sql.Open("sqlite", config.Path)
	ok(t, err)
	other.SetMaxOpenConns(1)
	defer other.Close()
	_, err = other.Exec("BEGIN IMMEDIATE")
	ok(t, err)
	r := record(t, c, "words", map[string]any{"word": "a"})
	wantKind(t, c.Save(t.Context(), r), Locked)
	_, err = other.Exec("ROLLBACK")
	ok(t, err)
	ok(t, c.Save(t.Context(), r))
	var word string
	ok(t, other.QueryRow("SELECT word FROM words").Scan(&word))
	if word != "a" {
		t.Errorf("another program reads %q; want a", word)
	}
}
