package front

import (
	"context"
	"errors"
	"fmt"

	"moongate/runtime/front/mysql"
)

// The numbers of the first packets after the greeting, which has 0: a login, or a request for TLS and a login.
const (
	mysqlFirst  = 1
	mysqlSecond = 2
)

// greetMySQL dials the upstream, passes its greeting on, and reads the login. The offer of TLS in the greeting is the
// gate's own.
func (f *Front) greetMySQL(ctx context.Context, a *Arrival, s *stream) error {
	greeting, err := f.upstreamGreeting(ctx, a)
	if err != nil {
		return err
	}
	if _, err := a.Conn.Write(greeting.Offer(f.server != nil)); err != nil {
		return readFailed(ctx, AtLogin, false, err)
	}
	login, packet, err := f.readMySQL(ctx, a, s, mysqlFirst)
	if err != nil {
		return err
	}
	if login.WantsTLS {
		if f.server == nil {
			return f.sayMySQL(a, packet, &Error{Cause: LoginUnsupported, Step: AtLogin, Err: errors.New("TLS that was not offered")})
		}
		if err := f.secure(ctx, a, s); err != nil { // with what is in the stream: clients do not wait for an answer
			return err
		}
		s = &stream{Conn: a.Conn}
		if login, packet, err = f.readMySQL(ctx, a, s, mysqlSecond); err != nil {
			return err
		}
		if login.WantsTLS {
			return f.sayMySQL(a, packet, &Error{Cause: LoginMalformed, Step: AtLogin, Err: errors.New("a request for TLS inside TLS")})
		}
	}
	return f.mysqlArrived(a, s, login, packet)
}

// upstreamGreeting dials the upstream and reads what it says first. An error of the upstream's is passed on to the client.
func (f *Front) upstreamGreeting(ctx context.Context, a *Arrival) (*mysql.Greeting, error) {
	conn, name, err := f.options.Dial(ctx, a.Facts)
	if err != nil {
		return nil, f.upstreamFailed(ctx, a, err)
	}
	a.Upstream, a.upstreamName = conn, name
	release := bound(ctx, conn)
	defer release()
	if header := a.header(); header != nil {
		if _, err := conn.Write(header); err != nil {
			return nil, f.upstreamFailed(ctx, a, err)
		}
	}
	s := &stream{Conn: conn}
	measure := func(b []byte) (int, error) { return mysql.Measure(b, mysql.MaxGreeting) }
	packet, err := s.take(ctx, AtUpstream, measure, func(err error) error { return err })
	if err != nil {
		return nil, f.upstreamFailed(ctx, a, err)
	}
	if text, failed := mysql.ErrorText(packet); failed {
		a.Conn.Write(packet)
		return nil, &Error{Cause: UpstreamFailed, Step: AtUpstream, Err: errors.New(text)}
	}
	greeting, err := mysql.ParseGreeting(packet)
	if err == nil && f.client != nil && greeting.Capabilities&mysql.TLS == 0 {
		err = errors.New("it has no TLS; switch that on there, or off for the upstream")
	}
	if err != nil {
		return nil, f.upstreamFailed(ctx, a, err)
	}
	a.greeted = true
	return &greeting, nil
}

// upstreamFailed tells the client that there is no upstream, and makes the error of it.
func (f *Front) upstreamFailed(ctx context.Context, a *Arrival, err error) error {
	if over := interrupted(ctx, AtUpstream); over != nil {
		return over
	}
	a.Conn.Write(mysql.AppendError(nil, 0, mysql.CodeUnknown, "the server behind the gate cannot be reached"))
	var failed *Error
	if errors.As(err, &failed) {
		err = errors.New(failed.Cause.String())
	}
	return &Error{Cause: UpstreamFailed, Step: AtUpstream, Err: err}
}

// readMySQL reads a login, or the request for TLS before it, with its number.
func (f *Front) readMySQL(ctx context.Context, a *Arrival, s *stream, number uint8) (mysql.Login, []byte, error) {
	measure := func(b []byte) (int, error) { return mysql.Measure(b, mysql.MaxLogin) }
	packet, err := s.take(ctx, AtLogin, measure, loginFailed)
	if err != nil {
		return mysql.Login{}, nil, err
	}
	login, err := mysql.ParseLogin(packet)
	if err == nil && mysql.Sequence(packet) != number {
		err = fmt.Errorf("%w: packet %d where %d comes", mysql.ErrMalformed, mysql.Sequence(packet), number)
	}
	if err != nil {
		return mysql.Login{}, nil, f.sayMySQL(a, packet, loginFailed(err))
	}
	return login, packet, nil
}

// mysqlArrived takes over what a login says.
func (f *Front) mysqlArrived(a *Arrival, s *stream, login mysql.Login, packet []byte) error {
	if f.server != nil && a.Facts.TLS == nil && !f.options.TLS.Optional {
		return f.sayMySQL(a, packet, &Error{Cause: TLSMissing, Step: AtLogin})
	}
	if len(login.User) > maxUser {
		return f.sayMySQL(a, packet, &Error{Cause: LoginTooLong, Step: AtLogin, Err: fmt.Errorf("a user name of %d bytes", len(login.User))})
	}
	a.Facts.Login = &LoginFacts{
		User: login.User, Database: login.Database, Application: login.Attributes["program_name"], Plugin: login.Plugin,
		Parameters: login.Attributes,
	}
	a.login, a.answerTo = &login, mysql.Sequence(packet)
	first := uint8(mysqlFirst)
	if f.client != nil {
		first = mysqlSecond
	}
	a.Unread = append(login.Packet(first, f.client != nil), s.rest()...)
	a.Conn = mysql.Renumber(a.Conn, int8(a.answerTo)-int8(first))
	return nil
}

// sayMySQL sends an error to the client that broke the rules by a packet, and gives it back.
func (f *Front) sayMySQL(a *Arrival, packet []byte, err error) error {
	reason := err.Error()
	var failed *Error
	if errors.As(err, &failed) && failed.Cause == TLSMissing {
		reason = "this server lets clients in with TLS only"
	}
	a.Conn.Write(mysql.AppendError(nil, mysql.Sequence(packet)+1, mysql.CodeAccessDenied, reason))
	return err
}
