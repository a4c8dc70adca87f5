package cli

import (
	"net/netip"

	"moongate/runtime/gate"
)

// gateFlag are the gates of --gate, in the order in which they were given.
type gateFlag []gate.Definition

func (g *gateFlag) String() string { return "" }
func (g *gateFlag) Type() string   { return "gate" }
func (g *gateFlag) Set(s string) error {
	all, err := gate.ParseFlag(s)
	*g = append(*g, all...)
	return err
}

// openGates binds the gates of --gate.
func (s *server) openGates() error {
	for _, d := range s.flags.gates {
		address, err := s.host.OpenGate(d)
		if err != nil {
			return inUse(err, "--gate")
		}
		s.gates = append(s.gates, address)
	}
	return nil
}

// noteGates adds the gates that on_server_startup has opened to the addresses of --gate, and to --address-file.
func (s *server) noteGates() {
	known := map[netip.AddrPort]bool{}
	for _, address := range s.gates {
		known[address] = true
	}
	before := len(s.gates)
	for _, g := range s.host.Gates() {
		if !known[g.Listen] {
			s.gates = append(s.gates, g.Listen)
		}
	}
	if len(s.gates) == before {
		return
	}
	if err := s.writeAddresses(); err != nil {
		s.log.Error("the addresses of the gates are not written", "error", err)
	}
}
