// Package wire turns bytes into commands and values into bytes: the protocol of Moongate's application
// listener, which is that of Redis (RESP2, RESP3 and inline commands), from the server's side. It opens
// nothing and starts nothing: the caller brings an io.Reader and an io.Writer.
//
// Its nouns: a [Reader] reads each [Command] that a client sends; a [Writer] writes the replies, which are
// Go values (see [Writer.WriteValue]) or pushes ([Push]); a [ReplyReader] reads replies back, for clients
// and tests. [Limits] bounds what a peer may send, and a [ProtocolError] says how it broke the rules.
//
// # Goroutines and memory
//
// A Reader, a Writer and a ReplyReader each belong to one goroutine at a time; a Reader and the Writer of the
// same connection may belong to two. No method takes a lock. Methods block only in the Read of the source or
// the Write of the destination, and closing those, or their deadlines, is what ends the wait.
//
// Many connections are at rest at once, so at rest they hold next to nothing. A Reader waits for the
// beginning of a command with a small array inside itself, and takes a 4 KiB buffer from a shared pool when
// bytes have arrived; it gives the buffer back when it waits again with nothing left over. A Writer has a
// buffer from its first byte to its Flush. Buffers grow as bytes arrive and never because a header
// announces many.
//
// The loop of a server:
//
//	r, w := wire.NewReader(conn, wire.Limits{}), wire.NewWriter(conn)
//	r.FlushBeforeRead(w)
//	for {
//		command, err := r.ReadCommand()
//		var broken wire.ProtocolError
//		if errors.As(err, &broken) {
//			w.WriteError("ERR", "Protocol error: "+broken.Error())
//		}
//		if err != nil {
//			w.Flush()
//			return err
//		}
//		answer(w, command)
//	}
//
// # The protocol: what a client sends
//
// The transport is a stream of bytes, in both directions. A client sends commands; a command is a list of
// one or more arguments, and an argument is any bytes. There are two ways to write it.
//
// As an array, for programs. A header, an asterisk with the number of arguments, then for each of them a
// dollar sign with its length in bytes, and the bytes. Every header and every argument ends with CR LF:
//
//	*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n
//
// Lengths are decimal digits with no sign, space or leading zero. An array of no arguments (*0, or any
// negative number, as in Redis) is skipped and has no reply. Arguments cannot be arrays.
//
// Inline, for people with nc or telnet: any line that does not begin with an asterisk, ended by LF or CR LF.
// Arguments are separated by spaces or tabs. Part of an argument may stand in "double quotes", where \n \r
// \t \b \a \\ \" and \xHH (two hexadecimal digits) mean what they mean in C and a backslash before anything
// else is dropped; or in 'single quotes', where only \' is special. A closing quote ends the argument: a
// space or the end of the line must follow. An empty line is skipped and has no reply.
//
//	ECHO "hello\r\n"
//
// A client may send commands without waiting for replies; replies come in the order of the commands. The
// replies to earlier commands may be held back until a command that has begun to arrive is whole.
//
// What is too long or malformed is answered with an error reply, -ERR Protocol error: and the reason, and
// the connection is then closed, since it is not known where the next command begins. The reasons:
//
//	invalid multibulk length          the number after * is no number, or more than MaxArguments
//	expected '$', got 'x'             something else than an argument's header in an array
//	invalid bulk length               the number after $ is no number, negative, or more than MaxBulk
//	expected CR LF after bulk         an argument is longer or shorter than announced
//	too big request                   the whole command is more than MaxCommand
//	too big inline request            an inline line is longer than MaxInline, or has too many arguments
//	unbalanced quotes in request      a quote is not closed, or something follows a closing quote
//
// # The protocol: what the server sends
//
// A connection begins in RESP2; a command of the server can switch it to RESP3, and the reply to that
// command is the first in the new version. The first byte of a reply says what it is, the rest of the line
// is its content or its length, and CR LF ends it:
//
//	value               RESP2                               RESP3
//	null                $-1                                 _
//	false, true         :0  :1                              #f  #t
//	integer             :-12                                :-12
//	double              $3 and 1.5 on the next line         ,1.5  ,inf  ,-inf  ,nan
//	string, bytes       $5 and hello on the next line       the same
//	simple string       +OK                                 the same
//	error               -CODE a message                     the same
//	list of 2           *2 and the elements                 the same
//	map of 2 pairs      *4 and key, value, key, value       %2 and key, value, key, value
//	push of 2           never sent                          >2 and the elements
//
// Integers have 64 bits. A double is written with the fewest digits that read back as the same number, with
// an exponent below 1e-6 and from 1e21. Strings are bytes, usually UTF-8. Simple strings and errors hold
// no CR or LF: the server writes spaces in their place. The first word of an error is its code, in upper
// case. Elements are any values but pushes, errors included, at most [MaxDepth] lists and maps inside one
// another; what would be deeper is an error in its place. A push is no reply: it is sent between two
// replies, at any time.
//
// The server does not send the other types of RESP3; [ReplyReader] reads them where another server does:
// big numbers and verbatim strings as strings, sets as lists, bulk errors as errors, and it skips
// attributes. Streamed strings and lists are not supported.
package wire
