package datafolder_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"moongate/runtime/datafolder"
)

func open(t *testing.T, path string) *datafolder.Folder {
	t.Helper()
	f, err := datafolder.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAFolderHasOneServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "data")
	first := open(t, path)
	if _, err := datafolder.Open(path); !errors.Is(err, datafolder.ErrInUse) || !strings.Contains(err.Error(), "--data") || !strings.Contains(err.Error(), "(process ") {
		t.Errorf("a second server: got %v, want one that names the process and --data", err)
	}
	first.Close()
	open(t, path).Close()
}

func TestAFolderIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions of this kind belong to Unix")
	}
	path := filepath.Join(t.TempDir(), "data")
	f := open(t, path)
	defer f.Close()
	if f.Exposed() {
		t.Error("a new folder is exposed")
	}
	for _, name := range []string{"lock", "layout"} {
		info, err := os.Stat(f.File(name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v, want 0600", name, info, err)
		}
	}
	os.Chmod(path, 0o755)
	if !f.Exposed() {
		t.Error("a folder with 0755 is not exposed")
	}
}

func TestLayouts(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"layout 1\n", ""},
		{"layout 1\nserver 99\n", ""},
		{"layout 2\n", ""},
		{"layout 3\n", "written by a newer moongate (layout 3; this one knows 2)"},
		{"layout 0\n", "is no layout"},
		{"hello\n", "is no layout"},
	} {
		path := t.TempDir()
		os.WriteFile(filepath.Join(path, "layout"), []byte(c.text), 0o600)
		f, err := datafolder.Open(path)
		if err == nil {
			f.Close()
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: got %v, want %q", c.text, err, c.want)
		}
		if text, _ := os.ReadFile(filepath.Join(path, "layout")); c.want != "" && string(text) != c.text {
			t.Errorf("%q was written over: %q", c.text, text)
		}
	}
}

func TestAFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o600)
	if _, err := datafolder.Open(file); err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("a file as the folder: got %v", err)
	}
}
