package policytest

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"moongate/luabind/convert"
	"moongate/luabind/policytest/vocabulary"
	"moongate/runtime/host"
	"moongate/runtime/listener"
	"moongate/runtime/session"
	"moongate/runtime/wire"

	lua "github.com/yuin/gopher-lua"
)

// client is the other end of a connection, as redis-cli would be. Its methods belong to the test's goroutine.
type client struct {
	play       *play
	peer       session.Peer
	refusal    session.Refusal     // By is the line that returned, also of who was accepted
	connection *session.Connection // nil: refused
	conn       net.Conn            // our end
	lost       atomic.Bool         // the transport is to have failed
	replies    chan any
	served     chan struct{} // closed when the connection is over

	mu       sync.Mutex
	messages []string
}

func newClient(p *play, peer session.Peer) *client {
	return &client{play: p, peer: peer, replies: make(chan any, 1), served: make(chan struct{})}
}

// lossy is the server's end of a connection whose transport may fail.
type lossy struct {
	net.Conn
	client *client
}

// Read reads, or fails as a connection does that was reset.
func (l lossy) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if err != nil && l.client.lost.Load() {
		err = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return n, err
}

// come knocks at the door, and waits for the verdict. Who is let in begins to speak the protocol.
func (c *client) come(user string) {
	decided := make(chan struct{})
	ours, theirs := net.Pipe()
	var guest listener.Guest
	go func() { // ends with the connection; the end of the host ends it at the latest
		defer close(c.served)
		guest, c.refusal = c.play.host.Visit(c.peer, user)
		c.play.host.Rest()
		close(decided)
		if guest != nil {
			guest.Serve(lossy{theirs, c})
		}
	}()
	select {
	case <-decided:
	case <-c.play.halted:
		return
	}
	if guest == nil {
		ours.Close()
		return
	}
	c.conn = ours
	c.connection = guest.(interface{ Connection() *session.Connection }).Connection()
	go c.listen() // ends with the connection
	c.ask("HELLO", "3")
}

// listen takes what the server sends.
func (c *client) listen() {
	defer close(c.replies)
	r := wire.NewReplyReader(c.conn, wire.Limits{})
	for {
		v, err := r.ReadReply()
		if err != nil {
			return
		}
		push, ok := v.(wire.Push)
		if !ok {
			c.answer(v)
			continue
		}
		var words []string
		for _, word := range push[min(1, len(push)):] {
			words = append(words, fmt.Sprint(word))
		}
		c.mu.Lock()
		c.messages = append(c.messages, strings.Join(words, " "))
		c.mu.Unlock()
	}
}

// answer gives a reply to who waits for it, if anybody does until the connection is over.
func (c *client) answer(reply any) {
	select {
	case c.replies <- reply:
		return
	default:
	}
	select {
	case c.replies <- reply:
	case <-c.served:
	}
}

// ask sends a command and waits for its reply; false when the connection is over.
func (c *client) ask(words ...string) (any, bool) {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := c.conn.Write([]byte(b.String())); err != nil {
		return nil, false
	}
	select {
	case v, ok := <-c.replies:
		return v, ok
	case <-c.play.halted:
		return nil, false
	}
}

// hangUp closes the client's end, whatever there is yet.
func (c *client) hangUp() {
	if c.conn != nil {
		c.conn.Close()
	}
}

// view is what the test has of a client.
func (c *client) view(L *lua.LState) *lua.LTable {
	t := L.NewTable()
	set := func(name string, v any) { t.RawSetString(name, convert.ToLua(v)) }
	set("accepted", c.connection != nil)
	set("code", c.refusal.Code)
	if c.refusal.Reason != "" {
		set("reason", c.refusal.Reason)
	}
	if c.refusal.By != "" {
		set("by", c.refusal.By)
	}
	if c.connection != nil {
		set("connection", int64(c.connection.ID))
		set("user", int64(c.connection.User))
		set("process", int64(c.connection.Process.Number()))
	}
	if c.peer.Passage != nil && c.peer.Passage.Upstream() != "" {
		set("upstream", c.peer.Passage.Upstream())
	}
	meta := L.NewTable()
	functions := L.NewTable()
	for name, f := range clientFunctions {
		functions.RawSetString(name, L.NewFunction(func(L *lua.LState) int { return f(checkClient(L), L) }))
	}
	meta.RawSetString("__index", functions)
	meta.RawSetString("__metatable", lua.LString(vocabulary.Client))
	meta.RawSetString(vocabulary.Client, &lua.LUserData{Value: c}) // out of the scripts' reach
	t.Metatable = meta
	return t
}

