package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/wire"
)

var ctx = context.Background()

// TestLazyLink: a process has no link before it asks for something, and two goroutines that ask at once share one.
func TestLazyLink(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, _ := f.connect()
		p := c.Process(4, "P4")
		if !f.quiet() {
			t.Error("a link without a request")
		}
		first, second := call(ctx, p, "a"), call(ctx, p, "a")
		link := f.join("4")
		for range 2 {
			link.expect("CALLV a *0")
			synctest.Wait()
			if !f.quiet() {
				t.Error("a second link")
			}
			link.reply([]any{"x"})
		}
		f.want(first, "x")
		f.want(second, "x")
	})
}

// TestProcessesDoNotWait: each process has its own link.
func TestProcessesDoNotWait(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		slow := call(ctx, c.Process(4, "P4"), "slow")
		first := f.join("4")
		first.expect("CALLV slow *0")
		quick := call(ctx, c.Process(5, "P5"), "quick")
		second := f.join("5")
		second.expect("CALLV quick *0")
		second.reply([]any{"q"})
		f.want(quick, "q")
		own := call(ctx, c.Application(), "own")
		application.expect("CALLV own *0")
		application.reply([]any{"o"})
		f.want(own, "o")
		if slow.isOver() {
			t.Error("the slow one has ended")
		}
		first.reply([]any{"s"})
		f.want(slow, "s")
	})
}

// TestRequests holds what each method sends and what it makes of the answer.
func TestRequests(t *testing.T) {
	type row struct {
		name  string
		ask   func(p *Process) (any, error)
		sent  string
		reply any
		want  string // value, or error
	}
	rows := []row{
		{"call", func(p *Process) (any, error) { return p.Call(ctx, "m", []any{int64(1), "a", nil, true, 1.5}) },
			"CALLV m *5 :1 $1 a _ #t ,1.5", []any{"x", int64(2)}, "[x 2]"},
		{"do", func(p *Process) (any, error) { return p.Do(ctx, "current_time", nil) }, "DO current_time *0", []any{7200.0}, "[7200]"},
		{"data", func(p *Process) (any, error) { return p.Data(ctx, "save", []any{"t", []any{"k"}}) }, "DATA save *2 $1 t *1 $1 k",
			wire.Map{{Key: "stamp", Value: int64(1)}}, "[{stamp 1}]"},
		{"data null", func(p *Process) (any, error) { return p.Data(ctx, "get", nil) }, "DATA get *0", nil, "<nil>"},
		{"language", func(p *Process) (any, error) { return nil, p.Language(ctx) }, "LANGUAGE",
			wire.Map{{Key: "process", Value: int64(9)}, {Key: "connection", Value: int64(3)}}, "<nil>"},
		{"register", func(p *Process) (any, error) { return p.Register(ctx, "shop") }, "REGISTER shop", true, "true"},
		{"unregister", func(p *Process) (any, error) { return p.Unregister(ctx) }, "UNREGISTER", false, "false"},
		{"done", func(p *Process) (any, error) { return nil, p.Done(ctx, 12) }, "DONE 12", wire.SimpleString("OK"), "<nil>"},
		{"refused", func(p *Process) (any, error) { return nil, p.Language(ctx) }, "LANGUAGE", wire.Error{Code: "REFUSED", Message: "22000 closed for today"},
			"*remote.Refused the server refused the connection: 22000 closed for today"},
		{"script", func(p *Process) (any, error) { return p.Call(ctx, "m", nil) }, "CALLV m *0", wire.Error{Code: "ERR", Message: "m.lua:3: no"},
			"*remote.Error m.lua:3: no"},
		{"data error", func(p *Process) (any, error) { return p.Data(ctx, "save", nil) }, "DATA save *0",
			wire.Error{Code: "DATA", Message: "duplicate name is taken"}, "wire.Error DATA duplicate name is taken"},
		{"no list", func(p *Process) (any, error) { return p.Call(ctx, "m", nil) }, "CALLV m *0", int64(1),
			"*remote.Error the server answered CALLV with a number instead of a list"},
		{"no truth", func(p *Process) (any, error) { return p.Register(ctx, "n") }, "REGISTER n", int64(1),
			"*remote.Error the server answered the request with a number instead of true or false"},
		{"no OK", func(p *Process) (any, error) { return nil, p.Done(ctx, 1) }, "DONE 1", []any{},
			"*remote.Error the server answered the request with a list instead of OK"},
		{"no map", func(p *Process) (any, error) { return nil, p.Language(ctx) }, "LANGUAGE", "x",
			"*remote.Error the server broke the protocol: the answer to LANGUAGE is a text instead of a map"},
	}
	inBubble(t, func(t *testing.T, f *fake) {
		c, _ := f.connect()
		p := c.Process(4, "P4")
		var link *peer
		for _, r := range rows {
			o := later(func() (any, error) { return r.ask(p) })
			if link == nil {
				link = f.join("4")
			}
			link.expect(r.sent)
			link.reply(r.reply)
			v, err := o.wait()
			got := fmt.Sprint(v)
			if err != nil {
				got = fmt.Sprintf("%T %v", err, err)
			}
			if got != r.want {
				t.Errorf("%s gives %s, want %s", r.name, got, r.want)
			}
		}
	})
}

