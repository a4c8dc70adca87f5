package front

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"moongate/runtime/front/mysql"
	"moongate/runtime/front/postgres"
)

// Arrival is a client that the policy can be asked about. It belongs to one goroutine.
type Arrival struct {
	// Conn is where the client's words come from, after those in Unread: the connection that Greet was given, or what is
	// inside its TLS.
	Conn net.Conn
	// Unread are the client's words that were read already, and that the upstream must get first.
	Unread []byte
	Facts  Facts
	// Upstream is the connection to the upstream with MySQL, nil otherwise. It has sent its greeting and waits for a
	// login; it is for Join, and Refuse or Leave closes it.
	Upstream net.Conn

	front        *Front
	upstreamName string
	greeted      bool         // the upstream has
	login        *mysql.Login // with MySQL
	answerTo     uint8        // the number of the client's login, with MySQL
}

// refusalTime is how long a refusal may take to be sent, leaveTime how long an upstream may take to see a login fail.
const (
	refusalTime = time.Second
	leaveTime   = time.Second
)

// Refusal is what a refused client gets before the end: the protocol's error with the reason, which PostgreSQL's and MySQL's
// clients print, or the gate's refusal message, or nothing. The code is used by MySQL as the error's number, if it can be
// one. A PostgreSQL client that asks to cancel gets nothing, as from PostgreSQL.
func (a *Arrival) Refusal(code int64, reason string) []byte {
	switch a.front.options.Protocol {
	case Postgres:
		if login := a.Facts.Login; login != nil && login.Cancel {
			return nil
		}
		return postgres.AppendError(nil, postgres.StateRefused, reason)
	case MySQL:
		return mysql.AppendError(nil, a.answerTo+1, code, reason)
	default:
		return []byte(a.front.options.RefusalMessage)
	}
}

// Unheard is what a client gets that is refused before a word of it is read: as Refusal, in the form in which servers of the
// protocols say that they can serve nobody. A PostgreSQL client that asks for TLS says only that there was an error: what comes
// before TLS it does not trust.
func (f *Front) Unheard(code int64, reason string) []byte {
	switch f.options.Protocol {
	case Postgres:
		return postgres.AppendError(nil, postgres.StateRefused, reason)
	case MySQL:
		return mysql.AppendError(nil, 0, code, reason)
	default:
		return []byte(f.options.RefusalMessage)
	}
}

// Refuse sends the refusal and the end of file to the client, and then is Leave. It blocks for a second at the most, with
// MySQL two. The connection is for the caller to close, best after a moment in which the client can read.
func (a *Arrival) Refuse(code int64, reason string) {
	defer a.Leave()
	conn := mysql.Numbered(a.Conn) // a refusal has the client's number already
	conn.SetWriteDeadline(time.Now().Add(refusalTime))
	if refusal := a.Refusal(code, reason); len(refusal) > 0 {
		if _, err := conn.Write(refusal); err != nil {
			return
		}
	}
	if secure, ok := conn.(*tls.Conn); ok {
		secure.CloseWrite()
	}
}

// Leave closes the upstream of an arrival that does not join it; there is one with MySQL only. It blocks for a second at the
// most, in which the server may see a login fail: one from which clients go without a login blocks the gate's host.
func (a *Arrival) Leave() {
	upstream := a.Upstream
	if a.Upstream = nil; upstream == nil {
		return
	}
	if !a.greeted {
		upstream.Close()
		return
	}
	upstream.SetDeadline(time.Now().Add(leaveTime))
	mysql.Leave(upstream)
}

// Secured reports whether Conn is no longer the connection that Greet was given.
func (a *Arrival) Secured() bool { return a.Facts.TLS != nil || mysql.Numbered(a.Conn) != a.Conn }

// header is the PROXY header for the upstream, nil for none. One that cannot be written, for fields of more than 64 KiB, is
// written without them.
func (a *Arrival) header() []byte {
	version := a.front.options.UpstreamProxy
	if version == ProxyOff {
		return nil
	}
	h := a.Facts.header(int(version))
	header, err := h.Append(nil)
	if err != nil {
		h.Fields = nil
		header, _ = h.Append(nil)
	}
	return header
}

// JoinWaits reports whether Join waits for the upstream. If not, Opening is all that the upstream must get first.
func (f *Front) JoinWaits() bool { return f.client != nil }

// Opening is what an upstream must get before what Conn gives: the PROXY header, unless it was sent already, and what is
// unread. It is right when JoinWaits is false.
func (a *Arrival) Opening() []byte {
	if a.Upstream != nil {
		return a.Unread
	}
	header := a.header()
	if header == nil {
		return a.Unread
	}
	return append(header, a.Unread...)
}

// Join says to an upstream what must be said before the client's words: the PROXY header, and TLS if the options have it. It
// gives the connection to use in place of the upstream's and what must be written there first, before what the arrival's
// Conn gives. With MySQL the upstream is the arrival's own. name is the upstream's host name, which its certificate must have
// unless the options say another.
//
// It blocks, with TLS, until the upstream has answered, the gate's timeout is over, or ctx ends. After an error the
// upstream is for the caller to close.
func (a *Arrival) Join(ctx context.Context, upstream net.Conn, name string) (net.Conn, []byte, error) {
	if !a.front.JoinWaits() {
		return upstream, a.Opening(), nil
	}
	if a.upstreamName != "" {
		name = a.upstreamName
	}
	ctx, cancel := context.WithTimeoutCause(ctx, a.front.options.Timeout, errTimeout)
	defer cancel()
	release := bound(ctx, upstream)
	secure, err := a.secureUpstream(ctx, upstream, name)
	if !release() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		if over := interrupted(ctx, AtUpstream); over != nil {
			err = over
		} else {
			err = &Error{Cause: UpstreamFailed, Step: AtUpstream, Err: withoutPrefix(err)}
		}
		return nil, nil, err
	}
	return secure, a.Unread, nil
}
