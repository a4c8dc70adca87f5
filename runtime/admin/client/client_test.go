package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"moongate/runtime/admin"
)

// serve starts a server that answers everything in one way, and makes a client of it.
func serve(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	c := New(server.Listener.Addr().String(), "")
	t.Cleanup(c.Close)
	return c
}

// serveTCP starts a server that does the same with every connection, and makes a client of it.
func serveTCP(t *testing.T, talk func(net.Conn)) *Client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				talk(conn)
			}()
		}
	}()
	return New(l.Addr().String(), "")
}

func TestRoutes(t *testing.T) {
	type call func(c *Client, ctx context.Context) (any, error)
	act := func(do func(*Client, context.Context) (admin.Done, error)) call {
		return func(c *Client, ctx context.Context) (any, error) { return do(c, ctx) }
	}
	done := `{"count":2,"text":"done"}`
	for _, test := range []struct {
		route, body, answer string
		do                  call
		want                any
	}{
		{"GET /v1/server", "", `{"version":"1","pid":7,"of_the_future":[1]}`,
			func(c *Client, ctx context.Context) (any, error) { return c.Server(ctx) }, admin.Server{Version: "1", PID: 7}},
		{"GET /v1/processes", "", `[{"number":4}]`,
			func(c *Client, ctx context.Context) (any, error) { return c.Processes(ctx) }, []admin.Process{{Number: 4}}},
		{"GET /v1/connections", "", `[]`,
			func(c *Client, ctx context.Context) (any, error) { return c.Connections(ctx) }, []admin.Connection{}},
		{"GET /v1/sessions", "", `[{"id":"A"}]`,
			func(c *Client, ctx context.Context) (any, error) { return c.Sessions(ctx) }, []admin.Session{{ID: "A"}}},
		{"GET /v1/users", "", `[{"number":1}]`,
			func(c *Client, ctx context.Context) (any, error) { return c.Users(ctx) }, []admin.User{{Number: 1}}},
		{"GET /v1/methods", "", `[{"name":"m"}]`,
			func(c *Client, ctx context.Context) (any, error) { return c.Methods(ctx) }, []admin.Method{{Name: "m"}}},
		{"GET /v1/lanes", "", `[{"holder":3}]`,
			func(c *Client, ctx context.Context) (any, error) { return c.Lanes(ctx) }, []admin.Lane{{Holder: 3}}},
		{"POST /v1/processes/5/abort", `{"id":9}`, done,
			act(func(c *Client, ctx context.Context) (admin.Done, error) { return c.Abort(ctx, 5, 9) }), nil},
		{"POST /v1/processes/5/pause", `{}`, done,
			act(func(c *Client, ctx context.Context) (admin.Done, error) { return c.Pause(ctx, 5, 0) }), nil},
		{"POST /v1/processes/5/activate", `{}`, done,
			act(func(c *Client, ctx context.Context) (admin.Done, error) { return c.Activate(ctx, 5, 0) }), nil},
		{"POST /v1/connections/17/drop", "", done,
			act(func(c *Client, ctx context.Context) (admin.Done, error) { return c.DropConnection(ctx, 17) }), nil},
		{"POST /v1/users/a%2Fb%3F%20%C3%A9/drop", "", done,
			act(func(c *Client, ctx context.Context) (admin.Done, error) { return c.DropUser(ctx, "a/b? é") }), nil},
		{"POST /v1/users/%2E%2E/drop", "", done,
			act(func(c *Client, ctx context.Context) (admin.Done, error) { return c.DropUser(ctx, "..") }), nil},
		{"POST /v1/sessions/0A-1/drop", "", done,
			act(func(c *Client, ctx context.Context) (admin.Done, error) { return c.DropSession(ctx, "0A-1") }), nil},
		{"POST /v1/messages", `{"text":"hi","user":"ann"}`, done,
			act(func(c *Client, ctx context.Context) (admin.Done, error) {
				return c.Send(ctx, admin.MessageAct{Text: "hi", User: "ann"})
			}), nil},
		{"POST /v1/new-connections", `{"refuse":true}`, done,
			act(func(c *Client, ctx context.Context) (admin.Done, error) { return c.RefuseNew(ctx, true) }), nil},
		{"POST /v1/reload", "", done,
			act(func(c *Client, ctx context.Context) (admin.Done, error) { return c.Reload(ctx) }), nil},
		{"POST /v1/quit", `{"mode":"in","seconds":90}`, done,
			act(func(c *Client, ctx context.Context) (admin.Done, error) {
				return c.Quit(ctx, admin.QuitAct{Mode: "in", Seconds: 90})
			}), nil},
		{"DELETE /v1/quit", "", done,
			act(func(c *Client, ctx context.Context) (admin.Done, error) { return c.CancelQuit(ctx) }), nil},
	} {
		t.Run(test.route, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if got := r.Method + " " + r.URL.EscapedPath(); got != test.route {
					t.Errorf("got %s, want %s", got, test.route)
				}
				if string(body) != test.body {
					t.Errorf("got the body %s, want %s", body, test.body)
				}
				if got, want := r.Header.Get("Content-Type") == "application/json", test.body != ""; got != want {
					t.Errorf("got Content-Type %q with the body %q", r.Header.Get("Content-Type"), body)
				}
				if got, want := r.Header.Get("X-Moongate-User"), whoAmI(); got != want {
					t.Errorf("got the user %q, want %q", got, want)
				}
				if r.Header["Authorization"] != nil || r.Header["Origin"] != nil {
					t.Errorf("got the header %v", r.Header)
				}
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, test.answer)
			})
			want := test.want
			if want == nil {
				want = admin.Done{Count: 2, Text: "done"}
			}
			if got, err := test.do(c, t.Context()); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v and %v, want %+v", got, err, want)
			}
		})
	}
}

