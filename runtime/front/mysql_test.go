package front

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/front/mysql"
)

// mysqlGreeting is what the test's upstream says first: that it can do TLS, too.
var mysqlGreeting = mysqlPacket(0, "\x0a8.0.36\x00\x08\x00\x00\x00"+"abcdefgh\x00"+"\xff\xff\x2d\x02\x00\xff\xdf\x15"+string(make([]byte, 10))+
	"ijklmnopqrst\x00"+"mysql_native_password\x00")

func mysqlPacket(number uint8, body string) []byte {
	return append([]byte{byte(len(body)), byte(len(body) >> 8), byte(len(body) >> 16), number}, body...)
}

// mysqlLogin is a client's login, or with tlsOnly the request for TLS before it.
func mysqlLogin(number uint8, user string, tlsOnly bool) []byte {
	c := mysql.Protocol41 | mysql.SecureConnection | mysql.WithDatabase | mysql.PluginAuth | mysql.ConnectAttributes
	rest := user + "\x00\x03xyzshop\x00mysql_native_password\x00\x13\x0cprogram_name\x05mysql"
	if tlsOnly {
		c, rest = c|mysql.TLS, ""
	}
	return mysqlPacket(number, string([]byte{byte(c), byte(c >> 8), byte(c >> 16), byte(c >> 24)})+"\x00\x00\x00\x01\x2d"+string(make([]byte, 23))+rest)
}

// upstreamOf is a Dial that connects to an upstream, which runs beside the test.
func upstreamOf(t *testing.T, upstream func(net.Conn)) func(context.Context, Facts) (net.Conn, string, error) {
	return func(context.Context, Facts) (net.Conn, string, error) {
		ours, theirs := sockets(t)
		done := make(chan struct{})
		go func() { // ends with the connection
			defer close(done)
			upstream(theirs)
		}()
		t.Cleanup(func() {
			ours.Close()
			theirs.Close()
			<-done
		})
		return ours, "db.example", nil
	}
}

// greeter is an upstream that greets and says no more.
func greeter(c net.Conn) {
	c.Write(mysqlGreeting)
	if readMySQLPacket(c) != nil { // a login
		c.Write(mysqlPacket(2, "\xff\x15\x04#28000no"))
	}
	io.Copy(io.Discard, c)
}

// readMySQLPacket reads one packet.
func readMySQLPacket(c io.Reader) []byte {
	header := make([]byte, 4)
	if _, err := io.ReadFull(c, header); err != nil {
		return nil
	}
	body := make([]byte, int(header[0])|int(header[1])<<8|int(header[2])<<16)
	io.ReadFull(c, body)
	return append(header, body...)
}

// offersTLS reads a greeting, and reports whether it offers TLS.
func offersTLS(t *testing.T, c io.Reader) bool {
	g, err := mysql.ParseGreeting(readMySQLPacket(c))
	if err != nil {
		t.Error(err)
	}
	return g.Capabilities&mysql.TLS != 0
}

func TestMySQLLogin(t *testing.T) {
	f := mustNew(t, Options{Protocol: MySQL, Dial: upstreamOf(t, greeter)})
	login := mysqlLogin(1, "alice", false)
	a, err := visit(t, f, func(c net.Conn) {
		if offersTLS(t, c) {
			t.Error("a gate without TLS offers it")
		}
		c.Write(login)
	})
	if err != nil {
		t.Fatal(err)
	}
	l := a.Facts.Login
	if l.User != "alice" || l.Database != "shop" || l.Application != "mysql" || l.Plugin != "mysql_native_password" || a.Facts.User != "alice" {
		t.Errorf("login %+v of user %q", l, a.Facts.User)
	}
	if got := a.Opening(); !bytes.Equal(got, login) || a.Secured() || a.Upstream == nil {
		t.Errorf("opening %q, secured %t, upstream %v; want the login", got, a.Secured(), a.Upstream)
	}
}

