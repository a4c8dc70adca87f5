package simulate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// ParseTarget reads host:port and finds the address of the host, an IPv4 one if it has any; it blocks while the name
// is looked up, until ctx ends. A name is looked up once, so that the load is on the server and not on the names.
func ParseTarget(ctx context.Context, target string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is no address; write host:port, as 127.0.0.1:19813", target)
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil || number == 0 {
		return netip.AddrPort{}, fmt.Errorf("%q: %q is no port", target, port)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(ip.Unmap(), uint16(number)), nil
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	var unknown *net.DNSError
	switch {
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return netip.AddrPort{}, fmt.Errorf("unknown host %q", host)
	case err != nil:
		return netip.AddrPort{}, fmt.Errorf("host %q: %w", host, err)
	}
	best := found[0].Unmap()
	for _, ip := range found {
		if ip.Unmap().Is4() {
			best = ip.Unmap()
			break
		}
	}
	return netip.AddrPortFrom(best, uint16(number)), nil
}

// MostAddresses is how many source addresses there may be.
const MostAddresses = 1 << 20

// firstAddress is the first source address. 127.0.0.x is left to those who use it already.
var firstAddress = netip.AddrFrom4([4]byte{127, 1, 0, 1})

// SourceAddress is the i-th source address, from 0 on: 127.1.0.1, 127.1.0.2, ... No address ends with 0 or 255.
func SourceAddress(i int) netip.Addr {
	i %= MostAddresses
	last, net := i%254+1, i/254
	return netip.AddrFrom4([4]byte{127, byte(1 + net>>8), byte(net), byte(last)})
}

// CheckAddresses reports why clients cannot come to a server from so many source addresses: only a server on loopback
// can be reached from 127.0.0.0/8, and not every system has all of that.
func CheckAddresses(server netip.Addr, n int) error {
	switch {
	case n > MostAddresses:
		return fmt.Errorf("--addresses is %d; at most %d can be had of 127.0.0.0/8", n, MostAddresses)
	case !server.IsLoopback() || !server.Is4():
		return fmt.Errorf("--addresses needs a server on 127.0.0.0/8: %s cannot be reached from such addresses; run simulate on the server's machine", server)
	}
	for _, address := range []netip.Addr{firstAddress, SourceAddress(n - 1)} {
		probe, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(netip.AddrPortFrom(address, 0)))
		if err != nil {
			return fmt.Errorf("--addresses: this system does not have %s (%w); on macOS: ifconfig lo0 alias %s", address, err, strings.TrimSpace(address.String()))
		}
		probe.Close()
	}
	return nil
}
