package front

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// startup is the first packet of a PostgreSQL client.
func startup(version uint32, words ...string) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 4), version)
	for _, w := range words {
		b = append(append(b, w...), 0)
	}
	b = append(b, 0)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

const (
	pg3  = 3 << 16
	pg32 = 3<<16 | 2

	pgTLS    = 80877103
	pgGSS    = 80877104
	pgCancel = 80877102
)

// request is a packet of numbers only.
func request(numbers ...uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(4+4*len(numbers)))
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

// pgError reads an error as a client does, and gives its SQLSTATE and message.
func pgError(t *testing.T, b []byte) (state, message string) {
	t.Helper()
	if len(b) < 5 || b[0] != 'E' || int(binary.BigEndian.Uint32(b[1:])) != len(b)-1 {
		t.Fatalf("the client got %q, want one error", b)
	}
	fields := map[byte]string{}
	for _, f := range strings.Split(strings.TrimRight(string(b[5:]), "\x00"), "\x00") {
		fields[f[0]] = f[1:]
	}
	if fields['S'] != "FATAL" || fields['V'] != "FATAL" {
		t.Errorf("severity %q and %q, want FATAL", fields['S'], fields['V'])
	}
	return fields['C'], fields['M']
}

// told is what a client does that sends bytes, and keeps what it gets.
func told(got *[]byte, parts ...[]byte) (client func(net.Conn), wait func()) {
	done := make(chan struct{})
	return func(c net.Conn) {
		defer close(done)
		for _, b := range parts {
			c.Write(b)
		}
		*got, _ = io.ReadAll(c)
	}, func() { <-done }
}

func TestPostgresLogin(t *testing.T) {
	f := mustNew(t, Options{Protocol: Postgres})
	for _, version := range []uint32{pg3, pg32} {
		login := startup(version, "user", "alice", "database", "shop", "application_name", "psql", "replication", "database")
		a, err := visit(t, f, send(login, []byte("more")))
		if err != nil {
			t.Fatal(err)
		}
		l := a.Facts.Login
		if l.User != "alice" || l.Database != "shop" || l.Application != "psql" || l.Parameters["replication"] != "database" || a.Facts.User != "alice" {
			t.Errorf("login %+v of user %q", l, a.Facts.User)
		}
		if got := string(a.Opening()); !strings.HasPrefix(got, string(login)) || !strings.HasPrefix(string(login)+"more", got) {
			t.Errorf("opening %q, want the login and what came after", got)
		}
	}
}

func TestPostgresDatabaseIsUser(t *testing.T) {
	a, err := visit(t, mustNew(t, Options{Protocol: Postgres}), send(startup(pg3, "user", "bob")))
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Facts.Login.Database; got != "bob" {
		t.Errorf("database %q, want bob", got)
	}
}

