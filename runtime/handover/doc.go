// Package handover lets a server be replaced by another process without a moment in which nobody listens: the one that
// serves starts its successor, gives it the listening sockets, and goes when its clients have.
//
// [Start] is the predecessor's side, [Inherit] the successor's. Between the two are two pipes with a line of JSON for
// each word that is said:
//
//	predecessor                         successor
//	Plan: sockets, lock, sessions  -->
//	                               <--  alive, whenever something is done
//	                               <--  ready: on_server_startup is over
//	stops accepting
//	go: the last connection number -->  accepts
//	                               <--  serving
//	drains
//
// The listening sockets are the same in both, so whoever connects between "stops accepting" and "accepts" waits in the
// kernel's queue and hears nothing of it. Until "serving" the predecessor can take everything back. Afterwards the pipes
// stay open, and their ends tell each side that the other has gone.
//
// Sockets may also come from systemd ([Activated]). On Windows there is neither.
package handover
