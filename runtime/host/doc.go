// Package host is Moongate's server: it puts a role together from the leaf packages and fires the database methods.
//
// A [Host] has the process table, the connections and the scripts. Its life is in host.go: on_server_startup,
// serving, and the stages of the shutdown (quit.go). The life of a connection is in door.go: the checks, the twin,
// the open method, the stay, the close method. What scripts can do to the host is in the methods that the command
// package calls; they may be called from any goroutine.
//
// The package declares what it needs from the scripts ([Scripts], [Program]); package luabind provides it, and
// nothing here knows Lua.
package host
