package admin

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestOpen(t *testing.T) {
	for _, c := range []struct{ address, token, problem string }{
		{"127.0.0.1:0", "", ""}, {"localhost:0", "", ""}, {"127.0.0.1:0", secret, ""}, {"0.0.0.0:0", secret, ""}, {":0", secret, ""},
		{"0.0.0.0:0", "", "give --admin-token-file, or bind to loopback (127.0.0.1:0)"},
		{":0", "", "give --admin-token-file"}, {"[::]:19880", "", "bind to loopback (127.0.0.1:19880)"},
		{"203.0.113.9:19880", "", "cannot listen for administrators on 203.0.113.9:19880: it can be reached from other machines"},
		{"", "", "give --admin-token-file"},
		{"127.0.0.1", "", "missing port in address; give host:port"}, {"127.0.0.1:99999", "", "give host:port"}, {"127.0.0.1:x", "", "give host:port"},
		{"203.0.113.9:0", secret, "cannot listen for administrators on 203.0.113.9:0: "},
	} {
		l, err := Open(Options{Address: c.address, Token: c.token, House: &FakeHouse{}, Log: slog.New(&logbook{})})
		if (err == nil) != (c.problem == "") || err != nil && (!strings.Contains(err.Error(), c.problem) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: got %v, want %q", c.address, err, c.problem)
		}
		if err == nil {
			if l.Address().Port() == 0 {
				t.Errorf("%s: got the address %v", c.address, l.Address())
			}
			l.Close(time.Second) // without Serve
			l.Close(time.Second)
		}
	}
	a := attend(t, &FakeHouse{})
	if _, err := Open(Options{Address: a.Address().String()}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("an address that is taken: got %v, want EADDRINUSE", err)
	}
}

// A fault in one answer is in the log, and ends nothing else.
func TestAFaultInAnAnswer(t *testing.T) {
	house := &FakeHouse{Do: func(call string) { panic(call + ": a fault for the test") }}
	a := attend(t, house, func(o *Options) {
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, strings.Repeat("x", 1<<16))
			panic("a fault for the test")
		})
	})
	expectProblem(t, a.ask("POST", "/v1/reload", ""), 500, "its log says more")
	c := a.dial()
	io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if r, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
		if _, err := io.ReadAll(r.Body); err == nil {
			t.Error("half an answer passed for a whole one")
		}
	}
	house.Stream = func(func(Event) bool, context.Context) { panic("a fault for the test") }
	if r := listen(t, a.dial()); r.StatusCode != 500 {
		if _, err := io.ReadAll(r.Body); err == nil {
			t.Error("a stream with a fault passed for one that is over")
		}
	}
	house.Do = nil
	expect(t, "the next request", a.ask("POST", "/v1/reload", "").status, 200)
	faults := a.log.with("ERROR fault of the host: error=")
	a.faults = 3
	if len(faults) != 3 || !strings.Contains(faults[0], "listener_test.go") || !strings.Contains(faults[0], "path=/v1/reload") {
		t.Errorf("got %q", faults)
	}
}

// What JSON cannot say is a fault too: of one answer, or one event.
func TestWhatJSONCannotSay(t *testing.T) {
	events := make(chan Event, 2)
	a := attend(t, &FakeHouse{Row: Server{Uptime: math.NaN()}, Stream: from(events, nil)})
	a.faults = 2
	expectProblem(t, a.ask("GET", "/v1/server", ""), 500, "its log says more")
	events <- Event{Kind: "stage", Stage: &Stage{Duration: math.Inf(1)}}
	events <- Event{Kind: "closed"}
	close(events)
	if got := a.ask("GET", "/v1/events", ""); !strings.HasPrefix(got.body, "event: closed\n") {
		t.Errorf("got %q", got.body)
	}
}