func TestPostgresWithoutEncryption(t *testing.T) {
	login := startup(pg3, "user", "alice")
	a, err := visit(t, mustNew(t, Options{Protocol: Postgres}), func(c net.Conn) {
		for _, code := range []uint32{pgGSS, pgTLS} {
			c.Write(request(code))
			wantNext(t, c, []byte("N"))
		}
		c.Write(login)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(a.Unread); got != string(login) {
		t.Errorf("unread %q, want the login only", got)
	}
}

// gatePostgres is a gate with TLS.
func gatePostgres(t *testing.T, change func(*Options)) (*Front, *authority) {
	ca := newAuthority(t)
	o := Options{Protocol: Postgres, TLS: &TLSOptions{Pairs: []Pair{ca.sign("gate", "gate.example", nil)}}}
	if change != nil {
		change(&o)
	}
	return mustNew(t, o), ca
}

func TestPostgresTLS(t *testing.T) {
	f, ca := gatePostgres(t, nil)
	login := startup(pg3, "user", "alice")
	a, err := visit(t, f, func(c net.Conn) {
		c.Write(request(pgGSS))
		wantNext(t, c, []byte("N"))
		c.Write(request(pgTLS))
		wantNext(t, c, []byte("S"))
		secure := tls.Client(c, &tls.Config{RootCAs: ca.pool(), ServerName: "gate.example"})
		secure.Write(append(login, "after"...))
	})
	if err != nil {
		t.Fatal(err)
	}
	if a.Facts.TLS == nil || a.Facts.User != "alice" || string(a.Unread) != string(login)+"after" || !a.Secured() {
		t.Errorf("facts %+v, unread %q", a.Facts, a.Unread)
	}
}

// TestPostgresTLSWithoutRequest is sslnegotiation=direct of PostgreSQL 17.
func TestPostgresTLSWithoutRequest(t *testing.T) {
	f, ca := gatePostgres(t, nil)
	come := func(protocols []string) error {
		_, err := visit(t, f, func(c net.Conn) {
			secure := tls.Client(c, &tls.Config{RootCAs: ca.pool(), ServerName: "gate.example", NextProtos: protocols})
			secure.Write(startup(pg3, "user", "alice"))
		})
		return err
	}
	if err := come([]string{"postgresql"}); err != nil {
		t.Error(err)
	}
	wantCause(t, come(nil), TLSNoAgreement)
}

func TestPostgresTLSMissing(t *testing.T) {
	f, _ := gatePostgres(t, nil)
	var got []byte
	client, wait := told(&got, startup(pg3, "user", "alice"))
	_, err := visit(t, f, client)
	wantCause(t, err, TLSMissing)
	wait()
	if state, message := pgError(t, got); state != "28000" || !strings.Contains(message, "sslmode=require") {
		t.Errorf("the client was told %s %q", state, message)
	}
	f, _ = gatePostgres(t, func(o *Options) { o.TLS.Optional = true })
	if _, err := visit(t, f, send(startup(pg3, "user", "alice"))); err != nil {
		t.Errorf("optional TLS: %v", err)
	}
}

// TestPostgresWordsBeforeTLS holds that nobody in between can say something that seems to be the client's (CVE-2021-23214).
func TestPostgresWordsBeforeTLS(t *testing.T) {
	f, _ := gatePostgres(t, nil)
	_, err := visit(t, f, send(append(request(pgTLS), startup(pg3, "user", "mallory")...)))
	wantCause(t, err, TLSGarbage)
}

func TestPostgresCancel(t *testing.T) {
	f, _ := gatePostgres(t, nil) // also where TLS is needed otherwise
	cancel := request(pgCancel, 12, 34)
	a, err := visit(t, f, send(cancel))
	if err != nil {
		t.Fatal(err)
	}
	if !a.Facts.Login.Cancel || a.Facts.User != "" || string(a.Opening()) != string(cancel) || a.Refusal(1, "no") != nil {
		t.Errorf("login %+v, opening %q, refusal %q", a.Facts.Login, a.Opening(), a.Refusal(1, "no"))
	}
}

func TestPostgresRefusal(t *testing.T) {
	var got []byte
	client, wait := told(&got, startup(pg3, "user", "alice"))
	a, err := visit(t, mustNew(t, Options{Protocol: Postgres}), client)
	if err != nil {
		t.Fatal(err)
	}
	a.Refuse(22000, "closed from 2 to 4\x00")
	a.Conn.Close()
	wait()
	if state, message := pgError(t, got); state != "28000" || message != "closed from 2 to 4 " {
		t.Errorf("the client was told %s %q", state, message)
	}
}

func TestPostgresBadLogins(t *testing.T) {
	f := mustNew(t, Options{Protocol: Postgres})
	for name, row := range map[string]struct {
		words []byte
		want  Cause
	}{
		"http":               {[]byte("GET / HTTP/1.1\r\n\r\n"), LoginMalformed},
		"tls without offer":  {[]byte{0x16, 3, 1, 0}, LoginMalformed},
		"too short":          {request(), LoginMalformed},
		"too long":           {binary.BigEndian.AppendUint32(nil, 10_001), LoginTooLong},
		"version 2":          {startup(2<<16, "user", "alice"), LoginUnsupported},
		"version 4":          {startup(4<<16, "user", "alice"), LoginUnsupported},
		"no user":            {startup(pg3, "database", "shop"), LoginMalformed},
		"empty user":         {startup(pg3, "user", ""), LoginMalformed},
		"value without end":  {append(binary.BigEndian.AppendUint32([]byte{0, 0, 0, 12}, pg3), "user"...), LoginMalformed},
		"words after end":    {startup(pg3, "user", "alice", "", "x"), LoginMalformed},
		"long user":          {startup(pg3, "user", strings.Repeat("x", 256)), LoginTooLong},
		"request with words": {append(binary.BigEndian.AppendUint32([]byte{0, 0, 0, 12}, pgTLS), "user"...), LoginMalformed},
		"cancel without key": {request(pgCancel), LoginMalformed},
		"asks for ever":      {append(append(append(request(pgTLS), request(pgTLS)...), request(pgTLS)...), request(pgTLS)...), LoginMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			var got []byte
			client, wait := told(&got, row.words)
			_, err := visit(t, f, client)
			wantCause(t, err, row.want)
			wait()
			pgError(t, []byte(strings.TrimLeft(string(got), "N")))
		})
	}
}

func TestPostgresLoginTruncated(t *testing.T) {
	f := mustNew(t, Options{Protocol: Postgres})
	_, err := visit(t, f, sendAndLeave(startup(pg3, "user", "alice")[:12]))
	wantCause(t, err, LoginTruncated)
	_, err = visit(t, f, sendAndLeave(nil))
	wantCause(t, err, Left)
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		_, err := visitInBubble(t, mustNew(t, Options{Protocol: Postgres, Timeout: time.Minute}), send(startup(pg3, "user", "alice")[:12]))
		wantCause(t, err, TimedOut)
		if got := time.Since(begin); got != time.Minute {
			t.Errorf("timed out after %s, want a minute", got)
		}
	})
}

