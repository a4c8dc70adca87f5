package cli

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// fallbackMemoryLimit is the memory limit where the machine's memory is not known.
const fallbackMemoryLimit = 2 << 30

// queuedLines is how many log lines may wait to be written.
const queuedLines = 4096

// logWriter writes log lines from a goroutine of its own, so that a terminal or pipe that takes nothing never holds
// up the door. Lines that do not fit into its queue are dropped, and counted where they are missing.
type logWriter struct {
	lines   chan []byte
	dropped atomic.Int64
	done    chan struct{}
	mu      sync.RWMutex // guards closed against writers
	closed  bool
}

// newLogWriter starts the goroutine, which ends with Close.
func newLogWriter(dst io.Writer) *logWriter {
	w := &logWriter{lines: make(chan []byte, queuedLines), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for line := range w.lines {
			w.writeDropped(dst)
			dst.Write(line)
		}
		w.writeDropped(dst)
	}()
	return w
}

// writeDropped says how many lines are missing before the next.
func (w *logWriter) writeDropped(dst io.Writer) {
	if n := w.dropped.Swap(0); n > 0 {
		fmt.Fprintf(dst, "%d log lines were dropped here: nobody took them in time\n", n)
	}
}

// Write takes one line. It does not block.
func (w *logWriter) Write(line []byte) (int, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return len(line), nil
	}
	select {
	case w.lines <- append([]byte(nil), line...):
	default:
		w.dropped.Add(1)
	}
	return len(line), nil
}

// lastLines is how long the end of the program waits for somebody to take the last lines.
const lastLines = time.Second

// Close writes what waits, and blocks until that is done or nobody takes it.
func (w *logWriter) Close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.lines)
	}
	w.mu.Unlock()
	select {
	case <-w.done:
	case <-time.After(lastLines):
	}
}

// newLog makes the log of the program.
func newLog(dst io.Writer, level, format string) (*slog.Logger, error) {
	options := &slog.HandlerOptions{}
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level is %q; it must be debug, info, warn or error", level)
	}
	options.Level = least
	if format == "json" {
		return slog.New(slog.NewJSONHandler(dst, options)), nil
	}
	return slog.New(slog.NewTextHandler(dst, options)), nil
}
