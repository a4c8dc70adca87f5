// # Remote sessions
//
// A client machine that runs processes of its own has one connection (a link) to the server for each of its processes that
// needs the server; all its links are one session. This is what it says, on top of the protocol above, so that a client can be
// written in any language; testdata/python/join.py is one. Package remote is the client of moongate remote.
//
// On the server a link has up to two processes. The data twin is made by the first DATA; no script runs for it. The language
// twin is made by the first LANGUAGE, CALL, CALLV, DO, or for the Application process by the connection itself; the open method
// decides about it, and the close method is called once at its end. Both have the same transaction and the same locks, and
// both end with the link. Semaphores, variables and everything else that the language has belong to the language twin.
//
// A process of the client whose name begins with $ is the client's own: it has no link.
//
// # Remote sessions: commands
//
// Packed stands for one argument that holds a list of values with their types: the bytes of that list as RESP3 sends it (see
// [Pack]), of null, boolean, integer, double, string, list and map. At most 1,000,000 values, lists and maps at most
// [MaxDepth] inside one another. A link's argument may have 20 MiB.
//
//	command                       reply          meaning
//	SESSION key value ...         map            makes the connection the Application process of a new session
//	JOIN token process name       map            adds a client process to the session, as the first command of a connection
//	RESUME token process got      map            goes on with the link of a client process, as the first command of a connection
//	LANGUAGE                      map            makes the language twin if there is none: process, connection
//	CALLV method packed           list           calls a project method in the language twin; the list has all results
//	DO command packed             list           calls a Lua command of the server's there, one that clients may ask for
//	DATA op packed                any value      one act of data; package datastore says which acts there are
//	REGISTER name                 true or false  orders are carried out by this client process from now on; false: they were
//	UNREGISTER                    true or false  no more orders; false: there were none
//	DONE id                       OK             the order with that number was carried out, the next may come
//	SLEEP                         OK             the client's machine goes to sleep; on the Application process's link
//	QUIT                          OK             the client process has ended; the Application process's ends the session
//
// PING, ECHO, TIME, CALL and the others work on links as on any connection. RESET, AUTH and HELLO 2 do not.
//
// Process is the number that a client process has on the client's machine, from 1 on; no two links of a session have the same.
// SESSION is said on a connection that was let in: where there are accounts, after HELLO 3 AUTH user password. From its
// reply on, as from those of JOIN and RESUME, the server speaks RESP3, and they themselves are in RESP3. JOIN and
// RESUME need no HELLO and no AUTH: the token is the proof. Keep it secret, above all without TLS.
//
// The keys of SESSION, unknown ones being ignored: PROTOCOL (1, required), PROCESS (required), NAME of the process, VERSION of
// the client's program, MACHINE (its name), SYSTEMUSER (who is logged in on it), COMPILED (0 or 1: without a Design process).
// The reply has session (its identifier), token, user and user_number, process and connection (of the language twin),
// server_session (of the server's run), version (of the server's program), protocol, timeout (how many seconds the session is
// kept while the client cannot be reached, or sleeps), structure (the tables, as JSON). That of JOIN has session, user and
// user_number; it must come from the address of the Application process. A client may meet keys that are not listed here.
//
// # Remote sessions: errors
//
// The first word says what it is; what follows it is for people but where a number or a word is named here.
//
//	-REFUSED code reason   the open method, or a check, does not let the process in. After LANGUAGE, CALL, CALLV and DO the link
//	                       stays, its data too, and the next use asks again; otherwise the connection ends
//	-TOKEN text            no session has that token, or not for this address: it is over, or there never was one; or its user
//	                       could not log in by the same words any more: the account was disabled, or has another password
//	-INUSE text            the process has a transport that is not known to be lost, or too many come in at once. Try again in
//	                       a second
//	-VERSION -10505 text   the server speaks another version of this protocol
//	-DATA kind text        the act of data failed; the kind is one lower-case word
//	-NOAUTH text           log in first
//	-ERR text              anything else: a script that failed, a command that is not for clients, nonsense
//	-CLOSED text           the last words before the server ends a link that the client did not end; answers no request
//
// # Remote sessions: pushes
//
// They come on the Application process's link, but for orders, which come on the link that has registered.
//
//	>2 notice TEXT              a message for whoever sits there
//	>3 quit SECONDS TEXT        the server is going to quit, and disconnects its clients in so many seconds, 0 being now and -1 when
//	                            they have left by themselves. It is repeated
//	>2 stay TEXT                it is not going to, after all
//	>4 order ID METHOD PACKED   carry out that method with these arguments, and say DONE ID. One at a time. The same
//	                            number again is the same order: its push may have been lost with a transport
//	>2 structure JSON           the tables have changed
//
// What a lost transport may have swallowed of them comes again by the next one: order, quit and structure, but no notice.
//
// # Remote sessions: a lost connection
//
// A link may be silent for as long as it likes: the server ends none for that (--idle-timeout is for plain clients), but tries by
// TCP keep-alive whether the client's machine is there. A client does well to do the same.
//
// A link outlives its transport. When the connection ends without QUIT the server keeps the link, its twins, locks, transaction
// and variables: for 5 seconds if the end was seen (end of file, reset), for the timeout of the session if nothing has come from
// the client for some 20 seconds, or the session sleeps. What the link was asked runs on meanwhile.
//
// The client connects again, from any address, and says RESUME with the token, the process, and got: how many replies it has
// had on this link since SESSION or JOIN, errors included, pushes and the replies of SESSION, JOIN and RESUME not. It sends
// nothing more before the reply, which says done: how many requests the server has carried out or begun.
//
//	done = got       nothing is owed: send again what has no reply, if anything; the server has never seen it
//	done = got + 1   the server has had the last request; its reply follows by itself, as soon as there is one
//
// Anything else is an error, and so is a reply of more than 4 MiB that did not arrive, or of more than 64 KiB when the
// server keeps too many of those already: the link is lost for good then. So a client that wants to come back has one
// request at a time on a link. -INUSE means that the server still believes in the old connection, or did not know that the
// client could come back: try again. -TOKEN is for good. When the Application process's link has ended for good, so have
// all.
//
// A link can be resumed as often as it is lost. The session is awake as soon as a command comes on the Application process's
// link, or RESUME for it. A client whose machine wakes up finds out by itself that its transports are dead, or says RESUME
// at once: a session that has said SLEEP lets a new transport replace one that is not known to be lost.
//
// # Remote sessions: an example
//
// C is what the client sends, S what the server does, each line one command or reply; \r\n stands for CR LF. First the
// Application process, to a server without accounts:
//
//	C: *13\r\n$7\r\nSESSION\r\n$8\r\nPROTOCOL\r\n$1\r\n1\r\n$7\r\nVERSION\r\n$3\r\n0.7\r\n$7\r\nMACHINE\r\n$4\r\ndesk\r\n$10\r\nSYSTEMUSER\r\n$3\r\nann\r\n$7\r\nPROCESS\r\n$1\r\n1\r\n$4\r\nNAME\r\n$19\r\nApplication process\r\n
//	S: %11\r\n$7\r\nsession\r\n$36\r\n0F3C5E52-88A1-4C5D-9E0B-6C2A5D1B7E11\r\n$5\r\ntoken\r\n$43\r\nMzHnb6Zs0h5xk3hVj3k1gq2dQm8p4kXlq1mS8wYf0aE\r\n$4\r\nuser\r\n$8\r\nDesigner\r\n$11\r\nuser_number\r\n:1\r\n$7\r\nprocess\r\n:6\r\n$10\r\nconnection\r\n:1\r\n$14\r\nserver_session\r\n$36\r\n7C0E2B1F-52C7-4E0C-A1AF-0F6F3B0B9D55\r\n$7\r\nversion\r\n$5\r\n0.7.0\r\n$8\r\nprotocol\r\n:1\r\n$7\r\ntimeout\r\n:900\r\n$9\r\nstructure\r\n$2\r\n{}\r\n
//
// Then, on a connection of its own, the client's process 9, which asks for the server's time, DO current_time("*"), and saves
// a record outside of transactions, DATA save 0 server_log nil 0 {user_id} {1}, which is answered with its stamp and with what
// the server has filled in:
//
//	C: *4\r\n$4\r\nJOIN\r\n$43\r\nMzHnb6Zs0h5xk3hVj3k1gq2dQm8p4kXlq1mS8wYf0aE\r\n$1\r\n9\r\n$10\r\nInvoice #1\r\n
//	S: %3\r\n$7\r\nsession\r\n$36\r\n0F3C5E52-88A1-4C5D-9E0B-6C2A5D1B7E11\r\n$4\r\nuser\r\n$8\r\nDesigner\r\n$11\r\nuser_number\r\n:1\r\n
//	C: *3\r\n$2\r\nDO\r\n$12\r\ncurrent_time\r\n$11\r\n*1\r\n$1\r\n*\r\n\r\n
//	S: *1\r\n:36061\r\n
//	C: *3\r\n$4\r\nDATA\r\n$4\r\nsave\r\n$57\r\n*6\r\n:0\r\n$10\r\nserver_log\r\n_\r\n:0\r\n*1\r\n$7\r\nuser_id\r\n*1\r\n:1\r\n\r\n
//	S: *3\r\n:1\r\n$2\r\nid\r\n:17\r\n
//
// It asks for something more; the connection breaks before the reply. It comes back with two replies, the server has had
// three requests, and the third reply follows:
//
//	C: *4\r\n$6\r\nRESUME\r\n$43\r\nMzHnb6Zs0h5xk3hVj3k1gq2dQm8p4kXlq1mS8wYf0aE\r\n$1\r\n9\r\n$1\r\n2\r\n
//	S: %2\r\n$7\r\nsession\r\n$36\r\n0F3C5E52-88A1-4C5D-9E0B-6C2A5D1B7E11\r\n$4\r\ndone\r\n:3\r\n
//	S: *1\r\n#f\r\n
//
// The machine goes to sleep, wakes up, and in the end the client quits; the Application process says so last:
//
//	C: *1\r\n$5\r\nSLEEP\r\n
//	S: +OK\r\n
//	C: *4\r\n$6\r\nRESUME\r\n$43\r\nMzHnb6Zs0h5xk3hVj3k1gq2dQm8p4kXlq1mS8wYf0aE\r\n$1\r\n1\r\n$1\r\n1\r\n
//	S: %2\r\n$7\r\nsession\r\n$36\r\n0F3C5E52-88A1-4C5D-9E0B-6C2A5D1B7E11\r\n$4\r\ndone\r\n:1\r\n
//	S: >3\r\n$4\r\nquit\r\n:600\r\n$32\r\nthe server is rebooted at midday\r\n
//	C: *1\r\n$4\r\nQUIT\r\n
//	S: +OK\r\n
package wire
