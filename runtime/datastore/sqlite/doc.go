// Package sqlite is the data store's engine on a file of SQLite.
//
// An [Engine] has one connection that writes, and a few that only read. Who has the [turn] uses the writing one:
// saves that come while another is at the disk wait, and then are committed together by one of those who wait, in one
// transaction. There is no goroutine for it. Readers never wait for a writer, nor writers for readers (WAL).
//
// It calls SQLite's library itself instead of by its driver for database/sql, which describes the columns of a result
// anew for each query, and starts a goroutine for each context that can end. The library's own look at the clock (its
// progress handler) ends a statement here.
//
// The file is read by sqlite3 and others while it is served. A program that opens it in this process must not close
// it again before the engine is closed, except by SQLite: closing would take away SQLite's locks (POSIX).
package sqlite
