package cli

import (
	"os"
	"path/filepath"
	"runtime/debug"
)

// defaultData is the folder for what the server keeps, where the system has such folders.
func defaultData() string {
	if state := os.Getenv("XDG_STATE_HOME"); state != "" {
		return filepath.Join(state, "moongate")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "state", "moongate")
	}
	return "moongate-data"
}

// limitMemory makes the garbage collector work harder as the limit comes near, well before scripts are stopped for it.
func limitMemory(limit uint64) {
	if limit > 0 {
		debug.SetMemoryLimit(int64(limit))
	}
}
