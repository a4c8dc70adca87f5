// Package postgres is the data store's engine on a PostgreSQL server, which several hosts may share.
//
// An [Engine] has a bounded number of connections. A statement takes one for as long as it runs, a [Transaction]
// until it ends, and record locks have one of their own, so that the server frees them when the host dies.
//
// A server that goes away is tried again for a bounded time: reads, and writes of which it is certain that they were
// not done. A write whose answer was lost is an error that says so (failure.Error.Uncertain); of a transaction's end
// the server remembers how it was, and is asked.
package postgres
