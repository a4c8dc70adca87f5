// Package session knows who is connected: users and their numbers, connections and what they may do next, and how many
// there are.
//
// A [Connection] is made when a transport comes in, and passes through its states once: it is being decided, then
// open or refused, then closed. The [Registry] numbers connections, counts them by user and by address from the
// moment they are made until they are refused or closed, and makes the checks that come before any script. All of it
// may be called from any goroutine, and nothing blocks but what says so.
package session
