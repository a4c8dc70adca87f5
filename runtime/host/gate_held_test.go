//go:build linux

package host_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"moongate/runtime/gate"
)

// crowdVariable makes TestCrowd the other program of TestHeldPassages: how many connect.
const crowdVariable = "MOONGATE_TEST_CROWD"

// TestCrowd is the clients and the upstream of TestHeldPassages, in a program of its own because of the file descriptors. It
// says where the upstream listens, reads where the gate is, and says so when all are through; it ends when it can read no more.
func TestCrowd(t *testing.T) {
	var n int
	if fmt.Sscan(os.Getenv(crowdVariable), &n); n == 0 {
		t.Skip("it is the other end of TestHeldPassages")
	}
	var through sync.WaitGroup
	through.Add(n)
	fmt.Println("upstream", upstream(t, func(c *net.TCPConn) {
		c.SetDeadline(time.Time{})
		io.ReadFull(c, make([]byte, 1))
		through.Done()
		io.Copy(io.Discard, c)
	}))
	in := bufio.NewReader(os.Stdin)
	line, _ := in.ReadString('\n')
	address := strings.TrimSpace(line)
	clients := make([]net.Conn, n)
	var dialling sync.WaitGroup
	for part := range 8 {
		dialling.Go(func() {
			for i := part; i < n; i += 8 {
				var err error
				if clients[i], err = net.DialTimeout("tcp", address, patience); err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
				io.WriteString(clients[i], "x")
			}
		})
	}
	dialling.Wait()
	through.Wait()
	fmt.Println("through")
	in.ReadString('\n')
	for _, c := range clients {
		c.Close()
	}
}

// TestHeldPassages holds 6,000 connections at once through a gate, with the journal on: all are through, none has a goroutine, what they
// take of the memory is bounded, and a shutdown ends each with its close method and its row.
func TestHeldPassages(t *testing.T) {
	n := 6000
	if testing.Short() {
		n = 500
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if most := int(limit.Cur-500) / 2; n > most {
		t.Logf("%d connections, because of the limit of file descriptors", most)
		n = most
	}
	crowd := exec.Command(os.Args[0], "-test.run=^TestCrowd$")
	crowd.Env = append(os.Environ(), fmt.Sprint(crowdVariable, "=", n))
	crowd.Stderr = os.Stderr
	in, err := crowd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := crowd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := crowd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	defer func() {
		in.Close()
		io.Copy(io.Discard, out)
		if err := crowd.Wait(); err != nil {
			t.Errorf("the crowd: %v", err)
		}
	}()
	heard := func(begin string) string {
		for said.Scan() {
			if rest, ok := strings.CutPrefix(said.Text(), begin); ok {
				return strings.TrimSpace(rest)
			}
		}
		t.Fatalf("the crowd never said %q", begin)
		return ""
	}
	s := serveGates(t, files{"on_server_close_connection.lua": `interprocess.closed = (interprocess.closed or 0) + 1`,
		"on_server_shutdown.lua": `print(">", interprocess.closed)`},
		gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{heard("upstream ")}})
	before, memory := runtime.NumGoroutine(), heap()
	fmt.Fprintln(in, s.address("g"))
	heard("through")
	expect(t, "open connections", s.Sessions().Totals().Open, n)
	expect(t, "goroutines beside those of an empty gate, at most 50", runtime.NumGoroutine()-before <= 50, true)
	if each := (heap() - memory) / int64(n); each > 8<<10 {
		t.Errorf("memory: got %d bytes for a connection at rest, want 8 KiB at most", each)
	}
	rows := s.rows()
	s.expectNotes(fmt.Sprint(n))
	expect(t, "rows", len(rows), n)
	for _, r := range rows {
		if r.Cause != "shutdown" || r.BytesIn != 1 {
			t.Fatalf("row %d: got %q, %d bytes; want shutdown, 1", r.Connection, r.Cause, r.BytesIn)
		}
	}
}

// heap is how much memory is in use, in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
