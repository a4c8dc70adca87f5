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
	since  int64         // the second in which it began, by the clock of the sweep
	phase  atomic.Int64  // what it does, and since when: see enter
	resp3  atomic.Bool   // the client reads pushes
	known  atomic.Bool   // the client has logged in, or need not
	in     atomic.Int64  // bytes from the client
	out    atomic.Int64  // bytes to it
	note   atomic.Bool   // somebody left a note: ended or pushes
	remote atomic.Bool   // replies is there
	loss   atomic.Uint32 // the session.Cause that the sweep has seen of a link's transport
	quit   bool          // the client asked to leave

	// of the goroutine that serves
	opening   bool      // no command was carried out yet
	undecided bool      // the guest must be heard: it is let in, or not, by its first command
	hearUntil time.Time // when that is given up
	replies   *Replies  // of a link; nil for anybody else
	turn      int       // of the transport, among the link's
	recording recording
	recorder  *wire.Writer // to recording
	rooms     int          // for long commands, in which it has a place
	handOver  func()       // gives the transport to the link that RESUME has found; nil: it stays

	mu     sync.Mutex
	nudged chan struct{} // tells who waits for room of a note; nil: nobody has waited yet
	handed bool          // the transport is somebody else's now
	ended  session.Cause
	pushes []wire.Push
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
	st := &stay{server: s, conn: conn, guest: guest, opening: true}
	st.known.Store(guest.Connection() != nil || guest.Remote())
	st.undecided = !st.known.Load()
	st.reader = wire.NewReader(st, st.limits())
	st.writer = wire.NewWriter(st)
	st.reader.FlushBeforeRead(st.writer)
	st.enter(running)
	st.since = s.seconds.Load()
	s.add(st)
	defer s.remove(st)
	defer st.giveRoom()
	if guest.Remote() {
		st.becomeLink()
		st.payReply()
	}
	guest.ServedBy(st)
	cause := st.converse()
	if st.replies != nil {
		st.replies.detach()
	}
	st.farewell(cause)
	return cause
}

// limits are small for a stranger: many of them must not take the memory of those who are known.
func (st *stay) limits() wire.Limits {
	switch {
	case st.remote.Load():
		return wire.Limits{MaxBulk: maxArgument, MaxCommand: maxArgument + 64<<10}
	case st.known.Load():
		return wire.Limits{}
	}
	return wire.Limits{MaxInline: 4 << 10, MaxArguments: 10, MaxBulk: 4 << 10, MaxCommand: 16 << 10}
}

// converse reads and answers commands.
func (st *stay) converse() session.Cause {
	st.listenShortly()
	for {
		command, err := st.reader.ReadCommand()
		switch {
		case err == nil:
			st.enter(running)
			if !st.answer(command) {
				return session.ConnectionLost
			}
		case errors.Is(err, os.ErrDeadlineExceeded):
			st.conn.SetReadDeadline(time.Time{})
			st.listenShortly()
			st.note.Store(true) // whoever set the deadline left a note before it
		default:
			return st.broken(err)
		}
		switch {
		case st.quit:
			return session.ClientLeft
		case st.handOver != nil:
			return st.leaveTransport()
		}
		if st.note.Swap(false) {
			if cause := st.readNotes(); cause != session.NoCause {
				return cause
			}
		}
	}
}

// listenShortly waits a moment for the first byte of a guest that is let in by its first command. If none comes, the guest
// is let in, or not, without one. Who must log in may take longer for it.
func (st *stay) listenShortly() {
	if !st.undecided || st.server.options.Accounts || st.reader.Buffered() > 0 {
		return
	}
	now := time.Now()
	if st.hearUntil.IsZero() {
		st.hearUntil = now.Add(hearTime)
	}
	if now.Before(st.hearUntil) {
		st.conn.SetReadDeadline(st.hearUntil)
		return
	}
	st.enter(running)
	st.hear(nil)
}

// hear has the guest let in, or looked at before it logs in, or writes why not and reports false.
func (st *stay) hear(command []byte) bool {
	st.undecided = false
	if err := st.guest.Heard(upper(command)); err != nil {
		st.failed(err)
		st.quit = true
		return false
	}
	st.known.Store(st.guest.Connection() != nil)
	st.reader.SetLimits(st.limits())
	return true
}

// broken is the cause that an error of reading, or of flushing before reading, is.
func (st *stay) broken(err error) session.Cause {
	var protocol wire.ProtocolError
	loss := session.Cause(st.loss.Load())
	switch {
	case errors.As(err, &protocol):
		st.writer.WriteError("ERR", "Protocol error: "+protocol.Error())
		return session.ProtocolError
	case st.replies != nil && loss != session.NoCause:
		return loss
	case st.replies != nil && listener.Silent(err):
		return session.Unreachable
	case st.replies != nil:
		return session.ConnectionLost
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return session.ClientLeft
	default:
		return session.ConnectionLost
	}
}

// readNotes sends what was left for the client, and returns the cause if somebody asked for the end.
func (st *stay) readNotes() session.Cause {
	st.mu.Lock()
	pushes, ended := st.pushes, st.ended
	st.pushes = nil
	st.mu.Unlock()
	for _, p := range pushes {
		st.writer.WritePush(p)
	}
	if ended == session.NoCause && st.replies != nil && !st.replies.current(st.turn) {
		return session.ConnectionLost // another transport has taken over
	}
	return ended
}

// farewell sends what is still to be sent: last of all, if the client did not want the end, the reason of it.
func (st *stay) farewell(cause session.Cause) {
	switch {
	case cause == session.ClientLeft && !st.quit, cause == session.Resumed, st.replies != nil && (cause == session.ConnectionLost || cause == session.Unreachable):
		return // nobody reads it, or not from this goroutine
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
	session.SessionEnded:   "the session has ended",
}

// End asks for the end of the stay, from any goroutine. What it writes last has a moment to leave.
func (st *stay) End(cause session.Cause) {
	st.mu.Lock()
	if st.ended == session.NoCause {
		st.ended = cause
	}
	if !st.handed {
		st.conn.SetWriteDeadline(time.Now().Add(lastWords))
	}
	st.mu.Unlock()
	st.guest.Interrupt(cause)
	st.nudge()
}

// speak chooses the version of the protocol.
func (st *stay) speak(v wire.Version) {
	st.writer.SetVersion(v)
	st.resp3.Store(v == wire.RESP3)
}

// nudge makes the serving goroutine look at its notes. The note comes before the deadline, and converse clears the
// deadline before it looks, so none is missed.
func (st *stay) nudge() {
	st.note.Store(true)
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.handed {
		st.conn.SetReadDeadline(time.Unix(1, 0))
	}
	select {
	case st.nudged <- struct{}{}:
	default:
	}
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
	if st.remote.Load() {
		if err := st.takeRoom(); err != nil {
			return 0, err
		}
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