// TestPostgresUpstreamTLS holds that the upstream is asked for TLS.
func TestPostgresUpstreamTLS(t *testing.T) {
	ca := newAuthority(t)
	server := ca.load(ca.sign("up", "db.example", nil))
	f := mustNew(t, Options{Protocol: Postgres, UpstreamTLS: &UpstreamTLS{CA: ca.ca()}})
	login := startup(pg3, "user", "alice")
	for answer, want := range map[string]Cause{"S": 0, "N": UpstreamFailed} {
		a, err := visit(t, f, send(login))
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := sockets(t)
		done := make(chan struct{})
		go func() { // ends with the connection
			defer close(done)
			wantNext(t, theirs, request(pgTLS))
			theirs.Write([]byte(answer))
			if answer == "S" {
				wantNext(t, tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{server}, NextProtos: []string{"postgresql"}}), login)
			}
		}()
		secure, first, err := a.Join(t.Context(), ours, "db.example")
		if want == 0 && err == nil {
			secure.Write(first)
		} else {
			wantCause(t, err, want)
		}
		<-done
		ours.Close()
		theirs.Close()
	}
}

// TestPsqlPrintsTheReason has a real client.
func TestPsqlPrintsTheReason(t *testing.T) {
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("psql is not installed")
	}
	for _, mode := range []string{"disable", "require"} {
		f, _ := gatePostgres(t, func(o *Options) { o.TLS.Optional = true })
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
		command := exec.CommandContext(t.Context(), psql, "host=127.0.0.1 port="+port+" user=alice dbname=shop gssencmode=disable sslmode="+mode, "-c", "select 1")
		output, _ := command.CombinedOutput()
		l.Close()
		got := <-facts
		if want := "FATAL:  closed from 2 to 4"; !strings.Contains(string(output), want) {
			t.Errorf("sslmode=%s: psql prints %q, want %q", mode, output, want)
		}
		if got.User != "alice" || got.Login.Database != "shop" || got.Login.Application != "psql" || (got.TLS != nil) != (mode == "require") {
			t.Errorf("sslmode=%s: facts %+v with login %+v", mode, got, got.Login)
		}
	}
}
