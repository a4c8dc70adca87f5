package remote

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/wire"
)

// TestConnectErrors holds what is said of each kind of answer to HELLO and SESSION.
func TestConnectErrors(t *testing.T) {
	with := func(key string, value any) wire.Map {
		m := sessionReply()
		for i := range m {
			if m[i].Key == key {
				m[i].Value = value
			}
		}
		return m
	}
	for _, row := range []struct {
		name           string
		hello, session any // a string is sent as it is
		want           string
	}{
		{"refused", wire.Error{Code: "REFUSED", Message: "22000 closed"}, nil, "the server refused the connection: 22000 closed"},
		{"refused without a reason", nil, wire.Error{Code: "REFUSED", Message: "5"}, "the server refused the connection: 5"},
		{"refused without a code", nil, wire.Error{Code: "REFUSED", Message: "go away"}, "the server refused the connection: -10515 go away"},
		{"password", wire.Error{Code: "WRONGPASS", Message: "wrong"}, nil, "-10515 server:19813: wrong"},
		{"no login", wire.Error{Code: "NOAUTH", Message: "log in"}, nil, "-10515 server:19813: log in"},
		{"version", nil, wire.Error{Code: "VERSION", Message: "-10505 too new"}, "-10505 server:19813: too new"},
		{"old server", nil, wire.Error{Code: "ERR", Message: "unknown command 'SESSION'"},
			"-10505 server:19813: the server is too old for remote clients: it does not know SESSION"},
		{"other protocol", nil, with("protocol", int64(2)), "-10505 server:19813: the server speaks version 2 of the remote protocol, this client 1"},
		{"redis", wire.Map{{Key: "server", Value: "redis"}}, nil, `-10505 server:19813: what answers is "redis" and no Moongate`},
		{"web", "HTTP/1.1 400 Bad Request\r\n\r\n", nil, "does not look like the application listener"},
		{"RESP2", []any{"server", "moongate"}, nil, "a list instead of a map"},
		{"number", int64(1), nil, "a number instead of a map"},
		{"no token", nil, with("token", ""), "session, token or timeout cannot be"},
		{"null token", nil, with("token", nil), "token is null"},
		{"endless timeout", nil, with("timeout", int64(1)<<62), "timeout cannot be"},
		{"negative timeout", nil, with("timeout", int64(-1)), "timeout cannot be"},
		{"structure", nil, with("structure", []any{}), "structure is a list"},
		{"empty map", nil, wire.Map{}, "session is null"},
		{"silence and the end", "", nil, "closed the connection without an answer"},
		{"half", "%7\r\n$6\r\nser", nil, "closed the connection without an answer"},
		{"push in a reply", nil, "*1\r\n>1\r\n+x\r\n", "unexpected '>'"},
		{"flood of pushes", nil, strings.Repeat(">2\r\n$6\r\nnotice\r\n$1\r\nx\r\n", maxEarly+1), "too many pushes"},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fake) {
				made := later(func() (*Client, error) { return Connect(ctx, f.config()) })
				p := f.accept()
				answer(p, row.hello, helloReply)
				if row.hello == nil {
					answer(p, row.session, nil)
				}
				p.close()
				c, err := made.wait()
				if err == nil {
					t.Fatal("no error", c)
				}
				got := err.Error()
				var e *Error
				if errors.As(err, &e) && e.Number != NumberLost {
					got = strconv.Itoa(e.Number) + " " + got
				}
				if !strings.Contains(got, row.want) {
					t.Errorf("error %q, want %q", got, row.want)
				}
				if strings.Contains(got, "\n") {
					t.Errorf("more than one line: %q", got)
				}
			})
		})
	}
}

// answer reads a command and answers with v, or with standard if v is nil.
func answer(p *peer, v, standard any) {
	p.read()
	if v == nil {
		v = standard
	}
	if text, ok := v.(string); ok {
		p.raw(text)
		return
	}
	p.w.WriteValue(v)
	p.w.Flush()
}

// TestConnectEnds: by its context, and by itself when the server says nothing.
func TestConnectEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		soon, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := Connect(soon, f.config()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		began := time.Now()
		made := later(func() (*Client, error) { return Connect(ctx, f.config()) })
		f.accept()
		p := f.accept()
		p.read()
		if _, err := made.wait(); !errors.Is(err, errNoAnswer) {
			t.Errorf("error %v", err)
		}
		if d := time.Since(began); d != welcomeTime {
			t.Errorf("after %v", d)
		}
	})
}

// TestLogin holds what is sent of the user.
func TestLogin(t *testing.T) {
	for _, row := range []struct{ user, password, want string }{
		{"", "", "HELLO 3"}, {"ann", "secret", "HELLO 3 AUTH ann secret"}, {"", "secret", "HELLO 3 AUTH Designer secret"},
	} {
		inBubble(t, func(t *testing.T, f *fake) {
			config := f.config()
			config.User, config.Password = row.user, row.password
			made := later(func() (*Client, error) { return Connect(ctx, config) })
			p := f.accept()
			p.expect(row.want)
			p.close()
			made.wait()
		})
	}
}

