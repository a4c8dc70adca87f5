package forward

import (
	"syscall"
	"time"
)

// Cause is why a flow ended.
type Cause uint8

const (
	NoCause        Cause = iota // it has not ended
	ClientEnded                 // both sides have ended their sending, the client first
	UpstreamEnded               // both sides have ended their sending, the upstream first
	ClientLost                  // the client reset the connection, or the transport to it failed
	UpstreamLost                // the upstream did
	Idle                        // Terms.IdleTimeout
	MaxDuration                 // Terms.MaxDuration
	MaxBytes                    // Terms.MaxBytes
	Asked                       // Flow.End
	EngineClosed                // Engine.Close
	Refused                     // the upstream refused the connection
	Unreachable                 // there is no way to the upstream
	ConnectTimeout              // the upstream did not answer within Terms.ConnectTimeout
	NoResources                 // the system had no file descriptor, port or memory for the upstream's socket
)

var causeNames = [...]string{
	"none", "client ended", "upstream ended", "client lost", "upstream lost", "idle", "max duration", "max bytes", "asked",
	"engine closed", "upstream refused", "upstream unreachable", "upstream connect timeout", "no resources",
}

// String is the cause in lower case.
func (c Cause) String() string { return causeNames[c] }

// Connecting reports whether the flow ended before its upstream was connected, by no wish of the client's: nothing was
// read from the client, so the same client may be given to Forward again with another upstream.
func (c Cause) Connecting() bool { return c >= Refused }

// Terms limit a flow. The zero value limits nothing.
type Terms struct {
	// ConnectTimeout is for an upstream that is not connected yet; 0 leaves it to the system, which takes minutes.
	ConnectTimeout time.Duration
	// IdleTimeout ends a flow of which no byte has moved for so long, in neither direction; 0: never.
	IdleTimeout time.Duration
	// MaxDuration ends a flow so long after Forward; 0: never.
	MaxDuration time.Duration
	// MaxBytes ends a flow when one more byte would pass, both directions counted together, ToUpstream and ToClient
	// not; 0: never.
	MaxBytes int64
	// BytesPerSecond is how fast each direction may be; 0: as fast as it can.
	BytesPerSecond int64
	// ToUpstream and ToClient are sent first of all: a PROXY header, or what was read from the other side before. The
	// engine keeps them until they are sent; who gives them must not change them.
	ToUpstream, ToClient []byte
}

// End is how a flow ended.
type End struct {
	Cause Cause
	Err   error // what the system said about a side that was lost or not reached; nil for other causes
	In    int64 // bytes that came from the client and went to the upstream, Terms.ToUpstream not counted
	Out   int64 // bytes that came from the upstream and went to the client, Terms.ToClient not counted
}

// Done is told of the end of a flow, once, and closes the client's socket: first of all nobody else does, so that what
// has to be done before the client sees the end can be done here. If the upstream was lost, closing resets the client.
//
// It is called by a goroutine that serves other flows too. So it calls handover, at most once, before it waits for
// anything; another goroutine serves the flows from then on.
type Done func(end End, handover func())

// explained reports whether an error belongs to a cause.
func explained(c Cause, err error) bool {
	return c == ClientLost || c == UpstreamLost || c.Connecting() || err == ErrClosed
}

// connectCause is the cause that an error of connecting is. Windows has numbers of its own (WSAECONNREFUSED and so
// on).
func connectCause(err syscall.Errno) Cause {
	switch err {
	case syscall.ECONNREFUSED, syscall.ECONNRESET, 10061:
		return Refused
	case syscall.ETIMEDOUT, 10060:
		return ConnectTimeout
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.EAGAIN,
		10024, 10055, 10049:
		return NoResources
	default:
		return Unreachable
	}
}