// TestMySQLTLS plays a login by TLS at the gate, with an upstream in clear text: the packets' numbers differ by one.
func TestMySQLTLS(t *testing.T) {
	ca, over := newAuthority(t), make(chan struct{})
	f := mustNew(t, Options{
		Protocol: MySQL, TLS: &TLSOptions{Pairs: []Pair{ca.sign("gate", "gate.example", nil)}},
		Dial: upstreamOf(t, func(c net.Conn) {
			defer close(over)
			c.Write(mysqlGreeting)
			wantNext(t, c, mysqlLogin(1, "alice", false))
			c.Write(mysqlPacket(2, "\xfeswitch"))
			wantNext(t, c, mysqlPacket(3, "proof"))
			c.Write(mysqlPacket(4, "\x00ok"))
			wantNext(t, c, mysqlPacket(0, "\x03select"))
		}),
	})
	a, err := visit(t, f, func(c net.Conn) {
		if !offersTLS(t, c) {
			t.Error("a gate with TLS does not offer it")
		}
		c.Write(mysqlLogin(1, "", true))
		secure := tls.Client(c, &tls.Config{RootCAs: ca.pool(), ServerName: "gate.example"})
		secure.Write(mysqlLogin(2, "alice", false))
		wantNext(t, secure, mysqlPacket(3, "\xfeswitch"))
		secure.Write(mysqlPacket(4, "proof"))
		wantNext(t, secure, mysqlPacket(5, "\x00ok"))
		secure.Write(mysqlPacket(0, "\x03select"))
	})
	if err != nil {
		t.Fatal(err)
	}
	upstream, first, err := a.Join(t.Context(), a.Upstream, "")
	if err != nil {
		t.Fatal(err)
	}
	upstream.Write(first)
	go io.Copy(a.Conn, upstream) // ends with the connections
	go io.Copy(upstream, a.Conn)
	<-over
}

// TestMySQLUpstreamTLS plays a login in clear text at the gate, with TLS towards the upstream.
func TestMySQLUpstreamTLS(t *testing.T) {
	ca := newAuthority(t)
	server := ca.load(ca.sign("up", "db.example", nil))
	over := make(chan struct{})
	f := mustNew(t, Options{
		Protocol: MySQL, UpstreamTLS: &UpstreamTLS{CA: ca.ca()},
		Dial: upstreamOf(t, func(c net.Conn) {
			defer close(over)
			c.Write(mysqlGreeting)
			if request, err := mysql.ParseLogin(readMySQLPacket(c)); err != nil || !request.WantsTLS {
				t.Errorf("the upstream got %+v (%v), want a request for TLS", request, err)
			}
			secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{server}})
			packet := readMySQLPacket(secure)
			if login, err := mysql.ParseLogin(packet); err != nil || login.User != "alice" || mysql.Sequence(packet) != 2 || login.Capabilities&mysql.TLS == 0 {
				t.Errorf("the upstream got the login %+v (%v)", login, err)
			}
		}),
	})
	a, err := visit(t, f, func(c net.Conn) {
		offersTLS(t, c)
		c.Write(mysqlLogin(1, "alice", false))
	})
	if err != nil {
		t.Fatal(err)
	}
	upstream, first, err := a.Join(t.Context(), a.Upstream, "")
	if err != nil {
		t.Fatal(err)
	}
	upstream.Write(first)
	<-over
}

func TestMySQLTLSMissing(t *testing.T) {
	ca := newAuthority(t)
	f := mustNew(t, Options{Protocol: MySQL, TLS: &TLSOptions{Pairs: []Pair{ca.sign("gate", "g", nil)}}, Dial: upstreamOf(t, greeter)})
	got := make(chan string, 1)
	_, err := visit(t, f, func(c net.Conn) {
		offersTLS(t, c)
		c.Write(mysqlLogin(1, "alice", false))
		text, _ := mysql.ErrorText(readMySQLPacket(c))
		got <- text
	})
	wantCause(t, err, TLSMissing)
	if got := <-got; got != "this server lets clients in with TLS only (1045)" {
		t.Errorf("the client was told %q", got)
	}
}

