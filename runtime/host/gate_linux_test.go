package host_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"moongate/runtime/gate"
	"moongate/runtime/journal"
)

// TestRestingPassagesHaveNoGoroutine holds thousands of connections, of which each is accepted and led, and counts goroutines. They all
// end in a shutdown, each close method once.
func TestRestingPassagesHaveNoGoroutine(t *testing.T) {
	n := 6000
	if testing.Short() {
		n = 500
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	n = min(n, int(limit.Cur-500)/4) // both ends of both connections are in this program
	s := serveGates(t, files{"on_server_close_connection.lua": `interprocess.closed = (interprocess.closed or 0) + 1`,
		"on_server_shutdown.lua": `print(">", interprocess.closed)`},
		gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{upstream(t, func(c *net.TCPConn) { io.Copy(io.Discard, c) })}})
	clients := make([]net.Conn, n)
	var dialling sync.WaitGroup
	for part := range 8 {
		dialling.Go(func() {
			for i := part; i < n; i += 8 {
				clients[i] = s.enter("g")
			}
		})
	}
	dialling.Wait()
	s.until("all are open", func() bool { return s.Sessions().Totals().Open == n })
	s.until("all are led", func() bool { return s.Gates()[0].Upstreams[0].Live == int64(n) })
	if got := runtime.NumGoroutine(); got > n+200 { // the upstream's, in this program, have one each
		t.Errorf("goroutines: got %d with %d connections at rest", got, n)
	}
	s.stop()
	s.expectNotes(fmt.Sprint(n))
}

// TestNoDescriptorForTheUpstream holds what happens when the program has no file descriptor left for an upstream's socket: the client sees the
// end, the journal has the cause, and the gate works on when there are some again.
func TestNoDescriptorForTheUpstream(t *testing.T) {
	up := echo(t)
	s := serveGates(t, both, gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{up}})
	c := s.enter("g")
	say(t, c, "hello", "hello") // everything has been opened that is opened at first
	fds := descriptors(t)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	failed := func() bool { return strings.Contains(strings.Join(s.notes(), "\n"), "no resources server") }
	// The client's end and ours take two descriptors, and others of this program may come and go meanwhile. A busy machine may
	// need several tries.
	deadline := time.Now().Add(patience)
	for more := uint64(0); !failed() && time.Now().Before(deadline); more = (more + 1) % 8 {
		low := limit
		low.Cur = uint64(fds) + 2 + more
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
			t.Fatal(err)
		}
		if one, err := net.Dial("tcp", s.address("g")); err == nil {
			one.SetDeadline(time.Now().Add(100 * time.Millisecond))
			io.ReadAll(one)
			one.Close()
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	say(t, c, "still there", "still there")
	say(t, s.enter("g"), "again", "again")
	if !slices.ContainsFunc(s.rows(), func(r journal.Row) bool { return r.Cause == "no resources" }) {
		t.Error("the journal has nobody who ended for want of resources")
	}
}

// descriptors is the highest file descriptor that is open, and one.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	highest := 0
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			highest = max(highest, n)
		}
	}
	// The lowest free descriptors are taken first: fill the gaps.
	for {
		f, err := os.Open("/dev/null")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		if int(f.Fd()) > highest {
			return int(f.Fd()) + 1
		}
	}
}
