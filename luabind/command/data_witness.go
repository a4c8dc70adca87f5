package command

import (
	"errors"

	"moongate/luabind/lane"
	"moongate/luabind/witness"
	"moongate/runtime/datastore"

	lua "github.com/yuin/gopher-lua"
)

// witnessedData is the data of a process whose call is witnessed; d is what the process has, nil for nothing yet. Once it was
// noted it stays so that it can be: an act that nobody witnesses costs nothing for that.
func (e *environment) witnessedData(L *lua.LState, p *lane.Program, w *witness.Witness, d *dataOf) *dataOf {
	switch {
	case d != nil && d.noted:
		return d
	case w.Recording() != nil && w.Live() && e.host.Store() != nil:
		d = e.liveData(L, p)
	case w.Recording() != nil:
		d = &dataOf{context: datastore.NewRecorded(e.structure(L), answers{w, L})}
	case d == nil:
		d = &dataOf{context: e.store(L).NewContext(e.owner(p))}
		fallthrough
	default:
		d.context = datastore.NewNoted(d.context, book{p})
	}
	d.noted = true
	p.Keep(dataKey{}, d)
	return d
}

// liveData is data for a rehearsal that may read a store, and changes nothing.
func (e *environment) liveData(L *lua.LState, p *lane.Program) *dataOf {
	reading := e.host.Store().NewReading(e.owner(p), &e.taken)
	return &dataOf{context: datastore.NewNoted(reading, book{p})}
}

// book notes acts of data for the witness of the call that runs.
type book struct{ program *lane.Program }

// Noting reports whether a call is witnessed.
func (b book) Noting() bool { return b.program.Witness() != nil }

// Note notes an act. It is called without the baton, of the process's own goroutine: it looks at nothing but its stack.
func (b book) Note(act, key string, values ...any) {
	b.program.Witness().Note(b.program.State().Thread(), witness.Data, act+" "+key, values...)
}

// Unkept notes an act whose answer is too large.
func (b book) Unkept(act, key string) {
	b.program.Witness().NoteUnkept(b.program.State().Thread(), witness.Data, act+" "+key)
}

// answers are a recording's, for acts of data.
type answers struct {
	witness *witness.Witness
	L       *lua.LState
}

// lacksError is what an act ends with that the recording lacks.
type lacksError struct{ act string }

func (l lacksError) Error() string { return l.act }

// Answer is what the recording has for an act.
func (a answers) Answer(act, key string, again bool) ([]any, error) {
	if values, ok := a.witness.Answer(a.L, witness.Data, act+" "+key, again); ok {
		return values, nil
	}
	return nil, lacksError{act + " " + key}
}

// recordedAct does an act of data in a rehearsal. It waits for nothing, but for a store of a live one.
func (e *environment) recordedAct(L *lua.LState, w *witness.Witness, f func() error) error {
	err := f()
	if lacks, ok := errors.AsType[lacksError](err); ok {
		if w.Live() {
			lane.Running(L).Lacks(L, "data, of which there is none here: %s", lacks.act)
		}
		lane.Running(L).Lacks(L, "data: %s", lacks.act)
	}
	return err
}
