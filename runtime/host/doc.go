// Package host is Moongate's server: it puts a role together from the leaf packages and fires the database methods.
//
// A [Host] has the process table, the connections and the scripts. Its life is in host.go: on_server_startup,
// serving, and the stages of the shutdown (quit.go). The life of a connection is in door.go: the checks, the twin,
// the open method, the stay, the close method. A client process of a remote session is a link (link.go): it outlives
// its transports, and its processes here are made when they are first needed (link_twins.go). What scripts can do to
// the host is in the methods that the command package calls; they may be called from any goroutine.
//
// Who holds several locks has taken them in this order: Host.starting or Host.showing; guest.mu; link.mu or client.mu; the
// session registry's; a connection's or an arrival's. The replies of a link come before the conversation's own, which is the
// last of all, as are the lists of processes and of registered clients. Whoever asks for an end (End, Kill, Interrupt) holds
// none, but guest.mu in guest.kill, whose connection has a cause by then and asks nobody else.
//
// The package declares what it needs from the scripts ([Scripts], [Program]); package luabind provides it, and
// nothing here knows Lua.
package host
