package gate

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"moongate/runtime/front"
)

// Balance is how a gate chooses among its upstreams.
type Balance uint8

const (
	RoundRobin       Balance = iota // one after the other
	LeastConnections                // the one with the fewest connections of this gate; of several the next in turn
)

// String is the balance's name in scripts.
func (b Balance) String() string { return [...]string{"round_robin", "least_connections"}[b] }

// Terms limit the connections of a gate, each by itself. 0 is no limit.
type Terms struct {
	IdleTimeout    time.Duration // without a byte in either direction
	MaxDuration    time.Duration // since the policy has accepted
	MaxBytes       int64         // both directions together
	BytesPerSecond int64         // in each direction
	NoRemote       bool          // not of gates: no session of a client machine begins by the connection
}

// Over is these terms with those of other in their place that are set there.
func (t Terms) Over(other Terms) Terms {
	if other.IdleTimeout != 0 {
		t.IdleTimeout = other.IdleTimeout
	}
	if other.MaxDuration != 0 {
		t.MaxDuration = other.MaxDuration
	}
	if other.MaxBytes != 0 {
		t.MaxBytes = other.MaxBytes
	}
	if other.BytesPerSecond != 0 {
		t.BytesPerSecond = other.BytesPerSecond
	}
	return t
}

// Definition is what a gate is made of. Listen and one upstream at least must be there; the rest has defaults.
type Definition struct {
	Name      string   // "": the bound address
	Listen    string   // host:port; port 0 takes a free one
	Upstreams []string // host:port
	Balance   Balance
	// Allow are more upstreams that the policy may choose: host:port, or a network with a port or * for any, as in
	// 10.1.0.0/16:5432 or 10.1.0.0/16:*. It may always choose one of Upstreams.
	Allow          []string
	ConnectTimeout time.Duration // for one upstream; 0: DefaultConnectTimeout
	Retries        int           // how many other upstreams are tried after the first; 0: all of them; below 0: none
	Reset          bool          // a refused client gets a reset instead of the end of file
	Terms          Terms         // where the open method says nothing else
	// Front is what happens before the policy is asked. Its Gate and Log are set by who opens the gate, Dial by New.
	Front front.Options
}

// DefaultConnectTimeout is how long an upstream may take to answer.
const DefaultConnectTimeout = 5 * time.Second

// most are how many upstreams a gate may have: those that were tried for a connection are bits of a word.
const most = 64

// Check finds what is wrong with a definition, apart from its Front, which New looks at. The error is one line: which field, what is wrong, what to do.
func (d *Definition) Check() error {
	if err := checkAddress(d.Listen, true); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if len(d.Upstreams) == 0 {
		return errors.New("upstream: there is none; give host:port")
	}
	if len(d.Upstreams) > most {
		return fmt.Errorf("upstream: there are %d; a gate can have %d", len(d.Upstreams), most)
	}
	seen := map[string]bool{}
	for _, u := range d.Upstreams {
		if err := checkAddress(u, false); err != nil {
			return fmt.Errorf("upstream: %w", err)
		}
		if seen[u] {
			return fmt.Errorf("upstream: %s is there twice; name it once", u)
		}
		seen[u] = true
	}
	for _, negative := range []struct {
		name string
		is   bool
	}{
		{"connect_timeout", d.ConnectTimeout < 0}, {"idle_timeout", d.Terms.IdleTimeout < 0}, {"max_duration", d.Terms.MaxDuration < 0},
		{"max_bytes", d.Terms.MaxBytes < 0}, {"bytes_per_second", d.Terms.BytesPerSecond < 0},
	} {
		if negative.is {
			return fmt.Errorf("%s: it is below 0; give a number above 0, or leave it away", negative.name)
		}
	}
	if d.Reset && d.Front.RefusalMessage != "" {
		return errors.New("reset: a reset makes the client lose the refusal_message; leave one of them away")
	}
	return nil
}

// checkAddress checks host:port. For listening the host may be missing and the port 0.
func checkAddress(address string, listening bool) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is no address; write it as host:port", address)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 && !listening {
		return fmt.Errorf("%q has no port from 1 to 65535; write it as host:port", address)
	}
	if host == "" && !listening {
		return fmt.Errorf("%q has no host; write it as host:port", address)
	}
	return nil
}
