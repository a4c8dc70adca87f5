package simulate_test

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"moongate/runtime/simulate"
	"moongate/runtime/wire"
)

// door is a server for tests, in memory: what it says to the n-th connection, from 1 on, is a conversation.
type door struct {
	mu      sync.Mutex
	came    int
	from    []netip.Addr
	logins  []string
	serving sync.WaitGroup // ended when the clients have gone
	serve   func(n int, v *visit)
	refuse  func(n int) error // the error of connecting; nil: none
	wait    func()            // before a connection stands
}

// visit is one connection, from the server's side.
type visit struct {
	net.Conn
	*wire.Reader
	*wire.Writer
}

// dial is the Dial of a plan.
func (d *door) dial(_ context.Context, from netip.Addr) (net.Conn, error) {
	d.mu.Lock()
	d.came++
	n := d.came
	d.from = append(d.from, from)
	d.mu.Unlock()
	if d.wait != nil {
		d.wait()
	}
	if d.refuse != nil {
		if err := d.refuse(n); err != nil {
			return nil, err
		}
	}
	ours, theirs := net.Pipe()
	d.serving.Go(func() {
		defer ours.Close()
		d.serve(n, &visit{ours, wire.NewReader(ours, wire.Limits{}), wire.NewWriter(ours)})
	})
	return theirs, nil
}

// command waits for the next command, "" at the end.
func (v *visit) command() string {
	c, err := v.ReadCommand()
	if err != nil {
		return ""
	}
	words := make([]string, len(c))
	for i, w := range c {
		words[i] = string(w)
	}
	return strings.Join(words, " ")
}

// say sends bytes.
func (v *visit) say(text string) { v.Conn.Write([]byte(text)) }

// greet accepts after a time, then answers calls after another, until the client quits.
func (d *door) greet(v *visit, after, forCalls time.Duration) {
	login := v.command()
	time.Sleep(after)
	if strings.HasPrefix(login, "HELLO") {
		d.mu.Lock()
		d.logins = append(d.logins, login)
		d.mu.Unlock()
		v.say("%1\r\n$6\r\nserver\r\n$8\r\nmoongate\r\n")
	} else {
		v.say("+PONG\r\n")
	}
	for {
		switch c := v.command(); {
		case c == "":
			return
		case c == "QUIT":
			time.Sleep(after)
			v.say("+OK\r\n")
			return
		case strings.HasPrefix(c, "CALL bad"):
			time.Sleep(forCalls)
			v.say("-ERR bad.lua:1: nothing good\r\n")
		default:
			time.Sleep(forCalls)
			v.say("$2\r\nhi\r\n")
		}
	}
}

// refusing refuses with a code and a reason.
func refusing(v *visit, code int, reason string) {
	v.command()
	v.say("-REFUSED " + strconv.Itoa(code) + " " + reason + "\r\n")
}

// carryOut carries out a plan, which must be a good one.
func carryOut(t *testing.T, d *door, p simulate.Plan) *simulate.Report {
	t.Helper()
	p.Dial, p.Server = d.dial, netip.MustParseAddrPort("127.0.0.1:19813")
	r, err := simulate.New(p)
	if err != nil {
		t.Fatal(err)
	}
	report := r.Go(t.Context())
	d.serving.Wait()
	return report
}

func expect[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// near checks seconds to the precision of a histogram.
func near(t *testing.T, what string, got float64, want time.Duration) {
	t.Helper()
	if w := want.Seconds(); got < w*0.999 || got > w*1.017+1e-9 {
		t.Errorf("%s: got %vs, want %v", what, got, want)
	}
}