func TestMySQLRefusal(t *testing.T) {
	f := mustNew(t, Options{Protocol: MySQL, Dial: upstreamOf(t, greeter)})
	got := make(chan []byte, 1)
	a, err := visit(t, f, func(c net.Conn) {
		offersTLS(t, c)
		c.Write(mysqlLogin(1, "alice", false))
		got <- readMySQLPacket(c)
	})
	if err != nil {
		t.Fatal(err)
	}
	upstream := a.Upstream
	a.Refuse(22000, "closed from 2 to 4")
	packet := <-got
	if text, _ := mysql.ErrorText(packet); text != "closed from 2 to 4 (22000)" || mysql.Sequence(packet) != 2 {
		t.Errorf("the client was told %q in packet %d", text, mysql.Sequence(packet))
	}
	if _, err := upstream.Write([]byte{0}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the upstream is still there: %v", err)
	}
}

func TestMySQLBadLogins(t *testing.T) {
	for name, row := range map[string]struct {
		words []byte
		want  Cause
	}{
		"wrong number":      {mysqlLogin(7, "alice", false), LoginMalformed},
		"http":              {[]byte("GET / HTTP/1.1\r\n\r\n"), LoginTooLong},
		"too long":          {[]byte{0xff, 0xff, 0xff, 1}, LoginTooLong},
		"old client":        {mysqlPacket(1, "\x05\x00\x00\x00\x00alice\x00xyz"), LoginUnsupported},
		"empty":             {mysqlPacket(1, ""), LoginMalformed},
		"ends too early":    {mysqlPacket(1, string(mysqlLogin(1, "alice", false)[4:60])), LoginMalformed},
		"long user":         {mysqlLogin(1, strings.Repeat("x", 256), false), LoginTooLong},
		"TLS without offer": {mysqlLogin(1, "", true), LoginUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			f := mustNew(t, Options{Protocol: MySQL, Dial: upstreamOf(t, greeter)})
			_, err := visit(t, f, func(c net.Conn) {
				offersTLS(t, c)
				c.Write(row.words)
				io.Copy(io.Discard, c)
			})
			wantCause(t, err, row.want)
		})
	}
}

func TestMySQLLoginTruncated(t *testing.T) {
	f := mustNew(t, Options{Protocol: MySQL, Dial: upstreamOf(t, greeter)})
	_, err := visit(t, f, func(c net.Conn) {
		offersTLS(t, c)
		c.Write(mysqlLogin(1, "alice", false)[:20])
		c.(*net.TCPConn).CloseWrite()
	})
	wantCause(t, err, LoginTruncated)
}

// TestMySQLUpstreamFails has the ways in which there is no greeting.
func TestMySQLUpstreamFails(t *testing.T) {
	for name, row := range map[string]struct {
		dial func(context.Context, Facts) (net.Conn, string, error)
		tls  *UpstreamTLS
		want string // what the client is told
	}{
		"unreachable":   {func(context.Context, Facts) (net.Conn, string, error) { return nil, "", errors.New("refused") }, nil, "cannot be reached"},
		"closes":        {upstreamOf(t, func(c net.Conn) { c.Close() }), nil, "cannot be reached"},
		"garbage":       {upstreamOf(t, sendAndLeave([]byte("SSH-2.0-OpenSSH\r\n"))), nil, "cannot be reached"},
		"another one's": {upstreamOf(t, sendAndLeave(mysqlPacket(0, "\x09old"))), nil, "cannot be reached"},
		"an error":      {upstreamOf(t, sendAndLeave(mysqlPacket(0, "\xff\x10\x04Too many connections"))), nil, "Too many connections"},
		"no TLS": {upstreamOf(t, sendAndLeave(bytes.Replace(mysqlGreeting, []byte("\x00\xff\xff\x2d"), []byte("\x00\xff\xf7\x2d"), 1))),
			&UpstreamTLS{Unverified: true}, "cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			f := mustNew(t, Options{Protocol: MySQL, Dial: row.dial, UpstreamTLS: row.tls})
			var got []byte
			client, wait := told(&got)
			_, err := visit(t, f, client)
			wantCause(t, err, UpstreamFailed)
			wait()
			if text, _ := mysql.ErrorText(got); !strings.Contains(text, row.want) {
				t.Errorf("the client was told %q, want %q", text, row.want)
			}
		})
	}
}

