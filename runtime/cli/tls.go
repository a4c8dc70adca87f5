package cli

import (
	"fmt"
	"log/slog"

	"moongate/runtime/front"
	"moongate/runtime/listener"
)

// openTLS reads the certificates of the application listener; nil when it has none.
func (f *flags) openTLS(log *slog.Logger) (*front.Front, error) {
	if f.tlsCert == "" {
		return nil, nil
	}
	options := &front.TLSOptions{Pairs: []front.Pair{{Certificate: f.tlsCert, Key: f.tlsKey}}, ClientCA: f.tlsCA}
	if f.tlsCA != "" {
		options.ClientCertificate = front.RequiredCertificate
	}
	opened, err := front.New(front.Options{TLS: options, Timeout: f.loginTimeout, Log: log})
	if err != nil {
		return nil, fmt.Errorf("--tls-cert, --tls-key and --tls-client-ca: %w", err)
	}
	return opened, nil
}

// door is what decides who comes in by a listener.
func (s *server) door(l *listener.Listener) listener.Door {
	if s.front == nil {
		return s.host
	}
	return s.host.SecureDoor(s.front, l)
}
