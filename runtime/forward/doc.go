// Package forward moves bytes between two sockets: a client that was let in, and the upstream that it wants to talk
// to.
//
// An [Engine] does it for all gates of a host. [Engine.Forward] takes a pair of [Socket]s over, connects the upstream
// if it is not connected yet, and returns a [Flow], which ends once, with a [Cause]. Between the two sides everything
// is as it would be without the gate: who does not read is not written to, an end of file closes one direction only,
// and a reset becomes a reset.
//
// On Linux a pair of plain sockets has no goroutine and no buffer: a few loops wait in epoll for all of them, move
// little with read and write through a buffer of the loop's, and much with splice(2) through a pipe that the flow has
// only while bytes are in it. Whatever is not a plain socket (TLS on one side) and every socket elsewhere is served
// by two goroutines, with the same causes.
package forward