// TestTooBig: what the server would not read never leaves, and the link is as it was.
func TestTooBig(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, _ := f.connect()
		p := c.Process(4, "P4")
		for _, args := range [][]any{{strings.Repeat("x", maxArgument)}, {struct{}{}}} {
			if _, err := p.Data(ctx, "save", args); err == nil {
				t.Error("no error")
			} else {
				f.wantNumber(err, 0)
			}
		}
		if !f.quiet() {
			t.Error("a link was made")
		}
	})
}

// TestCutBeforeTheServerRead: the request is sent again.
func TestCutBeforeTheServerRead(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, _ := f.connect()
		o := call(ctx, c.Process(4, "P4"), "m")
		f.join("4").close()
		link := f.resume("4", "0", 0)
		link.expect("CALLV m *0")
		link.reply([]any{"once"})
		f.want(o, "once")
	})
}

// TestCutInTheRequest: half a request is none.
func TestCutInTheRequest(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, _ := f.connect()
		o := call(ctx, c.Process(4, "P4"), "m")
		link := f.join("4")
		link.conn.Read(make([]byte, 5))
		link.close()
		link = f.resume("4", "0", 0)
		link.expect("CALLV m *0")
		link.reply([]any{"once"})
		f.want(o, "once")
	})
}

// TestCutAfterTheServerBegan: the request is not sent again; its reply comes by the next transport.
func TestCutAfterTheServerBegan(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, _ := f.connect()
		p := c.Process(4, "P4")
		before := call(ctx, p, "before")
		link := f.join("4")
		link.expect("CALLV before *0")
		link.reply([]any{"b"})
		f.want(before, "b")
		o := call(ctx, p, "m")
		link.expect("CALLV m *0")
		link.close()
		link = f.resume("4", "1", 2)
		synctest.Wait()
		link.reply([]any{"once"})
		f.want(o, "once")
		next := call(ctx, p, "n")
		link.expect("CALLV n *0") // and not m
		link.close()
		link = f.resume("4", "2", 2)
		link.expect("CALLV n *0")
		link.reply([]any{"n"})
		f.want(next, "n")
	})
}

// TestCutInTheReply: half a reply is none.
func TestCutInTheReply(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, _ := f.connect()
		o := call(ctx, c.Process(4, "P4"), "m")
		link := f.join("4")
		link.expect("CALLV m *0")
		link.raw("*1\r\n$4\r\non")
		link.close()
		link = f.resume("4", "0", 1)
		link.raw("*1\r\n$4\r\nonce\r\n")
		f.want(o, "once")
	})
}

