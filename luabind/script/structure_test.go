package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func writeStructure(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "structure.lua"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLinesOfAStructure(t *testing.T) {
	dir := t.TempDir()
	writeStructure(t, dir, `-- tables
return {
  a = {
    { "id", "integer",
      primary = true },
    indexes = {
      { "id" },
    },
  }, [ "b" ] =
  make(),
}`)
	s, err := LoadStructure(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path []any
		want int
	}{
		{nil, 2},
		{[]any{"a"}, 3},
		{[]any{"a", 1}, 4},
		{[]any{"a", 1, 2}, 4},
		{[]any{"a", 1, "primary"}, 5},
		{[]any{"a", 1, "nothing"}, 4}, // what is around it
		{[]any{"a", "indexes", 1}, 7},
		{[]any{"a", 9}, 3},
		{[]any{"b"}, 10},
		{[]any{"c"}, 2},
	} {
		if got := s.Line(c.path...); got != c.want {
			t.Errorf("%v: got line %d, want %d", c.path, got, c.want)
		}
	}
}

func TestFolderWithoutAStructure(t *testing.T) {
	s, err := LoadStructure(t.TempDir())
	if err != nil || s.Set != nil || s.Content != "" {
		t.Errorf("got %+v and %v, want nothing", s, err)
	}
	if _, err := LoadStructure(filepath.Join(t.TempDir(), "no")); err == nil || !strings.Contains(err.Error(), "scripts folder") {
		t.Errorf("got %v, want that there is no folder", err)
	}
}

func TestWatchSeesTheStructureChange(t *testing.T) {
	dir := t.TempDir()
	writeStructure(t, dir, "return {}")
	w := startWatching(t, dir, settings{})
	writeStructure(t, dir, "return { }") // no other file changes, nor the version
	select {
	case <-w.changes:
	case <-time.After(20 * time.Second):
		t.Error("a change of structure.lua was not seen")
	}
}
