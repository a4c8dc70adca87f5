package forward_test

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"moongate/runtime/forward"
)

var raw = rawForms[0]

// deaf is the address of an upstream that never answers: its queue is full.
func deaf(t *testing.T) netip.AddrPort {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, _ := unix.Getsockname(fd)
	address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(name.(*unix.SockaddrInet4).Port))
	for {
		c, err := net.DialTimeout("tcp", address.String(), 50*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { c.Close() })
	}
}

// connecting makes a flow whose upstream never answers.
func (g *gate) connecting(t *testing.T, terms forward.Terms) *pair {
	outer, inner := g.connect(t)
	s, closeClient := g.form.client(t, inner)
	p := &pair{t: t, client: outer, ended: make(chan forward.End, 1)}
	p.flow = g.Forward(s, forward.To(deaf(t)), terms, func(end forward.End, _ func()) {
		closeClient()
		p.ended <- end
	})
	return p
}

func TestConnectTimeout(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		if form.connects {
			p := newGate(t, form, forward.Options{}).connecting(t, forward.Terms{ConnectTimeout: 30 * time.Millisecond})
			if end := p.end(forward.ConnectTimeout); end.Err == nil {
				t.Error("End.Err: got none, want one")
			}
		}
	})
}

func TestEndWhileConnecting(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		if form.connects {
			p := newGate(t, form, forward.Options{}).connecting(t, forward.Terms{ConnectTimeout: patience})
			p.flow.End(forward.Asked)
			p.end(forward.Asked)
			p.silent(p.client)
		}
	})
}

func TestClientLostWhileConnecting(t *testing.T) {
	p := newGate(t, raw, forward.Options{}).connecting(t, forward.Terms{})
	p.client.SetLinger(0)
	p.client.Close()
	p.end(forward.ClientLost)
}

func TestNoDescriptorLeft(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		if !form.connects {
			t.Skip("the upstream is connected by somebody else")
		}
		g := newGate(t, form, forward.Options{})
		outer, inner := g.connect(t)
		s, closeClient := form.client(t, inner)
		ended := make(chan forward.End, 1)
		withoutDescriptors(t, func() {
			g.Forward(s, form.upstream(t, g.upstream.Addr()), forward.Terms{}, func(end forward.End, _ func()) {
				closeClient()
				ended <- end
			})
			(&pair{t: t, ended: ended}).end(forward.NoResources)
		})
		outer.SetReadDeadline(time.Now().Add(patience))
		if _, err := outer.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the client saw %v, want the end of file", err)
		}
	})
}

// withoutDescriptors does something while the program can have no new file descriptor.
func withoutDescriptors(t *testing.T, do func()) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = 3
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	do()
}

// TestWithoutPipes: where no pipe can be had, buffers serve.
func TestWithoutPipes(t *testing.T) {
	t.Run("none allowed", func(t *testing.T) {
		p := newGate(t, raw, forward.Options{Pipes: -1}).open(t, forward.Terms{})
		p.through(t)
	})
	t.Run("no descriptor left", func(t *testing.T) {
		p := newGate(t, raw, forward.Options{}).open(t, forward.Terms{})
		withoutDescriptors(t, func() { p.through(t) })
	})
}

func (p *pair) through(t *testing.T) {
	var ends sync.WaitGroup
	ends.Go(func() { p.pour(p.client, 32<<20, 1) })
	p.check(p.upstream, 32<<20, 1)
	ends.Wait()
	p.upstream.Close()
	p.end(forward.ClientEnded)
}

// TestUrgentData: an urgent byte is not passed on, as a reader that does not ask for it would not read it, and
// nothing else is lost.
func TestUrgentData(t *testing.T) {
	p := newGate(t, raw, forward.Options{}).open(t, forward.Terms{})
	control, err := p.client.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for i := range 200 {
		piece := bytes.Repeat([]byte{byte('a' + i%26)}, 1+i*i%60000)
		p.client.Write(piece)
		want = append(want, piece...)
		control.Write(func(fd uintptr) bool {
			return unix.Sendto(int(fd), []byte{'!'}, unix.MSG_OOB|unix.MSG_NOSIGNAL, nil) != unix.EAGAIN
		})
		p.client.Write([]byte("after"))
		want = append(want, "after"...)
		if i%10 == 0 {
			p.hearOrdinary(want)
			want = nil
		}
	}
}

// hearOrdinary reads what was written, but for the marks of urgent bytes: one that is followed by another too early
// becomes an ordinary byte.
func (p *pair) hearOrdinary(want []byte) {
	p.t.Helper()
	p.upstream.SetReadDeadline(time.Now().Add(patience))
	var got []byte
	for buffer := make([]byte, 64<<10); len(got) < len(want); {
		n, err := p.upstream.Read(buffer)
		got = append(got, bytes.ReplaceAll(buffer[:n], []byte{'!'}, nil)...)
		if err != nil {
			p.t.Fatalf("got %d bytes and %v, want %d", len(got), err, len(want))
		}
	}
	if !bytes.Equal(got, want) {
		p.t.Fatal("other bytes arrived than were sent")
	}
}

