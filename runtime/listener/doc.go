// Package listener takes connections in: a [Listener] is a bound address and the loop that accepts on it.
//
// Who may come in is for its [Door] to say. The goroutine that accepts also asks the door, because most answers take
// a few microseconds, less than handing the connection to another goroutine would. Before the door waits for anything
// it says so; another goroutine takes over the accepting then, and the one that waits becomes the connection's own.
// So nothing that waits runs where connections are accepted.
//
// On Linux the loop accepts in blocking mode on the listening socket itself. A refused connection never meets Go's
// network poller: accept, decide, answer, close. Elsewhere net.Listener serves, with a goroutine for each connection.
// Measured per refused connection on two shared cores: net.Listener and a goroutine 21 to 26 us of CPU, leader and
// followers on net.Listener 18, this 12 to 14.
//
// A connection that has become a link of a remote session is tried more often (WatchLink), so that a client which has
// vanished is missed within 20 seconds; Look sees that without reading.
package listener
