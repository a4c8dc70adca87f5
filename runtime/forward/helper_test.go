package forward_test

import (
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"moongate/runtime/forward"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// form is one way in which sockets come to the engine. Every test that can runs in all of them.
type form struct {
	name string
	// client makes a socket of an accepted connection, and says how Done closes it.
	client func(*testing.T, *net.TCPConn) (forward.Socket, func())
	// upstream makes a socket for an upstream that listens.
	upstream func(*testing.T, net.Addr) forward.Socket
	connects bool // the engine connects the upstream
	raw      bool // no goroutine serves it
}

var forms = append(rawForms,
	form{name: "goroutines", client: wrappedClient, upstream: to, connects: true},
	form{name: "wrapped upstream", client: wrappedClient, upstream: dialled})

func wrappedClient(_ *testing.T, c *net.TCPConn) (forward.Socket, func()) {
	return forward.Conn(c), func() { c.Close() }
}

func to(_ *testing.T, a net.Addr) forward.Socket {
	return forward.To(a.(*net.TCPAddr).AddrPort())
}

func dialled(t *testing.T, a net.Addr) forward.Socket {
	c, err := net.Dial("tcp", a.String())
	if err != nil {
		t.Fatal(err)
	}
	return forward.Conn(c)
}

// inAllForms runs a test in each form.
func inAllForms(t *testing.T, test func(*testing.T, form)) {
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) { test(t, f) })
	}
}

// gate is an engine, with an upstream that listens.
type gate struct {
	*forward.Engine
	form     form
	listener *net.TCPListener // where clients come in
	upstream *net.TCPListener
}

// newGate makes a gate. When the test is over, nothing of it may be left.
func newGate(t testing.TB, form form, o forward.Options) *gate {
	t.Helper()
	before := resources()
	e, err := forward.New(o)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{Engine: e, form: form, listener: listen(t), upstream: listen(t)}
	t.Cleanup(func() {
		g.Close()
		g.listener.Close()
		g.upstream.Close()
		for limit := time.Now().Add(patience); ; runtime.Gosched() {
			now := resources()
			if now.goroutines <= before.goroutines && now.descriptors <= before.descriptors {
				return
			}
			if time.Now().After(limit) {
				t.Errorf("left behind: had %+v, want %+v", now, before)
				return
			}
		}
	})
	return g
}

func listen(t testing.TB) *net.TCPListener {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

type used struct{ goroutines, descriptors int }

// resources are what the test's program has now.
func resources() used {
	u := used{goroutines: runtime.NumGoroutine()}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		if name, _ := os.Readlink("/proc/self/fd/" + e.Name()); !strings.Contains(name, "eventpoll") && !strings.Contains(name, "eventfd") {
			u.descriptors++ // Go's own poller comes with the first socket
		}
	}
	return u
}

// pair is a flow with its two outer ends, as the client and the upstream see it.
type pair struct {
	t        testing.TB
	client   *net.TCPConn
	upstream *net.TCPConn
	flow     *forward.Flow
	ended    chan forward.End
}

// open makes a flow that is connected.
func (g *gate) open(t *testing.T, terms forward.Terms) *pair {
	t.Helper()
	p := g.begin(t, terms)
	u, err := g.upstream.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	p.upstream = u
	t.Cleanup(func() { u.Close() })
	return p
}

// begin makes a flow whose upstream has accepted nobody yet.
func (g *gate) begin(t *testing.T, terms forward.Terms) *pair {
	t.Helper()
	outer, inner := g.connect(t)
	s, closeClient := g.form.client(t, inner)
	p := &pair{t: t, client: outer, ended: make(chan forward.End, 1)}
	p.flow = g.Forward(s, g.form.upstream(t, g.upstream.Addr()), terms, func(end forward.End, _ func()) {
		closeClient()
		p.ended <- end
	})
	return p
}

// connect makes a connection to the gate.
func (g *gate) connect(t testing.TB) (outer, inner *net.TCPConn) {
	t.Helper()
	c, err := net.Dial("tcp", g.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	inner, err = g.listener.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn), inner
}

// end waits for the flow's end and checks its cause.
func (p *pair) end(want forward.Cause) forward.End {
	p.t.Helper()
	select {
	case end := <-p.ended:
		if end.Cause != want {
			p.t.Errorf("the flow ended with %q (%v), want %q", end.Cause, end.Err, want)
		}
		return end
	case <-time.After(patience):
		p.t.Fatalf("the flow has not ended, want the cause %q", want)
		return forward.End{}
	}
}
