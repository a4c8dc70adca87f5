package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"moongate/runtime/admin"
)

// quittable is a server that can be asked to stop, and then says what it is told to say.
type quittable struct {
	*httptest.Server
	asked chan struct{} // closed by the request to stop
	tell  func(say func(admin.Event), q *quittable)

	mu     sync.Mutex
	state  admin.Server
	heard  int // streams of events that were opened
	once   sync.Once
	closer sync.WaitGroup    // a goroutine that closes the server, if there is one
	mute   bool              // the answer to the request to stop breaks off
	told   func(text string) // is told what is written, if it is there
}

// overheard is a writer to which somebody listens.
type overheard struct {
	io.Writer
	told func(text string)
}

func (o *overheard) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if o.told != nil {
		o.told(string(b))
	}
	return n, err
}

func newQuittable(t *testing.T, tell func(say func(admin.Event), q *quittable)) *quittable {
	t.Helper()
	q := &quittable{asked: make(chan struct{}), tell: tell, state: admin.Server{PID: 7, State: "serving"}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/server", func(w http.ResponseWriter, _ *http.Request) {
		q.mu.Lock()
		defer q.mu.Unlock()
		json.NewEncoder(w).Encode(q.state)
	})
	mux.HandleFunc("POST /v1/quit", func(w http.ResponseWriter, _ *http.Request) {
		q.change(func(s *admin.Server) { s.Quit = &threeClients })
		const answer = `{"count":14,"text":"the server stops (in): 14 clients connected"}`
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		if q.mute {
			w.(http.Flusher).Flush()
			close(q.asked)
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, answer)
		w.(http.Flusher).Flush() // it is whole, whatever becomes of the server
		close(q.asked)
	})
	mux.HandleFunc("GET /v1/events", q.events)
	q.Server = httptest.NewServer(mux)
	t.Cleanup(func() { q.closer.Wait(); q.Close() })
	return q
}

func (q *quittable) change(do func(*admin.Server)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	do(&q.state)
}

func (q *quittable) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.(http.Flusher).Flush()
	q.mu.Lock()
	q.heard++
	q.mu.Unlock()
	select {
	case <-q.asked:
	case <-r.Context().Done():
		return
	}
	q.tell(func(e admin.Event) {
		data, _ := json.Marshal(e)
		fmt.Fprintf(w, "event: %s\ndata: %s\n\n", e.Kind, data)
		w.(http.Flusher).Flush()
	}, q)
}

// goAway closes the server when its answers have been written.
func (q *quittable) goAway() {
	q.once.Do(func() {
		q.Listener.Close()
		q.closer.Go(q.CloseClientConnections)
	})
}

func (q *quittable) quit(t *testing.T, ctx context.Context) outcomeOf {
	t.Helper()
	var stdout, stderr bytes.Buffer
	m := &invocation{stdin: strings.NewReader(""), stdout: &overheard{&stdout, q.told}, stderr: &stderr}
	run := &quitting{operation: newOperation(m, "quit")}
	if ok, code := run.parse([]string{"--admin", q.Listener.Addr().String()}, 0, 0); !ok {
		t.Fatalf("got %d and %s", code, stderr.String())
	}
	code := run.follow(ctx, admin.QuitAct{Mode: "in", Seconds: 80})
	return outcomeOf{code, stdout.String(), stderr.String()}
}

const begun = "the server stops (in): 14 clients connected\n"

func TestQuitUntilTheServerHasGone(t *testing.T) {
	for _, code := range []int{ExitClean, ExitStopped, ExitFailed} {
		q := newQuittable(t, func(say func(admin.Event), q *quittable) {
			say(admin.Event{Kind: "stage", Stage: &admin.Stage{Stage: "wait for the clients", Duration: 2}})
			say(admin.Event{Kind: "ended", Exit: &code, Text: "no"})
			q.goAway()
		})
		got := q.quit(t, t.Context())
		if got.code != code || !strings.HasPrefix(got.stdout, begun+"wait for the clients: 2s\n") || got.stderr != "" {
			t.Errorf("got %+v, want exit code %d", got, code)
		}
		if conn, err := net.Dial("tcp", q.Listener.Addr().String()); err == nil {
			conn.Close()
			t.Error("it did not wait until the server had gone")
		}
	}
}

