package admin

import (
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Options are what a Listener is made of. Address, House and Log must be given.
type Options struct {
	Address   string           // host:port; port 0 takes a free one
	Token     string           // what peers off loopback must know; "": the address must be a loopback one
	House     House            // what is shown and acted on
	Metrics   http.Handler     // served at /metrics; nil: there are none
	Socket    *net.TCPListener // bound already, for Address; nil: it is bound by Open
	Dashboard []byte           // JSON, served at /grafana.json; nil: there is none
	Log       *slog.Logger     // gets each act (Info), what is refused (Warn) and each request (Debug)
}

// Listener is one address where administrators come in. Make it with Open. Its methods may be called from any goroutine.
type Listener struct {
	inner     net.Listener
	bound     netip.AddrPort
	server    *http.Server
	house     House
	metrics   http.Handler
	dashboard []byte
	log       *slog.Logger

	guard    guard
	routes   []route
	document []byte // OpenAPI, of the routes
	present  attendance
	requests slots   // those that are answered now, streams left out
	streams  streams // of events
	warnings seldom
	patience time.Duration // that a peer has to take an answer or an event: answerTimeout, but in tests

	closing sync.Once
	closed  atomic.Bool
	done    chan struct{} // closed when Close is over
}

// Limits of the listener.
const (
	headerTimeout  = 5 * time.Second  // for the headers of a request
	requestTimeout = 10 * time.Second // for a whole request
	answerTimeout  = 10 * time.Second // for the peer to take an answer or an event
	idleTimeout    = time.Minute      // between two requests of a connection
	longestHeaders = 16 << 10         // bytes
	mostRequests   = 64               // at one time
	mostStreams    = 16               // of events, at one time, not counted among the requests
)

// Open binds the address. Administrators can connect from now on, and wait until Serve answers. An address that is not a
// loopback one needs a token. The error says which address; that of the system is wrapped.
func Open(o Options) (*Listener, error) {
	at, err := net.ResolveTCPAddr("tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for administrators on %s: %w; give host:port", o.Address, reason(err))
	}
	if o.Socket != nil {
		at = o.Socket.Addr().(*net.TCPAddr)
	}
	if !at.IP.IsLoopback() && o.Token == "" {
		if o.Socket != nil {
			o.Socket.Close()
		}
		return nil, fmt.Errorf("cannot listen for administrators on %s: it can be reached from other machines; "+
			"give --admin-token-file, or bind to loopback (127.0.0.1:%d)", o.Address, at.Port)
	}
	if o.Socket != nil {
		return open(o.Socket, at.AddrPort(), o), nil
	}
	inner, err := net.ListenTCP("tcp", at)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for administrators on %s: %w", o.Address, reason(err))
	}
	return open(inner, inner.Addr().(*net.TCPAddr).AddrPort(), o), nil
}

// reason takes the parts away that repeat the address.
func reason(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if wrong, ok := errors.AsType[*net.AddrError](err); ok {
		return errors.New(wrong.Err)
	}
	return err
}

// open makes a Listener of an address that is bound already.
func open(inner net.Listener, bound netip.AddrPort, o Options) *Listener {
	l := &Listener{
		inner: inner, bound: bound, house: o.House, metrics: o.Metrics, dashboard: o.Dashboard, log: o.Log,
		guard: newGuard(bound.Addr(), o.Token), routes: routes(),
		requests: make(slots, mostRequests), patience: answerTimeout,
		done: make(chan struct{}),
	}
	l.document = document(l.routes)
	l.server = &http.Server{
		Handler:           http.HandlerFunc(l.serve),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: longestHeaders, DisableGeneralOptionsHandler: true,
		ConnState: l.presence, ErrorLog: log.New(complaints{l}, "", 0),
	}
	return l
}

// Address is the bound address, with the port that was taken.
func (l *Listener) Address() netip.AddrPort { return l.bound }

// Socket is the bound socket, for another process that is to accept on it too. It stays the Listener's. It is nil for a
// Listener that has none of TCP.
func (l *Listener) Socket() syscall.Conn {
	socket, _ := l.inner.(syscall.Conn)
	return socket
}

// Serve answers administrators, and blocks until Close is over. A Listener serves once. When the address fails for good,
// Serve says so in the log and returns.
func (l *Listener) Serve() {
	err := l.server.Serve(l.inner)
	if !l.closed.Load() {
		l.log.Error("the admin listener has failed", "listener", l.bound.String(), "error", err)
		return
	}
	<-l.done
}

// Yield stops listening, because another process listens at the same address from now on. What is being answered, and
// streams of events, go on until Close. It does not wait.
func (l *Listener) Yield() {
	l.closed.Store(true)
	l.inner.Close()
	l.server.SetKeepAlivesEnabled(false) // the next request is for the other one
}

// Close stops listening. It waits for answers that are being written, and for streams of events, which end by themselves
// when those of the House do, but at most for the grace; what is left then is cut off. It may be called without Serve,
// and more than once: each call returns when all is over.
func (l *Listener) Close(grace time.Duration) {
	l.closing.Do(func() {
		l.closed.Store(true)
		l.inner.Close()
		l.server.SetKeepAlivesEnabled(false) // closes the connections that ask for nothing
		l.present.wait(grace)
		l.server.Close()
		close(l.done)
	})
}

// presence is told of each connection's life by the HTTP server, of its begin before anything is read from it.
func (l *Listener) presence(c net.Conn, state http.ConnState) {
	if !l.present.note(c, state) {
		c.Close()
		l.warn("administrators have too many connections", "from", c.RemoteAddr().String(), "limit", mostConnections)
	}
}

// warn writes a line to the log about something that a peer can bring about as often as it likes: at most one a second.
func (l *Listener) warn(message string, attrs ...any) {
	if left, ok := l.warnings.now(time.Now()); ok {
		if left > 0 {
			attrs = append(attrs, "lines_left_out", left)
		}
		l.log.Warn(message, attrs...)
	}
}

// complaints is where the HTTP server writes what it has to say, which is most often that the system has no file
// descriptor for another connection.
type complaints struct{ *Listener }

// Write writes a complaint to the log of the listener.
func (c complaints) Write(text []byte) (int, error) {
	c.warn("the admin listener has trouble", "error", strings.TrimPrefix(strings.TrimSpace(string(text)), "http: "))
	return len(text), nil
}
