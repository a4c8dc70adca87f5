package host

import (
	"errors"
	"log/slog"
	"time"

	"moongate/runtime/datastore"
	"moongate/runtime/measure"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/structure"
)

// OpenScripts loads the scripts for a host. Package luabind's Open is the one; package main hands it on. The error is
// for the person who wrote the scripts: a line for each problem, beginning with file:line:column.
type OpenScripts func(c ScriptsConfig) (Scripts, error)

// ScriptsConfig is what scripts are opened with.
type ScriptsConfig struct {
	Folder      string
	Role        method.Role
	Log         *slog.Logger
	Slice       time.Duration // how long a process may hold its lane while others wait
	MemoryLimit uint64        // bytes of heap; 0: none
	Host        *Host         // what the commands act on
}

// Loaded describes one method of the scripts, for the lines at the start.
type Loaded struct {
	Name   string
	File   string
	Hash   string // of the file
	Event  bool   // a database method
	NotRun string // why this role does not call it; "" if it does
}

// Kind is "database method" or "project method".
func (l Loaded) Kind() string {
	if l.Event {
		return "database method"
	}
	return "project method"
}

// Scripts is what the host asks of the scripts. Package luabind provides it. All methods may be called from any
// goroutine.
type Scripts interface {
	// NewProgram makes what a process has of the scripts: the current version, and variables of its own. owner is what
	// commands that ask about the process's connection get; nil for a stored procedure.
	NewProgram(p *process.Process, owner any) Program
	// Preemptive reports whether processes that begin with this method run in a preemptive lane.
	Preemptive(method string) bool
	// Has reports whether the current version has a method.
	Has(method string) bool
	// Version is the current version.
	Version() string
	// Structure is the tables that the scripts declare. Nobody may change it.
	Structure() structure.Structure
	// Loaded describes the current version's methods, the database methods first.
	Loaded() []Loaded
	// Reload loads the scripts again. The error says what is wrong with them; the last good version stays then. It
	// blocks while it loads.
	Reload() error
	// Problem is what the last reload found wrong, "" when its scripts are in use.
	Problem() string
	// Folder is where the scripts are.
	Folder() string
	// Follow loads the scripts of another folder, which is the one that Reload and Watch look at from then on. The error is as
	// that of Reload; then everything stays as it is. It blocks while it loads.
	Follow(folder string) error
	// Vouch says that the current version is good, if it is this one: TakeBack goes back to it.
	Vouch(version string)
	// TakeBack has the version that was vouched for last be the current one in the place of this one, which is not loaded again
	// until a file changes; why is Problem's then. It gives the version that is current afterwards, and whether that is
	// its doing. It does not block.
	TakeBack(version, why string) (current string, done bool)
	// Lanes tells what each lane does now.
	Lanes() []Lane
	// Watch loads the scripts again whenever their folder changes. It returns when stop is closed.
	Watch(stop <-chan struct{})
	// Rest says that who calls with CallOptions.More makes no more calls for now.
	Rest()
	// Close frees what the scripts hold. No program runs any more.
	Close()
}

// Lane is what one lane does at one moment.
type Lane struct {
	Number     int
	Preemptive bool
	Holder     *process.Process // who has the baton; nil: nobody
	Since      time.Time        // since when
	Waiting    []process.Number // who waits for it, the next one first
	Waits      measure.Snapshot // how long those who had to wait did
	Slices     int64            // that ended while others waited
	Aborts     int64            // methods that were stopped
	Programs   int64            // processes that have a program there
}

// Program is what one process has of the scripts. Its methods belong to the goroutine that runs the process, except
// Version.
type Program interface {
	// Has reports whether the program's version has a method.
	Has(method string) bool
	// Call runs a method and returns its results: nil, bool, int64, float64, string, and lists and maps of them. It
	// blocks until the method has returned or was stopped. An error wraps ErrNoMethod, ErrTooLong, or the cause with
	// which the process was killed, if it was one of those.
	Call(o CallOptions, method string, args ...any) ([]any, error)
	// Do calls one of the commands of scripts as the process's own code would, and returns its results as Call does. Only
	// those that a client of the server may ask for (command.Command.Asked) can be called; for any other the error wraps
	// ErrNoCommand. Errors have no place: no method called the command.
	Do(o CallOptions, command string, args ...any) ([]any, error)
	// UseData has the process's acts of data be those of a context that somebody else has made, and closes: a client's, which
	// its two processes on the server have together. It is called at most once, between two calls; a transaction or locks that the
	// program has of its own end.
	UseData(c *datastore.Context)
	// Returned is the line that returned from the last call of a method with a result, as file:line; "" when it
	// returned nothing.
	Returned() string
	// Version is the version of the scripts that the program has: what it began with, or was renewed to.
	Version() string
	// Renew gives the program the current version of the scripts, between two calls. Its variables stay.
	Renew()
	// Took is how long the last call took, waits included.
	Took() time.Duration
	// Reads are what the last call with CallOptions.Record has read of the outside, in the compact form of package
	// recording; "" when that was nothing. They are given once. Began is when its code began to run.
	Reads() string
	Began() time.Time
	// Steps is how many instructions the last call took, about.
	Steps() int64
	// Slow is where the last call was (file:line) when it had taken longer than CallOptions.Trace; "" when it did not.
	Slow() string
	// Ready reports whether a call at the door would have its turn at once. By the time of the call it may be otherwise.
	Ready() bool
	// CloseWaits reports whether Close may wait for something.
	CloseWaits() bool
	// Close ends the program, before its process's number is given back.
	Close()
}

// CallOptions are the terms of one call.
type CallOptions struct {
	Door     bool          // somebody waits outside: the call goes before others
	Limit    time.Duration // how long the method may take, waits included; 0 is no limit
	Trace    time.Duration // after which Program.Slow says where the call is; 0: never
	More     bool          // another such call comes at once, unless this one waits; else Scripts.Rest is called
	Handover func()        // called once before the call waits for anything; may be nil
	Record   bool          // what the method reads of the outside is noted: see Program.Reads
	Known    string        // of a shadow: what the verdict has read, as Program.Reads gives it; "": nothing, or nobody knows
}

// Errors of Program.Call and Program.Do.
var (
	ErrNoMethod  = errors.New("no such method")
	ErrNoCommand = errors.New("no command that clients can ask the server for")
	ErrTooLong   = errors.New("the method ran longer than it may")
)

// ScriptError is an error of a script as Program.Call returns it.
type ScriptError interface {
	error
	Traceback() string // the calls that led to it, the innermost first, one a line; "" when unknown
}
