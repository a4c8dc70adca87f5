package simulate_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/simulate"
)

const ms = time.Millisecond

func TestClientsComeByTheTimetable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var came []time.Duration
		d := &door{}
		d.wait = func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			came = append(came, time.Since(start))
		}
		d.serve = func(_ int, v *visit) { d.greet(v, 3*ms, 0) }
		r := carryOut(t, d, simulate.Plan{Rate: 4, Duration: 1100 * ms, Stay: simulate.Stay{From: 500 * ms, To: 500 * ms}})
		expect(t, "came at", fmt.Sprint(came), "[0s 250ms 500ms 750ms 1s]")
		expect(t, "started, accepted, left", fmt.Sprint(r.Started, r.Accepted, r.Left), "5 5 5")
		expect(t, "most at once", r.MostOpen, 3)
		expect(t, "ended", r.Ended, "completed")
		near(t, "verdict p50", r.Verdict.P50, 3*ms)
		near(t, "leaving max", r.Leaving.Max, 3*ms)
		expect(t, "late", r.Late.Max, 0)
		near(t, "duration", r.Duration, 1100*ms)
	})
}

// A server that stands still for a second is seen with that second by all who come meanwhile.
func TestNoCoordinatedOmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		d := &door{}
		d.serve = func(_ int, v *visit) {
			if now := time.Since(start); now >= time.Second && now < 2*time.Second {
				time.Sleep(2*time.Second - now)
			}
			d.greet(v, ms, 0)
		}
		r := carryOut(t, d, simulate.Plan{Rate: 100, Duration: 3 * time.Second})
		expect(t, "accepted", r.Accepted, 300)
		near(t, "p50", r.Verdict.P50, ms)
		near(t, "max", r.Verdict.Max, 1001*ms)
		slow := int64(0)
		for _, b := range r.Bars {
			if b.Above >= 0.1 {
				slow += b.Count
			}
		}
		if slow < 88 || slow > 92 {
			t.Errorf("got %d verdicts that took more than 100ms, want those of 900ms, 90", slow)
		}
	})
}

func TestSoManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{}
		d.serve = func(n int, v *visit) {
			if n%4 == 0 {
				refusing(v, 429, "too many")
				return
			}
			d.greet(v, 10*ms, 0)
		}
		r := carryOut(t, d, simulate.Plan{Clients: 10, Duration: time.Second, Stay: simulate.Stay{From: 80 * ms, To: 80 * ms}})
		expect(t, "most at once", r.MostOpen, 10)
		if r.Accepted < 90 || r.Accepted > 110 || r.Refused < 30 {
			t.Errorf("got %d accepted and %d refused, want about 100 and 33", r.Accepted, r.Refused)
		}
		expect(t, "refusals", fmt.Sprint(r.Refusals), fmt.Sprintf("[{429 too many %d}]", r.Refused))
		expect(t, "left", r.Left, r.Accepted)
	})
}

func TestUsersAndAddressesByTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{}
		d.serve = func(_ int, v *visit) { d.greet(v, 0, 0) }
		carryOut(t, d, simulate.Plan{Rate: 10, Duration: 450 * ms, Users: []simulate.User{{"ann", "a b"}, {"bob", "c"}}, Addresses: 3})
		expect(t, "logins", strings.Join(d.logins, ", "),
			"HELLO 3 AUTH ann a b, HELLO 3 AUTH bob c, HELLO 3 AUTH ann a b, HELLO 3 AUTH bob c, HELLO 3 AUTH ann a b")
		expect(t, "addresses", fmt.Sprint(d.from), "[127.1.0.1 127.1.0.2 127.1.0.3 127.1.0.1 127.1.0.2]")
	})
}

func TestCallsByTheTimetable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{}
		d.serve = func(_ int, v *visit) { d.greet(v, 0, 30*ms) }
		r := carryOut(t, d, simulate.Plan{Rate: 1, Duration: 500 * ms, Stay: simulate.Stay{From: 210 * ms, To: 210 * ms}, Every: 50 * ms,
			Calls: []simulate.Call{{Method: "greet", Arguments: []string{"moon"}}, {Method: "bad"}}})
		if len(r.Calls) != 2 {
			t.Fatalf("got %v, want two methods", r.Calls)
		}
		bad, greet := r.Calls[0], r.Calls[1]
		expect(t, "counts", fmt.Sprint(greet.Latency.Count, bad.Latency.Count, greet.Failed, bad.Failed), "5 5 0 5")
		expect(t, "why", bad.Example, "ERR bad.lua:1: nothing good")
		// a round takes 60 ms and is due every 50: the fifth begins 40 ms late, and that counts
		near(t, "greet max", greet.Latency.Max, 70*ms)
		near(t, "bad max", bad.Latency.Max, 30*ms)
	})
}

