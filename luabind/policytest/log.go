package policytest

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// logger takes what the scripts print, and what the host says of them, into the record of a test.
type logger struct {
	play  *play
	least slog.Level
}

// Enabled leaves out what the host says of every connection.
func (l *logger) Enabled(_ context.Context, level slog.Level) bool { return level >= l.least }

// WithAttrs and WithGroup are not needed: neither the host nor the scripts use them.
func (l *logger) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *logger) WithGroup(string) slog.Handler      { return l }

// Handle takes a line. A fault of the host is a failure of the test.
func (l *logger) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	attrs := map[string]string{}
	r.Attrs(func(a slog.Attr) bool {
		attrs[a.Key] = a.Value.String()
		return true
	})
	switch {
	case text == "fault of the host":
		l.play.fail("%s: fault of the host: %s\n%s", attrs["place"], attrs["error"], attrs["stack"])
		return nil
	case text == "script" && attrs["problem"] != "":
		return nil // moongate check says it
	case text == "did not end by itself", text == "the shutdown is forced":
		return nil // the test says it
	case text == "script failed":
		text = fmt.Sprintf("%s failed: %s", attrs["method"], attrs["error"])
	case l.least > slog.LevelInfo:
		for _, key := range []string{"method", "error"} {
			if attrs[key] != "" {
				text += " " + key + "=" + attrs[key]
			}
		}
	}
	l.play.print(strings.TrimRight(text, "\n"))
	return nil
}
