package admin

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const askEvents = "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"

// from gives the events of a channel until it is closed, and closes the other when the reader has gone.
func from(events <-chan Event, left chan<- struct{}) func(func(Event) bool, context.Context) {
	return func(yield func(Event) bool, ctx context.Context) {
		defer func() {
			if left != nil {
				left <- struct{}{}
			}
		}()
		for {
			select {
			case e, ok := <-events:
				if !ok || !yield(e) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// listen asks for the events and reads the head of the answer.
func listen(t *testing.T, c net.Conn) *http.Response {
	t.Helper()
	go io.WriteString(c, askEvents) // ends when it is taken, or with the connection
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEventsAreStreamed(t *testing.T) {
	events, left := make(chan Event), make(chan struct{}, 1)
	a := attend(t, &FakeHouse{Stream: from(events, left)})
	r := listen(t, a.dial())
	expect(t, "status", r.StatusCode, 200)
	expect(t, "type", r.Header.Get("Content-Type"), "text/event-stream")
	at := time.Date(2026, 3, 1, 2, 3, 4, 0, time.UTC)
	lines := bufio.NewReader(r.Body)
	for _, c := range []struct {
		event Event
		want  string
	}{
		{Event{Time: at, Kind: "accepted", Connection: 7}, "event: accepted\ndata: {\"time\":\"2026-03-01T02:03:04Z\",\"kind\":\"accepted\",\"connection\":7}\n\n"},
		{Event{Time: at, Kind: "process ended", Text: "a\nb\r\n", Lost: 3},
			"event: process ended\ndata: {\"time\":\"2026-03-01T02:03:04Z\",\"kind\":\"process ended\",\"text\":\"a\\nb\\r\\n\",\"lost\":3}\n\n"},
	} {
		events <- c.event
		got := make([]byte, len(c.want))
		if _, err := io.ReadFull(lines, got); err != nil || string(got) != c.want {
			t.Errorf("got %q and %v, want %q", got, err, c.want)
		}
	}
	close(events) // the server is over
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("got %q and %v at the end", rest, err)
	}
	<-left
}

// A stream lasts as long as the server and the peer do, far longer than any request may, and shows every 15 seconds that
// it lives.
func TestAStreamShowsThatItLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan Event)
		_, p := attendPipes(t, &FakeHouse{Stream: from(events, nil)}, "127.0.0.1:1", "")
		c := p.dial("127.0.0.1:2", "127.0.0.1:1")
		defer c.Close()
		lines, begin := bufio.NewReader(listen(t, c).Body), time.Now()
		for i := range 240 {
			line, err := lines.ReadString('\n')
			if err != nil || line != ": alive\n" {
				t.Fatalf("after %v: got %q and %v", time.Since(begin), line, err)
			}
			expect(t, "time", time.Since(begin), time.Duration(i+1)*15*time.Second)
			lines.ReadString('\n')
		}
		events <- Event{Kind: "closed"}
		line, err := lines.ReadString('\n')
		if err != nil || line != "event: closed\n" {
			t.Errorf("got %q and %v", line, err)
		}
	})
}

// Who does not take an event, or a sign of life, within 10 seconds is cut off.
func TestASlowReaderOfEventsIsCutOff(t *testing.T) {
	for _, quiet := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			events, left := make(chan Event, 1), make(chan struct{}, 1)
			_, p := attendPipes(t, &FakeHouse{Stream: from(events, left)}, "127.0.0.1:1", "")
			c := p.dial("127.0.0.1:2", "127.0.0.1:1")
			defer c.Close()
			listen(t, c)
			begin, want := time.Now(), aliveEvery+answerTimeout
			if !quiet {
				events <- Event{Kind: "accepted"}
				want = answerTimeout
			}
			<-left
			expect(t, "time", time.Since(begin), want)
		})
	}
}

// The end of a peer ends its stream, while nothing happens either.
func TestAPeerLeavesItsStream(t *testing.T) {
	left := make(chan struct{}, 1)
	a := attend(t, &FakeHouse{Stream: from(nil, left)})
	c := a.dial()
	listen(t, c)
	c.Close()
	<-left
}

// Real sockets: one who reads nothing at all holds up neither the house, nor another reader, nor other requests.
func TestASlowReaderOfEventsHoldsNobodyUp(t *testing.T) {
	house := &FakeHouse{}
	a := attend(t, house)
	a.patience = 500 * time.Millisecond
	left := make(chan struct{}, 2)
	house.Stream = func(yield func(Event) bool, _ context.Context) {
		for yield(Event{Kind: "accepted", Text: strings.Repeat("x", 4096)}) { // more than any buffer has
		}
		left <- struct{}{}
	}
	slow := a.dial()
	slow.SetReadBuffer(1)
	io.WriteString(slow, askEvents)
	quick := listen(t, a.dial())
	if _, err := io.CopyN(io.Discard, quick.Body, 16<<20); err != nil {
		t.Errorf("the other reader: %v", err)
	}
	expect(t, "another request", a.ask("GET", "/live", "").status, 200)
	<-left // the slow one, and the other, which does not read any more
	<-left
}

// There are 16 streams at most: another one takes the place of the oldest, whether its peer reads or not. A quit must be
// able to see how it goes.
func TestTooManyStreams(t *testing.T) {
	left := make(chan struct{}, 3*mostStreams)
	a := attend(t, &FakeHouse{Stream: from(nil, left)})
	for range mostStreams + 2 {
		expect(t, "status", listen(t, a.dial()).StatusCode, 200)
	}
	<-left
	<-left
	expect(t, "another request", a.ask("GET", "/live", "").status, 200)
	select {
	case <-left:
		t.Error("a third stream has ended")
	default:
	}
}