func TestKindsOfFailures(t *testing.T) {
	system := func(err error) func(int) error { return func(int) error { return fmt.Errorf("dial: %w", err) } }
	for name, test := range map[string]struct {
		serve   func(v *visit)
		refuse  func(int) error
		kind    simulate.Kind
		example string
	}{
		"closed":    {serve: func(v *visit) { v.command() }, kind: simulate.Closed, example: "the server closed the connection without a verdict"},
		"half":      {serve: func(v *visit) { v.command(); v.say("-REFU") }, kind: simulate.Closed, example: "the server closed the connection without a verdict"},
		"web":       {serve: func(v *visit) { v.command(); v.say("HTTP/1.1 400 Bad Request\r\n\r\n") }, kind: simulate.Foreign, example: `this is no Moongate, or it wants TLS: it answered "HTTP/1.1 400 Bad Request"`},
		"silent":    {serve: func(v *visit) { v.command(); v.command() }, kind: simulate.TimedOut, example: "no answer in time"},
		"no login":  {serve: func(v *visit) { v.command(); v.say("-NOAUTH Authentication required.\r\n") }, kind: simulate.LoginWanted, example: "the server wants a login; give --users and --password-file"},
		"password":  {serve: func(v *visit) { v.command(); v.say("-WRONGPASS no\r\n") }, kind: simulate.WrongPassword, example: "WRONGPASS no"},
		"busy":      {serve: func(v *visit) { v.command(); v.say("-BUSY later\r\n") }, kind: simulate.Busy, example: "BUSY later"},
		"other":     {serve: func(v *visit) { v.command(); v.say("-ERR why\r\n") }, kind: simulate.OtherAnswer, example: "ERR why"},
		"nobody":    {refuse: system(syscall.ECONNREFUSED), kind: simulate.NotListening, example: "dial: connection refused; start the server, or give its HOST:PORT"},
		"far":       {refuse: system(syscall.EHOSTUNREACH), kind: simulate.Unreachable, example: "dial: no route to host"},
		"ports":     {refuse: system(syscall.EADDRNOTAVAIL), kind: simulate.NoPort, example: "dial: cannot assign requested address; --addresses gives more ports, if the server is on this machine"},
		"files":     {refuse: system(syscall.EMFILE), kind: simulate.NoFile, example: "dial: too many open files; raise ulimit -n"},
		"something": {refuse: system(errors.New("odd")), kind: simulate.OtherFailure, example: "dial: odd"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &door{serve: func(_ int, v *visit) { test.serve(v) }, refuse: test.refuse}
				r := carryOut(t, d, simulate.Plan{Rate: 5, Duration: 300 * ms, Timeout: time.Second})
				expect(t, "errors", r.Errors, 2)
				expect(t, "verdicts", r.Verdicts(), 0)
				if len(r.Failures) != 1 {
					t.Fatalf("got %v, want one kind", r.Failures)
				}
				expect(t, "failure", r.Failures[0], simulate.Counted{Kind: test.kind.String(), Count: 2, Example: test.example})
			})
		})
	}
}