// clientFunctions are what is called of a client, by the names of package vocabulary.
var clientFunctions = map[string]func(c *client, L *lua.LState) int{
	"call": (*client).call, "close": (*client).close, "closed": (*client).closed, "messages": (*client).told,
}

// checkClient reads the first argument: a client.
func checkClient(L *lua.LState) *client {
	c := clientOf(L.Get(1))
	if c == nil {
		L.ArgError(1, "client expected, as connect gives it; its functions have a colon, as in client:close()")
	}
	return c
}

// clientOf is the client that a value is, nil if it is none.
func clientOf(v lua.LValue) *client {
	if t, ok := v.(*lua.LTable); ok {
		if meta, ok := t.Metatable.(*lua.LTable); ok {
			if data, ok := meta.RawGetString(vocabulary.Client).(*lua.LUserData); ok {
				c, _ := data.Value.(*client)
				return c
			}
		}
	}
	return nil
}

// String is what messages call the client.
func (c *client) String() string {
	if c.connection == nil {
		return "a client that was refused with " + c.verdict()
	}
	return fmt.Sprintf("the client of connection %d", c.connection.ID)
}

// mustBeIn raises an error for a client that is not connected.
func (c *client) mustBeIn(L *lua.LState, what string) {
	if c.connection == nil {
		L.RaiseError("%s: the client was refused with %s", what, c.verdict())
	}
}

// call is client:call(method, ...).
func (c *client) call(L *lua.LState) int {
	words := []string{"CALL", L.CheckString(2)}
	c.mustBeIn(L, "call")
	if c.peer.Gate != "" {
		L.RaiseError("call: a gate's client speaks with the upstream, and has nobody to call")
	}
	for i := 3; i <= L.GetTop(); i++ {
		words = append(words, L.ToStringMeta(L.Get(i)).String())
	}
	var reply any
	there := false
	c.play.outside(L, func() { reply, there = c.ask(words...) })
	failed, isError := reply.(wire.Error)
	switch {
	case !there:
		L.Push(lua.LNil)
		L.Push(lua.LString("the connection is over: " + c.connection.Cause().String()))
		return 2
	case isError:
		L.Push(lua.LNil)
		L.Push(lua.LString(strings.TrimPrefix(failed.Error(), "ERR ")))
		return 2
	}
	if s, ok := reply.(wire.SimpleString); ok {
		reply = string(s)
	}
	L.Push(convert.ToLua(reply))
	return 1
}

// ends are the ways in which a connection can be ended, by their causes.
var ends = map[string]func(c *client){
	session.ClientLeft.String():     (*client).hangUp,
	session.ConnectionLost.String(): func(c *client) { c.lost.Store(true); c.hangUp() },
	session.ProtocolError.String():  func(c *client) { c.conn.Write([]byte("*x\r\n")) },
	session.Dropped.String():        func(c *client) { c.play.host.DropConnection(c.connection.ID) },
	session.ProcessAborted.String(): func(c *client) { c.play.host.Abort(c.connection.Process.Number(), c.connection.Process.ID()) },
}

// close is client:close([cause]).
func (c *client) close(L *lua.LState) int {
	cause := L.OptString(2, session.ClientLeft.String())
	end, known := ends[cause]
	if !known {
		L.ArgError(2, fmt.Sprintf("no cause %q that a test can bring about%s", cause, meant(cause, ends)))
	}
	c.mustBeIn(L, "close")
	c.play.outside(L, func() {
		end(c)
		select {
		case <-c.served:
		case <-c.play.halted:
		}
		c.hangUp()
	})
	L.Push(lua.LString(c.connection.Cause().String()))
	return 1
}

// closed is client:closed().
func (c *client) closed(L *lua.LState) int {
	if c.connection == nil || c.connection.Cause() == session.NoCause {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LString(c.connection.Cause().String()))
	return 1
}

// told is client:messages().
func (c *client) told(L *lua.LState) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := L.NewTable()
	for _, m := range c.messages {
		t.Append(lua.LString(m))
	}
	L.Push(t)
	return 1
}

var _ host.Numbers = (*numbers)(nil)
