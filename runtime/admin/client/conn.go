package client

import (
	"context"
	"errors"
	"net"
	"sync"
)

// What a connection fails with whose other end does not speak HTTP.
var (
	errRESP   = errors.New("an error of RESP") // it is the address where clients connect
	errNoHTTP = errors.New("no HTTP")
)

// conn is a connection that notices by the first byte when its other end does not speak HTTP. Left to itself, package http
// says of it what nobody understands, and differently each time.
type conn struct {
	net.Conn
	asked  chan struct{} // closed by the first Write, and by Close
	once   sync.Once     // of asked
	spoken bool          // the other end has; of the goroutine that reads
}

// dial connects with a dialer.
func dial(dialer *net.Dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &conn{Conn: c, asked: make(chan struct{})}, nil
	}
}

// Write is net.Conn's.
func (c *conn) Write(b []byte) (int, error) {
	c.once.Do(func() { close(c.asked) })
	return c.Conn.Write(b)
}

// Close is net.Conn's.
func (c *conn) Close() error {
	c.once.Do(func() { close(c.asked) })
	return c.Conn.Close()
}

// Read is net.Conn's, but waits for the first Write: only then is what comes an answer.
func (c *conn) Read(b []byte) (int, error) {
	if c.spoken {
		return c.Conn.Read(b)
	}
	<-c.asked
	n, err := c.Conn.Read(b)
	c.spoken = n > 0
	switch {
	case c.spoken && b[0] == '-': // its error for a command named GET
		return 0, errRESP
	case c.spoken && b[0] != 'H':
		return 0, errNoHTTP
	}
	return n, err
}
