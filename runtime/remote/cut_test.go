package remote

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/wire"
)

// counting is a server that counts the calls of one link, and keeps the last reply for a transport that is lost.
type counting struct {
	mu     sync.Mutex
	calls  int64 // carried out
	joined bool
	lost   time.Time // when the link's transport was found lost
	done   int64     // requests since JOIN
	last   any       // reply
}

// serve talks by one transport until that ends.
func (s *counting) serve(conn net.Conn) {
	defer conn.Close()
	r, w := wire.NewReader(conn, wire.Limits{}), wire.NewWriter(conn)
	w.SetVersion(wire.RESP3)
	linked := false
	for {
		command, err := r.ReadCommand()
		if err != nil {
			break
		}
		replies := s.answer(&linked, command)
		for _, v := range replies {
			w.WriteValue(v)
		}
		if w.Flush() != nil || string(command[0]) == "QUIT" {
			break
		}
	}
	if linked {
		s.mu.Lock()
		s.lost = time.Now()
		s.mu.Unlock()
	}
}

func (s *counting) answer(linked *bool, command wire.Command) []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch name := string(command[0]); name {
	case "JOIN":
		if s.joined && (s.lost.IsZero() || time.Since(s.lost) < lostGrace) {
			return []any{wire.Error{Code: "INUSE"}}
		}
		*linked, s.joined, s.lost, s.done, s.last = true, true, time.Time{}, 0, nil
		return []any{joinReply}
	case "RESUME":
		if s.lost.IsZero() {
			return []any{wire.Error{Code: "INUSE"}}
		}
		*linked, s.lost = true, time.Time{}
		got := int64(command[3][0] - '0')
		if s.done == got+1 {
			return []any{resumeReply(s.done), s.last}
		}
		return []any{resumeReply(s.done)}
	case "CALLV":
		s.calls++
		s.done++
		s.last = []any{s.calls}
		return []any{s.last}
	default:
		return []any{right(name)}
	}
}

// frayed is the client's end of a transport that is cut when so many bytes have gone to the server, or come from it.
type frayed struct {
	net.Conn
	mu      sync.Mutex
	out, in int // bytes that are left; negative: any number
}

func (f *frayed) Write(b []byte) (int, error) { return f.carry(&f.out, b, f.Conn.Write) }

func (f *frayed) Read(b []byte) (int, error) { return f.carry(&f.in, b, f.Conn.Read) }

func (f *frayed) carry(left *int, b []byte, by func([]byte) (int, error)) (int, error) {
	f.mu.Lock()
	room := *left
	f.mu.Unlock()
	if room == 0 {
		f.Conn.Close()
		return 0, io.ErrClosedPipe
	}
	if room > 0 && len(b) > room {
		b = b[:room]
	}
	n, err := by(b)
	if room > 0 {
		f.mu.Lock()
		*left -= n
		f.mu.Unlock()
		if err == nil && room == n {
			f.Conn.Close()
		}
	}
	return n, err
}

// TestCutAtEveryByte: wherever a link's first transport is cut, each call is carried out once, and its own result
// comes.
func TestCutAtEveryByte(t *testing.T) {
	const calls, most = 3, 200 // more bytes than go one way
	for _, out := range []bool{true, false} {
		for cut := range most {
			synctest.Test(t, func(t *testing.T) {
				server, transports := &counting{}, 0
				dial := func(context.Context, string) (net.Conn, error) {
					client, end := net.Pipe()
					go server.serve(end) // ends with the transport
					transports++
					f := &frayed{Conn: client, out: -1, in: -1}
					if transports == 2 && out { // after the Application process's
						f.out = cut
					} else if transports == 2 {
						f.in = cut
					}
					return f, nil
				}
				c, err := Connect(ctx, Config{Address: "server:1", Dial: dial})
				if err != nil {
					t.Fatal(err)
				}
				p := c.Process(4, "P4")
				for i := range int64(calls) {
					v, err := p.Call(ctx, "bump", nil)
					if err != nil || len(v) != 1 || v[0] != i+1 {
						t.Errorf("cut at %d (out %v): call %d gives %v, %v", cut, out, i+1, v, err)
					}
				}
				if server.calls != calls {
					t.Errorf("cut at %d (out %v): %d calls were carried out, want %d", cut, out, server.calls, calls)
				}
				c.Close(ctx)
			})
		}
	}
}