// 64 requests are answered at one time; who comes then is asked to try again.
func TestTooManyRequests(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	house := &FakeHouse{Do: func(string) {
		begun <- struct{}{}
		<-release
	}}
	a := attend(t, house)
	var administrators sync.WaitGroup
	for range mostRequests {
		administrators.Go(func() { expect(t, "status", a.ask("POST", "/v1/reload", "").status, 200) })
		<-begun
	}
	got := a.ask("GET", "/live", "")
	expectProblem(t, got, 503, "64 requests of this kind are being answered")
	expect(t, "Retry-After", got.header.Get("Retry-After"), "1")
	expect(t, "one that may not come in", a.ask("GET", "/live", "", "Origin", "null").status, 403)
	close(release)
	administrators.Wait()
	for a.ask("GET", "/live", "").status != 200 { // a place is free a little after its answer was read
	}
}

// Real sockets: readers of the metrics who take nothing are cut off, and nobody waits for them.
func TestSlowReadersOfTheMetrics(t *testing.T) {
	const slow = 8
	ended := make(chan error, slow)
	a := attend(t, &FakeHouse{}, func(o *Options) {
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, err := io.Copy(w, io.LimitReader(zeros{}, 64<<20)) // more than any buffer has
			ended <- err
		})
	})
	a.patience = 300 * time.Millisecond
	for range slow {
		c := a.dial()
		c.SetReadBuffer(1)
		io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
		expect(t, "another request", a.ask("GET", "/live", "").status, 200)
	}
	for range slow {
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a reader who took nothing: got %v, want the deadline", err)
		}
	}
}

// zeros reads as zeros without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// Peers that leave something undone are hung up on: half a head after 5 seconds, half a body after 10, a connection that
// asks for nothing after a minute, an answer that nobody takes after 10.
func TestPeersThatLeaveSomethingUndone(t *testing.T) {
	for _, c := range []struct {
		sent string
		read int // bytes of the answer
		want time.Duration
	}{
		{"", 0, headerTimeout},
		{"G", 0, headerTimeout},
		{"GET /live HTTP/1.1\r\nHost: local", 0, headerTimeout},
		{"POST /v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{", 0, requestTimeout},
		{"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n", 1, answerTimeout},
		{"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n", 1 << 20, idleTimeout},
	} {
		synctest.Test(t, func(t *testing.T) {
			a, p := attendPipes(t, &FakeHouse{}, "127.0.0.1:1", "")
			conn, begin := p.dial("127.0.0.1:2", "127.0.0.1:1"), time.Now()
			defer conn.Close()
			go io.WriteString(conn, c.sent) // is taken
			if c.read == 1 {
				io.ReadFull(conn, make([]byte, 1))
				a.waitUntilNobodyIsThere()
			} else {
				io.Copy(io.Discard, conn)
			}
			expect(t, fmt.Sprintf("time after %.30q", c.sent), time.Since(begin).Truncate(time.Second), c.want)
		})
	}
}

// waitUntilNobodyIsThere waits, in a bubble, until the server has hung up on everybody.
func (a *attended) waitUntilNobodyIsThere() {
	for a.present.count() > 0 {
		time.Sleep(time.Millisecond)
	}
}

// There are 256 connections at most: a new one takes the place of the one that has asked for nothing for longest, so that
// nobody can lock the administrator out by sitting there. A flood from elsewhere leaves room for those on the machine.
func TestTooManyConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, p := attendPipes(t, &FakeHouse{}, "192.0.2.1:1", secret)
		var all []net.Conn
		connect := func(from string, n int) (in int) {
			for i := range n {
				c := p.dial(fmt.Sprintf("%s:%d", from, 1+i), "127.0.0.1:1")
				all = append(all, c)
				if _, err := c.Write([]byte("G")); err == nil { // it is read only from those who are let in
					in++
				}
			}
			return in
		}
		expect(t, "from elsewhere", connect(farAway, mostConnections), mostConnections)
		expect(t, "there from elsewhere", a.present.count(), mostFarConnections)
		expect(t, "from here", connect(here, mostConnections), mostConnections)
		expect(t, "there", a.present.count(), mostConnections)
		for _, c := range all {
			c.Close()
		}
		a.waitUntilNobodyIsThere()
		expect(t, "far", a.present.far, 0)
		expect(t, "active", a.present.active, 0)
		expect(t, "afterwards", connect(farAway, 10), 10)
		for _, c := range all {
			c.Close()
		}
	})
}

