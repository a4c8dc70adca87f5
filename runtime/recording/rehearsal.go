package recording

import "moongate/runtime/wire"

// Rehearsal is a set of scripts that decides about recordings. Package luabind makes one. Rehearse may be called from
// several goroutines, which wait for each other; several rehearsals of one folder run side by side.
type Rehearsal interface {
	// Rehearse runs the open method for a recording and returns what came of it, and what the method has read, in order. It
	// waits for nothing but the method, which is stopped when it takes too long. A set without an open method accepts.
	Rehearse(r *Recording, o RehearseOptions) (Outcome, []Read)
	// Version is the version of the scripts.
	Version() string
	// Close frees what the rehearsal holds. Nothing is rehearsed any more.
	Close() error
}

// RehearseOptions are the terms of one rehearsal. The zero value answers reads from the recording only.
type RehearseOptions struct {
	// Live has reads that the recording lacks be answered by a fresh host: one on which this is the only connection,
	// whose shared objects and interprocess variables are those that its startup method sets, and whose data is the rehearsal's store, which is read and
	// never written; nothing without one.
	Live bool
	// Reads asks for the second result of Rehearse; without it that is nil, which is faster.
	Reads bool
}

// RehearsalConfig is what a rehearsal is opened with.
type RehearsalConfig struct {
	Folder string // of the scripts
	// Data is the folder where a server keeps its data, or the address of a PostgreSQL (postgres://...), for
	// RehearseOptions.Live; "" is none. It is only read.
	Data string
	// Say is given what scripts print or log; nil drops it.
	Say func(line string)
}

// Unpacked is a read's value as a list; nil when it has none, or is not packed as it should be.
func (r Read) Unpacked() []any {
	if r.Value == nil {
		return nil
	}
	values, err := wire.Unpack(r.Value)
	if err != nil {
		return nil
	}
	return values
}
