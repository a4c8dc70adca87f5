package host_test

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"moongate/luabind"
	"moongate/runtime/host"
	"moongate/runtime/method"
)

// files are the files of a scripts folder, by name.
type files map[string]string

func (f files) write(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range f {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func newHost(t testing.TB, f files) *host.Host {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	h := host.New(host.Config{
		Log: log, Version: "test", MethodTimeout: 5 * time.Second, Slice: 10 * time.Millisecond,
		QuitDelay: 5 * time.Second, QuitWindow: 13 * time.Second,
	})
	scripts, err := luabind.Open(host.ScriptsConfig{Folder: f.write(t), Role: method.Server, Log: log, Slice: 10 * time.Millisecond, Host: h})
	if err != nil {
		t.Fatal(err)
	}
	h.SetScripts(scripts)
	return h
}
