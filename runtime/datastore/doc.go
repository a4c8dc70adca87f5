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
//
// # From a client
//
// A [Distant] is what a process of a client sees of a server's data: the same as a Context, with the same records, the
// same errors and the same transactions, by way of an [Asker]. On the server, [Carry] carries each act out in the Context
// that the process has there. [Data] and [Rows] are what both can do.
//
// The acts are the server's command DATA (package wire), for clients in other languages too. An act has a name and a list of
// arguments, of which the first is always the level: how many transactions the client believes to be open, 0 for none.
// When the server has another number of them, most acts are an error of the kind level, and nothing was done.
//
//	act, and its arguments after the level    answer
//	get shape table key                       rows: one, or none
//	query shape table text values             [number, list, keys, rows]: how many were found, the first keys, the first rows
//	count table text values                   an integer
//	keys list                                 the next keys of the query or order_by that gave the list
//	rows shape table keys                     [looked, rows]: those of the first so many keys; ask again for the others
//	put table from keys                       null. The keys are kept after those that were put; from is how many these are, 0
//	                                          begins anew
//	order_by table from keys text             [number, list, keys]: what was put, with these keys, as far as it is there, in
//	                                          the order
//	aggregate table from keys name path       a value. The name is sum, average, min, max or count
//	drop_rows table keys                      [dropped, kind, text, last]: how many; the first error, or null; whether rows
//	                                          after it were not tried
//	sequence table                            an integer
//	save table key stamp names values         [stamp, name, value, ...]: the new stamp, what the server has made of a new row
//	drop table key stamp                      null
//	lock table key, unlock table key          null
//	start, validate                           the new level
//	cancel level                              the new level: no higher than the one that is given
//	level                                     the level
//	release                                   null. The transaction is cancelled, the locks are freed
//
// The acts cancel, level, release, keys and put look at no level. A save without a key (null) makes a row, to which columns
// that are not named have their defaults; with one it changes the columns that are named. A stamp is what came with the row,
// 0 for a new one. A text of a query or of an order is package query's; null is a query for all rows, and then values is an
// empty list. In query, list is null if keys has all of them, and keys is null if rows has all rows. Only the list of the
// last query or order_by is kept.
//
// Rows are a list: the names of the columns, or null, and then each row, a list of its stamp and its values. The names are
// null when shape is the table's own, as the server's structure says it in JSON: then values are in the order of its columns.
// Without one, or with that of an older structure, the names are always there.
//
// Values are null, booleans, integers, doubles and strings; a date is a string, a time an integer, a blob a string of bytes, a
// uuid a string of 32 digits, an object what JSON can say, its maps with strings as keys. [MaxAct] is the most that goes over
// the wire at once. The error reply is -DATA, the kind's word, and the text; [ErrorOf] makes the error of it. Its words:
//
//	duplicate    a value that must be unique is in another row      locked       somebody else has the row, or the database
//	stamp        somebody else has saved the row since              missing      there is no such row
//	unknown      there is no such table, column or act              value        a value or an argument does not fit
//	state        not now                                            level        another number of transactions is open
//	unavailable  the database cannot be reached                     ended        the link has ended meanwhile
//	full         no room on the disk                                readonly     the database must not be written
//	corrupt      the file is broken                                 internal     anything else
package datastore