// TestIdle: a loop looks at its clock whenever something happens to any flow; words make a flow less idle.
func TestIdle(t *testing.T) {
	var clock atomic.Int64
	now := func() int64 { return clock.Load() }
	e, err := forward.NewWithClock(forward.Options{Loops: 1}, now)
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(t, raw, forward.Options{Loops: -1})
	g.Engine = e
	other := g.open(t, forward.Terms{})
	p := g.open(t, forward.Terms{IdleTimeout: time.Hour, MaxDuration: 100 * time.Hour})
	pass := func(d time.Duration) {
		clock.Add(int64(d))
		other.say(other.client, other.upstream, "something happens")
		other.say(other.upstream, other.client, "and is over")
	}
	for range 5 {
		pass(59 * time.Minute)
		p.say(p.client, p.upstream, "word")
		pass(59 * time.Minute)
		p.say(p.upstream, p.client, "word")
	}
	pass(30 * time.Minute)
	if got := p.flow.Idle(); got != 30*time.Minute {
		t.Errorf("Idle: got %v, want 30m", got)
	}
	pass(31 * time.Minute)
	p.end(forward.Idle)
	p.silent(p.client)
	p.silent(p.upstream)
	late := g.open(t, forward.Terms{MaxDuration: time.Hour})
	pass(59 * time.Minute)
	late.say(late.client, late.upstream, "word")
	pass(2 * time.Minute)
	late.end(forward.MaxDuration)
}

// TestIdleByItself: the loop wakes when nothing happens.
func TestIdleByItself(t *testing.T) {
	p := newGate(t, raw, forward.Options{}).open(t, forward.Terms{IdleTimeout: 20 * time.Millisecond})
	p.end(forward.Idle)
}

// TestHeldFlows measures what an idle flow takes of Go's heap.
func TestHeldFlows(t *testing.T) {
	const count = 1000
	g := newGate(t, raw, forward.Options{})
	var held []io.Closer
	defer func() {
		for _, c := range held {
			c.Close()
		}
	}()
	clients, ups := make([]int, count), make([]int, count)
	for i := range count {
		clients[i], ups[i] = socketpair(t, &held), socketpair(t, &held)
	}
	goroutines := runtime.NumGoroutine()
	before := heap()
	for i := range count {
		fd := clients[i]
		g.Forward(forward.FD(fd), forward.FD(ups[i]), forward.Terms{IdleTimeout: time.Hour}, func(forward.End, func()) { unix.Close(fd) })
	}
	each := int(heap()-before) / count
	t.Logf("%d bytes for each idle flow", each)
	if each > 500 {
		t.Errorf("%d bytes for each idle flow, want at most 500", each)
	}
	if more := runtime.NumGoroutine() - goroutines; more != 0 {
		t.Errorf("%d goroutines more, want none", more)
	}
	runtime.KeepAlive(g)
}

func socketpair(t *testing.T, held *[]io.Closer) int {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	*held = append(*held, os.NewFile(uintptr(fds[1]), "other end"))
	return fds[0]
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestHandover: whatever a Done waits for, the loop goes on with the events that it has.
func TestHandover(t *testing.T) {
	const count = 200
	g := newGate(t, raw, forward.Options{Loops: 1})
	release := make(chan struct{})
	called, over := make(chan forward.End, count), make(chan struct{}, count)
	var ups []*net.TCPConn
	for range count {
		outer, inner := g.connect(t)
		s, closeClient := raw.client(t, inner)
		g.Forward(s, to(t, g.upstream.Addr()), forward.Terms{}, func(end forward.End, handover func()) {
			called <- end
			handover()
			<-release
			closeClient()
			over <- struct{}{}
		})
		u, err := g.upstream.AcceptTCP()
		if err != nil {
			t.Fatal(err)
		}
		ups = append(ups, u)
		outer.CloseWrite()
	}
	for _, u := range ups {
		u.Close()
	}
	for range count {
		if end := <-called; end.Cause != forward.ClientEnded && end.Cause != forward.UpstreamEnded {
			t.Errorf("got %q, want an end of both sides", end.Cause)
		}
	}
	p := g.open(t, forward.Terms{})
	p.say(p.client, p.upstream, "word")
	close(release)
	for range count {
		<-over
	}
}

func TestIPv6Upstream(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		g := newGate(t, form, forward.Options{})
		g.upstream.Close()
		l, err := net.ListenTCP("tcp6", &net.TCPAddr{IP: net.IPv6loopback})
		if err != nil {
			t.Skip("no IPv6 here: ", err)
		}
		g.upstream = l
		p := g.open(t, forward.Terms{})
		p.say(p.client, p.upstream, "question")
		p.say(p.upstream, p.client, "answer")
	})
}
