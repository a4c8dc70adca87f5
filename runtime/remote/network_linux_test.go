package remote_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"moongate/runtime/remote"
)

// network is a network of its own, in which a server runs, and the cable to it.
type network struct {
	t            *testing.T
	name         string
	here, there  string // addresses of the two ends of the cable
	ours, theirs string // and their devices
}

// newNetwork makes a network until the test is over.
func newNetwork(t *testing.T, number int) *network {
	t.Helper()
	unique := (os.Getpid()*8 + number) % 60_000
	subnet := fmt.Sprintf("10.%d.%d.", 10+unique/250, unique%250)
	n := &network{
		t: t, name: fmt.Sprintf("mgr%d", unique), here: subnet + "1", there: subnet + "2",
		ours: fmt.Sprintf("mgo%d", unique), theirs: fmt.Sprintf("mgt%d", unique),
	}
	if out, err := exec.Command("ip", "netns", "add", n.name).CombinedOutput(); err != nil {
		t.Skipf("needs the right to make a network: %v %s", err, out)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", n.name).Run() })
	n.ip("link add " + n.ours + " type veth peer name " + n.theirs + " netns " + n.name)
	n.ip("addr add " + n.here + "/24 dev " + n.ours)
	n.ip("link set " + n.ours + " up")
	n.ip("-n " + n.name + " addr add " + n.there + "/24 dev " + n.theirs)
	n.ip("-n " + n.name + " link set " + n.theirs + " up")
	return n
}

func (n *network) ip(line string) {
	n.t.Helper()
	if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %s: %v %s", line, err, out)
	}
}

// lose has what one end sends arrive nowhere, until find: it goes to a machine that is not there.
func (n *network) lose(way string) {
	n.ip(n.neighbour(way, "replace") + " lladdr 02:00:00:00:00:01 nud permanent")
}

func (n *network) find(way string) { n.ip(n.neighbour(way, "del")) }

func (n *network) neighbour(way, act string) string {
	if way == "to the server" {
		return "neigh " + act + " " + n.there + " dev " + n.ours
	}
	return "-n " + n.name + " neigh " + act + " " + n.here + " dev " + n.theirs
}

// losses tells of transports that the client has found lost.
type losses struct {
	slog.Handler
	found chan string
}

func (l losses) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "connection to the server lost") {
		text := r.Message
		r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
		l.found <- text
	}
	return nil
}

func (l losses) Enabled(context.Context, slog.Level) bool { return true }

// TestCablePulled: silence is noticed within some 20 seconds, and when the network is there again the session goes
// on, with each call carried out once, also if the server has carried it out and its reply was lost. Where nothing is
// asked, keep-alive notices.
func TestCablePulled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 25 seconds")
	}
	for i, way := range []string{"from the server", "both ways"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t, i)
			s := startProgram(t, []string{"ip", "netns", "exec", n.name}, n.there+":0")
			found := losses{slog.DiscardHandler, make(chan string, 100)}
			c, err := remote.Connect(t.Context(), remote.Config{Address: s.address, Log: slog.New(found)})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Sever()
			p := c.Process(4, "P4")
			number(t, p, "bump")
			n.lose(way)
			began := time.Now()
			result := make(chan error, 1)
			go func() { // ends with the call
				_, err := p.Call(context.Background(), "bump", nil)
				result <- err
			}()
			for range 2 { // the one that asks, and the Application process
				t.Log(<-found.found)
			}
			if d := time.Since(began); d > 27*time.Second {
				t.Errorf("the loss was noticed after %v", d)
			}
			n.find(way)
			if err := <-result; err != nil {
				t.Error(err)
			}
			if n := number(t, c.Application(), "count", "n"); n != 2 {
				t.Errorf("%v calls were carried out, want 2", n)
			}
			if n := number(t, p, "count", "closed"); n != 0 {
				t.Errorf("%v close calls", n)
			}
			if err := c.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