// TestCutWithoutARequest: an idle link is resumed by itself.
func TestCutWithoutARequest(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		application.close()
		application = f.resume("1", "0", 0)
		application.push("notice", "back")
		if got := f.notices.all(); got != "message back" {
			t.Errorf("heard %q", got)
		}
		if c.Err() != nil {
			t.Error(c.Err())
		}
	})
}

// TestServerHasDoneWhatWasNotAsked: a server that counts otherwise is not believed.
func TestServerHasDoneWhatWasNotAsked(t *testing.T) {
	for _, done := range []int64{-1, 1, 2, 1 << 40} {
		inBubble(t, func(t *testing.T, f *fake) {
			c, application := f.connect()
			application.close()
			f.resume("1", "0", done)
			<-c.Done()
			f.wantNumber(c.Err(), NumberLost)
			if got := f.notices.all(); !strings.Contains(got, "broke the protocol") {
				t.Errorf("heard %q", got)
			}
		})
	}
}

// TestBackoff: attempts become rare, requests wait, and go on when the server is there again.
func TestBackoff(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		f.refuse(syscall.EHOSTUNREACH)
		application.close()
		o := call(ctx, c.Application(), "m")
		time.Sleep(time.Minute)
		if n := f.attempts(); n < 12 || n > 35 {
			t.Errorf("%d attempts in a minute", n)
		}
		if o.isOver() {
			t.Error("the request has ended")
		}
		f.refuse(nil)
		application = f.resume("1", "0", 0)
		application.expect("CALLV m *0")
		application.reply([]any{"x"})
		f.want(o, "x")
	})
}

// TestOutOfReachForTooLong: when the server has given the session up, so does the client.
func TestOutOfReachForTooLong(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		f.refuse(syscall.EHOSTUNREACH)
		application.close()
		began := time.Now()
		_, err := c.Application().Call(ctx, "m", nil)
		if !errors.Is(err, ErrLost) {
			t.Errorf("error %v, want ErrLost", err)
		}
		if d := time.Since(began); d < timeout || d > timeout+longWait {
			t.Errorf("lost after %v, want %v", d, timeout)
		}
		if got := f.notices.all(); !strings.HasPrefix(got, "lost: ") || strings.Count(got, "|") > 0 {
			t.Errorf("heard %q", got)
		}
	})
}

// TestServerHasEnded: when nobody listens any more the session is gone, which takes as long as the server needs to
// notice the same.
func TestServerHasEnded(t *testing.T) {
	for _, refusal := range []error{syscall.ECONNREFUSED, wsaConnectionRefused} {
		inBubble(t, func(t *testing.T, f *fake) {
			c, application := f.connect()
			f.refuse(fmt.Errorf("dial: %w", refusal))
			application.close()
			began := time.Now()
			<-c.Done()
			if d := time.Since(began); d < lostGrace || d > lostGrace+longWait {
				t.Errorf("lost after %v", d)
			}
			f.wantNumber(c.Err(), NumberLost)
		})
	}
}

// TestTokenUnknown: the server has no such session any more.
func TestTokenUnknown(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		other := call(ctx, c.Process(4, "P4"), "m")
		link := f.join("4")
		link.expect("CALLV m *0")
		application.close()
		p := f.accept()
		p.expect("RESUME T 1 0")
		p.reply(wire.Error{Code: "TOKEN", Message: "unknown"})
		_, err := other.wait()
		f.wantNumber(err, NumberLost)
		f.wantNumber(c.Err(), NumberLost)
		_, err = c.Process(5, "P5").Do(ctx, "current_time", nil)
		f.wantNumber(err, NumberLost)
		if got := f.notices.all(); got != "lost: the connection to the server was lost: unknown" {
			t.Errorf("heard %q", got)
		}
		c.Sever()
		_, err = c.Application().Do(ctx, "current_time", nil)
		f.wantNumber(err, NumberClosed)
		f.wantNumber(c.Err(), NumberLost)
	})
}

