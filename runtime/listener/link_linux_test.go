package listener

import (
	"crypto/tls"
	"log/slog"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"moongate/runtime/session"
)

// guests takes everybody in and hands the connections out.
type guests struct{ conns chan net.Conn }

func (g *guests) Open(session.Peer, func()) (Guest, []byte) { return g, nil }
func (g *guests) Rest()                                     {}
func (g *guests) Serve(c net.Conn)                          { g.conns <- c }

// meet gives both ends of a connection that a Listener has taken in.
func meet(t *testing.T) (client *net.TCPConn, accepted net.Conn) {
	t.Helper()
	l, err := Open("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	g := &guests{make(chan net.Conn, 1)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		l.Serve(g)
	}()
	dialled, err := net.Dial("tcp", l.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted = <-g.conns
	t.Cleanup(func() {
		dialled.Close()
		accepted.Close()
		l.Close()
		<-served
	})
	return dialled.(*net.TCPConn), accepted
}

func TestWatchLink(t *testing.T) {
	_, accepted := meet(t)
	WatchLink(tls.Server(accepted, &tls.Config{})) // finds what is below
	raw, err := accepted.(*conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		for _, option := range []struct {
			what        string
			level, name int
			want        int
		}{
			{"keep-alive", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
			{"idle", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 5},
			{"interval", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 5},
			{"probes", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
			{"user timeout", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 20_000},
		} {
			if got, err := unix.GetsockoptInt(int(fd), option.level, option.name); got != option.want || err != nil {
				t.Errorf("%s: got %d, %v, want %d", option.what, got, err, option.want)
			}
		}
	})
	WatchLink(nil) // nothing to watch
	WatchLink(&net.TCPConn{})
}

func TestLook(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(c *net.TCPConn)
	}{
		{"close", func(c *net.TCPConn) { c.Close() }},
		{"end of sending", func(c *net.TCPConn) { c.CloseWrite() }},
		{"reset", func(c *net.TCPConn) { c.SetLinger(0); c.Close() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, accepted := meet(t)
			secure := tls.Server(accepted, &tls.Config{})
			client.Write([]byte("unread"))
			if got := Look(accepted); got != Present || Gone(secure) {
				t.Errorf("before: got %v, want present", got)
			}
			test.do(client)
			for deadline := time.Now().Add(10 * time.Second); Look(secure) != Left; time.Sleep(time.Millisecond) { // the kernel's time
				if time.Now().After(deadline) {
					t.Fatal("the end is never seen")
				}
			}
			if !Gone(accepted) {
				t.Error("it is not gone")
			}
		})
	}
}

// A read that a deadline has ended can be followed by others, also inside TLS: the error says by itself that it is one.
func TestADeadlineIsAnErrorOfTheNetwork(t *testing.T) {
	_, accepted := meet(t)
	accepted.SetReadDeadline(time.Unix(1, 0))
	_, err := accepted.Read(make([]byte, 1))
	if failed, ok := err.(net.Error); !ok || !failed.Timeout() {
		t.Errorf("got %T %v, want a net.Error that is a timeout", err, err)
	}
}
