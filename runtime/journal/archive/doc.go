// Package archive is recordings outside of a journal: a file of JSON lines, which other machines replay and other
// programs read. A [Writer] makes one of a journal's rows, a [Reader] gives the rows back, a [Veil] makes them
// anonymous in between.
//
// # The form
//
// Every line is one JSON object in UTF-8. The first one says what the file is:
//
//	{"moongate":"recordings","version":1,"program":"0.1.0","written":"2026-11-21T10:00:00Z","anonymous":false}
//
// Then there is one for each connection, in the order in which they were decided. Fields that are empty, 0 or false
// may be left out, and a reader skips fields that it does not know:
//
//	session, connection   the server's run (a UUID), and the connection's number in it
//	user, user_name       the open method's first parameter, and the name of the account
//	address, local        of the client, and where it came in: "203.0.113.7:51234"
//	listener, gate, upstream
//	facts                 what a gate has found out about the client: an object
//	version               of the scripts that decided; empty when no method was asked
//	verdict               "accepted" or "refused"
//	code, reason, by      of a refusal; by is the line, or the check, that refused
//	shadow                what the shadow's scripts would have said instead
//	opened, decided, closed   RFC 3339; no closed: it was open
//	cause, bytes_in, bytes_out   of the end
//	recorded              what the verdict depended on, an object; without it nothing was recorded:
//	  began               when the open method began, RFC 3339
//	  took, steps         seconds that it took, and instructions
//	  line, fault         the line that returned; why it failed
//	  cut                 true: it read more than is kept
//	  reads               what it read, in order, a list of objects: what (the command), key (the arguments), value, line
//
// A value is what package recording keeps: a list in the form of RESP3, as the text "*1\r\n:5\r\n"; one without value
// is of a kind that cannot be kept. A text that is no UTF-8 is written as an object, {"base64":"/w=="}.
//
// The last line is {"end":N}, N the number of connections: a file without it was cut off.
package archive
