package front

import (
	"context"
	"net"
)

// firstRoom is the size of the first buffer of a stream, in bytes: enough for what honest clients say first.
const firstRoom = 512

// stream is a connection of which something has been read that is still to be used.
type stream struct {
	net.Conn
	in    []byte // read, and not used
	hello *hello // what TLS on this connection has seen of the client
}

// Read gives what is in, and then what the connection gives.
func (s *stream) Read(b []byte) (int, error) {
	if len(s.in) > 0 {
		n := copy(b, s.in)
		if s.in = s.in[n:]; len(s.in) == 0 {
			s.in = nil
		}
		return n, nil
	}
	return s.Conn.Read(b)
}

// NetConn is the connection below.
func (s *stream) NetConn() net.Conn { return s.Conn }

// need reads until at least n bytes are in. The error is that of a read which failed in this step.
func (s *stream) need(ctx context.Context, step Step, n int) error {
	for len(s.in) < n {
		if err := s.fill(); err != nil {
			return readFailed(ctx, step, len(s.in) > 0, err)
		}
	}
	return nil
}

// take reads until measure finds the end of a packet, and takes that from the stream. measure says at which size it gives
// a packet up, so what is read is bounded by twice that. What is wrong with a packet is for wrong to turn into an error.
func (s *stream) take(ctx context.Context, step Step, measure func([]byte) (int, error), wrong func(error) error) ([]byte, error) {
	for {
		n, err := measure(s.in)
		switch {
		case err != nil:
			return nil, wrong(err)
		case n > 0:
			packet := s.in[:n:n]
			s.in = s.in[n:]
			return packet, nil
		}
		if err := s.fill(); err != nil {
			return nil, readFailed(ctx, step, len(s.in) > 0, err)
		}
	}
}

// fill reads once, with room that grows with what has come.
func (s *stream) fill() error {
	if len(s.in) == cap(s.in) {
		room := make([]byte, len(s.in), max(firstRoom, 2*len(s.in)))
		copy(room, s.in)
		s.in = room
	}
	for {
		n, err := s.Conn.Read(s.in[len(s.in):cap(s.in)])
		s.in = s.in[:len(s.in)+n]
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// rest takes what is in.
func (s *stream) rest() []byte {
	rest := s.in
	s.in = nil
	return rest
}
