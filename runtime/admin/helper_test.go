package admin

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// logbook is a slog.Handler that keeps everything.
type logbook struct {
	mu    sync.Mutex
	lines []string
}

func (b *logbook) Enabled(context.Context, slog.Level) bool { return true }
func (b *logbook) WithAttrs([]slog.Attr) slog.Handler       { panic("the listener's log has no attributes") }
func (b *logbook) WithGroup(string) slog.Handler            { panic("the listener's log has no groups") }

func (b *logbook) Handle(_ context.Context, r slog.Record) error {
	line := fmt.Sprintf("%v %s:", r.Level, r.Message)
	r.Attrs(func(a slog.Attr) bool {
		line += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		return true
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, line)
	return nil
}

// with are the lines that begin so.
func (b *logbook) with(begin string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []string
	for _, line := range b.lines {
		if strings.HasPrefix(line, begin) {
			found = append(found, line)
		}
	}
	return found
}

// FakeHouse is a House that notes what it is asked to do. Its fields are set before it is used.
type FakeHouse struct {
	Row    Server
	Empty  bool         // all lists are nil
	Err    error        // of every act
	Do     func(string) // called by every act, if set
	Fill   bool         // every field of every row has a value
	Stream func(func(Event) bool, context.Context)

	Gone map[int64]bool // processes and connections that have been ended; nil: they can be ended again and again

	mu    sync.Mutex
	noted []string
}

// filled is a value of which every field, and every list, has something.
func filled[T any](empty bool) T {
	var row T
	if !empty {
		fill(reflect.ValueOf(&row).Elem())
	}
	return row
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("<a & ü>")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 3, 1, 2, 3, 4, 5, time.UTC)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	}
}

func (h *FakeHouse) Server() Server {
	if h.Fill {
		return filled[Server](false)
	}
	return h.Row
}
func (h *FakeHouse) Processes() []Process      { return filled[[]Process](h.Empty) }
func (h *FakeHouse) Connections() []Connection { return filled[[]Connection](h.Empty) }
func (h *FakeHouse) Sessions() []Session       { return filled[[]Session](h.Empty) }
func (h *FakeHouse) Users() []User             { return filled[[]User](h.Empty) }
func (h *FakeHouse) Methods() []Method         { return filled[[]Method](h.Empty) }
func (h *FakeHouse) Lanes() []Lane             { return filled[[]Lane](h.Empty) }

// Shadow has a list in any case.
func (h *FakeHouse) Shadow() Shadow {
	row := filled[Shadow](h.Empty)
	if row.Examples == nil {
		row.Examples = []ShadowExample{}
	}
	return row
}

// act notes an act and answers it.
func (h *FakeHouse) act(format string, args ...any) (Done, error) {
	call := fmt.Sprintf(format, args...)
	if h.Do != nil {
		h.Do(call)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.noted = append(h.noted, call)
	if h.Err != nil {
		return Done{}, fmt.Errorf("%s: %w", call, h.Err)
	}
	return Done{Count: 1, Text: call}, nil
}

// end ends something once.
func (h *FakeHouse) end(id int64, call string) (Done, error) {
	h.mu.Lock()
	gone := h.Gone[id]
	if h.Gone != nil {
		h.Gone[id] = true
	}
	h.mu.Unlock()
	if gone {
		return Done{}, fmt.Errorf("%s: %w", call, ErrGone)
	}
	return h.act("%s", call)
}

func (h *FakeHouse) Abort(number, id int64) (Done, error) {
	return h.end(number, fmt.Sprintf("abort %d %d", number, id))
}
func (h *FakeHouse) Pause(number, id int64) (Done, error) { return h.act("pause %d %d", number, id) }
func (h *FakeHouse) Activate(number, id int64) (Done, error) {
	return h.act("activate %d %d", number, id)
}
func (h *FakeHouse) DropConnection(id int64) (Done, error) {
	return h.end(id, fmt.Sprintf("drop connection %d", id))
}
func (h *FakeHouse) DropUser(name string) (Done, error)  { return h.act("drop user %s", name) }
func (h *FakeHouse) DropSession(id string) (Done, error) { return h.act("drop session %s", id) }
func (h *FakeHouse) Send(m MessageAct) (Done, error)     { return h.act("send %+v", m) }
func (h *FakeHouse) RefuseNew(refuse bool) (Done, error) { return h.act("refuse %v", refuse) }
func (h *FakeHouse) Reload() (Done, error)               { return h.act("reload") }
func (h *FakeHouse) ShadowOn(a ShadowAct) (Done, error)  { return h.act("shadow on %s", a.Folder) }
func (h *FakeHouse) ShadowOff() (Done, error)            { return h.act("shadow off") }
func (h *FakeHouse) Promote() (Done, error)              { return h.act("promote") }
func (h *FakeHouse) Quit(q QuitAct) (Done, error)        { return h.act("quit %+v", q) }
func (h *FakeHouse) CancelQuit() (Done, error)           { return h.act("cancel quit") }
func (h *FakeHouse) Restart(r RestartAct) (Done, error)  { return h.act("restart %+v", r) }

func (h *FakeHouse) Events(ctx context.Context) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		if h.Stream != nil {
			h.Stream(yield, ctx)
		}
	}
}

