// Package journal is the core's own record of who came and went: one [Row] for each connection, refused ones too, in an
// SQLite database in the data folder. No script can write to it or hold it up, and it holds up nobody.
//
// A [Journal] writes: [Open] it once for a data folder, tell it of verdicts and ends, [Journal.Close] it. Its methods may
// be called from any goroutine, and those that record return at once: rows wait in a bounded queue for one goroutine,
// which writes them by the batch, after 200 ms or when 4,096 wait. What does not fit is dropped, counted in [Stats], and
// logged. Whatever is wrong with the file or its disk, verdicts go on; recording resumes by itself when it is mended:
//
//   - a full disk, a folder or file without the right to write, a lock of another program, an I/O error: tried again,
//     from ten times a second to once in five seconds. Rows wait meanwhile, as many as the queue holds;
//   - a file that is no journal, or is corrupt: renamed to journal.db.broken-TIME and a new one begun, at most once a
//     minute;
//   - a journal of a newer Moongate: never changed, not even opened; recording is off until it is moved away;
//   - a file that was deleted or replaced: noticed before the next batch. The open connections are in the new file when
//     they end.
//
// [Read] and [Follow] read, in any process, while a server writes or not. People can read with sqlite3, too: the view
// connections spells everything out.
//
// # Two servers, for a while
//
// A server that is replaced by another process writes until its last connection has ended, and so does its successor, at the
// same time and to the same file ([Options.Beside], [Journal.Share], [Journal.Ended]). Each looks in every transaction
// whether somebody else has written, and numbers what it is about to write behind that.
//
// # What is certain
//
// A row is there whole or not at all. Rows that were written survive the death of the process, by SIGKILL too, and a
// power cut (synchronous=FULL: the writer waits for the disk at each batch; that costs it no measurable CPU, and nobody
// else waits). What is lost is what had not been written: 200 ms, on a disk that keeps up. Rows that a killed
// server left open are closed as [Lost] by the next one, at the last moment that the journal knows the old one to have
// lived: when it wrote last, and while connections are open it writes a sign of life once a minute. An end that was dropped is [Lost] as soon as recording works: the queue remembers
// as many of those as it holds rows, and Close closes the rest.
//
// Order is the order of writing, not of clocks. Clocks may jump: durations are never negative, queries by time find every
// row that says so, and what is too old is deleted only when the clock has been steady for an hour (see keeper).
//
// # What verdicts depended on
//
// A row may bring what its open method has read ([Recorded]), so that package replay can decide again. Its bytes wait in
// the queue as the rows do, 32 MB of them at most; a row whose bytes find no room is written without, and counted
// ([Stats].Unrecorded). Package archive takes recordings to other machines and back.
//
// # What it costs
//
// CPU time of one connection in microseconds, the writer, the -wal file and checkpoints included, 200,000 rows, on one of
// two shared cores (yours will differ; the proportions hold):
//
//	prepared INSERT by database/sql, texts, an index by connection   5.5
//	the same and an UPDATE                                           9.2
//	a row of 18 integers, no index, in batches of 2,000 (a sketch, to choose by):
//	  one JSON parameter, expanded in SQL                            12.9
//	  INSERT of 1, 10, 100, 500 rows by database/sql                 3.0  2.6  2.1  2.4
//	  the same without database/sql                                  2.2  1.9  1.6  1.6
//	  INSERT ... SELECT from a virtual table                         1.3
//	  the same with pages of 8 KB, 16 KB                             1.4  1.5
//	  the same, checkpoints at 4,000 pages instead of 1,000          1.2
//	this package, from the door to the disk:
//	  refused                                                        1.8
//	  refused, with a reason of its own                              2.7
//	  accepted, and closed before it was written                     1.9
//	  accepted, and closed after 10,000 others came                  4.7
//	  of that, the call at the door                                  0.03, no allocation
//	  deleted when it is too old                                     1.0
//	  more for a recording of 100 to 350 bytes                       1.5
//	  the same, and closed after 10,000 others came                  2.9
//
// In a server that refuses 22,000 connections a second it is 2.7 of some 24, the same program with and without a journal.
//
// A batch of one row costs about 370, so a server with little to do spends at most two thousandths of a core on it.
//
// So the batch is a virtual table, a connection that ends before its batch is written is one row, one that ends later is
// replaced by its number, which is kept in memory while it is open, and texts that come again are numbers. Not built, and
// not measured: an index by time, which every row would have to pay for (marks do instead), and a table of ends that is
// only appended to, which might make late ends cheaper and would make every reader join.
package journal
