package application

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"moongate/runtime/listener"
	"moongate/runtime/session"
	"moongate/runtime/wire"
)

// stay is one client's stay: the conversation on one connection.
type stay struct {
	server *Server
	conn   net.Conn
	guest  Guest
	reader *wire.Reader
	writer *wire.Writer
	since  int64        // the second in which it began, by the clock of the sweep
	phase  atomic.Int64 // what it does, and since when: see enter
	pushes atomic.Bool  // the client reads pushes: RESP3
	known  atomic.Bool  // the client has logged in, or need not
	in     atomic.Int64 // bytes from the client
	out    atomic.Int64 // bytes to it
	note   atomic.Bool  // somebody left a note: ended or messages
	quit   bool         // the client asked to leave

	mu       sync.Mutex
	ended    session.Cause
	messages []string
}

// phase is what the serving goroutine does.
type phase int64

const (
	idle    phase = iota // waits for a command
	partial              // waits for the rest of a command
	running              // carries a command out
	writing              // waits for the client to take a reply
)

// Serve talks with a guest until something ends the conversation, and returns why. It does not close the connection.
// It blocks; the end can be asked for with the session.Connection's End.
func (s *Server) Serve(conn net.Conn, guest Guest) session.Cause {
	st := &stay{server: s, conn: conn, guest: guest}
	st.known.Store(guest.Connection() != nil)
	st.reader = wire.NewReader(st, st.limits())
	st.writer = wire.NewWriter(st)
	st.reader.FlushBeforeRead(st.writer)
	st.enter(running)
	st.since = s.seconds.Load()
	s.add(st)
	defer s.remove(st)
	guest.ServedBy(st)
	cause := st.converse()
	st.farewell(cause)
	return cause
}

// limits are small for a stranger: many of them must not take the memory of those who are known.
func (st *stay) limits() wire.Limits {
	if st.known.Load() {
		return wire.Limits{}
	}
	return wire.Limits{MaxInline: 4 << 10, MaxArguments: 10, MaxBulk: 4 << 10, MaxCommand: 16 << 10}
}

// converse reads and answers commands.
func (st *stay) converse() session.Cause {
	for {
		command, err := st.reader.ReadCommand()
		switch {
		case err == nil:
			st.enter(running)
			st.carryOut(command)
		case errors.Is(err, os.ErrDeadlineExceeded):
			st.conn.SetReadDeadline(time.Time{})
			st.note.Store(true) // whoever set the deadline left a note before it
		default:
			return st.broken(err)
		}
		if st.quit {
			return session.ClientLeft
		}
		if st.note.Swap(false) {
			if cause := st.readNotes(); cause != session.NoCause {
				return cause
			}
		}
	}
}

// broken is the cause that an error of reading, or of flushing before reading, is.
func (st *stay) broken(err error) session.Cause {
	var protocol wire.ProtocolError
	switch {
	case errors.As(err, &protocol):
		st.writer.WriteError("ERR", "Protocol error: "+protocol.Error())
		return session.ProtocolError
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return session.ClientLeft
	default:
		return session.ConnectionLost
	}
}

// readNotes sends the messages that were left, and returns the cause if somebody asked for the end.
func (st *stay) readNotes() session.Cause {
	st.mu.Lock()
	messages, ended := st.messages, st.ended
	st.messages = nil
	st.mu.Unlock()
	for _, m := range messages {
		st.writer.WritePush(wire.Push{"notice", m})
	}
	return ended
}

// farewell sends what is still to be sent: last of all, if the client did not want the end, the reason of it.
func (st *stay) farewell(cause session.Cause) {
	if cause == session.ClientLeft && !st.quit {
		return // nobody reads it
	}
	st.conn.SetWriteDeadline(time.Now().Add(lastWords))
	if reason := farewells[cause]; reason != "" {
		st.writer.WriteError("CLOSED", reason)
	}
	st.writer.Flush()
}

