// Package application is the conversation on the application listener: what a client that was let in can ask, and how
// the conversation ends. The bytes are package wire's.
//
// A [Server] serves connections, each in the goroutine that calls [Server.Serve]; only that goroutine writes to the
// connection. Whoever wants something of it from elsewhere (its end, a message for its client) leaves a note and
// interrupts its read. The commands are the table in commands.go, those of remote sessions the one in
// commands_remote.go. One sweep a second looks for those that are idle or stuck, so that a connection needs no timers.
//
// A guest of a remote session is a link, which outlives its transports: Serve is called again with the next one. Its
// [Replies] count the requests and keep the last reply, so that a client which has lost one goes on where it was.
package application

import (
	"errors"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"moongate/runtime/process"
	"moongate/runtime/session"
)

// Guest is the client process behind a connection, as the conversation sees it. Its methods are called by the
// goroutine that serves, except Interrupt and End.
type Guest interface {
	// Connection is nil until the client has logged in.
	Connection() *session.Connection
	// Identify checks who the client says it is. It blocks while the password is checked. The error is
	// ErrWrongPassword or ErrBusy, or is for the client to read.
	Identify(name string, password []byte) error
	// Enter lets the client in whom Identify has found, if the open method does. It blocks while that runs. The error
	// may be a *Refused.
	Enter() error
	// Call runs a project method in the client's process. It blocks until the method has returned or was stopped.
	Call(method string, args []any) ([]any, error)
	// Name and SetName are the client process's name.
	Name() string
	SetName(name string)
	// ServedBy says who is to be asked for the end of the conversation. If that was asked for already, it is told at once.
	ServedBy(session.Stay)
	// End asks for the end of the conversation. It may be called from any goroutine and does not block.
	End(session.Cause)
	// Limits are those that the open method has set for this connection: how long it may ask for nothing, 0 being the
	// server's own limit and less than 0 none, and until when it may last, zero being for ever. It may be called from any
	// goroutine.
	Limits() (idle time.Duration, until time.Time)
	// Interrupt ends the login or the method that runs, if one does. It may be called from any goroutine and does not
	// block.
	Interrupt(session.Cause)
	// Heard is called before the first command of a guest that has no connection yet, unless it is JOIN or RESUME; the
	// command is "" when none came in time. It makes the checks that were put off for the guest, and without
	// accounts lets it in as Designer; it blocks while the open method runs. The error may be a *Refused.
	Heard(command string) error
	Link
}

// Link is what a guest is as a client process of a remote session. The methods are called by the goroutine that serves,
// which has made sure of the order: nothing before one of Announce, Join and Resume has succeeded, and each of these
// once.
type Link interface {
	// Announce makes the guest, which was let in, the Application process of a new session (SESSION).
	Announce(m session.Machine, process int64, name string) (session.Welcome, error)
	// Structure is the tables, as JSON. A client that has been told that is told of every change from then on, by Push.
	Structure() string
	// Join makes the guest, whom nobody has asked about, a process of the session with that token (JOIN). The error may be
	// a *Refused, ErrToken or ErrInUse.
	Join(token string, process int64, name string) (session.Welcome, error)
	// Resume gives the guest's transport to the link of a process that has lost its own, to go on after so many replies
	// (RESUME). It gives how many requests were carried out or begun. When the client has that reply handOver is called,
	// and Serve returns session.Resumed: the transport is the link's from then on. The errors are those of Join, and
	// of Replies.Resume.
	Resume(token string, process int64, got int64, conn net.Conn) (done int64, handOver func(), err error)
	// Language makes the language twin if there is none, and blocks while the open method decides. The error may be a
	// *Refused. CallValues and Do make it as well.
	Language() (process.Number, session.ConnectionID, error)
	// Data carries out one act of data. It blocks for the data store. The error may be a *failure.Error.
	Data(op string, args []any) (any, error)
	// Do carries out a Lua command of the server's. It blocks as that does.
	Do(command string, args []any) ([]any, error)
	// CallValues is Call with arguments of every type.
	CallValues(method string, args []any) ([]any, error)
	// Register has the client process carry out orders under a name; false: it does already. Unregister ends that; false:
	// it did not. Done says that an order was carried out; a number that is not the order's is ignored.
	Register(name string) bool
	Unregister() bool
	Done(id int64)
	// Sleep says that the client's machine goes to sleep. Awake is called before each command, whatever it is: who asks is
	// awake.
	Sleep()
	Awake()
	// Lost says that the transport was seen to have ended while a request runs, which runs on: session.ConnectionLost
	// when the client closed it, session.Unreachable when it was silent for too long. It may be called from any
	// goroutine, more than once, and does not block.
	Lost(session.Cause)
	// Remote reports whether Announce or Join has succeeded, so that the guest is a link.
	Remote() bool
	// Session is the identifier of the link's session, or of that of the link which Resume has found.
	Session() string
	// Replies are the link's, which outlives its transports; not nil when Remote is true. Those of the
	// link that Resume has found are not this guest's.
	Replies() *Replies
}

