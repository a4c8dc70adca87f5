// Package application is the conversation on the application listener: what a client that was let in can ask, and how
// the conversation ends. The bytes are package wire's.
//
// A [Server] serves connections, each in the goroutine that calls [Server.Serve]; only that goroutine writes to the
// connection. Whoever wants something of it from elsewhere (its end, a message for its client) leaves a note and
// interrupts its read. The commands are the table in commands.go. One sweep a second looks for those that are idle or
// stuck, so that a connection needs no timers.
package application

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

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
	// server's own limit, and until when it may last, zero being for ever. It may be called from any goroutine.
	Limits() (idle time.Duration, until time.Time)
	// Interrupt ends the login or the method that runs, if one does. It may be called from any goroutine and does not
	// block.
	Interrupt(session.Cause)
}

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
	commandTime = 30 * time.Second // from a command's first byte to its last
	writeTime   = 30 * time.Second // for a reply to leave
	lastWords   = time.Second      // for the reason of the end to leave
	loginTime   = 15 * time.Second // for one login that runs: 10 s of delay, and the hash
	lostTime    = time.Second      // how long a method runs before its client is looked after
	sweepEvery  = time.Second
)

// Server serves connections of the application listener.
type Server struct {
	options Options
	started time.Time
	seconds atomic.Int64 // since started, as of the last sweep: the clock of idle times

	mu    sync.Mutex
	stays map[*stay]struct{}
}

// NewServer makes a server. Its Sweep must run while it serves.
func NewServer(o Options) *Server {
	return &Server{options: o, started: time.Now(), stays: map[*stay]struct{}{}}
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
