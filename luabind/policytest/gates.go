package policytest

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"moongate/luabind/command"
	"moongate/runtime/gate"
	"moongate/runtime/host"
)

// actedOn is the host as the commands see it, without sockets.
type actedOn struct {
	command.Host
	gates *gates
}

// OpenGate takes a gate up that nobody can reach but connect{gate=}.
func (a actedOn) OpenGate(d gate.Definition) (netip.AddrPort, error) { return a.gates.open(d) }

// CloseGate forgets it.
func (a actedOn) CloseGate(name string) error { return a.gates.close(name) }

// gates are the gates that scripts have opened. The methods may be called from any goroutine.
type gates struct {
	mu   sync.Mutex
	all  map[string]gate.Definition
	last uint16 // port that was given to one that took any
}

// firstPort is the port before that of the first gate that takes any.
const firstPort = 40000

func (g *gates) open(d gate.Definition) (netip.AddrPort, error) {
	if err := d.Check(); err != nil {
		return netip.AddrPort{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	name, text, _ := net.SplitHostPort(d.Listen)
	port, _ := strconv.ParseUint(text, 10, 16)
	if port == 0 {
		g.last++
		port = uint64(firstPort + g.last)
	}
	address, err := netip.ParseAddr(name)
	if err != nil {
		address = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	bound := netip.AddrPortFrom(address, uint16(port))
	if d.Name == "" {
		d.Name = bound.String()
	}
	if _, there := g.all[d.Name]; there {
		return netip.AddrPort{}, fmt.Errorf("gate %s: %w", d.Name, host.ErrGateOpen)
	}
	if g.all == nil {
		g.all = map[string]gate.Definition{}
	}
	g.all[d.Name] = d
	return bound, nil
}

func (g *gates) close(name string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, there := g.all[name]; !there {
		return fmt.Errorf("gate %s: %w", name, host.ErrNoGate)
	}
	delete(g.all, name)
	return nil
}

// chooses is how the policy may choose an upstream of a gate. Of one that no script has opened, it may choose any.
func (g *gates) chooses(name string) func(upstream string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	d, known := g.all[name]
	return func(upstream string) error {
		address, port, err := net.SplitHostPort(upstream)
		switch {
		case err != nil:
			return fmt.Errorf("%q is no address: write it as host:port", upstream)
		case !known || slices.Contains(d.Upstreams, upstream) || slices.Contains(d.Allow, upstream) || allowed(d.Allow, address, port):
			return nil
		}
		return fmt.Errorf("the gate %s does not allow the upstream %s; name it in the gate's allow", name, upstream)
	}
}

// allowed reports whether a network of the list has the address.
func allowed(list []string, address, port string) bool {
	a, err := netip.ParseAddr(address)
	return err == nil && slices.ContainsFunc(list, func(entry string) bool {
		at := strings.LastIndex(entry, ":")
		if at < 0 || entry[at+1:] != "*" && entry[at+1:] != port {
			return false
		}
		network, err := netip.ParsePrefix(strings.Trim(entry[:at], "[]"))
		return err == nil && network.Contains(a.Unmap())
	})
}
