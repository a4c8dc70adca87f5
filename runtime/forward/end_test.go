package forward_test

import (
	"errors"
	"io"
	"sync"
	"syscall"
	"testing"
	"time"

	"moongate/runtime/forward"
)

// TestBackPressure: who is not read from is not written to without end, and goes on when it is read from.
func TestBackPressure(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		p := newGate(t, form, forward.Options{}).open(t, forward.Terms{})
		p.client.SetReadBuffer(32 << 10)
		const size = 64 << 20
		var ends sync.WaitGroup
		ends.Go(func() { p.pour(p.upstream, size, 3) })
		for same, before := 0, int64(0); same < 10; { // until nothing moves any more
			time.Sleep(10 * time.Millisecond) // that nothing comes has no cause to wait for
			_, out := p.flow.Bytes()
			if same++; out == 0 || out != before {
				same = 0
			}
			before = out
		}
		if _, out := p.flow.Bytes(); out == 0 || out >= size {
			t.Errorf("%d bytes moved to a client that does not read, want some, not all %d", out, size)
		}
		p.say(p.client, p.upstream, "the other direction goes on")
		p.check(p.client, size, 3)
		p.client.Close()
		p.end(forward.UpstreamEnded)
		ends.Wait()
	})
}

// TestEndWhileBlocked: an end that is asked for does not wait for a client that does not read.
func TestEndWhileBlocked(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		g := newGate(t, form, forward.Options{Pipes: 3})
		var flows [12]*pair
		var ends sync.WaitGroup
		for i := range flows {
			p := g.open(t, forward.Terms{})
			ends.Go(func() { io.Copy(struct{ io.Writer }{p.upstream}, source(1)) }) // until the end
			flows[i] = p
		}
		for _, p := range flows {
			for _, out := p.flow.Bytes(); out < 1<<20; _, out = p.flow.Bytes() {
				time.Sleep(time.Millisecond)
			}
			p.flow.End(forward.Asked)
			p.flow.End(forward.Idle)
			p.end(forward.Asked)
		}
		ends.Wait()
	})
}

func TestEndDuringTransfer(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		p := newGate(t, form, forward.Options{}).open(t, forward.Terms{})
		var ends sync.WaitGroup
		ends.Go(func() { io.Copy(struct{ io.Writer }{p.client}, source(1)) })
		ends.Go(func() { io.Copy(io.Discard, p.upstream) })
		for in, _ := p.flow.Bytes(); in < 8<<20; in, _ = p.flow.Bytes() {
			time.Sleep(time.Millisecond)
		}
		p.flow.End(forward.Asked)
		end := p.end(forward.Asked)
		if end.In < 8<<20 || end.Err != nil {
			t.Errorf("got %+v, want at least 8 MiB in and no error", end)
		}
		ends.Wait()
	})
}

func TestCloseEndsAllFlows(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		g := newGate(t, form, forward.Options{Loops: 2})
		var flows [8]*pair
		for i := range flows {
			flows[i] = g.open(t, forward.Terms{})
		}
		g.Close()
		for _, p := range flows {
			select {
			case end := <-p.ended:
				if end.Cause != forward.EngineClosed {
					t.Errorf("got %q, want %q", end.Cause, forward.EngineClosed)
				}
			default:
				t.Error("Close returned before a Done was called")
			}
			p.silent(p.client)
			p.silent(p.upstream)
		}
		late := g.begin(t, forward.Terms{})
		if end := late.end(forward.EngineClosed); end.Err != forward.ErrClosed {
			t.Errorf("End.Err: got %v, want %v", end.Err, forward.ErrClosed)
		}
	})
}

func TestMaxDuration(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		p := newGate(t, form, forward.Options{}).open(t, forward.Terms{IdleTimeout: time.Hour, MaxDuration: 50 * time.Millisecond})
		var ends sync.WaitGroup
		ends.Go(func() { io.Copy(struct{ io.Writer }{p.client}, source(1)) })
		ends.Go(func() { io.Copy(io.Discard, p.upstream) })
		p.end(forward.MaxDuration)
		ends.Wait()
	})
}

