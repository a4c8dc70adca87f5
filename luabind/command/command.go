// Package command is what scripts can call, one file a theme. A command has the snake_case of its 4D name; the
// results, codes, units and special cases are 4D's, and each command's row says what it does in a line.
//
// Every command is a row of a table: its signature, its meaning, whether it may wait, in which roles it exists. What
// installs, documents and tests the commands walks the rows. A command runs in a process, under its lane's baton; one
// that waits gives the baton away meanwhile. A wrong argument raises a Lua error at the caller's line, in the
// interpreter's own wording; a recoverable failure gives nil and a message.
package command

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/runtime/datastore"
	"moongate/runtime/document"
	"moongate/runtime/gate"
	"moongate/runtime/interprocess"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/session"
	"moongate/runtime/structure"

	lua "github.com/yuin/gopher-lua"
)

// Host is what the commands ask of the host. Its methods may be called from any goroutine and do not block, unless they
// say so.
type Host interface {
	Processes() *process.Table
	Sessions() *session.Registry
	// StartProcess starts a process with a project method; unique returns the living process of that name instead, if
	// there is one.
	StartProcess(method, name string, args []any, unique bool) (process.Number, error)
	// CallWorker puts a message into a worker's box, for the process from; it is no error if the address is a process
	// that is no worker. KillWorker has a worker end after the message that it carries out.
	CallWorker(to process.Address, m process.Message, from *process.Process) error
	KillWorker(to process.Address)
	// ScriptFailed says that code of a process failed that is no method of its own, under the name of what ran it.
	ScriptFailed(p *process.Process, name, version string, err error)
	// Quit asks the host to stop; delay < 0 waits until all clients have left.
	Quit(delay time.Duration)
	// UserName is the name of the user with that number, "" when nobody has it whom this host knows.
	UserName(user session.UserNumber) string
	// FindUserName asks the data store for what UserName does not know, and blocks for it; ctx ends the wait.
	FindUserName(ctx context.Context, user session.UserNumber) (string, error)
	// Documents is the folder of the documents, nil when the host has no data folder.
	Documents() *document.Folder
	// Store is the data store, nil when the host has none.
	Store() *datastore.Store
	// Send gives a message to the clients of some connections, to each once, and says to how many it could, of how many.
	Send(text string, to []*session.Connection) (told, clients int)
	// Drop ends the connections of a session.
	Drop(sessionID string)
	// Link is the way to the server of a client's process. The error says in words why it has none: the process is a local
	// one, whose name begins with $, or the host is no client. (*host.Host gives a *remote.Process.)
	Link(p *process.Process) (Link, error)
	// RemoteStructure is the tables of the server, nil when the host is no client. Nobody may change it.
	RemoteStructure() *structure.Structure
	// RemoteUser is the name of the account by which a client is known to its server, "" when the host is no client.
	RemoteUser() string
	// RegisterClient makes the client one that execute_on_client reaches under a name, and reports false if it is one
	// already; UnregisterClient ends that. Both ask the server, and block for it until ctx ends.
	RegisterClient(ctx context.Context, name string) (bool, error)
	UnregisterClient(ctx context.Context) (bool, error)
	// OpenGate opens a gate and gives its bound address; it blocks while host names are looked up. CloseGate closes one.
	OpenGate(d gate.Definition) (netip.AddrPort, error)
	CloseGate(name string) error
}

// Command is one row.
type Command struct {
	Name      string
	Signature string      // current_process() -> number
	Meaning   string      // one line, without a full stop
	FourD     string      // 4D's name of it, "" when 4D has none
	Since     string      // the version that brought it
	Waits     bool        // it may give the baton away
	Roles     method.Role // where it exists
	Asked     bool        // clients may ask the server for it: DO
	Reads     bool        // what it gives depends on more than its parameters and what the call itself has done

	run func(e *environment, L *lua.LState) int
	// instead is what it does in a rehearsal whose recording has no answer; unanswered is none. nil: of a command that reads
	// there is none, any other does what it always does.
	instead func(e *environment, L *lua.LState) int
	once    bool // each of its answers counts once
	own     bool // it asks the witness itself
}

// environment is what commands share in one lane.
type environment struct {
	host    Host
	role    method.Role // of the host
	log     *slog.Logger
	started time.Time
	limiter *limiter
	// errorMethod is what on_err_call was given for all processes; nil: nothing.
	errorMethod atomic.Pointer[string]
	addressSets addressSets
	commons     *interprocess.Commons
	functions   map[interprocess.Kind]map[string]*lua.LFunction // what has a colon, of shared collections and signals
	faces       dataFaces
	queries     queries
	shadow      *shadow                // nil: these are no shadow's commands
	alias       atomic.Pointer[string] // what set_user_alias was given where the host is no server; nil: nothing
	watch       watch                  // over those who wait for the data store
	tables      *structure.Structure   // of rehearsals; nil: there are none
	infoFace    *lua.LTable            // see openInfoFace; nil: there are no rehearsals
	lazy        *lazyFacts             // of the rehearsal that runs; nil: it has not asked
	taken       atomic.Int64           // sequence numbers that live rehearsals were given
	requests    sync.WaitGroup         // to the server that take long, each a goroutine
}