// TestWelcome: all that the server said, and the pushes between the answers.
func TestWelcome(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		config := f.config()
		config.Machine.Compiled, config.Process, config.Name = true, 5, "main"
		made := later(func() (*Client, error) { return Connect(ctx, config) })
		p := f.accept()
		answer(p, nil, helloReply)
		p.expect("SESSION PROTOCOL 1 VERSION 9 MACHINE box SYSTEMUSER ann PROCESS 5 NAME main COMPILED 1")
		p.push("notice", "soon")
		p.reply(append(sessionReply(), wire.Pair{Key: "later", Value: []any{}}))
		c, err := made.wait()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Sever()
		w := c.Welcome()
		if w.Session != "S" || w.Token != "T" || w.User != "ann" || w.UserNumber != 7 || w.Process != 6 || w.Connection != 1 || w.ServerSession != "SS" ||
			w.Version != "9" || w.Protocol != 1 || w.Timeout != timeout || string(w.Structure) != "{}" {
			t.Errorf("welcome %+v", w)
		}
		if got := f.notices.all(); got != "message soon" {
			t.Errorf("heard %q", got)
		}
	})
}

// TestNonsense: a link whose server answers what no server answers is left, with an error in words.
func TestNonsense(t *testing.T) {
	for _, bytes := range []string{
		"HTTP/1.1 400 Bad Request\r\n\r\n", "*3\r\n:1\r\n)\r\n", "$1000000000\r\nx", "*1000000000\r\n", ">1\r\n*1\r\n>0\r\n",
		"*1\r\n>2\r\n$6\r\nnotice\r\n$1\r\nx\r\n", ":12345678901234567890\r\n", ">4\r\n$5\r\norder\r\n:1\r\n$1\r\nm\r\n$4\r\n*9\r\n\r\n",
		">1\r\n$5\r\norder\r\n", "-ERR Protocol error: what\r\n", strings.Repeat("*1\r\n", 100), "+" + strings.Repeat("x", 1<<20),
	} {
		inBubble(t, func(t *testing.T, f *fake) {
			c, _ := f.connect()
			o := call(ctx, c.Process(4, "P4"), "m")
			link := f.join("4")
			link.expect("CALLV m *0")
			link.raw(bytes)
			_, err := o.wait()
			f.wantNumber(err, NumberLost)
			if c.Err() != nil {
				t.Error("the session is lost")
			}
		})
	}
}

// TestReplyThatNobodyAskedFor ends the session when it comes to the Application process.
func TestReplyThatNobodyAskedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		c, application := f.connect()
		application.reply(okReply)
		<-c.Done()
		if got := f.notices.all(); got != "lost: the server broke the protocol: a reply that nobody asked for" {
			t.Errorf("heard %q", got)
		}
	})
}

// TestNonsenseWhileJoining: the process is told.
func TestNonsenseWhileJoining(t *testing.T) {
	for _, reply := range []any{
		okReply, wire.Map{}, wire.Map{{Key: "session", Value: "another"}}, wire.Error{Code: "ERR", Message: "what"},
		wire.Error{Code: "TOKEN", Message: "of another address"}, []any{"session", "S"}, "\xff\r\n",
	} {
		inBubble(t, func(t *testing.T, f *fake) {
			c, _ := f.connect()
			o := call(ctx, c.Process(4, "P4"), "m")
			answer(f.accept(), reply, nil)
			_, err := o.wait()
			f.wantNumber(err, NumberLost)
			if c.Err() != nil {
				t.Error("the session is lost")
			}
		})
	}
}

// TestServerThatDropsWhatItResumes: there is no storm of attempts.
func TestServerThatDropsWhatItResumes(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		_, application := f.connect()
		application.close()
		began := time.Now()
		for range 20 {
			f.resume("1", "0", 0).close()
		}
		if d := time.Since(began); d < 30*time.Second {
			t.Errorf("20 transports in %v", d)
		}
	})
}

// FuzzServer: whatever a server answers, to whichever command, the client ends, without a panic or much memory.
func FuzzServer(f *testing.F) {
	f.Add([]byte("%1\r\n$6\r\nserver\r\n$8\r\nmoongate\r\n"), uint8(0))
	f.Add([]byte("%2\r\n$7\r\nsession\r\n$1\r\nS\r\n$4\r\ndone\r\n:0\r\n*1\r\n+x\r\n"), uint8(2))
	f.Add([]byte(">3\r\n$4\r\nquit\r\n:-1\r\n$0\r\n\r\n*1\r\n$1\r\nx\r\n"), uint8(3))
	f.Add([]byte(">4\r\n$5\r\norder\r\n:1\r\n$1\r\nm\r\n$4\r\n*0\r\n\r\n-CLOSED x\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, bytes []byte, at uint8) {
		synctest.Test(t, func(t *testing.T) {
			soon, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			c, err := Connect(soon, Config{Address: "server:1", Dial: script(bytes, int(at%4))})
			if err != nil {
				return
			}
			c.Process(4, "P4").Call(soon, "m", nil)
			c.Application().Call(soon, "m", nil)
			c.Close(soon)
			if n := len(c.all()); n != 0 {
				t.Errorf("%d links are left", n)
			}
		})
	})
}

// script answers each command rightly, but the one at a place with bytes, after which the transport ends.
func script(bytes []byte, at int) func(context.Context, string) (net.Conn, error) {
	var count atomic.Int64
	return func(context.Context, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			r, w := wire.NewReader(server, wire.Limits{}), wire.NewWriter(server)
			w.SetVersion(wire.RESP3)
			for {
				command, err := r.ReadCommand()
				if err != nil {
					return
				}
				if count.Add(1) == int64(at)+1 {
					server.Write(bytes)
					return
				}
				w.WriteValue(right(string(command[0])))
				if w.Flush() != nil || string(command[0]) == "QUIT" {
					return
				}
			}
		}()
		return client, nil
	}
}

// right is a reply as a server gives it.
func right(command string) any {
	switch command {
	case "HELLO":
		return helloReply
	case "SESSION":
		return sessionReply()
	case "JOIN":
		return joinReply
	case "RESUME":
		return resumeReply(0)
	case "CALLV":
		return []any{}
	}
	return okReply
}