var farewells = map[session.Cause]string{
	session.TooSlow:        "a command took too long to arrive",
	session.Idle:           "no command came for too long",
	session.Dropped:        "the connection was dropped by the server",
	session.ProcessAborted: "the process was aborted by the server",
	session.Shutdown:       "the server is stopping",
	session.LoginTimeout:   "nobody logged in in time",
	session.OverTime:       "the connection may not last longer",
}

// End asks for the end of the stay, from any goroutine. What it writes last has a moment to leave.
func (st *stay) End(cause session.Cause) {
	st.mu.Lock()
	if st.ended == session.NoCause {
		st.ended = cause
	}
	st.mu.Unlock()
	st.conn.SetWriteDeadline(time.Now().Add(lastWords))
	st.guest.Interrupt(cause)
	st.nudge()
}

// longestQueue is how many messages may wait for a client that is busy; older ones are dropped.
const longestQueue = 16

// Tell leaves a message for the client, from any goroutine. RESP2 has no messages.
func (st *stay) Tell(text string) bool {
	if !st.pushes.Load() {
		return false
	}
	st.mu.Lock()
	if len(st.messages) == longestQueue {
		st.messages = st.messages[1:]
	}
	st.messages = append(st.messages, text)
	st.mu.Unlock()
	st.nudge()
	return true
}

// speak chooses the version of the protocol.
func (st *stay) speak(v wire.Version) {
	st.writer.SetVersion(v)
	st.pushes.Store(v == wire.RESP3)
}

// nudge makes the serving goroutine look at its notes. The note comes before the deadline, and converse clears the
// deadline before it looks, so none is missed.
func (st *stay) nudge() {
	st.note.Store(true)
	st.conn.SetReadDeadline(time.Unix(1, 0))
}

// Read is what the Reader reads from.
func (st *stay) Read(b []byte) (int, error) {
	next := idle
	if st.reader.Buffered() > 0 {
		next = partial
	}
	if phase(st.phase.Load()&3) != next { // a message for the client does not make it less idle
		st.enter(next)
	}
	n, err := st.conn.Read(b)
	st.in.Add(int64(n))
	return n, err
}

// Write is what the Writer writes to.
func (st *stay) Write(b []byte) (int, error) {
	before := st.phase.Load()
	st.enter(writing)
	n, err := st.conn.Write(b)
	st.out.Add(int64(n))
	st.phase.Store(before)
	return n, err
}

// enter notes a phase and the second in which it began, by the clock of the sweep.
func (st *stay) enter(p phase) { st.phase.Store(st.server.seconds.Load()<<2 | int64(p)) }

// Idle is how long the client has asked for nothing, in whole seconds.
func (st *stay) Idle() time.Duration {
	now := st.phase.Load()
	if phase(now&3) != idle {
		return 0
	}
	return time.Duration(st.server.seconds.Load()-now>>2) * time.Second
}

// Bytes is how many bytes have come from the client and gone to it.
func (st *stay) Bytes() (in, out int64) { return st.in.Load(), st.out.Load() }

// grace is what a login that runs may take beyond the time to log in: it may have been made to wait, and must not be cut off
// by that.
func (st *stay) grace(p phase) time.Duration {
	if p == running {
		return loginTime
	}
	return 0
}

// inspect ends the stay if it is idle or stuck. The sweep calls it.
func (st *stay) inspect() {
	now := st.phase.Load()
	seconds := st.server.seconds.Load()
	p, since := phase(now&3), time.Duration(seconds-now>>2)*time.Second
	login := st.server.options.LoginTimeout
	most, until := st.guest.Limits()
	if most == 0 {
		most = st.server.options.IdleTimeout
	}
	var cause session.Cause
	switch {
	case login > 0 && !st.known.Load() && time.Duration(seconds-st.since)*time.Second >= login+st.grace(p):
		cause = session.LoginTimeout
	case p == idle && most > 0 && since >= most:
		cause = session.Idle
	case !until.IsZero() && time.Now().After(until):
		cause = session.OverTime
	case p == partial && since >= commandTime, p == writing && since >= writeTime:
		cause = session.TooSlow
	case p == running && since >= lostTime && listener.Gone(st.conn):
		cause = session.ClientLeft
	default:
		return
	}
	st.guest.End(cause)
}
