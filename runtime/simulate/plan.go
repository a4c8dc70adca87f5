package simulate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

// User is who a client logs in as.
type User struct{ Name, Password string }

// Call is a project method that clients call, with its arguments.
type Call struct {
	Method    string
	Arguments []string
}

// Plan says what a Run does. Either Rate or Clients is given.
type Plan struct {
	Server    netip.AddrPort
	Rate      float64       // clients that come in each second
	Clients   int           // clients that are there at once
	Duration  time.Duration // for which clients come
	Stay      Stay
	Calls     []Call        // what each client calls, one after the other, when it was accepted
	Every     time.Duration // after which it makes its calls again, for as long as it stays; 0: it makes them once
	Users     []User        // as whom clients log in, by turns; none: they do not
	Addresses int           // so many source addresses, by turns; 0: the system's choice
	Behaviour Behaviour     // what clients do instead of staying and calling; nil: that
	Raw       bool          // connect by TCP, and send nothing
	TLS       *tls.Config   // nil: none
	Timeout   time.Duration // for a verdict, for an answer, for a goodbye; 0 is 10 s
	Seed      uint64        // of what is drawn by lot: equal seeds draw alike
	MostOpen  int           // connections at once; clients for whom there is no room are not started; 0: no limit
	Patience  time.Duration // after so long with nobody at the other end the run ends; 0 is 1 s
	// Dial connects, from a source address if that is valid; nil is TCP.
	Dial func(ctx context.Context, from netip.Addr) (net.Conn, error)
}

// Behaviour is what each client does.
type Behaviour interface {
	// Live lives the life of one client. It returns when that is over, and soon after the client's Over is closed.
	// The error is counted as a BehaviourFailed unless it is a *Failure, ErrOver or ErrBrokenOff. It is called from
	// many goroutines at once.
	Live(c *Client) error
}

// mostClients bounds what a plan may want: more goroutines than any machine has ports for.
const mostClients = 1_000_000

// mostRate is more than a goroutine can start in a second.
const mostRate = 1_000_000

// Check reports what is wrong with the plan, in the words of the flags of moongate simulate.
func (p *Plan) Check() error {
	switch {
	case p.Rate != 0 && p.Clients != 0:
		return errors.New("--rate and --clients are two ways to come: so many a second, or so many at once; give one of them")
	case p.Clients < 0 || p.Clients > mostClients:
		return fmt.Errorf("--clients is %d; it must be 1 to %d", p.Clients, mostClients)
	case p.Clients == 0 && !(p.Rate > 0 && p.Rate <= mostRate):
		return fmt.Errorf("--rate is %v; it must be more than 0 and at most %d clients a second", p.Rate, mostRate)
	case p.Duration <= 0:
		return fmt.Errorf("--duration is %v; it must be more than 0", p.Duration)
	case p.Clients == 0 && p.Rate*p.Duration.Seconds() > 1e12:
		return errors.New("--rate times --duration is too much")
	case p.Every < 0:
		return fmt.Errorf("--every is %v; it must be 0 or more", p.Every)
	case p.Timeout < 0:
		return fmt.Errorf("--timeout is %v; it must be more than 0", p.Timeout)
	case p.Every > 0 && len(p.Calls) == 0:
		return errors.New("--every is how often --call is repeated; give --call too")
	case p.Behaviour != nil && len(p.Calls) > 0:
		return errors.New("--behaviour says what clients do, so --call has nothing to add; call in the file")
	case p.Behaviour != nil && p.Raw, p.Raw && len(p.Calls) > 0, p.Raw && len(p.Users) > 0:
		return errors.New("--raw clients send nothing, so they have no --users, no --call and no --behaviour")
	case p.MostOpen > 0 && p.Clients > p.MostOpen:
		return fmt.Errorf("--clients %d needs as many file descriptors and a few more, and this program has room for %d connections: raise ulimit -n, or take fewer clients",
			p.Clients, p.MostOpen)
	}
	return nil
}

// withDefaults fills in what is zero.
func (p Plan) withDefaults() Plan {
	if p.Timeout == 0 {
		p.Timeout = 10 * time.Second
	}
	if p.Patience == 0 {
		p.Patience = time.Second
	}
	if p.Dial == nil {
		p.Dial = p.dial
	}
	return p
}

// arrivals is how many clients come at the rate.
func (p *Plan) arrivals() int64 { return int64(math.Ceil(p.Rate*p.Duration.Seconds() - 1e-9)) }

// arrival is when the i-th client comes, after the start.
func (p *Plan) arrival(i int64) time.Duration {
	return time.Duration(float64(i) / p.Rate * float64(time.Second))
}

// dial connects by TCP.
func (p *Plan) dial(ctx context.Context, from netip.Addr) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1, Timeout: p.Timeout}
	if from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
		d.Control = bindLate
	}
	return d.DialContext(ctx, "tcp", p.Server.String())
}

// random is the source of what is drawn by lot for one client: the same in each run with the same seed, whatever
// others do.
func (p *Plan) random(number int64) *rand.Rand { return rand.New(rand.NewPCG(p.Seed, uint64(number))) }

// ordinary is what clients do when the plan has no Behaviour.
type ordinary struct{ plan *Plan }

// Live connects, waits for the verdict, calls, stays, and leaves.
func (o ordinary) Live(c *Client) error {
	stay := o.plan.Stay.draw(c.Random)
	verdict, err := c.Connect(Login{})
	if err != nil || !verdict.Accepted {
		return err
	}
	end := time.Now().Add(stay)
	for round := time.Now(); ; round = round.Add(o.plan.Every) {
		for i, call := range o.plan.Calls {
			since := time.Now()
			if i == 0 {
				since = round // by the timetable, not when the round before was over at last
			}
			if _, err := c.CallSince(since, call.Method, call.Arguments...); err != nil && !isRefusedCall(err) {
				return err
			}
		}
		next := round.Add(o.plan.Every)
		if o.plan.Every == 0 || !next.Before(end) {
			break
		}
		if err := c.Rest(next); err != nil {
			return err
		}
	}
	if err := c.Rest(end); err != nil {
		return err
	}
	return c.Close()
}
