package luabind

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"moongate/luabind/lane"
	"moongate/luabind/witness"
	"moongate/runtime/datastore"
	"moongate/runtime/host"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/recording"
	"moongate/runtime/session"
)

// rehearsalLimit is how long a method may run in a rehearsal, which waits for nothing: that of the server, by default.
const rehearsalLimit = 5 * time.Second

// rehearsal is a set of scripts on a host of its own, which nobody runs.
type rehearsal struct {
	engine *Engine
	host   *host.Host

	store *datastore.Store  // for live rehearsals; nil: there is none
	say   func(line string) // what scripts print or log; nil: nobody listens

	mu      sync.Mutex // guards what follows, and the use of the engine
	witness witness.Witness
	last    session.ConnectionID // of the host
	silent  bool                 // a startup method runs: what it prints is no part of a verdict
}

// Rehearse loads a scripts folder to decide about recordings again. The error has a line for each mistake, as Open's.
func Rehearse(c recording.RehearsalConfig) (recording.Rehearsal, error) {
	r := &rehearsal{say: c.Say}
	log := slog.New(said{r})
	h := host.New(host.Config{Role: method.Server, Log: log, Version: "rehearsal"})
	scripts, err := open(host.ScriptsConfig{Folder: c.Folder, Role: method.Server, Log: log, Host: h}, Additions{rehearses: true})
	if err != nil {
		return nil, err
	}
	r.engine, r.host = scripts.(*Engine), h
	r.engine.commands.Rehearses(&r.engine.declared.Load().structure)
	h.SetScripts(scripts)
	if err := r.openData(c.Data); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// storeFile is the data in a server's data folder.
const storeFile = "data.sqlite"

// openTime is how long a database may take to be opened.
const openTime = 30 * time.Second

// openData opens the data for live rehearsals, if the scripts have tables.
func (r *rehearsal) openData(data string) (err error) {
	tables := r.engine.Structure()
	if data == "" || len(tables.Tables) == 0 {
		return nil
	}
	c := datastore.Config{Structure: tables}
	if strings.HasPrefix(data, "postgres://") || strings.HasPrefix(data, "postgresql://") {
		c.URL = data
	} else {
		c.Path = filepath.Join(data, storeFile)
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTime)
	defer cancel()
	if r.store, err = datastore.OpenReading(ctx, c); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	r.host.SetData(host.Data{Store: r.store})
	return nil
}

// Version is the version of the scripts.
func (r *rehearsal) Version() string { return r.engine.Version() }

// Close frees what the rehearsal holds.
func (r *rehearsal) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.engine.Close()
	if r.store == nil {
		return nil
	}
	return r.store.Close()
}

// Rehearse runs the open method for a recording.
func (r *rehearsal) Rehearse(rec *recording.Recording, o recording.RehearseOptions) (recording.Outcome, []recording.Read) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.engine.Has(method.OnServerOpenConnection) {
		return recording.Outcome{Verdict: recording.Accepted}, nil
	}
	p := r.host.Processes().Start(process.Spec{Type: process.InternalServer, Method: method.OnServerOpenConnection})
	defer p.End()
	connection := rec.Connection
	var owner any
	if o.Live {
		if c := r.enter(rec, p); c != nil {
			defer r.host.Sessions().Refuse(c)
			owner, connection = c, int64(c.ID)
		}
	}
	program := r.engine.lanes[0].NewProgram(p, r.engine.set.Load(), owner)
	defer program.Close()
	r.witness.Rehearse(rec, o)
	r.engine.commands.Forget()
	if o.Live {
		r.start()
	}
	results, err := program.Call(lane.Options{Priority: lane.Door, Limit: rehearsalLimit, Witness: &r.witness},
		method.OnServerOpenConnection, rec.User, connection, int64(0))
	outcome := outcomeOf(program, results, err)
	outcome.Took, outcome.Steps = program.Took(), program.Steps()
	if !o.Reads {
		return outcome, nil
	}
	reads, _, _ := recording.ParseReads([]byte(r.witness.Notes().String())) // which this program has made
	return outcome, reads
}

