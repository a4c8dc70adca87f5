// Package simulate is many clients of a server at once, for prototyping a policy and for finding out what a server
// bears: who comes when, what each of them does, and what became of it.
//
// A [Plan] says how the clients come, from where, as whom, and how long they stay; a [Run] carries it out and gives a
// [Report]. Each [Client] is a goroutine of its own, which runs a [Behaviour]; unless a plan brings one, clients
// connect, wait for the verdict, make their calls, stay, and leave.
//
// # How the clients come
//
// At a rate, clients come by a timetable that is fixed before the first of them: the i-th at start + i/rate, whether
// the ones before have been answered or not. The latency of a verdict is measured from that moment, not from when the
// client was at last able to connect, so a server that stands still for a second is seen with the full second by
// everybody who came in it (a generator that waits for answers would omit them: coordinated omission). What this
// program itself was late is counted too: if that is more than a little, the figures are about this machine and not
// about the server.
//
// So many at once, each client that has left, or was refused, is followed by another at once. The load then adapts to
// the server, and latencies are from the moment at which a client begins to connect.
//
// # What a verdict is
//
// A client sends PING (HELLO 3 if a behaviour is to read what comes, HELLO 3 AUTH if it is to log in) as soon as it
// is connected. The answer means that it was accepted; a line -REFUSED code reason, that it was refused. Everything
// else is a failure, of one of the kinds in [Kind]. A raw client sends nothing: it counts as accepted when TCP (and
// TLS) stands.
package simulate