func TestQuitOfAServerThatGoesWithoutAWord(t *testing.T) {
	q := newQuittable(t, func(_ func(admin.Event), q *quittable) { q.goAway() })
	q.quit(t, t.Context()).want(t, ExitFailed, begun, "moongate: the server has gone without saying how it ended: its log says more\n")
}

// TestQuitWhoseAnswerIsLost: the server was asked and went away while it answered.
func TestQuitWhoseAnswerIsLost(t *testing.T) {
	q := newQuittable(t, func(_ func(admin.Event), q *quittable) { q.goAway() })
	q.mute = true
	q.quit(t, t.Context()).want(t, ExitFailed, "", "moongate: the server has gone without saying how it ended: its log says more\n")
}

func TestQuitOfAServerThatIsStartedAgain(t *testing.T) {
	q := newQuittable(t, func(_ func(admin.Event), q *quittable) { q.change(func(s *admin.Server) { s.PID, s.Quit = 8, nil }) })
	q.quit(t, t.Context()).want(t, ExitFailed, begun, "moongate: the server has gone without saying how it ended: its log says more\n")
}

func TestQuitWhoseEventsBreakOff(t *testing.T) {
	q := newQuittable(t, func(say func(admin.Event), q *quittable) {
		q.mu.Lock()
		again := q.heard > 1
		q.mu.Unlock()
		if again {
			say(admin.Event{Kind: "ended", Exit: exit(0)})
			q.goAway()
		}
	})
	q.quit(t, t.Context()).want(t, ExitClean, begun+"the server has stopped, after 0s\n", "")
}

func TestQuitThatAnotherCancels(t *testing.T) {
	q := newQuittable(t, func(say func(admin.Event), q *quittable) {
		say(admin.Event{Kind: "quit canceled"}) // of an earlier quit
		q.change(func(s *admin.Server) { s.Quit = nil })
		say(admin.Event{Kind: "quit canceled"})
	})
	q.quit(t, t.Context()).want(t, ExitFailed, begun, "moongate: the quit was canceled by somebody else: the server goes on\n")
}

func TestCtrlCStopsFollowingOnly(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	q := newQuittable(t, func(func(admin.Event), *quittable) { <-ctx.Done() })
	q.told = func(string) { cancel() }
	q.quit(t, ctx).want(t, ExitFailed, begun,
		"moongate: the server still quits; this cancels it: moongate quit --cancel --admin "+q.Listener.Addr().String()+"\n")
}

func TestCtrlCAfterThePointOfNoReturn(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	q := newQuittable(t, func(say func(admin.Event), _ *quittable) {
		say(admin.Event{Kind: "stage", Stage: &admin.Stage{Stage: "wait for the clients", Duration: 2}})
		<-ctx.Done()
	})
	q.told = func(text string) {
		if strings.Contains(text, "wait for the clients") {
			cancel()
		}
	}
	q.quit(t, ctx).want(t, ExitFailed, begun+"wait for the clients: 2s\n", "moongate: the server still quits\n")
}

func TestDelayOf(t *testing.T) {
	for text, want := range map[string]time.Duration{"90s": 90 * time.Second, "90": 90 * time.Second, "1m30s": 90 * time.Second, "0": 0, "0.5": time.Second / 2} {
		if got, err := delayOf(text); got != want || err != nil {
			t.Errorf("got %v and %v of %s, want %v", got, err, text, want)
		}
	}
	for _, text := range []string{"", "soon", "-1", "NaN", "Inf", "1e300", "10 s", "5 minutes"} {
		if got, err := delayOf(text); err == nil {
			t.Errorf("got %v of %q, want an error", got, text)
		}
	}
}