// start runs the startup method for a live rehearsal: what it sets is there for the open method, and for nobody else. Like that it
// only pretends to act, and the processes that it starts do not run. What it cannot do is said.
func (r *rehearsal) start() {
	if !r.engine.Has(method.OnServerStartup) {
		return
	}
	p := r.host.Processes().Start(process.Spec{Type: process.InternalServer, Method: method.OnServerStartup})
	defer p.End()
	program := r.engine.lanes[0].NewProgram(p, r.engine.set.Load(), nil)
	defer program.Close()
	r.silent = true
	results, err := program.Call(lane.Options{Limit: rehearsalLimit, Witness: &r.witness}, method.OnServerStartup)
	r.silent = false
	r.witness.Again()
	if err == nil || r.say == nil {
		return
	}
	switch o := outcomeOf(program, results, err); o.Verdict {
	case recording.CannotSay:
		r.say(o.Line + ": on_server_startup was left here: nobody can say what it would get of " + o.Lacks)
	default:
		r.say("on_server_startup failed, and was left there: " + o.Fault)
	}
}

// enter makes the connection of a live rehearsal, which is the only one on the host. Its number is that of the recording, or the
// next one if that has been.
func (r *rehearsal) enter(rec *recording.Recording, p *process.Process) *session.Connection {
	r.last++
	if number := session.ConnectionID(rec.Connection); number > r.last {
		r.host.Sessions().StartAfter(number - 1)
		r.last = number
	}
	peer := session.Peer{Address: rec.Address, Local: rec.Local, Listener: rec.Listener, Gate: rec.Gate}
	if facts := factsOf(rec.Facts); facts != nil || rec.Gate != "" {
		peer.Passage = &session.Passage{Facts: facts, Choose: func(string) error { return nil }}
	}
	return r.host.Sessions().New(peer, session.User{Number: session.UserNumber(rec.User), Name: rec.UserName}, p, rec.Opened)
}

// outcomeOf is what came of a call.
func outcomeOf(program *lane.Program, results []any, err error) recording.Outcome {
	if errors.Is(err, lane.ErrLacks) {
		lacks, _ := strings.CutPrefix(causeOf(err).Error(), lane.ErrLacks.Error()+" ")
		return recording.Outcome{Verdict: recording.CannotSay, Lacks: lacks, Line: recording.PlaceOf(err.Error())}
	}
	if err != nil {
		return recording.Outcome{Verdict: recording.Failed, Fault: err.Error(), Line: recording.PlaceOf(err.Error())}
	}
	refusal, err := host.ReadVerdict(results)
	switch line := program.Returned(); {
	case err != nil:
		return recording.Outcome{Verdict: recording.Failed, Fault: line + ": " + err.Error(), Line: line}
	case refusal.Code == 0:
		return recording.Outcome{Verdict: recording.Accepted, Line: line}
	default:
		return recording.Outcome{Verdict: recording.Refused, Code: refusal.Code, Reason: refusal.Reason, Line: line}
	}
}

// causeOf is the cause with which a method was stopped.
func causeOf(err error) error {
	if failed, ok := errors.AsType[*lane.Error](err); ok && failed.Cause != nil {
		return failed.Cause
	}
	return err
}

// said is the log of a rehearsal: what scripts print or log.
type said struct{ of *rehearsal }

// Enabled reports whether anybody listens.
func (s said) Enabled(context.Context, slog.Level) bool { return s.of.say != nil && !s.of.silent }

// Handle says a line.
func (s said) Handle(_ context.Context, r slog.Record) error {
	s.of.say(r.Message)
	return nil
}

// WithAttrs and WithGroup change nothing.
func (s said) WithAttrs([]slog.Attr) slog.Handler { return s }

// WithGroup changes nothing.
func (s said) WithGroup(string) slog.Handler { return s }
