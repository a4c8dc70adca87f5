package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"moongate/runtime/front/postgres"
)

// postgresALPN is the application protocol of PostgreSQL, which a client names that begins TLS without a request.
const postgresALPN = "postgresql"

// tlsRecord is the first byte of TLS.
const tlsRecord = 0x16

// greetPostgres reads until a login or a request to cancel, and answers the requests for encryption before it.
func (f *Front) greetPostgres(ctx context.Context, a *Arrival, s *stream) error {
	if err := s.need(ctx, AtLogin, 1); err != nil {
		return err
	}
	if s.in[0] == tlsRecord && f.server != nil {
		if err := f.securePostgres(ctx, a, &s); err != nil {
			return err
		}
		if a.Facts.TLS.ALPN != postgresALPN { // as PostgreSQL does, so that no other protocol's client is led here
			return &Error{Cause: TLSNoAgreement, Step: AtTLS, Err: errors.New("TLS without a request needs the application protocol postgresql")}
		}
	}
	for range 3 { // a request for each encryption, and what follows
		packet, err := s.take(ctx, AtLogin, postgres.Measure, loginFailed)
		if err != nil {
			return f.sayPostgres(a, err)
		}
		first, err := postgres.Parse(packet)
		if err != nil {
			return f.sayPostgres(a, loginFailed(err))
		}
		switch first.Kind {
		case postgres.WantsTLS, postgres.WantsGSS:
			err = f.answerPostgres(ctx, a, &s, first.Kind)
		default:
			return f.postgresArrived(a, s, first, packet)
		}
		if err != nil {
			return err
		}
	}
	return f.sayPostgres(a, &Error{Cause: LoginMalformed, Step: AtLogin, Err: errors.New("the same request for encryption again")})
}

// answerPostgres answers a request for encryption, and begins TLS after a yes.
func (f *Front) answerPostgres(ctx context.Context, a *Arrival, s **stream, kind postgres.Kind) error {
	answer := byte(postgres.AnswerNo)
	if kind == postgres.WantsTLS && f.server != nil {
		if a.Facts.TLS != nil {
			return f.sayPostgres(a, &Error{Cause: LoginMalformed, Step: AtLogin, Err: errors.New("a request for TLS inside TLS")})
		}
		if len((*s).in) > 0 { // written by somebody in between, to be taken for the client's own words later
			return &Error{Cause: TLSGarbage, Step: AtTLS, Err: errors.New("words in clear text after the request for TLS")}
		}
		answer = postgres.AnswerYes
	}
	if _, err := a.Conn.Write([]byte{answer}); err != nil {
		return readFailed(ctx, AtLogin, false, err)
	}
	if answer == postgres.AnswerYes {
		return f.securePostgres(ctx, a, s)
	}
	return nil
}

// securePostgres goes on with what is inside TLS.
func (f *Front) securePostgres(ctx context.Context, a *Arrival, s **stream) error {
	if err := f.secure(ctx, a, *s); err != nil {
		return err
	}
	*s = &stream{Conn: a.Conn}
	return nil
}

// postgresArrived takes over what a login says.
func (f *Front) postgresArrived(a *Arrival, s *stream, first postgres.First, packet []byte) error {
	cancel := first.Kind == postgres.WantsCancel
	if f.server != nil && a.Facts.TLS == nil && !f.options.TLS.Optional && !cancel { // clients cancel in clear text
		return f.sayPostgres(a, &Error{Cause: TLSMissing, Step: AtLogin})
	}
	if len(first.User) > maxUser {
		return f.sayPostgres(a, &Error{Cause: LoginTooLong, Step: AtLogin, Err: fmt.Errorf("a user name of %d bytes", len(first.User))})
	}
	a.Facts.Login = &LoginFacts{
		User: first.User, Database: first.Database, Application: first.Application, Parameters: first.Parameters, Cancel: cancel,
	}
	a.Unread = append(packet, s.rest()...)
	return nil
}

// sayPostgres sends an error to the client that broke the rules, and gives it back. One that has gone or takes too long gets
// nothing.
func (f *Front) sayPostgres(a *Arrival, err error) error {
	var failed *Error
	if !errors.As(err, &failed) || failed.Cause == Left || failed.Cause == TimedOut || failed.Cause == Stopped {
		return err
	}
	reason := failed.Error()
	if failed.Cause == TLSMissing {
		reason = "this server lets clients in with TLS only: set sslmode=require"
	}
	state := postgres.StateProtocol
	if failed.Cause == TLSMissing || errors.Is(err, postgres.ErrNoUser) {
		state = postgres.StateRefused
	}
	a.Conn.Write(postgres.AppendError(nil, state, reason))
	if secure, ok := a.Conn.(*tls.Conn); ok {
		secure.CloseWrite()
	}
	return err
}
