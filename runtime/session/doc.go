// Package session knows who is connected: users and their numbers, connections and what they may do next, and how many
// there are.
//
// A [Connection] is made when a transport comes in, and passes through its states once: it is being decided, then
// open or refused, then closed. The [Registry] numbers connections, counts them by user and by address from the
// moment they are made until they are refused or closed, and makes the checks that come before any script. All of it
// may be called from any goroutine, and nothing blocks but what says so.
//
// A [Session] is what one user's connections have in common. A remote client's has a [Link] for each of its processes
// that needs the server: the first begins it and gets a token, by which the others join. A link has a transport, loses it,
// and is taken over by another or ends; linkSteps is the table of that. It has a [Connection] only once the open method was
// asked about it. [Clients] are the links that carry out orders.
package session
