package host_test

import (
	"testing"
	"time"

	"moongate/runtime/host"
	"moongate/runtime/session"
)

// TestTermsOnTheApplicationListener holds that the open method can limit a connection in time, whatever the server's own limit.
func TestTermsOnTheApplicationListener(t *testing.T) {
	for terms, want := range map[string]struct {
		at    time.Duration
		cause session.Cause
		words string
	}{
		"{ idle_timeout = 3 }":                    {3 * time.Second, session.Idle, "-CLOSED no command came for too long\r\n"},
		"{ max_duration = 5, idle_timeout = 60 }": {6 * time.Second, session.OverTime, "-CLOSED the connection may not last longer\r\n"}, // looked at each second
		"nil": {20 * time.Second, session.Idle, "-CLOSED no command came for too long\r\n"},
	} {
		t.Run(terms, func(t *testing.T) {
			serveWith(t, files{"on_server_open_connection.lua": "return 0, nil, " + terms},
				func(c *host.Config) { c.IdleTimeout = 20 * time.Second },
				func(t *testing.T, s *server) {
					c := s.connectAccepted()
					time.Sleep(30 * time.Second)
					expect(t, "last words", c.take(), want.words)
					c.expectEnd(want.at, want.cause)
				})
		})
	}
}
