// Package method is the table of database methods: the Lua files that Moongate calls by itself when an
// event happens, as 4D Server calls its database methods.
//
// A database method is one row of [Table]. Loading (which file names are known), calling (which role runs
// it, what it gets), the README and the tests all walk this table; nothing else lists the methods.
// The package is pure data: every function may be called from any goroutine.
package method

import "strings"

// Role is a way to run Moongate: a server, a local host, or a client of a server. It is a set of bits, so
// that a method can name all the roles that run it.
type Role uint8

const (
	// Server is `moongate serve`, 4D Server.
	Server Role = 1 << iota
	// Local is `moongate local`, 4D in local mode.
	Local
	// Remote is `moongate remote`, 4D in remote mode.
	Remote
)

// String is the command that starts the role.
func (r Role) String() string {
	var names []string
	for _, role := range []struct {
		role Role
		name string
	}{{Server, "serve"}, {Local, "local"}, {Remote, "remote"}} {
		if r&role.role != 0 {
			names = append(names, role.name)
		}
	}
	return strings.Join(names, ", ")
}

// Method is one database method.
type Method struct {
	Name       string   // the file's name without .lua, and the name in logs: on_server_startup
	Title      string   // 4D's own name: On Server Startup
	Parameters []string // in order; every one is an integer unless its name says otherwise
	Result     string   // what the return value means, "" when nothing is expected
	When       string   // when it is called, for the README
	Roles      Role     // the roles that run it; 0: this version has nothing that would call it
	Waiting    string   // why Roles is 0
}

// The names of the methods that this version calls.
const (
	OnServerStartup         = "on_server_startup"
	OnServerOpenConnection  = "on_server_open_connection"
	OnServerCloseConnection = "on_server_close_connection"
	OnServerShutdown        = "on_server_shutdown"
	OnStartup               = "on_startup"
	OnExit                  = "on_exit"
)

var connectionParameters = []string{"user", "connection", "ignored (always 0)"}

// Table has every database method, in the order in which a server's life calls them. The pages are those of
// 4D's documentation with the same title.
var Table = []Method{
	{Name: OnServerStartup, Title: "On Server Startup", Roles: Server,
		When: "once, before anybody can connect; an error ends the program"},
	{Name: OnServerOpenConnection, Title: "On Server Open Connection", Roles: Server, Parameters: connectionParameters,
		Result: "0 or nothing accepts, another integer refuses; a second result is the reason in words",
		When:   "each time a client process connects, in its process on the server, which has no name yet"},
	{Name: OnServerCloseConnection, Title: "On Server Close Connection", Roles: Server, Parameters: connectionParameters,
		When: "once for each accepted connection when it ends, in the same process, whatever ended it"},
	{Name: OnServerShutdown, Title: "On Server Shutdown", Roles: Server,
		When: "once, when the clients have gone, in a new process named $xx; it cannot refuse"},
	{Name: OnStartup, Title: "On Startup", Roles: Local | Remote,
		When: "once, when a local host or a client starts"},
	{Name: OnExit, Title: "On Exit", Roles: Local | Remote,
		When: "once, when a local host or a client quits, in a new process named $xx; it cannot refuse"},
	{Name: "on_web_authentication", Title: "On Web Authentication", Waiting: "this version has no web server"},
	{Name: "on_web_connection", Title: "On Web Connection", Waiting: "this version has no web server"},
	{Name: "on_sql_authentication", Title: "On SQL Authentication", Waiting: "this version has no SQL server"},
	{Name: "on_backup_startup", Title: "On Backup Startup", Waiting: "this version makes no backups"},
	{Name: "on_backup_shutdown", Title: "On Backup Shutdown", Waiting: "this version makes no backups"},
}

// IsEvent reports whether a name has the form of a database method, so that a file of that name must be in
// the table.
func IsEvent(name string) bool { return strings.HasPrefix(name, "on_") }

// Lookup finds a method by its name.
func Lookup(name string) (Method, bool) {
	for _, m := range Table {
		if m.Name == name {
			return m, true
		}
	}
	return Method{}, false
}

// NotRun says why a role does not run the method, "" if it does.
func (m Method) NotRun(role Role) string {
	switch {
	case m.Roles&role != 0:
		return ""
	case m.Roles == 0:
		return m.Waiting
	default:
		return "it belongs to: moongate " + m.Roles.String()
	}
}
