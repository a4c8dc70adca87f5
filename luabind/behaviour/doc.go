// Package behaviour is what the clients of moongate simulate do, written in Lua: a file that each client runs from
// its beginning to its end, as a process of its own with variables of its own, in one cooperative lane that all of
// them share. So interprocess is theirs together, a client that waits gives the baton away, and one that loops costs
// the others a slice at a time.
//
// [Open] reads a file; a [Behaviour] lives the lives of clients for package simulate. The commands are the table in
// commands.go, beside Lua's own library; those of the server's scripts do not exist here, for there is no host.
package behaviour
