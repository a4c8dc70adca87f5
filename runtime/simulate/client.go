package simulate

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"moongate/runtime/wire"
)

// Client is one client of a run. Its methods belong to the goroutine of its behaviour, except Over.
type Client struct {
	Number  int64      // from 1 on, in the order of coming
	User    User       // as whom it logs in; without a name it does not
	Address netip.Addr // the source address; the zero one is the system's choice
	Random  *rand.Rand // its own, from the seed of the run and its number

	run       *Run
	scheduled time.Time // when it should have come; zero once it has connected, or has waited by its own will
	talk      *talk     // nil: not connected
	decided   bool      // it got a verdict
}

// talk is one connection of a client.
type talk struct {
	net.Conn
	replies *wire.ReplyReader
	began   []byte      // the first bytes that came, for messages
	waiting []byte      // what came while the client rested, not read by replies yet
	unhook  func() bool // from the end of the run
}

// Login is as whom and from where to connect, if not as the plan has it for this client.
type Login struct {
	User    *User      // nil: Client.User
	Address netip.Addr // the zero one: Client.Address
}

// Verdict is what a server decided.
type Verdict struct {
	Accepted bool
	Code     int64  // of a refusal
	Reason   string // of a refusal, as the server put it
}

// Over is closed when the time of the run is over: the client should leave. It may be called from any goroutine.
func (c *Client) Over() <-chan struct{} { return c.run.over.Done() }

// AtOver has f called in a goroutine of its own when the time of the run is over, at once if it is. The function that
// it gives takes that back, and reports false if f was called already.
func (c *Client) AtOver(f func()) (forget func() bool) { return context.AfterFunc(c.run.over, f) }

// UserNamed is one of the plan's users.
func (c *Client) UserNamed(name string) (User, bool) {
	i := slices.IndexFunc(c.run.plan.Users, func(u User) bool { return u.Name == name })
	if i < 0 {
		return User{}, false
	}
	return c.run.plan.Users[i], true
}

// Connected reports whether the client has a connection, as far as it knows.
func (c *Client) Connected() bool { return c.talk != nil }

// Connect connects, and waits for the verdict, at most as long as the plan's Timeout; the connection that the client
// had is closed. The error is a *Failure, ErrOver or ErrBrokenOff, and is counted already.
func (c *Client) Connect(login Login) (Verdict, error) {
	if err := c.Close(); errors.Is(err, ErrBrokenOff) {
		return Verdict{}, err
	}
	if c.run.over.Err() != nil && c.scheduled.IsZero() {
		return Verdict{}, ErrOver
	}
	since := c.scheduled
	if since.IsZero() {
		since = time.Now()
	}
	c.scheduled = time.Time{}
	user, address := c.User, c.Address
	if login.User != nil {
		user = *login.User
	}
	if login.Address.IsValid() {
		address = login.Address
	}
	c.run.tally.opens()
	verdict, err := c.connect(user, address)
	if err != nil || !verdict.Accepted {
		c.drop()
		c.run.tally.closes()
	}
	if err != nil {
		return Verdict{}, c.run.failed(err)
	}
	c.decided = true
	c.run.tally.decided(verdict, time.Since(since))
	return verdict, nil
}

// connect does the work of Connect.
func (c *Client) connect(user User, address netip.Addr) (Verdict, error) {
	deadline := time.Now().Add(c.run.plan.Timeout)
	ctx, cancel := context.WithDeadline(c.run.hard, deadline)
	defer cancel()
	conn, err := c.run.plan.Dial(ctx, address)
	if err != nil {
		return Verdict{}, failed(err, "")
	}
	if c.run.plan.TLS != nil {
		secured := tls.Client(conn, c.run.plan.TLS)
		if err := secured.HandshakeContext(ctx); err != nil {
			conn.Close()
			return Verdict{}, tlsFailure(err)
		}
		conn = secured
	}
	c.talk = &talk{Conn: conn}
	c.talk.unhook = context.AfterFunc(c.run.hard, func() { conn.Close() })
	if c.run.plan.Raw {
		return Verdict{Accepted: true}, nil
	}
	c.talk.replies = wire.NewReplyReader(c.talk, wire.Limits{})
	c.talk.SetDeadline(deadline)
	c.talk.Write(c.run.firstWords(user)) // if they cannot be sent, the reading says why: a refusal may be there
	return c.verdict()
}