// Calls are the acts so far.
func (h *FakeHouse) Calls() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.noted)
}

// attended is a listener that serves until the test ends.
type attended struct {
	*Listener
	t      *testing.T
	house  *FakeHouse
	log    *logbook
	faults int // how many faults of the host the test wants in the log
}

// attend serves a house at a free loopback port, or with what the options say.
func attend(t *testing.T, house *FakeHouse, change ...func(*Options)) *attended {
	t.Helper()
	book := &logbook{}
	o := Options{Address: "127.0.0.1:0", House: house, Log: slog.New(book), Dashboard: []byte(`{"title":"Moongate"}`),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
			io.WriteString(w, "moongate_info 1\n")
		})}
	for _, f := range change {
		f(&o)
	}
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	a := &attended{Listener: l, t: t, house: house, log: book}
	a.serveUntilTheEnd()
	return a
}

// serveUntilTheEnd serves until the test ends, and wants no fault in the log that the test does not want.
func (a *attended) serveUntilTheEnd() {
	var serving sync.WaitGroup
	serving.Go(a.Serve)
	a.t.Cleanup(func() {
		a.Close(0)
		serving.Wait()
		if faults := a.log.with("ERROR "); len(faults) != a.faults {
			a.t.Errorf("got %d faults of the host, want %d:\n%s", len(faults), a.faults, strings.Join(faults, "\n"))
		}
	})
}

// reply is an answer that was read whole.
type reply struct {
	status int
	header http.Header
	body   string
	closes bool // the connection is over with it
}

// ask asks with a client of its own. A body that begins with a brace is JSON. Headers are name, value, ...
func (a *attended) ask(method, path, body string, headers ...string) reply {
	a.t.Helper()
	r, err := http.NewRequest(method, "http://"+a.Address().String()+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	if strings.HasPrefix(strings.TrimSpace(body), "{") {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true}
	got, err := transport.RoundTrip(r)
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	return readReply(a.t, got)
}

func readReply(t *testing.T, r *http.Response) reply {
	t.Helper()
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("the answer broke off: %v", err)
	}
	return reply{r.StatusCode, r.Header, string(body), r.Close}
}

// raw sends bytes on a connection of its own and reads one answer.
func (a *attended) raw(text string) reply {
	a.t.Helper()
	c := a.dial()
	defer c.Close()
	return exchange(a.t, c, text)
}

// dial connects until the test ends.
func (a *attended) dial() *net.TCPConn {
	a.t.Helper()
	c, err := net.Dial("tcp", a.Address().String())
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

func expect[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// expectProblem wants a status, and a Problem that says something.
func expectProblem(t *testing.T, r reply, status int, says string) {
	t.Helper()
	if r.status != status || !strings.HasPrefix(r.body, `{"error":"`) || !strings.Contains(r.body, says) {
		t.Errorf("got %d %s, want %d and a problem with %q", r.status, r.body, status, says)
	}
}

// pipes is a listener in memory, whose connections have the addresses that they are given.
type pipes struct {
	incoming chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

// piped is one end of a connection in memory.
type piped struct {
	net.Conn
	local, remote netip.AddrPort
}

func (p piped) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(p.local) }
func (p piped) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(p.remote) }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.incoming:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:1"))
}

// dial connects as from an address.
func (p *pipes) dial(from, to string) net.Conn {
	ours, theirs := net.Pipe()
	p.incoming <- piped{theirs, netip.MustParseAddrPort(to), netip.MustParseAddrPort(from)}
	return ours
}

// attendPipes serves a house in memory, with the clock of a bubble.
func attendPipes(t *testing.T, house *FakeHouse, bound, token string) (*attended, *pipes) {
	t.Helper()
	p := &pipes{incoming: make(chan net.Conn), closed: make(chan struct{})}
	book := &logbook{}
	l := open(p, netip.MustParseAddrPort(bound), Options{Token: token, House: house, Log: slog.New(book)})
	a := &attended{Listener: l, t: t, house: house, log: book}
	a.serveUntilTheEnd()
	return a, p
}

// exchange sends bytes and reads one answer.
func exchange(t *testing.T, c net.Conn, text string) reply {
	t.Helper()
	var sending sync.WaitGroup
	defer sending.Wait()
	sending.Go(func() { io.WriteString(c, text) }) // ends when all is taken, or with the connection
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return readReply(t, r)
}