func TestRawIsWhatTheServerSent(t *testing.T) {
	const sent = `[{"number":4,"of_the_future":{"a":[1,2]}}]`
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, sent) })
	if got, err := c.Raw(t.Context(), ProcessesPath); err != nil || string(got) != sent {
		t.Errorf("got %s and %v, want %s", got, err, sent)
	}
}

func TestToken(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer sesame-sesame-sesame" {
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, `{"error":"no"}`)
			return
		}
		io.WriteString(w, `{}`)
	}
	c := serve(t, answer)
	_, err := c.Server(t.Context())
	wantError(t, err, ErrToken, c.address+" asks for a token: give the file that has it with --admin-token-file (MOONGATE_ADMIN_TOKEN_FILE)")
	c.token = "wrong-wrong-wrong-wrong"
	_, err = c.Server(t.Context())
	wantError(t, err, ErrToken, c.address+" does not take this token: --admin-token-file must name the same token as the server's")
	c.token = "sesame-sesame-sesame"
	if _, err := c.Server(t.Context()); err != nil {
		t.Errorf("got %v with the right token", err)
	}
}

// wantError compares an error's identity and text.
func wantError(t *testing.T, got, is error, text string) {
	t.Helper()
	if got == nil || !errors.Is(got, is) || got.Error() != text {
		t.Errorf("got the error %q, want %q, which is %q", fmt.Sprint(got), text, is)
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	want := "no moongate answers at " + address + ": is the server running, and with --admin? (give its address with --admin, MOONGATE_ADMIN)"
	c := New(address, "")
	_, err = c.Server(t.Context())
	wantError(t, err, ErrNoServer, want)
	_, err = c.Listen(t.Context())
	wantError(t, err, ErrNoServer, want)
}

func TestForeignServers(t *testing.T) {
	const html = "<html><body>It works!</body></html>"
	for name, c := range map[string]*Client{
		"a page":           serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, html) }),
		"a page not found": serve(t, http.NotFound),
		"a redirection":    serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }),
		"other JSON":       serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `"hello"`) }),
		"another's problem": serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(400)
			io.WriteString(w, `{"message":"no"}`)
		}),
		"no HTTP": serveTCP(t, func(conn net.Conn) { io.WriteString(conn, "220 mail.example ESMTP\r\n"); io.Copy(io.Discard, conn) }),
	} {
		t.Run(name, func(t *testing.T) {
			want := c.address + " is no moongate: something else has that port; give the address of the admin listener with --admin"
			_, err := c.Server(t.Context())
			wantError(t, err, ErrForeign, want)
			_, err = c.Listen(t.Context())
			wantError(t, err, ErrForeign, want)
		})
	}
}

func TestAddressWhereClientsConnect(t *testing.T) {
	c := serveTCP(t, func(conn net.Conn) {
		bufio.NewReader(conn).ReadString('\n')
		io.WriteString(conn, "-ERR unknown command 'GET'\r\n")
		io.Copy(io.Discard, conn)
	})
	_, err := c.Server(t.Context())
	wantError(t, err, ErrForeign, c.address+" is no admin listener, it is where clients connect: give the address of --admin")
}

