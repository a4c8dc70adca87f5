package remote

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/wire"
)

var okReply = wire.SimpleString("OK")

// TestContextEndsWhileTheServerWorks: the server hears of it, the error is the cause, and the next request has a new
// link.
func TestContextEndsWhileTheServerWorks(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, _ := f.connect()
		p := c.Process(4, "P4")
		enough := errors.New("enough")
		ctx, cancel := context.WithCancelCause(ctx)
		o := call(ctx, p, "endless")
		link := f.join("4")
		link.expect("CALLV endless *0")
		synctest.Wait()
		cancel(enough)
		link.expect("QUIT")
		link.expect("EOF")
		if _, err := o.wait(); err != enough {
			t.Errorf("error %v, want %v", err, enough)
		}
		o = call(context.Background(), p, "m")
		for range 3 { // the server is not done with the one before
			link = f.accept()
			link.expect("JOIN T 4 P4")
			link.reply(wire.Error{Code: "INUSE", Message: "wait"})
		}
		link = f.join("4")
		link.expect("CALLV m *0")
		link.reply([]any{"x"})
		f.want(o, "x")
	})
}

// TestContextEndsWithoutTransport: what the server may have begun is ended as soon as there is a transport.
func TestContextEndsWithoutTransport(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, _ := f.connect()
		ctx, cancel := context.WithCancel(ctx)
		o := call(ctx, c.Process(4, "P4"), "endless")
		link := f.join("4")
		link.expect("CALLV endless *0")
		f.refuse(syscall.EHOSTUNREACH)
		link.close()
		time.Sleep(time.Second)
		cancel()
		if _, err := o.wait(); err != context.Canceled {
			t.Errorf("error %v", err)
		}
		time.Sleep(time.Second)
		f.refuse(nil)
		link = f.resume("4", "0", 1)
		link.expect("QUIT")
		link.expect("EOF")
		synctest.Wait()
		if n := len(c.all()); n != 1 {
			t.Errorf("%d links, want the Application process's", n)
		}
	})
}

// TestContextEndsBeforeTheRequestIsSent: the link is as it was.
func TestContextEndsBeforeTheRequestIsSent(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, _ := f.connect()
		p := c.Process(4, "P4")
		soon, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := p.Call(soon, "waits for JOIN", nil); err != context.DeadlineExceeded {
			t.Errorf("error %v", err)
		}
		link := f.join("4")
		slow := call(ctx, p, "slow")
		link.expect("CALLV slow *0")
		soon, cancel = context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := p.Call(soon, "waits for slow", nil); err != context.DeadlineExceeded {
			t.Errorf("error %v", err)
		}
		link.reply([]any{"s"})
		f.want(slow, "s")
	})
}

// TestContextEndsAtTheApplicationProcess: the session stays; the request goes on without anybody who waits for it.
func TestContextEndsAtTheApplicationProcess(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		soon, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		o := call(soon, c.Application(), "slow")
		application.expect("CALLV slow *0")
		if _, err := o.wait(); err != context.DeadlineExceeded {
			t.Errorf("error %v", err)
		}
		o = call(ctx, c.Application(), "next")
		if o.isOver() {
			t.Error("the next one did not wait")
		}
		application.reply([]any{"of slow"})
		application.expect("CALLV next *0")
		application.reply([]any{"of next"})
		f.want(o, "of next")
	})
}

// TestProcessClose: QUIT, and the wait for the server to have run the close method.
func TestProcessClose(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, _ := f.connect()
		idle := c.Process(3, "P3")
		if err := idle.Close(ctx); err != nil || !f.quiet() {
			t.Errorf("without a link: %v", err)
		}
		p := c.Process(4, "P4")
		o := call(ctx, p, "m")
		link := f.join("4")
		link.expect("CALLV m *0")
		link.reply([]any{"x"})
		f.want(o, "x")
		closed := later(func() (bool, error) { return true, p.Close(ctx) })
		link.expect("QUIT")
		link.reply(okReply)
		if closed.isOver() {
			t.Error("closed before the server has")
		}
		link.close()
		if _, err := closed.wait(); err != nil {
			t.Error(err)
		}
		_, err := p.Call(ctx, "m", nil)
		f.wantNumber(err, NumberClosed)
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
		if !f.quiet() || c.Err() != nil {
			t.Error("the end of a link was taken for a loss")
		}
	})
}

