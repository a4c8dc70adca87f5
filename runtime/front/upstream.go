package front

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"moongate/runtime/front/postgres"
)

// secureUpstream begins TLS with an upstream, after what must be said in clear text.
func (a *Arrival) secureUpstream(ctx context.Context, upstream net.Conn, name string) (net.Conn, error) {
	if header := a.header(); header != nil && a.Upstream == nil {
		if _, err := upstream.Write(header); err != nil {
			return nil, err
		}
	}
	switch a.front.options.Protocol {
	case Postgres:
		if err := askPostgres(upstream); err != nil {
			return nil, err
		}
	case MySQL:
		if _, err := upstream.Write(a.login.TLSRequest(mysqlFirst)); err != nil {
			return nil, err
		}
	}
	config := a.front.client.Get()
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName = name
	}
	secure := tls.Client(upstream, config)
	return secure, secure.HandshakeContext(ctx)
}

// askPostgres asks a PostgreSQL upstream for TLS. Its answer is one byte: what comes after is TLS already, so no more is
// read.
func askPostgres(upstream net.Conn) error {
	if _, err := upstream.Write(postgres.AppendTLSRequest(nil)); err != nil {
		return err
	}
	answer := make([]byte, 1)
	for n := 0; n == 0; {
		var err error
		if n, err = upstream.Read(answer); err != nil && n == 0 {
			return err
		}
	}
	if answer[0] != postgres.AnswerYes {
		return errors.New("it has no TLS; switch that on there, or off for the upstream")
	}
	return nil
}
