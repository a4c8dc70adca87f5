package luabind

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"moongate/luabind/command"
	"moongate/runtime/document"
	"moongate/runtime/gate"
	"moongate/runtime/host"
	"moongate/runtime/process"
	"moongate/runtime/recording"
)

// OpenShadow loads the scripts of a shadow, which has a lane of its own; see host.OpenShadow. What they print goes to the log
// at its level debug: the host's own scripts print it too.
func OpenShadow(c host.ShadowConfig) (host.Scripts, error) {
	c.Log = slog.New(quieter{c.Log.Handler()})
	s := &shadowServices{services: services{c.Host}, config: c}
	scripts, err := open(c.ScriptsConfig, Additions{Host: func(command.Host) command.Host { return s }, shadow: &c})
	if err != nil {
		return nil, err
	}
	s.engine = scripts.(*Engine)
	return scripts, nil
}

// quieter is a log in which what is information elsewhere is for those who look for mistakes.
type quieter struct{ slog.Handler }

// Enabled reports whether the log wants what is said at that level.
func (q quieter) Enabled(ctx context.Context, level slog.Level) bool {
	return q.Handler.Enabled(ctx, quiet(level))
}

// Handle hands a line on, with the word that a shadow has written it.
func (q quieter) Handle(ctx context.Context, r slog.Record) error {
	r.Level = quiet(r.Level)
	r.AddAttrs(slog.Bool("shadow", true))
	return q.Handler.Handle(ctx, r)
}

// WithAttrs is the log with attributes.
func (q quieter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quieter{q.Handler.WithAttrs(attrs)}
}

// WithGroup is the log with a group.
func (q quieter) WithGroup(name string) slog.Handler { return quieter{q.Handler.WithGroup(name)} }

func quiet(level slog.Level) slog.Level {
	if level == slog.LevelInfo {
		return slog.LevelDebug
	}
	return level
}

// shadowServices is the host as the commands of a shadow see it: what they ask, it answers; what they order comes to nothing,
// and they are told what they would be told.
type shadowServices struct {
	services
	config host.ShadowConfig
	engine *Engine // nil while it is being opened: no script runs then
}

// Processes are the shadow's own.
func (s *shadowServices) Processes() *process.Table { return s.config.Processes }

// Documents are those that can be read.
func (s *shadowServices) Documents() *document.Folder { return s.config.Documents }

// StartProcess gives the number that the process would have, or that of the living one of that name.
func (s *shadowServices) StartProcess(name, processName string, _ []any, unique bool) (process.Number, error) {
	if _, ok := s.engine.set.Load().Method(name); !ok {
		return 0, fmt.Errorf("%s: %w", name, host.ErrNoMethod)
	}
	real := s.services.Processes()
	if unique {
		if p := real.Named(processName); p != nil {
			return p.Number(), nil
		}
	}
	return real.Highest() + 1, nil
}

// CallWorker posts nothing.
func (s *shadowServices) CallWorker(_ process.Address, m process.Message, _ *process.Process) error {
	if _, ok := s.engine.set.Load().Method(m.Method); m.Method != "" && !ok {
		return fmt.Errorf("%s: %w", m.Method, host.ErrNoMethod)
	}
	return nil
}

// KillWorker does nothing.
func (s *shadowServices) KillWorker(process.Address) {}

// ScriptFailed does nothing.
func (s *shadowServices) ScriptFailed(*process.Process, string, string, error) {}

// Quit does nothing.
func (s *shadowServices) Quit(time.Duration) {}

// Drop does nothing.
func (s *shadowServices) Drop(string) {}

// OpenGate opens nothing, and gives the address that it was to have, as far as that is known.
func (s *shadowServices) OpenGate(d gate.Definition) (netip.AddrPort, error) {
	address, _ := netip.ParseAddrPort(d.Listen)
	return address, nil
}

// CloseGate closes nothing; it is an error if there is no gate of that name.
func (s *shadowServices) CloseGate(name string) error {
	for _, g := range s.services.Gates() {
		if g.Name == name {
			return nil
		}
	}
	return host.ErrGone
}

// know tells the program of a shadow what the verdict has read. What is malformed is nothing.
func (p program) know(reads string) {
	if all, _, err := recording.ParseReads([]byte(reads)); err == nil {
		command.Know(p.Program, all)
	}
}