func TestSilentServer(t *testing.T) {
	c := serveTCP(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	c.timeout = 20 * time.Millisecond
	want := c.address + " does not answer within 20ms: look into its log"
	_, err := c.Server(t.Context())
	wantError(t, err, ErrSilent, want)
	_, err = c.Listen(t.Context())
	wantError(t, err, ErrSilent, want)
}

func TestBrokenAnswer(t *testing.T) {
	c := serveTCP(t, func(conn net.Conn) {
		http.ReadRequest(bufio.NewReader(conn))
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
	})
	_, err := c.Server(t.Context())
	wantError(t, err, ErrBroken, c.address+" broke the connection off")
}

func TestRefusalIsTheServersText(t *testing.T) {
	const text = "scripts not loaded:\na.lua:3: '=' expected"
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		json.NewEncoder(w).Encode(admin.Problem{Error: text})
	})
	_, err := c.Reload(t.Context())
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Status != http.StatusUnprocessableEntity || err.Error() != text {
		t.Errorf("got %#v, want a refusal with the server's text", err)
	}
}

func TestCanceledContextIsItself(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := serveTCP(t, func(conn net.Conn) { cancel(); io.Copy(io.Discard, conn) })
	if _, err := c.Server(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestProxiesAreNotUsed(t *testing.T) {
	if c := New("10.0.0.1:1", ""); c.http.Transport.(*http.Transport).Proxy != nil {
		t.Error("got a proxy, want none")
	}
}

// stream writes pieces as a server of events does.
func stream(pieces ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		for _, piece := range pieces {
			w.(http.Flusher).Flush()
			io.WriteString(w, piece)
		}
	}
}

func TestEvents(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	c := serve(t, stream(": alive\n\n", "event: accepted\ndata: {\"kind\":\"acc", "epted\",\"connection\":7}\n\n", ": alive\r\n",
		"event: closed\r\ndata:{\"kind\":\r\ndata: \"closed\"}\r\n\r\n", `data: {"kind":"`+long+"\"}\n\n", "data: {\"kind\":\"torn"))
	var kinds []string
	for event, err := range c.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, event.Kind)
	}
	if want := []string{"accepted", "closed", long}; !reflect.DeepEqual(kinds, want) {
		t.Errorf("got %.200q, want %.200q", kinds, want)
	}
}

func TestNextGivesTheBytes(t *testing.T) {
	const data = `{"kind":"waiting","of_the_future":1}`
	s, err := serve(t, stream("data: "+data+"\n\n")).Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, raw, err := s.Next(); err != nil || string(raw) != data {
		t.Errorf("got %s and %v, want %s", raw, err, data)
	}
	if _, _, err := s.Next(); err != io.EOF {
		t.Errorf("got %v, want %v", err, io.EOF)
	}
}

func TestStreamThatBreaks(t *testing.T) {
	c := serveTCP(t, func(conn net.Conn) {
		http.ReadRequest(bufio.NewReader(conn))
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n")
	})
	s, err := c.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, _, err = s.Next()
	wantError(t, err, ErrBroken, c.address+" broke the connection off")
}

func TestStreamOfNonsense(t *testing.T) {
	for _, err := range serve(t, stream("data: <html>\n\n")).Events(t.Context()) {
		if !errors.Is(err, ErrForeign) {
			t.Errorf("got %v, want %v", err, ErrForeign)
		}
	}
}

func TestListenIsOpenBeforeTheFirstEvent(t *testing.T) {
	begin := make(chan struct{})
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		<-begin
		io.WriteString(w, "data: {\"kind\":\"ended\",\"exit\":3}\n\n")
	})
	s, err := c.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	close(begin)
	if event, _, err := s.Next(); err != nil || event.Kind != "ended" || *event.Exit != 3 {
		t.Errorf("got %+v and %v", event, err)
	}
}

func TestCloseEndsNext(t *testing.T) {
	reading := make(chan struct{})
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		close(reading)
		<-r.Context().Done()
	})
	s, err := c.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() { // ends when the server has the request
		<-reading
		s.Close()
	}()
	if _, _, err := s.Next(); err == nil {
		t.Error("got an event of a closed stream")
	}
}

// FuzzStream holds that no server can make a client panic or hang.
func FuzzStream(f *testing.F) {
	f.Add([]byte("event: a\ndata: {\"kind\":\"a\"}\n\n"))
	f.Add([]byte(": alive\r\n\r\ndata\n\ndata:\n\ndata: null\n\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		ctx, cancel := context.WithCancelCause(context.Background())
		s := &Stream{
			client: New("127.0.0.1:1", ""), ctx: ctx, cancel: cancel, body: io.NopCloser(nil),
			lines: bufio.NewReader(bytes.NewReader(content)), quiet: time.NewTimer(time.Hour),
		}
		defer s.Close()
		for range len(content) + 1 {
			if _, raw, err := s.Next(); err != nil {
				return
			} else if !json.Valid(raw) {
				t.Fatalf("got %q, which is no JSON", raw)
			}
		}
		t.Fatal("got more events than bytes")
	})
}