// TestProcessCloseWithoutTransport: the server is told when it can be, also if nobody waits any more.
func TestProcessCloseWithoutTransport(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, _ := f.connect()
		p := c.Process(4, "P4")
		o := call(ctx, p, "m")
		link := f.join("4")
		link.expect("CALLV m *0")
		link.reply([]any{"x"})
		f.want(o, "x")
		f.refuse(syscall.EHOSTUNREACH)
		link.close()
		soon, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := p.Close(soon); err != context.DeadlineExceeded {
			t.Errorf("error %v", err)
		}
		f.refuse(nil)
		link = f.resume("4", "1", 1)
		link.expect("QUIT")
		link.reply(okReply)
		link.close()
		synctest.Wait()
		if n := len(c.all()); n != 1 {
			t.Errorf("%d links, want the Application process's", n)
		}
	})
}

// TestClose: the other links first, then the Application process's; a request that runs is cut.
func TestClose(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		idle := call(ctx, c.Process(4, "P4"), "m")
		first := f.join("4")
		first.expect("CALLV m *0")
		first.reply([]any{"x"})
		f.want(idle, "x")
		busy := call(ctx, c.Process(5, "P5"), "endless")
		second := f.join("5")
		second.expect("CALLV endless *0")
		closed := later(func() (bool, error) { return true, c.Close(ctx) })
		_, err := busy.wait()
		f.wantNumber(err, NumberClosed)
		second.expect("EOF")
		first.expect("QUIT")
		first.reply(okReply)
		first.close()
		application.expect("QUIT")
		application.reply(okReply)
		if closed.isOver() {
			t.Error("closed before the server has")
		}
		application.close()
		if _, err := closed.wait(); err != nil {
			t.Error(err)
		}
		_, err = c.Application().Call(ctx, "m", nil)
		f.wantNumber(err, NumberClosed)
		if got := f.notices.all(); got != "" || c.Err() != nil {
			t.Errorf("heard %q, %v", got, c.Err())
		}
		if err := c.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

// TestCloseWhileTheApplicationProcessAsks: QUIT follows what runs.
func TestCloseWhileTheApplicationProcessAsks(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		o := call(ctx, c.Application(), "slow")
		application.expect("CALLV slow *0")
		closed := later(func() (bool, error) { return true, c.Close(ctx) })
		_, err := o.wait()
		f.wantNumber(err, NumberClosed)
		application.reply([]any{"x"})
		application.expect("QUIT")
		application.reply(okReply)
		application.close()
		if _, err := closed.wait(); err != nil {
			t.Error(err)
		}
	})
}

// TestCloseOfAServerThatHangs: the context bounds it.
func TestCloseOfAServerThatHangs(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		soon, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		closed := later(func() (bool, error) { return true, c.Close(soon) })
		application.expect("QUIT")
		if _, err := closed.wait(); err != context.DeadlineExceeded {
			t.Errorf("error %v", err)
		}
		application.expect("EOF")
	})
}

// TestSever: at once, and from a notice too.
func TestSever(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		f.notices.act = func(string) { c.Sever() }
		o := call(ctx, c.Process(4, "P4"), "endless")
		link := f.join("4")
		link.expect("CALLV endless *0")
		application.push("quit", int64(0), "now")
		_, err := o.wait()
		f.wantNumber(err, NumberClosed)
		link.expect("EOF")
		application.expect("EOF")
		if c.Err() != nil {
			t.Error(c.Err())
		}
	})
}

// TestSleep: the transports may be gone when the machine wakes.
func TestSleep(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		slept := later(func() (bool, error) { return true, c.Sleep(ctx) })
		application.expect("SLEEP")
		application.reply(okReply)
		if _, err := slept.wait(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		application.close()
		application = f.resume("1", "1", 1)
		o := call(ctx, c.Application(), "m")
		application.expect("CALLV m *0")
		application.reply([]any{"x"})
		f.want(o, "x")
	})
}

// TestOrphanOfALostSession: the turn that a request without a waiting goroutine holds is given once.
func TestOrphanOfALostSession(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		soon, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		o := call(soon, c.Application(), "slow")
		application.expect("CALLV slow *0")
		o.wait()
		next := call(ctx, c.Application(), "next")
		application.reply(wire.Error{Code: "CLOSED", Message: "enough"})
		_, err := next.wait()
		f.wantNumber(err, NumberLost)
		if n := len(c.Application().turn); n != 0 {
			t.Errorf("%d turns are taken", n)
		}
	})
}

// TestCloseTwiceAtOnce: one QUIT.
func TestCloseTwiceAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		first := later(func() (bool, error) { return true, c.Close(ctx) })
		application.expect("QUIT")
		second := later(func() (bool, error) { return true, c.Close(ctx) })
		synctest.Wait()
		application.reply(okReply)
		if first.isOver() || second.isOver() {
			t.Error("closed before the server has")
		}
		application.close()
		first.wait()
		second.wait()
	})
}