// firstWords are what a client says first. A behaviour gets RESP3, in which maps and truth values come as such.
func (r *Run) firstWords(user User) []byte {
	_, simple := r.plan.Behaviour.(ordinary)
	switch {
	case user.Name != "":
		return packed("HELLO", "3", "AUTH", user.Name, user.Password)
	case simple:
		return packed("PING")
	default:
		return packed("HELLO", "3")
	}
}

// tlsFailure is what went wrong in a handshake. A deadline is one; everything else is about TLS, an end of file
// included: that is what servers do that do not know it.
func tlsFailure(err error) *Failure {
	if f := failed(err, ""); f.Kind == TimedOut {
		return f
	}
	return &Failure{NoTLS, err}
}

// verdict reads the answer to the first words.
func (c *Client) verdict() (Verdict, error) {
	reply, err := c.talk.reply()
	if err != nil {
		return Verdict{}, failed(err, string(c.talk.began))
	}
	e, isError := reply.(wire.Error)
	if !isError {
		return Verdict{Accepted: true}, nil
	}
	if e.Code != "REFUSED" {
		return Verdict{}, answered(e)
	}
	number, reason, _ := strings.Cut(e.Message, " ")
	code, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		reason = e.Message
	}
	return Verdict{Code: code, Reason: reason}, nil
}

// Call calls a project method and waits for what it gives: nil, bool, int64, float64, string, []any or wire.Map. The
// error is a wire.Error if the server answered with one, ErrNotConnected, ErrOver or ErrBrokenOff, or says that the
// connection was lost, which is counted.
func (c *Client) Call(method string, arguments ...string) (any, error) {
	return c.CallSince(time.Now(), method, arguments...)
}

// CallSince is Call with the moment from which its latency is measured.
func (c *Client) CallSince(since time.Time, method string, arguments ...string) (any, error) {
	switch {
	case c.talk == nil || c.run.plan.Raw:
		return nil, ErrNotConnected
	case c.run.over.Err() != nil:
		return nil, ErrOver
	}
	c.talk.SetDeadline(time.Now().Add(c.run.plan.Timeout))
	c.talk.Write(packed(append([]string{"CALL", method}, arguments...)...))
	reply, err := c.talk.reply()
	if err != nil {
		return nil, c.lost(err, "")
	}
	failed, isError := reply.(wire.Error)
	if isError && failed.Code == "CLOSED" {
		return nil, c.lost(io.EOF, failed.Message)
	}
	if isError {
		c.run.tally.called(method, time.Since(since), &failed)
		return nil, failed
	}
	c.run.tally.called(method, time.Since(since), nil)
	return reply, nil
}

// isRefusedCall reports whether the server answered a call with an error: the connection goes on.
func isRefusedCall(err error) bool {
	var e wire.Error
	return errors.As(err, &e)
}

// Rest waits until a moment, or until the time of the run is over, which is no error, and notices it if the
// connection is lost meanwhile. A client that is not connected just waits. The error is that of a lost connection or
// ErrBrokenOff.
func (c *Client) Rest(until time.Time) error {
	if c.talk == nil {
		return c.sleep(until)
	}
	if c.run.over.Err() != nil || !time.Now().Before(until) {
		return nil
	}
	t := c.talk
	t.SetReadDeadline(until)
	woken := make(chan struct{})
	unhook := context.AfterFunc(c.run.over, func() {
		t.SetReadDeadline(time.Unix(1, 0))
		close(woken)
	})
	defer func() {
		if !unhook() {
			<-woken // or it would cut short what comes next
		}
	}()
	for {
		var piece [512]byte
		n, err := t.Conn.Read(piece[:])
		if !c.run.plan.Raw {
			t.waiting = append(t.waiting, piece[:n]...)
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return c.lost(err, t.lastWords())
		}
		if len(t.waiting) > longestNotice {
			return c.lost(wire.ProtocolError("too much was said to a client that asked nothing"), "")
		}
	}
}

