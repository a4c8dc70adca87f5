package policytest

import (
	"fmt"
	"net/netip"
	"slices"

	"moongate/runtime/session"

	lua "github.com/yuin/gopher-lua"
)

// connectFields are what connect can be told of a client, with their types. Those of facts have the names that
// connection_info has for them.
var connectFields = map[string]lua.LValueType{
	"user": lua.LTString, "address": lua.LTString, "port": lua.LTNumber, "gate": lua.LTString, "alias": lua.LTString,
	"tls_version": lua.LTString, "cipher": lua.LTString, "server_name": lua.LTString, "alpn": lua.LTString, "ja4": lua.LTString,
	"subject": lua.LTString, "names": lua.LTTable, "issuer": lua.LTString, "serial": lua.LTString, "fingerprint": lua.LTString,
	"login": lua.LTString, "database": lua.LTString, "application": lua.LTString, "plugin": lua.LTString,
	"parameters": lua.LTTable, "cancel": lua.LTBool,
}

// facts are the fields that a gate's front finds out, in the order of connection_info.
var facts = []string{
	"tls_version", "cipher", "server_name", "alpn", "ja4", "subject", "names", "issuer", "serial", "fingerprint",
	"login", "database", "application", "plugin", "parameters", "cancel",
}

// Where clients come from who do not say, and where they come to.
const (
	defaultAddress = "127.0.0.1"
	clientPort     = 50000
	ownAddress     = "127.0.0.1:19813"
)

// peer reads what connect is told.
func (p *play) peer(L *lua.LState) (peer session.Peer, user, alias string) {
	t := fields(L, connectFields)
	address := text(t, "address")
	if address == "" {
		address = defaultAddress
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		L.ArgError(1, "address: an IP address expected, as in 10.1.2.3 or fd00::1")
	}
	port := clientPort + len(p.clients)%1000
	if t.RawGetString("port") != lua.LNil {
		port = int(number(t, "port"))
	}
	if port < 1 || port > 65535 {
		L.ArgError(1, "port: 1 to 65535 expected")
	}
	local := netip.MustParseAddrPort(ownAddress)
	peer = session.Peer{Address: netip.AddrPortFrom(ip.Unmap().WithZone(""), uint16(port)), Local: local, Listener: ownAddress, Gate: text(t, "gate")}
	known := gathered(L, t)
	if peer.Gate == "" {
		if len(known) > 0 {
			L.ArgError(1, known[0].Name+": only clients of a gate have it: add gate=")
		}
		return peer, text(t, "user"), text(t, "alias")
	}
	peer.Passage = &session.Passage{Facts: known, Choose: p.gates.chooses(peer.Gate)}
	return peer, text(t, "user"), text(t, "alias")
}

// gathered are the facts of the fields.
func gathered(L *lua.LState, t *lua.LTable) []session.Fact {
	var all []session.Fact
	for _, name := range facts {
		switch v := t.RawGetString(name).(type) {
		case lua.LString:
			all = append(all, session.Fact{Name: name, Value: string(v)})
		case lua.LBool:
			all = append(all, session.Fact{Name: name, Value: bool(v)})
		case *lua.LTable:
			if name == "names" {
				all = append(all, session.Fact{Name: name, Value: texts(v)})
				continue
			}
			var inner []session.Fact
			v.ForEach(func(k, v lua.LValue) { inner = append(inner, session.Fact{Name: k.String(), Value: v.String()}) })
			slices.SortFunc(inner, func(a, b session.Fact) int {
				if a.Name < b.Name {
					return -1
				}
				return 1
			})
			all = append(all, session.Fact{Name: name, Value: inner})
		}
	}
	return all
}

func texts(t *lua.LTable) []string {
	var all []string
	for i := 1; i <= t.Len(); i++ {
		all = append(all, t.RawGetInt(i).String())
	}
	return all
}

// connect is connect{...}.
func (p *play) connect(L *lua.LState) int {
	peer, user, alias := p.peer(L)
	c := newClient(p, peer)
	p.clients = append(p.clients, c)
	p.outside(L, func() { c.come(user) })
	if c.connection != nil && alias != "" {
		c.connection.SetAlias(alias)
	}
	L.Push(c.view(L))
	return 1
}

// assertAccepted is assert_accepted(client).
func (p *play) assertAccepted(L *lua.LState) int {
	c := checkClient(L)
	ok := c.connection != nil
	if !ok {
		p.fail("%sgot a client that was refused with %s, want one that was accepted", here(L), c.verdict())
	}
	return passed(L, ok)
}

// assertRefused is assert_refused(client [, code]).
func (p *play) assertRefused(L *lua.LState) int {
	c := checkClient(L)
	want := L.Get(2)
	if want != lua.LNil && want.Type() != lua.LTNumber {
		L.ArgError(2, "code expected, a number")
	}
	ok := false
	switch {
	case c.connection != nil && want == lua.LNil:
		p.fail("%sgot a client that was accepted%s, want one that was refused", here(L), by(c.refusal.By))
	case c.connection != nil:
		p.fail("%sgot a client that was accepted%s, want one that was refused with %s", here(L), by(c.refusal.By), want)
	case want != lua.LNil && want != lua.LNumber(c.refusal.Code):
		p.fail("%sgot a client that was refused with %s, want %s", here(L), c.verdict(), want)
	default:
		ok = true
	}
	return passed(L, ok)
}

// verdict is the refusal in words.
func (c *client) verdict() string {
	reason := ""
	if c.refusal.Reason != "" {
		reason = fmt.Sprintf(" (%s)", c.refusal.Reason)
	}
	return fmt.Sprintf("%d%s%s", c.refusal.Code, reason, by(c.refusal.By))
}

func by(place string) string {
	if place == "" {
		return ""
	}
	return " by " + place
}