func TestMaxBytes(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		g := newGate(t, form, forward.Options{})
		for _, most := range []int64{100, 3 << 20} {
			p := g.open(t, forward.Terms{MaxBytes: most})
			var ends sync.WaitGroup
			ends.Go(func() { p.client.Write(make([]byte, most-10)) })
			if n, err := io.CopyN(io.Discard, p.upstream, most-10); err != nil {
				t.Fatalf("after %d bytes: %v", n, err)
			}
			p.say(p.upstream, p.client, "ten bytes.")
			p.client.Write([]byte("x"))
			if end := p.end(forward.MaxBytes); end.In != most-10 || end.Out != 10 {
				t.Errorf("got %d bytes in and %d out, want %d and 10", end.In, end.Out, most-10)
			}
			p.silent(p.upstream)
			ends.Wait()
		}
	})
}

// TestExactlyMaxBytes: a flow that has all bytes it may have can still end by itself.
func TestExactlyMaxBytes(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		p := newGate(t, form, forward.Options{}).open(t, forward.Terms{MaxBytes: 4})
		p.say(p.client, p.upstream, "word")
		p.client.CloseWrite()
		p.silent(p.upstream)
		p.upstream.Close()
		p.end(forward.ClientEnded)
	})
}

func TestBytesPerSecond(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		const rate, size = 1 << 20, 300 << 10
		p := newGate(t, form, forward.Options{}).open(t, forward.Terms{BytesPerSecond: rate})
		began := time.Now()
		var ends sync.WaitGroup
		ends.Go(func() { p.pour(p.client, size, 1) })
		ends.Go(func() { p.pour(p.upstream, size/2, 2); p.check(p.client, size/2, 2) })
		p.check(p.upstream, size, 1)
		if d := time.Since(began); d < 200*time.Millisecond {
			t.Errorf("%d bytes took %v at %d bytes per second, want about 290ms", size, d, rate)
		}
		ends.Wait()
		<-p.ended
	})
}

func TestFirstBytes(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		p := newGate(t, form, forward.Options{}).open(t, forward.Terms{ToUpstream: []byte("header "), ToClient: []byte("welcome ")})
		p.hear(p.upstream, "header ")
		p.hear(p.client, "welcome ")
		p.say(p.client, p.upstream, "word")
		if in, out := p.flow.Bytes(); in != 4 || out != 0 {
			t.Errorf("Bytes: got %d and %d, want 4 and 0", in, out)
		}
	})
}

// TestUpstreamRefuses: nothing is lost of a client whose upstream was not there; another upstream may serve it.
func TestUpstreamRefuses(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		if !form.connects {
			t.Skip("the upstream is connected by somebody else")
		}
		g := newGate(t, form, forward.Options{})
		nobody := listen(t)
		nobody.Close()
		outer, inner := g.connect(t)
		outer.Write([]byte("early words"))
		s, closeClient := form.client(t, inner)
		terms := forward.Terms{ConnectTimeout: patience}
		p := &pair{t: t, client: outer, ended: make(chan forward.End, 1)}
		g.Forward(s, form.upstream(t, nobody.Addr()), terms, func(end forward.End, _ func()) { p.ended <- end })
		if end := p.end(forward.Refused); !errors.Is(end.Err, syscall.ECONNREFUSED) {
			t.Errorf("End.Err: got %v, want refused", end.Err)
		}
		p.flow = g.Forward(s, form.upstream(t, g.upstream.Addr()), terms, func(end forward.End, _ func()) {
			closeClient()
			p.ended <- end
		})
		u, err := g.upstream.AcceptTCP()
		if err != nil {
			t.Fatal(err)
		}
		p.hear(u, "early words")
		p.say(u, outer, "answer")
		outer.Close()
		p.silent(u)
		u.Close()
		p.end(forward.ClientEnded)
	})
}