// Close lets an answer leave that is being made, hangs up at once on those who ask for nothing, and takes nobody in.
func TestCloseLetsAnswersLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan Event)
		house := &FakeHouse{Do: func(string) { time.Sleep(3 * time.Second) }, Stream: from(events, nil)}
		a, p := attendPipes(t, house, "127.0.0.1:1", "")
		idle, new, stream := p.dial("127.0.0.1:2", here+":1"), p.dial("127.0.0.1:3", here+":1"), p.dial("127.0.0.1:4", here+":1")
		expect(t, "status", exchange(t, idle, "GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200)
		listening := listen(t, stream)
		begin := time.Now()
		var working sync.WaitGroup
		working.Go(func() {
			c := p.dial("127.0.0.1:5", here+":1")
			got := exchange(t, c, "POST /v1/reload HTTP/1.1\r\nHost: localhost\r\n\r\n")
			expect(t, "status", got.status, 200)
			expect(t, "the connection is over", got.closes, true)
			expect(t, "time of the answer", time.Since(begin), 3*time.Second)
			c.Close()
		})
		working.Go(func() {
			time.Sleep(time.Second)
			events <- Event{Kind: "ended"}
			close(events)
		})
		working.Go(func() {
			got, err := io.ReadAll(listening.Body)
			if err != nil || !bytes.Contains(got, []byte("event: ended\n")) {
				t.Errorf("the stream: got %q and %v", got, err)
			}
		})
		working.Go(func() {
			io.Copy(io.Discard, idle)
			expect(t, "end of the idle connection", time.Since(begin), 0)
		})
		synctest.Wait()
		a.Close(time.Minute)
		expect(t, "time", time.Since(begin), 3*time.Second)
		io.Copy(io.Discard, new)
		expect(t, "end of the connection that asked for nothing", time.Since(begin), 3*time.Second)
		working.Wait()
	})
}

// What is not over when the grace is, is cut off.
func TestCloseDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, p := attendPipes(t, &FakeHouse{Stream: from(nil, nil)}, "127.0.0.1:1", "")
		stream, half := p.dial("127.0.0.1:2", here+":1"), p.dial("127.0.0.1:3", here+":1")
		listening := listen(t, stream)
		io.WriteString(half, "POST /v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{")
		begin := time.Now()
		a.Close(2 * time.Second)
		expect(t, "time", time.Since(begin), 2*time.Second)
		if _, err := io.ReadAll(listening.Body); err == nil {
			t.Error("a stream that was cut off passed for one that is over")
		}
		io.Copy(io.Discard, half)
		stream.Close()
		half.Close()
	})
}

// What the HTTP server has to say is in the log, once a second.
func TestComplaintsOfTheHTTPServer(t *testing.T) {
	a := attend(t, &FakeHouse{})
	for range 3 {
		a.server.ErrorLog.Print("http: Accept error: too many open files; retrying in 5ms\n")
	}
	got := a.log.with("")
	if len(got) != 1 || got[0] != "WARN the admin listener has trouble: error=Accept error: too many open files; retrying in 5ms" {
		t.Errorf("got %q", got)
	}
}

// An address that fails for good is said in the log, and Serve returns.
func TestAnAddressThatFails(t *testing.T) {
	a := attend(t, &FakeHouse{})
	a.Close(0)
	book := &logbook{}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := open(inner, inner.Addr().(*net.TCPAddr).AddrPort(), Options{House: &FakeHouse{}, Log: slog.New(book)})
	inner.Close()
	l.Serve()
	expect(t, "lines", len(book.with("ERROR the admin listener has failed: listener=127.0.0.1:")), 1)
	l.Close(0)
}
