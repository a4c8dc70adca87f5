package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"moongate/runtime/wire"
)

// Bounds of what a server may do to a client.
const (
	dialTime    = 10 * time.Second // to connect, the TLS handshake included
	welcomeTime = time.Minute      // for HELLO and SESSION: the login may have to wait, and the open method runs
	joinTime    = 15 * time.Second // for JOIN and RESUME
	maxText     = 16 << 20         // of one string in a reply, in bytes
	maxReply    = 32 << 20         // of one reply, in bytes as it travels
	maxElements = 1 << 18          // of one list in a reply
)

// keepAlive notices within about 20 s that nobody answers any more. On Linux an unanswered request is noticed as
// soon.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3}

// unansweredTime is how long what was sent may stay without an acknowledgement of the server's machine.
const unansweredTime = 20 * time.Second

// transport is one TCP connection.
type transport struct {
	conn   net.Conn
	reader *wire.ReplyReader
}

// dial makes a transport.
func (c *Client) dial(ctx context.Context, address string) (*transport, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialTime, errNoAnswer)
	defer cancel()
	dial := c.config.Dial
	if dial == nil {
		dial = dialTCP
	}
	conn, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	if c.config.TLS != nil {
		secured := tls.Client(conn, c.tlsConfig())
		if err := secured.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		conn = secured
	}
	limits := wire.Limits{MaxArguments: maxElements, MaxBulk: maxText, MaxCommand: maxReply}
	return &transport{conn: conn, reader: wire.NewReplyReader(conn, limits)}, nil
}

func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: keepAlive, Control: limitUnanswered}
	return d.DialContext(ctx, "tcp", address)
}

// tlsConfig knows whom it expects to meet.
func (c *Client) tlsConfig() *tls.Config {
	config := c.config.TLS
	if config.ServerName != "" || config.InsecureSkipVerify {
		return config
	}
	config = config.Clone()
	config.ServerName, _, _ = net.SplitHostPort(c.config.Address)
	return config
}

func (t *transport) close() { t.conn.Close() }

// peer is the address that was connected to, or the given one where the transport is no network connection.
func (t *transport) peer(address string) string {
	if a, ok := t.conn.RemoteAddr().(*net.TCPAddr); ok {
		return a.String()
	}
	return address
}

// exchange sends a command and reads its reply, which may be an error of the server's. Pushes that come before are
// given as well. It is for a transport that no goroutine reads yet.
func (t *transport) exchange(ctx context.Context, f frame) (any, []push, error) {
	stop := context.AfterFunc(ctx, func() { t.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_, sent := t.conn.Write(f) // who is not let in may not be read: what the server says comes first
	var pushes []push
	for {
		reply, err := t.reader.ReadReply()
		if err != nil {
			return nil, nil, broken(ctx, endOf(sent, err))
		}
		p, ok := reply.(wire.Push)
		if !ok {
			return reply, pushes, nil
		}
		told, err := readPush(p)
		if err != nil || len(pushes) == maxEarly {
			return nil, nil, nonsense("too many pushes before a reply")
		}
		if told != nil {
			pushes = append(pushes, told)
		}
	}
}

// maxEarly is how many pushes may come before the reply to SESSION.
const maxEarly = 64

// endOf is the error of sending if reading only met the end.
func endOf(sent, read error) error {
	if sent != nil && errors.Is(read, io.EOF) {
		return sent
	}
	return read
}

// broken is the error of reading: nonsense if the server broke the protocol, the cause if ctx ended, else what the
// network said.
func broken(ctx context.Context, err error) error {
	var protocol wire.ProtocolError
	switch {
	case errors.As(err, &protocol):
		return nonsense("%s", protocol.Error())
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return err
}

var errNoAnswer = errors.New("no answer in time")

// introduce is HELLO and SESSION. It gives the pushes that came with the answers.
func (c *Client) introduce(ctx context.Context, t *transport) ([]push, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, welcomeTime, errNoAnswer)
	defer cancel()
	if err := c.hello(ctx, t); err != nil {
		return nil, err
	}
	m := c.config.Machine
	compiled := "0"
	if m.Compiled {
		compiled = "1"
	}
	f := newFrame("SESSION", 14).text("PROTOCOL").number(Protocol).text("VERSION").text(m.Version).text("MACHINE").text(m.Name).
		text("SYSTEMUSER").text(m.SystemUser).text("PROCESS").number(c.config.Process).text("NAME").text(c.config.Name).
		text("COMPILED").text(compiled)
	reply, pushes, err := t.exchange(ctx, f)
	if err != nil {
		return nil, err
	}
	if e, ok := reply.(wire.Error); ok && e.Code == "ERR" && strings.HasPrefix(e.Message, "unknown command") {
		return nil, &Error{Number: NumberVersion, Message: "the server is too old for remote clients: it does not know SESSION"}
	}
	if c.welcome, err = readWelcome(reply); err != nil {
		return nil, err
	}
	if c.welcome.Protocol != Protocol {
		return nil, &Error{Number: NumberVersion, Message: fmt.Sprintf("the server speaks version %d of the remote protocol, this client %d",
			c.welcome.Protocol, Protocol)}
	}
	return pushes, nil
}

// hello switches to RESP3 and logs in.
func (c *Client) hello(ctx context.Context, t *transport) error {
	f := plain("HELLO", "3")
	if user := c.config.User; user != "" || c.config.Password != "" {
		if user == "" {
			user = designer
		}
		f = plain("HELLO", "3", "AUTH", user, c.config.Password)
	}
	reply, _, err := t.exchange(ctx, f)
	if err != nil {
		return err
	}
	fields, err := readFields("HELLO", reply)
	if err != nil {
		return err
	}
	if server := fields.text("server"); server != "moongate" {
		return &Error{Number: NumberVersion, Message: fmt.Sprintf("what answers is %.32q and no Moongate", server)}
	}
	return nil
}

// designer is who logs in with a password and no name.
const designer = "Designer"

// cannotConnect says which server it was, and what is known of its kind.
func cannotConnect(ctx context.Context, address string, err error) error {
	var record tls.RecordHeaderError
	var known *Error
	var refused *Refused
	switch {
	case errors.As(err, &refused):
		return err
	case errors.As(err, &known) && known.Number != NumberLost:
		return &Error{Number: known.Number, Message: fmt.Sprintf("%s: %s", address, known.Message)}
	case errors.As(err, &known):
		return fmt.Errorf("%s: it does not look like the application listener of a Moongate server (or it wants TLS): %w", address, err)
	case errors.As(err, &record):
		return fmt.Errorf("%s: the server does not speak TLS there: %w", address, err)
	case nobodyListens(err):
		return fmt.Errorf("%s: nobody listens there; is the server running?: %w", address, err)
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", address, context.Cause(ctx))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the server closed the connection without an answer; does it want TLS?", address)
	}
	return fmt.Errorf("%s: %w", address, err)
}