// longestNotice is how many bytes of messages a client at rest keeps.
const longestNotice = 1 << 20

// sleep is Rest without a connection.
func (c *Client) sleep(until time.Time) error {
	c.scheduled = time.Time{}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.run.over.Done():
	case <-c.run.hard.Done():
		return ErrBrokenOff
	}
	return nil
}

// Close leaves as a good client does: it says so, and waits for the end of file, by which the server says that the
// close method is over. It does nothing if the client is not connected. The error is ErrBrokenOff or nil.
func (c *Client) Close() error {
	t := c.talk
	if t == nil {
		return nil
	}
	defer c.drop()
	defer c.run.tally.closes()
	if c.run.plan.Raw {
		c.run.tally.left(-1)
		return nil
	}
	since := time.Now()
	t.SetDeadline(since.Add(c.run.plan.Timeout))
	t.Write(packed("QUIT"))
	for {
		reply, err := t.reply()
		e, isError := reply.(wire.Error)
		switch {
		case err == nil && isError && e.Code == "CLOSED":
			c.run.tally.lost(e.Message)
			return nil
		case err == nil:
			continue
		case c.run.hard.Err() != nil:
			c.run.tally.brokeOff()
			return ErrBrokenOff
		case errors.Is(err, io.EOF):
			c.run.tally.left(time.Since(since))
		default:
			c.run.tally.left(-1) // it has left all the same, but how long that took is not known
		}
		return nil
	}
}

// lost counts a connection that ended before the client did, and forgets it. said is what the server said last.
func (c *Client) lost(err error, said string) error {
	c.drop()
	c.run.tally.closes()
	if c.run.hard.Err() != nil {
		c.run.tally.brokeOff()
		return ErrBrokenOff
	}
	reason := said
	if reason == "" {
		reason = lossOf(failed(err, ""))
	}
	c.run.tally.lost(reason)
	return &errLost{reason}
}

// lossOf is why a connection was lost, when the server said nothing.
func lossOf(f *Failure) string {
	switch f.Kind {
	case Closed:
		return "closed without a word"
	case TimedOut:
		return "no answer in time"
	default:
		return f.Error()
	}
}

// drop closes the connection, if there is one.
func (c *Client) drop() {
	if c.talk == nil {
		return
	}
	c.talk.unhook()
	c.talk.Conn.Close()
	c.talk = nil
}

// Read is what the replies are read from.
func (t *talk) Read(b []byte) (int, error) {
	if len(t.waiting) > 0 {
		n := copy(b, t.waiting)
		t.waiting = t.waiting[n:]
		return n, nil
	}
	n, err := t.Conn.Read(b)
	if t.began == nil {
		t.began = append([]byte{}, b[:min(n, 64)]...)
	}
	return n, err
}

// reply reads the next reply, past the messages of the server.
func (t *talk) reply() (any, error) {
	for {
		reply, err := t.replies.ReadReply()
		if _, isPush := reply.(wire.Push); err != nil || !isPush {
			return reply, err
		}
	}
}

// lastWords is what a server that has closed the connection said before, "" when it said nothing. There is nothing to
// wait for.
func (t *talk) lastWords() string {
	if t.replies == nil {
		return ""
	}
	t.Conn.Close()
	for {
		reply, err := t.reply()
		if e, ok := reply.(wire.Error); ok && err == nil {
			return e.Message
		}
		if err != nil {
			return ""
		}
	}
}

// packed is a command as it travels.
func packed(words ...string) []byte {
	b := append([]byte{'*'}, strconv.Itoa(len(words))...)
	for _, w := range words {
		b = append(b, "\r\n$"...)
		b = append(strconv.AppendInt(b, int64(len(w)), 10), "\r\n"...)
		b = append(b, w...)
	}
	return append(b, "\r\n"...)
}
