package session

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Rule allows or denies the addresses of a network.
type Rule struct {
	Allow   bool
	Network netip.Prefix
	All     bool // every address; Network does not matter
}

// Rules is 4D's table of allowed and denied addresses: the first rule that matches decides, and an address that no rule
// matches is refused. Without any rule everybody is allowed, which is 4D's table as it is delivered.
type Rules []Rule

// Allow reports whether the rules let an address in.
func (rs Rules) Allow(a netip.Addr) bool {
	if len(rs) == 0 {
		return true
	}
	a = a.Unmap().WithZone("") // a network has no zone, and contains no address that has one
	for _, r := range rs {
		if r.All || r.Network.Contains(a) {
			return r.Allow
		}
	}
	return false
}

// Hopeless reports whether no address at all is allowed.
func (rs Rules) Hopeless() bool {
	for _, r := range rs {
		if r.Allow {
			return false
		}
	}
	return len(rs) > 0
}

// ParseRule reads the network of a rule: a CIDR (10.0.0.0/8), an address, 4D's form with a star at the end
// (192.168.*), or all.
func ParseRule(allow bool, s string) (Rule, error) {
	if s == "all" || s == "*" {
		return Rule{Allow: allow, All: true}, nil
	}
	network, err := ParseNetwork(s)
	return Rule{Allow: allow, Network: network}, err
}

// ParseNetwork reads a CIDR, an address, or 4D's form with a star at the end.
func ParseNetwork(s string) (netip.Prefix, error) {
	if before, ok := strings.CutSuffix(s, ".*"); ok {
		return parseStar(s, before)
	}
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("%q is no network: write it as 10.0.0.0/8 or fd00::/8", s)
		}
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no address or network: write 10.1.2.3, 10.0.0.0/8 or 10.*", s)
	}
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), nil
}

func parseStar(whole, before string) (netip.Prefix, error) {
	parts := strings.Split(before, ".")
	var bytes [4]byte
	if len(parts) > 3 {
		return netip.Prefix{}, fmt.Errorf("%q is no network: a star stands for the last parts of four, as in 10.* or 192.168.1.*", whole)
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("%q is no network: %q is no number from 0 to 255", whole, part)
		}
		bytes[i] = byte(n)
	}
	return netip.PrefixFrom(netip.AddrFrom4(bytes), len(parts)*8), nil
}
