package forward_test

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/forward"
)

// inMemory makes a flow that goroutines serve between two pipes in memory, in the bubble of synctest. It gives the outer
// ends.
func inMemory(t *testing.T, terms forward.Terms) (client, upstream net.Conn, flow *forward.Flow, ended chan forward.End) {
	e, err := forward.New(forward.Options{Loops: -1})
	if err != nil {
		t.Fatal(err)
	}
	client, inner := net.Pipe()
	upstream, outer := net.Pipe()
	ended = make(chan forward.End, 1)
	flow = e.Forward(forward.Conn(inner), forward.Conn(outer), terms, func(end forward.End, _ func()) {
		inner.Close()
		ended <- end
	})
	return client, upstream, flow, ended
}

func TestIdleOfGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c, u, flow, ended := inMemory(t, forward.Terms{IdleTimeout: time.Minute, MaxDuration: time.Hour})
		for range 5 {
			time.Sleep(50 * time.Second)
			go c.Write([]byte("word")) // until it is read
			io.ReadFull(u, make([]byte, 4))
		}
		time.Sleep(20 * time.Second)
		if got := flow.Idle(); got != 20*time.Second {
			t.Errorf("Idle: got %v, want 20s", got)
		}
		end := <-ended
		if got := time.Since(began); end.Cause != forward.Idle || got != 310*time.Second {
			t.Errorf("got %q after %v, want idle after 5m10s", end.Cause, got)
		}
	})
}

func TestMaxDurationOfGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, _, _, ended := inMemory(t, forward.Terms{IdleTimeout: 2 * time.Hour, MaxDuration: time.Hour})
		end := <-ended
		if got := time.Since(began); end.Cause != forward.MaxDuration || got != time.Hour {
			t.Errorf("got %q after %v, want max duration after an hour", end.Cause, got)
		}
	})
}

func TestRateOfGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c, u, _, ended := inMemory(t, forward.Terms{BytesPerSecond: 1000})
		go func() { // until all is read
			c.Write(make([]byte, 10000))
			c.Close()
		}()
		n, _ := io.Copy(io.Discard, u)
		if got := time.Since(began); n != 10000 || got < 9900*time.Millisecond || got > 10100*time.Millisecond {
			t.Errorf("%d bytes took %v, want 10000 in 10s", n, got)
		}
		<-ended
	})
}