// TestInUse: the server has not noticed the loss yet.
func TestInUse(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		application.close()
		for range 5 {
			p := f.accept()
			p.expect("RESUME T 1 0")
			p.reply(wire.Error{Code: "INUSE", Message: "wait"})
		}
		f.resume("1", "0", 0)
		synctest.Wait()
		if c.Err() != nil {
			t.Error(c.Err())
		}
	})
}

// TestDropped: the server says why, and nothing is tried again.
func TestDropped(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		application.reply(wire.Error{Code: "CLOSED", Message: "the connection was dropped by the server"})
		application.close()
		<-c.Done()
		if got := f.notices.all(); got != "lost: the connection to the server was lost: the connection was dropped by the server" {
			t.Errorf("heard %q", got)
		}
		if !f.quiet() || f.attempts() != 1 {
			t.Error("tried again")
		}
	})
}

// TestLinkDropped: only that process is told, once, and then has a new link.
func TestLinkDropped(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, _ := f.connect()
		p := c.Process(4, "P4")
		o := call(ctx, p, "m")
		link := f.join("4")
		link.expect("CALLV m *0")
		link.reply([]any{"x"})
		f.want(o, "x")
		link.reply(wire.Error{Code: "CLOSED", Message: "the process was aborted by the server"})
		link.close()
		synctest.Wait()
		_, err := p.Call(ctx, "m", nil)
		f.wantNumber(err, NumberLost)
		o = call(ctx, p, "m")
		link = f.join("4")
		link.expect("CALLV m *0")
		link.reply([]any{"y"})
		f.want(o, "y")
		if got := f.notices.all(); got != "" || c.Err() != nil {
			t.Errorf("heard %q, %v", got, c.Err())
		}
	})
}

// TestRefusedLink: the process is told, and the next request asks again.
func TestRefusedLink(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, _ := f.connect()
		p := c.Process(4, "P4")
		for range 2 {
			o := call(ctx, p, "m")
			link := f.accept()
			link.expect("JOIN T 4 P4")
			link.reply(wire.Error{Code: "REFUSED", Message: "-10514 too many"})
			_, err := o.wait()
			var refused *Refused
			if !errors.As(err, &refused) || *refused != (Refused{-10514, "too many"}) {
				t.Errorf("error %v", err)
			}
		}
	})
}

// TestPushes holds what each push of the server becomes.
func TestPushes(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		args, _ := wire.Pack([]any{int64(1)})
		application.push("notice", "hello")
		application.push("quit", int64(600), "in ten minutes")
		application.push("quit", int64(-1), "")
		application.push("stay", "not yet")
		application.push("structure", "[]")
		application.push("fashion", "of tomorrow")
		application.push("order", int64(3), "clean", string(args))
		want := "message hello|quitting 10m0s in ten minutes|quitting -1s |staying not yet|structure []|order clean"
		if got := f.notices.all(); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
		registered := later(func() (bool, error) { return c.Process(4, "P4").Register(ctx, "box") })
		link := f.join("4")
		link.expect("REGISTER box")
		link.push("order", int64(4), "early", string(args))
		link.reply(true)
		link.push("notice", "of another link")
		link.push("order", int64(5), "late", string(args))
		if ok, err := registered.wait(); !ok || err != nil {
			t.Errorf("registered %v, %v", ok, err)
		}
		if got := f.notices.all(); got != want+"|order early|order late" {
			t.Errorf("heard %q", got)
		}
	})
}

// TestOrderGivenAgain: after a lost transport the server cannot know whether the order has come.
func TestOrderGivenAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		_, application := f.connect()
		args, _ := wire.Pack(nil)
		application.push("order", int64(3), "a", string(args))
		synctest.Wait()
		application.close()
		application = f.resume("1", "0", 0)
		application.push("order", int64(3), "a", string(args))
		application.push("order", int64(4), "b", string(args))
		if got := f.notices.all(); got != "order a|order b" {
			t.Errorf("heard %q", got)
		}
	})
}
