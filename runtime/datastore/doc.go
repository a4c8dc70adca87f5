// Package datastore keeps the rows of a [structure.Structure]'s tables, in a file of SQLite or in PostgreSQL, with
// the same behaviour.
//
// A [Store] is the database: [Open] it once, [Store.Close] it when all contexts are closed; its methods may be called
// from any goroutine. A [Context] is what one process sees of it: its transaction and its record locks. With it, a
// [Record] is made and saved again, and a [Selection] is what a query found. Contexts, records and selections belong
// to one process, and one goroutine at a time may use them. Whatever takes a context.Context may wait for the
// database, and ends when the context does; everything else returns at once.
//
// Errors are *[Error]s, whose [Kind] says what a caller may do.
//
// # What is certain
//
// A save that has returned is there after the process dies, by SIGKILL too. After a power cut it is there with
// [Full]; with [Normal], the last ones before it may be gone, the latest first, and nothing else: with SQLite those
// that the operating system had not written yet (half a minute's, as a rule), with PostgreSQL those of about a
// second. Saves of processes that wait at the same time are committed together. A save over a row that somebody else
// has saved since it was read fails ([Stamp]); nothing is ever written over unseen.
//
// In a transaction, reads see what it wrote. Nobody else does until its end, and with SQLite everybody else's saves
// wait for that from its first write on, for a bounded time: it is for a few saves that belong together, not for
// waits. Nested transactions are savepoints.
//
// # Engines
//
// SQLite is one host's. PostgreSQL may be many hosts': stamps, record locks, sequence numbers and user numbers hold
// among all of them. A PostgreSQL that goes away and comes back is tried again for a bounded time. A save whose
// answer was lost is known by its stamp, so that none is made twice.
//
// Sequence numbers are never given twice. Each host takes them by the block, so those of several hosts interleave,
// and a host that is killed leaves a gap.
package datastore