// everywhere is the roles of a command that needs no connections.
const everywhere = method.Server | method.Local | method.Remote

// Table has every command, by theme.
func Table() []Command {
	var all []Command
	for _, theme := range [][]Command{
		processCommands, workerCommands, variableCommands, outsideCommands, semaphoreCommands, sharedCommands, signalCommands, documentCommands, dataCommands, transactionCommands, errorCommands, connectionCommands, clientCommands, gateCommands, addressSetCommands, timeCommands, logCommands, moduleCommands,
	} {
		all = append(all, theme...)
	}
	return all
}

// Commands are the commands of one host, ready to be installed in its lanes.
type Commands struct{ environment environment }

// New binds the commands to a host. What scripts log goes to log.
func New(host Host, log *slog.Logger) *Commands {
	c := &Commands{environment{host: host, log: log, started: time.Now(), limiter: newLimiter()}}
	c.environment.openShared()
	c.environment.openAddressSets()
	c.environment.openData()
	return c
}

// Close ends what the commands have begun. No script runs any more. It is called once.
func (c *Commands) Close() {
	c.environment.watch.close()
	c.environment.requests.Wait()
}

// asked are the names of the commands that clients may ask the server for.
var asked = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, row := range Table() {
		if row.Asked {
			names[row.Name] = true
		}
	}
	return names
})

// Asked reports whether clients may ask the server for a command.
func Asked(name string) bool { return asked()[name] }

// Install adds the commands of a role to a VM.
func (c *Commands) Install(vm *sandbox.VM, role method.Role) {
	c.environment.role = role
	for _, row := range Table() {
		run := row.run
		if row.Roles&role == 0 {
			run = elsewhere(row)
		} else if !row.own && (row.Reads || row.instead != nil) {
			run = witnessed(row, run)
		}
		run = c.environment.inShadow(row.Name, run)
		vm.Register(row.Name, func(L *lua.LState) int {
			unspy(L)
			return run(&c.environment, L)
		})
	}
	c.environment.installStorage(vm)
	c.environment.installData(vm)
	installErrors(vm)
}

// elsewhere is a command in a role that has none of that name: it says where there is one.
func elsewhere(row Command) func(e *environment, L *lua.LState) int {
	return func(e *environment, L *lua.LState) int {
		if e.distant() {
			L.RaiseError(`%s: only the server has that; call a method there which is marked {"executedOnServer":true}`, row.Name)
		}
		L.RaiseError("%s: that is not here; it is for: %s", row.Name, row.Roles)
		return 0
	}
}

// onlyOnServer is a command that does nothing elsewhere, as 4D's do that belong to the server.
func onlyOnServer(run func(e *environment, L *lua.LState) int) func(e *environment, L *lua.LState) int {
	return func(e *environment, L *lua.LState) int {
		if e.role != method.Server {
			return 0
		}
		return run(e, L)
	}
}

// connectionOf is the connection that the calling process belongs to, nil when none.
func connectionOf(L *lua.LState) *session.Connection {
	c, _ := lane.Running(L).Owner().(*session.Connection)
	return c
}

// number pushes a number.
func number[N int | int32 | int64 | float64 | process.Number | process.ID | process.State | session.ConnectionID | session.UserNumber](L *lua.LState, n N) int {
	L.Push(lua.LNumber(n))
	return 1
}

// checkProcess reads a process number. A number that no process can have is 0, which no process has: whether that is
// an error is the command's to say.
func checkProcess(L *lua.LState, i int) process.Number {
	n := float64(L.CheckNumber(i))
	if n < 0 && lane.Running(L).Asked() {
		n = -n // a client has numbers of the server below 0
	}
	if n != float64(process.Number(n)) {
		return 0
	}
	return process.Number(n)
}

// ofServer reads the number of a process. It reports whether that is one of the server that a client has, below 0 there, and
// gives what the server knows it by.
func (e *environment) ofServer(L *lua.LState, i int) (int64, bool) {
	if !e.distant() || L.CheckNumber(i) >= 0 {
		return 0, false
	}
	return -int64(checkProcess(L, i)), true
}

// checkInteger reads a number, or a text that is one, without its fraction; what is no number of an int64 is 0.
func checkInteger(L *lua.LState, i int) int64 {
	n := float64(L.CheckNumber(i))
	if !(n > -1<<63 && n < 1<<63) {
		return 0
	}
	return int64(n)
}

// checkAddress reads an IP address.
func checkAddress(L *lua.LState, i int) netip.Addr {
	a, err := netip.ParseAddr(L.CheckString(i))
	if err != nil {
		L.ArgError(i, "IP address expected, as in 10.1.2.3 or fd00::1")
	}
	return a.Unmap().WithZone("")
}
