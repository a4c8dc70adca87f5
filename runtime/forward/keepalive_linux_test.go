package forward_test

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"moongate/runtime/forward"
)

// TestKeepAliveOfUpstreams: an upstream that is still there after some seconds has keep-alive, which ends a flow whose upstream has gone
// without a word; one that has just come has none yet.
func TestKeepAliveOfUpstreams(t *testing.T) {
	var clock atomic.Int64
	e, err := forward.NewWithClock(forward.Options{Loops: 1}, clock.Load)
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(t, raw, forward.Options{Loops: -1})
	g.Engine = e
	p := g.open(t, forward.Terms{})
	fd := socketOf(t, p.upstream.RemoteAddr())
	option := func(level, name int) int {
		value, err := unix.GetsockoptInt(fd, level, name)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	if got := option(unix.SOL_SOCKET, unix.SO_KEEPALIVE); got != 0 {
		t.Errorf("keep-alive at first: got %d, want 0", got)
	}
	clock.Add(int64(time.Minute))
	for limit := time.Now().Add(patience); option(unix.SOL_SOCKET, unix.SO_KEEPALIVE) == 0; {
		p.say(p.client, p.upstream, "something happens")
		if time.Now().After(limit) {
			t.Fatal("keep-alive was never set")
		}
	}
	p.say(p.client, p.upstream, "the options have all been set")
	got := [3]int{option(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE), option(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL), option(unix.IPPROTO_TCP, unix.TCP_KEEPCNT)}
	if want := [3]int{15, 15, 9}; got != want {
		t.Errorf("idle, interval and probes: got %v, want %v", got, want)
	}
}

// socketOf is the socket of this program that has an address at its own end.
func socketOf(t *testing.T, local net.Addr) int {
	port := local.(*net.TCPAddr).Port
	for fd := range 1024 {
		if name, err := unix.Getsockname(fd); err == nil {
			if v4, ok := name.(*unix.SockaddrInet4); ok && v4.Port == port {
				return fd
			}
		}
	}
	t.Fatalf("no socket has the address %v", local)
	return -1
}