// TestMySQLUpstreamIsLeftPolitely holds that a server whose client did not come to a login sees a login fail: it would block
// the gate's host otherwise.
func TestMySQLUpstreamIsLeftPolitely(t *testing.T) {
	user := make(chan string, 1)
	f := mustNew(t, Options{Protocol: MySQL, Dial: upstreamOf(t, func(c net.Conn) {
		c.Write(mysqlGreeting)
		login, err := mysql.ParseLogin(readMySQLPacket(c))
		if err != nil {
			t.Error(err)
		}
		c.Write(mysqlPacket(2, "\xfecaching_sha2_password\x00random"))
		wantNext(t, c, mysqlPacket(3, ""))
		c.Write(mysqlPacket(4, "\xff\x15\x04#28000no"))
		if rest, err := io.ReadAll(c); len(rest) > 0 || err != nil {
			t.Errorf("after the no the upstream got %q (%v), want the end", rest, err)
		}
		user <- login.User
	})})
	_, err := visit(t, f, func(c net.Conn) { c.Close() })
	wantCause(t, err, Left)
	if got := <-user; got != "refused_by_moongate" {
		t.Errorf("the upstream saw a login of %q", got)
	}
}

func TestMySQLUpstreamThatSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		f := mustNew(t, Options{Protocol: MySQL, Dial: func(context.Context, Facts) (net.Conn, string, error) { return ours, "", nil }})
		begin := time.Now()
		_, err := visitInBubble(t, f, send())
		wantCause(t, err, TimedOut)
		if got := time.Since(begin); got != DefaultTimeout {
			t.Errorf("timed out after %s, want %s", got, DefaultTimeout)
		}
	})
}

// TestMariaDBClientPrintsTheReason has a real client.
func TestMariaDBClientPrintsTheReason(t *testing.T) {
	client, err := exec.LookPath("mariadb")
	if err != nil {
		t.Skip("mariadb is not installed")
	}
	ca := newAuthority(t)
	pair := ca.sign("gate", "gate.example", nil)
	for _, secure := range []bool{false, true} {
		f := mustNew(t, Options{Protocol: MySQL, TLS: &TLSOptions{Pairs: []Pair{pair}, Optional: true}, Dial: upstreamOf(t, greeter)})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		facts := make(chan Facts, 1)
		go func() { // ends with the listener or its one client
			defer close(facts)
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			a, err := f.Greet(t.Context(), c, peer)
			if err != nil {
				t.Error(err)
				return
			}
			a.Refuse(22000, "closed from 2 to 4")
			facts <- a.Facts
			io.Copy(io.Discard, c)
		}()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		arguments := []string{"--no-defaults", "--protocol=tcp", "-h127.0.0.1", "-P" + port, "-ualice", "-psecret", "shop", "-e", "select 1"}
		if secure {
			arguments = append(arguments, "--ssl")
		} else {
			arguments = append(arguments, "--skip-ssl")
		}
		output, _ := exec.CommandContext(t.Context(), client, arguments...).CombinedOutput()
		l.Close()
		got := <-facts
		if want := "ERROR 22000 (28000): closed from 2 to 4"; !strings.Contains(string(output), want) {
			t.Errorf("TLS %t: mariadb prints %q, want %q", secure, output, want)
		}
		if got.User != "alice" || got.Login == nil || got.Login.Database != "shop" || (got.TLS != nil) != secure {
			t.Errorf("TLS %t: facts %+v with login %+v", secure, got, got.Login)
		}
	}
}
