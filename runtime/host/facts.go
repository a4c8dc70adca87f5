package host

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"moongate/runtime/front"
	"moongate/runtime/journal"
	"moongate/runtime/session"
)

// unknownUser is who comes by a gate and has not said a name: a user who is called as the address. The number is made from
// the address, so that the same address always has the same one and nothing need be kept: below 0, where no account's
// number is, and beyond 32 bits. IPv4 addresses have -2^32 to -2^33+1, IPv6 addresses a number below that which two of them might
// share, though hardly.
func unknownUser(a netip.Addr) session.User {
	name := a.String()
	if a.Is4() {
		four := a.As4()
		return session.User{Number: firstAddress - session.UserNumber(binary.BigEndian.Uint32(four[:])), Name: name}
	}
	return session.User{Number: madeFrom(name), Name: name}
}

// firstAddress is the number of the address 0.0.0.0.
const firstAddress session.UserNumber = -1 << 32

// madeFrom is the number of a user whose name nobody has verified, or whose name is an IPv6 address: it is made from the name.
func madeFrom(name string) session.UserNumber {
	sum := sha256.Sum256([]byte(name))
	return 2*firstAddress - session.UserNumber(binary.BigEndian.Uint64(sum[:])>>16)
}

// addressOf is the address that an unknownUser's number was made from, "" if it was not one of IPv4.
func addressOf(n session.UserNumber) string {
	if n > firstAddress || n <= 2*firstAddress {
		return ""
	}
	var four [4]byte
	binary.BigEndian.PutUint32(four[:], uint32(firstAddress-n))
	return netip.AddrFrom4(four).String()
}

// visitingUser is who a gate's front has found to come. It blocks for the number of a certificate's name that this host
// does not know yet. A name that a certificate stands for has a number of its own, which is kept; one that the client only
// claims has a number that is made from it, because clients could claim any number of names.
func (h *Host) visitingUser(f *front.Facts, address netip.Addr) (session.User, error) {
	certified := f.TLS != nil && f.TLS.Certificate != nil || f.Login == nil && f.Proxy != nil && f.Proxy.TLS != nil && f.Proxy.TLS.Verified
	switch {
	case f.User == "":
		return unknownUser(address), nil
	case !certified || h.logins.numbers == nil:
		return session.User{Number: madeFrom(f.User), Name: f.User}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), numberTime)
	defer cancel()
	return h.numbered(ctx, f.User)
}

// numberTime is how long a visitor whom this host does not know yet may wait for its number.
const numberTime = 15 * time.Second

// facts are what the policy can ask about a client, under the names that connection_info has for them.
func facts(f *front.Facts) []session.Fact {
	var all list
	if t := f.TLS; t != nil {
		all.add("tls_version", t.Version)
		all.add("cipher", t.Cipher)
		all.add("server_name", t.ServerName)
		all.add("alpn", t.ALPN)
		all.add("ja4", t.JA4)
		if c := t.Certificate; c != nil {
			all.add("subject", c.Subject)
			all.add("names", c.Names)
			all.add("issuer", c.Issuer)
			all.add("serial", c.Serial)
			all.add("fingerprint", c.Fingerprint)
		}
	}
	if l := f.Login; l != nil {
		all.add("login", l.User)
		all.add("database", l.Database)
		all.add("application", l.Application)
		all.add("plugin", l.Plugin)
		all.add("parameters", parameters(l.Parameters))
		if l.Cancel {
			all = append(all, session.Fact{Name: "cancel", Value: true})
		}
	}
	if p := f.Proxy; p != nil {
		all = append(all, session.Fact{Name: "proxy", Value: proxyFacts(p)})
	}
	return all
}

// list is facts that are being collected.
type list []session.Fact

// add adds a fact that is not empty: what nobody has said is nil for a script.
func (l *list) add(name string, value any) {
	switch v := value.(type) {
	case string:
		if v == "" {
			return
		}
	case []string:
		if len(v) == 0 {
			return
		}
	case []session.Fact:
		if len(v) == 0 {
			return
		}
	}
	*l = append(*l, session.Fact{Name: name, Value: value})
}

func parameters(all map[string]string) []session.Fact {
	var sorted []session.Fact
	for name, value := range all {
		sorted = append(sorted, session.Fact{Name: name, Value: value})
	}
	slices.SortFunc(sorted, func(a, b session.Fact) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return sorted
}

// proxyFacts are what a PROXY header says. Of fields that have no name here, tlvs has the bytes by their number.
func proxyFacts(p *front.ProxyFacts) []session.Fact {
	var all list
	all.add("address", p.Address.Addr().String())
	all.add("port", int64(p.Address.Port()))
	all.add("version", int64(p.Version))
	all.add("local", p.Local)
	all.add("authority", p.Authority)
	all.add("alpn", p.ALPN)
	all.add("unique_id", p.UniqueID)
	if t := p.TLS; t != nil {
		all.add("tls_version", t.Version)
		all.add("cipher", t.Cipher)
		all.add("common_name", t.CommonName)
		all.add("verified", t.Verified)
	}
	var tlvs list
	for _, field := range p.Fields {
		tlvs.add(fmt.Sprintf("%d", field.Type), string(field.Value))
	}
	all.add("tlvs", []session.Fact(tlvs))
	return all
}

// recorded is facts as the journal has them: the single ones as a JSON object, without lists and what is inside others, and
// as many as a text of the journal can hold; "" for none.
func recorded(facts []session.Fact) string {
	if len(facts) == 0 {
		return ""
	}
	text := []byte{'{'}
	for _, f := range facts {
		switch f.Value.(type) {
		case string, int64, bool:
		default:
			continue
		}
		name, _ := json.Marshal(f.Name)
		value, _ := json.Marshal(f.Value) // neither can fail
		if len(text)+len(name)+len(value)+len(",:}") > journal.TextLimit {
			continue
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(append(append(text, name...), ':'), value...)
	}
	if len(text) == 1 {
		return ""
	}
	return string(append(text, '}'))
}
