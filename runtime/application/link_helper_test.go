package application_test

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/application"
	"moongate/runtime/datastore/failure"
	"moongate/runtime/process"
	"moongate/runtime/session"
)

// visitorLink is what a guest of these tests is as a link: session "S", whose token is "T".
type visitorLink struct {
	announced session.Machine
	number    int64
	process   string
	replies   application.Replies
	begun     bool // by Announce or Join
	refusal   error
	heard     []string // the commands that Heard was given
	links     *links   // of the server; nil: RESUME finds none

	mu   sync.Mutex
	lost []session.Cause
	done []int64
}

// links are the links of a server that RESUME finds, by process number.
type links struct {
	mu    sync.Mutex
	all   map[int64]*guest
	conns map[int64]chan net.Conn // the next transport of each
}

func newLinks() *links { return &links{all: map[int64]*guest{}, conns: map[int64]chan net.Conn{}} }

func (l *links) add(number int64, g *guest) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all[number], l.conns[number] = g, make(chan net.Conn, 1)
}

func (g *guest) Heard(command string) error {
	if g.connection != nil {
		return nil
	}
	g.heard = append(g.heard, command)
	if g.refusal != nil {
		return g.refusal
	}
	g.connection = g.later
	return nil
}

func (g *guest) Announce(m session.Machine, number int64, name string) (session.Welcome, error) {
	if g.refusal != nil {
		return session.Welcome{}, g.refusal
	}
	g.announced, g.number, g.process, g.begun = m, number, name, true
	g.links.add(number, g)
	return session.Welcome{Session: "S", Token: "T", User: "Designer", UserNumber: 1, Process: 6, Connection: g.connection.ID,
		ServerSession: "SERVER", Timeout: 15 * time.Minute}, nil
}

func (g *guest) Structure() string { return "{}" }
func (g *guest) Awake()            {}

func (g *guest) Join(token string, number int64, name string) (session.Welcome, error) {
	switch {
	case token != "T":
		return session.Welcome{}, application.ErrToken
	case number == 13:
		return session.Welcome{}, application.ErrInUse
	case g.refusal != nil:
		return session.Welcome{}, g.refusal
	}
	g.number, g.process, g.begun = number, name, true
	g.links.add(number, g)
	return session.Welcome{Session: "S", User: "Designer", UserNumber: 1}, nil
}

func (g *guest) Resume(token string, number, got int64, conn net.Conn) (int64, func(), error) {
	if token != "T" || g.links == nil {
		return 0, nil, application.ErrToken
	}
	g.links.mu.Lock()
	link, next := g.links.all[number], g.links.conns[number]
	g.links.mu.Unlock()
	if link == nil {
		return 0, nil, application.ErrToken
	}
	done, err := link.replies.Resume(got)
	return done, func() { next <- conn }, err
}

func (g *guest) Language() (process.Number, session.ConnectionID, error) {
	if g.refusal != nil {
		return 0, 0, g.refusal
	}
	return 7, 2, nil
}

func (g *guest) CallValues(method string, args []any) ([]any, error) { return g.Call(method, args) }

func (g *guest) Do(command string, args []any) ([]any, error) {
	if command == "type" {
		return []any{fmt.Sprintf("%T", args[0])}, nil
	}
	return nil, errors.New(command + ": no command that clients can ask for")
}

func (g *guest) Data(op string, args []any) (any, error) {
	if op == "echo" {
		return args, nil
	}
	return nil, failure.New(failure.DuplicateKey, "server_log", "id 1 is taken;\nuse another")
}

func (g *guest) Register(name string) bool { return name != "taken" }
func (g *guest) Unregister() bool          { return false }
func (g *guest) Done(id int64)             { g.done = append(g.done, id) }
func (g *guest) Sleep()                    {}
func (g *guest) Remote() bool              { return g.begun }
func (g *guest) Session() string           { return "S" }

func (g *guest) Replies() *application.Replies { return &g.replies }

func (g *guest) Lost(cause session.Cause) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lost = append(g.lost, cause)
}

const (
	sessionCommand = "SESSION PROTOCOL 1 VERSION 1.2.3 MACHINE desk SYSTEMUSER ann PROCESS 2 NAME 'Application process'\r\n"
	welcome        = "%11\r\n$7\r\nsession\r\n$1\r\nS\r\n$5\r\ntoken\r\n$1\r\nT\r\n$4\r\nuser\r\n$8\r\nDesigner\r\n$11\r\nuser_number\r\n:1\r\n" +
		"$7\r\nprocess\r\n:6\r\n$10\r\nconnection\r\n:1\r\n$14\r\nserver_session\r\n$6\r\nSERVER\r\n$7\r\nversion\r\n$5\r\n1.2.3\r\n" +
		"$8\r\nprotocol\r\n:1\r\n$7\r\ntimeout\r\n:900\r\n$9\r\nstructure\r\n$2\r\n{}\r\n"
	joined = "%3\r\n$7\r\nsession\r\n$1\r\nS\r\n$4\r\nuser\r\n$8\r\nDesigner\r\n$11\r\nuser_number\r\n:1\r\n"
)

// house is a server whose links can be resumed.
type house struct {
	t        *testing.T
	server   *application.Server
	registry *session.Registry
	links    *links
	visits   []*visit
	stop     chan struct{}
	swept    chan struct{}
}

// open makes a house in a bubble of its own and checks at its end that nothing is left.
func open(t *testing.T, do func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		registry := session.NewRegistry(nil, 0)
		registry.SetStage(session.Serving)
		h := &house{t: t, registry: registry, links: newLinks(), stop: make(chan struct{}), swept: make(chan struct{}),
			server: application.NewServer(application.Options{Version: "1.2.3", Sessions: registry, LoginTimeout: 30 * time.Second})}
		go func() {
			defer close(h.swept)
			h.server.Sweep(h.stop)
		}()
		do(h)
		for _, v := range h.visits {
			v.conn.Close()
		}
		for _, v := range h.visits {
			v.finish()
		}
		close(h.stop)
		<-h.swept
	})
}

// arrive is a newcomer who is heard before anything is decided.
func (h *house) arrive(o terms) *visit {
	client, transport := net.Pipe()
	peer := session.Peer{}
	c := h.registry.New(peer, session.DesignerUser, nil, time.Now())
	h.registry.Accept(c)
	g := &guest{methods: o.methods, stop: make(chan session.Cause, 1), name: "Application process", later: c}
	g.links, g.refusal = h.links, o.refusal
	v := &visit{guest: g, t: h.t, start: time.Now(), conn: client, send: make(chan string, 100), over: make(chan struct{})}
	go func() {
		defer close(v.over)
		v.serve(h.server, transport)
		h.registry.Close(c)
	}()
	v.talk(o.deaf)
	h.visits = append(h.visits, v)
	return v
}

// serve is a guest's life: a link whose transport is lost waits for the next one, for 5 seconds.
func (v *visit) serve(server *application.Server, conn net.Conn) {
	for {
		v.cause = server.Serve(conn, v.guest)
		v.ended = time.Since(v.start)
		if v.cause == session.Resumed {
			return
		}
		conn.Close()
		if !v.begun || v.cause != session.ConnectionLost {
			return
		}
		v.links.mu.Lock()
		next := v.links.conns[v.number]
		v.links.mu.Unlock()
		select {
		case conn = <-next:
		case <-time.After(5 * time.Second):
			return
		}
	}
}