// Errors of Guest.Join and Guest.Resume.
var (
	ErrToken = errors.New("no session here has that token, or not for this address")
	ErrInUse = errors.New("that process has a transport that is not known to be lost")
)

// Errors of Guest.Identify.
var (
	ErrWrongPassword = errors.New("invalid username-password pair or user is disabled") // Redis' own words
	ErrBusy          = errors.New("too many are logging in now; try again")
)

// Refused is the error of an Enter that the open method, or a check, has refused.
type Refused struct {
	Code   int64
	Reason string
}

// Error is what the client is told after the word REFUSED.
func (r *Refused) Error() string {
	if r.Reason == "" {
		return strconv.FormatInt(r.Code, 10)
	}
	return strconv.FormatInt(r.Code, 10) + " " + r.Reason
}

// Options are what a Server is made with.
type Options struct {
	Version      string        // of the program
	IdleTimeout  time.Duration // a connection without a command for so long is ended; 0: never
	LoginTimeout time.Duration // a client that has not logged in for so long is sent away; 0: never
	Accounts     bool          // clients log in; else everybody is the Designer
	Sessions     *session.Registry
}

// Bounds that protect the server from slow or broken clients.
const (
	commandTime = 30 * time.Second       // from a command's first byte to its last
	writeTime   = 30 * time.Second       // for a reply to leave
	hearTime    = 300 * time.Millisecond // for the first byte of a guest that may be a link
	lastWords   = time.Second            // for the reason of the end to leave
	loginTime   = 15 * time.Second       // for one login that runs: 10 s of delay, and the hash
	lostTime    = time.Second            // how long a method runs before its client is looked after
	sweepEvery  = time.Second
)

// Server serves connections of the application listener.
type Server struct {
	options Options
	started time.Time
	seconds atomic.Int64 // since started, as of the last sweep: the clock of idle times
	rooms   []room       // for long commands of links
	kept    atomic.Int64 // bytes of links' long replies

	mu    sync.Mutex
	stays map[*stay]struct{}
}

// NewServer makes a server. Its Sweep must run while it serves.
func NewServer(o Options) *Server {
	return &Server{options: o, started: time.Now(), stays: map[*stay]struct{}{}, rooms: newRooms()}
}

// Sweep ends connections that are idle or stuck, once a second, until stop is closed.
func (s *Server) Sweep(stop <-chan struct{}) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			s.seconds.Store(int64(time.Since(s.started) / time.Second))
			for _, st := range s.all() {
				st.inspect()
			}
		}
	}
}

func (s *Server) all() []*stay {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*stay, 0, len(s.stays))
	for st := range s.stays {
		all = append(all, st)
	}
	return all
}

func (s *Server) add(st *stay) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stays[st] = struct{}{}
}

func (s *Server) remove(st *stay) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.stays, st)
}