func TestLostConnections(t *testing.T) {
	for name, test := range map[string]struct {
		after string // what the client does when it is lost
		say   string
		want  string
	}{
		"with words at rest":     {"", "-CLOSED the connection was dropped by the server\r\n", "the connection was dropped by the server"},
		"after a message":        {"", ">2\r\n$6\r\nnotice\r\n$2\r\nhi\r\n-CLOSED the server is stopping\r\n", "the server is stopping"},
		"without a word at rest": {"", "", "closed without a word"},
		"with words in a call":   {"CALL", "-CLOSED the server is stopping\r\n", "the server is stopping"},
		"without a word in one":  {"CALL", "", "closed without a word"},
		"while leaving":          {"QUIT", "-CLOSED nobody stays\r\n", "nobody stays"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &door{serve: func(_ int, v *visit) {
					v.command()
					v.say("+PONG\r\n")
					if test.after == "" {
						time.Sleep(100 * ms)
					} else {
						v.command()
					}
					v.say(test.say)
				}}
				p := simulate.Plan{Rate: 1, Duration: 500 * ms, Stay: simulate.Stay{From: 300 * ms, To: 300 * ms}}
				if test.after == "CALL" {
					p.Calls = []simulate.Call{{Method: "m"}}
				}
				r := carryOut(t, d, p)
				expect(t, "accepted, lost, left, errors", fmt.Sprint(r.Accepted, r.Lost, r.Left, r.Errors), "1 1 0 0")
				expect(t, "losses", fmt.Sprint(r.Losses), fmt.Sprintf("[{%s 1 }]", test.want))
			})
		})
	}
}

func TestAServerThatGoesAwayEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		d := &door{refuse: func(int) error {
			if time.Since(start) >= time.Second {
				return syscall.ECONNREFUSED
			}
			return nil
		}}
		d.serve = func(_ int, v *visit) { d.greet(v, 0, 0) }
		r := carryOut(t, d, simulate.Plan{Clients: 3, Duration: time.Hour, Stay: simulate.Stay{From: 100 * ms, To: 100 * ms}})
		expect(t, "ended", r.Ended, "server gone")
		near(t, "after", r.Duration, 2*time.Second)
		if r.Gone == "" || r.Accepted != 30 {
			t.Errorf("got %q and %d accepted, want why, and 30", r.Gone, r.Accepted)
		}
	})
}

// A restart that nobody is refused in is no end, nor is a server that is away for less than the patience.
func TestAServerThatComesBackDoesNotEndTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		d := &door{refuse: func(int) error {
			if now := time.Since(start); now >= time.Second && now < 1900*ms {
				return syscall.ECONNREFUSED
			}
			return nil
		}}
		d.serve = func(_ int, v *visit) { d.greet(v, 0, 0) }
		r := carryOut(t, d, simulate.Plan{Rate: 10, Duration: 3 * time.Second})
		expect(t, "ended", r.Ended, "completed")
		expect(t, "accepted, errors", fmt.Sprint(r.Accepted, r.Errors), "21 9")
	})
}

func TestInterruptedClientsLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{}
		d.serve = func(_ int, v *visit) { d.greet(v, 50*ms, 0) }
		r, err := simulate.New(simulate.Plan{Rate: 10, Duration: time.Hour, Stay: simulate.Stay{Mean: time.Hour}, Dial: d.dial, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 920*ms)
		defer cancel()
		report := r.Go(ctx)
		d.serving.Wait()
		expect(t, "ended", report.Ended, "interrupted")
		expect(t, "accepted, left, broken off", fmt.Sprint(report.Accepted, report.Left, report.BrokenOff), "10 10 0")
	})
}

func TestAbortBreaksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		d := &door{serve: func(n int, v *visit) {
			v.command()
			if n > 1 {
				v.say("+PONG\r\n")
			}
			v.command()
			v.command()
		}}
		r, err := simulate.New(simulate.Plan{Rate: 10, Duration: time.Hour, Stay: simulate.Stay{Mean: time.Hour}, Dial: d.dial})
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(350*ms, r.Abort)
		report := r.Go(t.Context())
		d.serving.Wait()
		expect(t, "took", time.Since(start), 350*ms)
		expect(t, "accepted, broken off, errors, lost", fmt.Sprint(report.Accepted, report.BrokenOff, report.Errors, report.Lost), "3 4 0 0")
		expect(t, "ended", report.Ended, "interrupted")
	})
}

func TestWhoFindsNoRoomIsNotStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{}
		d.serve = func(_ int, v *visit) { d.greet(v, 0, 0) }
		r := carryOut(t, d, simulate.Plan{Rate: 10, Duration: time.Second, Stay: simulate.Stay{From: 350 * ms, To: 350 * ms}, MostOpen: 2})
		expect(t, "most, started, omitted", fmt.Sprint(r.MostOpen, r.Started, r.Omitted), "2 6 4")
	})
}

func TestRawClientsSendNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{serve: func(n int, v *visit) {
			if n == 1 {
				v.say("220 mail server\r\n")
				if c := v.command(); c != "" {
					t.Errorf("got %q, want nothing", c)
				}
			}
		}}
		r := carryOut(t, d, simulate.Plan{Rate: 2, Duration: time.Second, Stay: simulate.Stay{From: 100 * ms, To: 100 * ms}, Raw: true})
		expect(t, "accepted, left, lost", fmt.Sprint(r.Accepted, r.Left, r.Lost), "2 1 1")
	})
}

// scripted is a behaviour in Go.
type scripted func(c *simulate.Client) error

func (s scripted) Live(c *simulate.Client) error { return s(c) }

func TestBehaviours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{}
		d.serve = func(_ int, v *visit) { d.greet(v, 5*ms, 0) }
		r := carryOut(t, d, simulate.Plan{Rate: 10, Duration: 400 * ms, Behaviour: scripted(func(c *simulate.Client) error {
			if _, err := c.Call("early"); !errors.Is(err, simulate.ErrNotConnected) {
				t.Errorf("a call without a connection: got %v, want %v", err, simulate.ErrNotConnected)
			}
			if err := c.Rest(time.Now().Add(20 * ms)); err != nil {
				t.Errorf("a rest without a connection: %v", err)
			}
			for range 2 { // the second ends the first
				if _, err := c.Connect(simulate.Login{User: &simulate.User{Name: "eve"}, Address: netip.MustParseAddr("127.9.9.9")}); err != nil {
					t.Error(err)
				}
			}
			if c.Number == 2 {
				return errors.New("visitor.lua:3: bad")
			}
			return nil
		})})
		expect(t, "started, accepted, left, misbehaved", fmt.Sprint(r.Started, r.Accepted, r.Left, r.Misbehaved), "4 8 8 1")
		expect(t, "misbehaviours", fmt.Sprint(r.Misbehaviours), "[{behaviour failed 1 visitor.lua:3: bad}]")
		near(t, "verdict max: without the rest", r.Verdict.Max, 5*ms)
		expect(t, "from", d.from[0].String(), "127.9.9.9")
	})
}

// What is drawn by lot depends on the seed and the client's number alone.
func TestSeedsRepeat(t *testing.T) {
	draw := func(seed uint64) string {
		var drawn string
		synctest.Test(t, func(t *testing.T) {
			d := &door{}
			d.serve = func(_ int, v *visit) { d.greet(v, 0, 0) }
			r := carryOut(t, d, simulate.Plan{Rate: 50, Duration: 10 * time.Second, Stay: simulate.Stay{Mean: time.Second}, Seed: seed})
			drawn = fmt.Sprint(r.MostOpen, r.Verdict, r.Left)
		})
		return drawn
	}
	expect(t, "the same seed", draw(7), draw(7))
	if a, b := draw(7), draw(8); a == b {
		t.Errorf("two seeds: got %s twice", a)
	}
}

// With TLS the handshake is part of the verdict; a certificate that nobody vouches for is no TLS.
func TestTLS(t *testing.T) {
	web := httptest.NewUnstartedServer(nil)
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	defer web.Close()
	trust := x509.NewCertPool()
	trust.AddCert(web.Certificate())
	for name, test := range map[string]struct {
		config    *tls.Config
		raw       bool
		connected int64
		failure   string
	}{
		"trusted":   {&tls.Config{RootCAs: trust, ServerName: "example.com"}, true, 1, "[]"},
		"a web":     {&tls.Config{RootCAs: trust, ServerName: "example.com"}, false, 0, "another protocol"},
		"untrusted": {&tls.Config{RootCAs: x509.NewCertPool(), ServerName: "example.com"}, true, 0, "no TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := simulate.New(simulate.Plan{Server: netip.MustParseAddrPort(web.Listener.Addr().String()), Rate: 10, Duration: 50 * ms, TLS: test.config, Raw: test.raw})
			if err != nil {
				t.Fatal(err)
			}
			report := r.Go(t.Context())
			expect(t, "connected", report.Accepted, test.connected)
			if got := fmt.Sprint(report.Failures); !strings.Contains(got, test.failure) {
				t.Errorf("got %s, want %s", got, test.failure)
			}
		})
	}
}
