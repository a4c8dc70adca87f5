package command

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/luabind/script"
	"moongate/runtime/front"
	"moongate/runtime/gate"
	"moongate/runtime/method"
	"moongate/runtime/session"

	lua "github.com/yuin/gopher-lua"
)

var gateCommands = []Command{
	{Name: "open_gate", Signature: "open_gate{listen=, upstream=, ...} -> text", Since: "0.6", Waits: true, Reads: true, Roles: method.Server,
		Meaning: "lets clients in at an address and leads those whom the policy accepts to an upstream; gives the bound address, and raises an error if it cannot. The fields are in the README, under Gates", run: openGate, once: true},
	{Name: "close_gate", Signature: "close_gate(name) -> boolean", Since: "0.6", Reads: true, Roles: method.Server,
		Meaning: "lets nobody in at a gate any more; those who came in by it stay. False when there is no gate of that name", run: closeGate, once: true},
}

func openGate(e *environment, L *lua.LState) int {
	var d gate.Definition
	if err := readFields(L.CheckTable(1), gateFields(&d)); err != nil {
		L.RaiseError("open_gate: %s", err.Error())
	}
	var bound netip.AddrPort
	var err error
	lane.Running(L).Outside(func() { bound, err = e.host.OpenGate(d) })
	if err != nil {
		L.RaiseError("open_gate: %s", err.Error())
	}
	L.Push(lua.LString(bound.String()))
	return 1
}

func closeGate(e *environment, L *lua.LState) int {
	L.Push(lua.LBool(e.host.CloseGate(L.CheckString(1)) == nil))
	return 1
}

// gateFields are the fields of open_gate.
func gateFields(d *gate.Definition) []field {
	f := &d.Front
	return []field{
		{"name", text(&d.Name)}, {"listen", text(&d.Listen)}, {"upstream", texts(&d.Upstreams)}, {"allow", texts(&d.Allow)},
		{"balance", oneOf(&d.Balance, gate.RoundRobin, gate.LeastConnections)},
		{"connect_timeout", seconds(&d.ConnectTimeout)}, {"retries", retries(&d.Retries)},
		{"refusal_message", text(&f.RefusalMessage)}, {"reset", truth(&d.Reset)},
		{"idle_timeout", seconds(&d.Terms.IdleTimeout)}, {"max_duration", seconds(&d.Terms.MaxDuration)},
		{"max_bytes", count(&d.Terms.MaxBytes)}, {"bytes_per_second", count(&d.Terms.BytesPerSecond)},
		{"protocol", oneOf(&f.Protocol, front.Raw, front.Postgres, front.MySQL)}, {"timeout", seconds(&f.Timeout)},
		{"tls", inner(func() []field {
			f.TLS = &front.TLSOptions{}
			return tlsFields(f.TLS)
		})},
		{"proxy_protocol", proxyMode(&f.Proxy, true)}, {"trusted", networksOf(&f.Trusted)},
		{"upstream_tls", orTrue(func() []field {
			f.UpstreamTLS = &front.UpstreamTLS{}
			return upstreamTLSFields(f.UpstreamTLS)
		})},
		{"upstream_proxy_protocol", proxyMode(&f.UpstreamProxy, false)},
	}
}

// tlsFields are the fields of the TLS that a gate ends.
func tlsFields(t *front.TLSOptions) []field {
	pair := func() *front.Pair {
		if len(t.Pairs) == 0 {
			t.Pairs = make([]front.Pair, 1)
		}
		return &t.Pairs[0]
	}
	return []field{
		{"certificate", func(v lua.LValue) error { return text(&pair().Certificate)(v) }},
		{"key", func(v lua.LValue) error { return text(&pair().Key)(v) }},
		{"more", pairs(&t.Pairs, pair)},
		{"client_ca", func(v lua.LValue) error {
			if t.ClientCertificate == front.NoCertificate {
				t.ClientCertificate = front.RequiredCertificate
			}
			return text(&t.ClientCA)(v)
		}},
		{"client_certificate", func(v lua.LValue) error {
			switch v {
			case lua.LString("required"):
				t.ClientCertificate = front.RequiredCertificate
			case lua.LString("optional"):
				t.ClientCertificate = front.OptionalCertificate
			default:
				return fmt.Errorf("%s is none of required and optional", shown(v))
			}
			return nil
		}},
		{"server_names", texts(&t.ServerNames)}, {"min_version", version(&t.MinVersion)}, {"alpn", texts(&t.ALPN)},
		{"optional", truth(&t.Optional)},
	}
}

// upstreamTLSFields are the fields of the TLS towards the upstream.
func upstreamTLSFields(t *front.UpstreamTLS) []field {
	pair := func() *front.Pair {
		if t.Pair == nil {
			t.Pair = &front.Pair{}
		}
		return t.Pair
	}
	return []field{
		{"ca", text(&t.CA)}, {"server_name", text(&t.ServerName)},
		{"certificate", func(v lua.LValue) error { return text(&pair().Certificate)(v) }},
		{"key", func(v lua.LValue) error { return text(&pair().Key)(v) }},
		{"min_version", version(&t.MinVersion)}, {"alpn", texts(&t.ALPN)},
		{"verify", func(v lua.LValue) error {
			var verify bool
			err := truth(&verify)(v)
			t.Unverified = !verify
			return err
		}},
	}
}

// field is a name and what reads its value, or says what is wrong with it.
type field struct {
	name string
	read func(lua.LValue) error
}

// readFields reads a table's fields in their order. A name that is none of them is an error: a misspelt one would be a rule that does not
// hold.
func readFields(t *lua.LTable, all []field) error {
	var names []string
	for _, f := range all {
		names = append(names, f.name)
	}
	var unknown []string
	t = sandbox.Whole(t)
	t.ForEach(func(k, _ lua.LValue) {
		if name := k.String(); !slices.Contains(names, name) {
			unknown = append(unknown, name)
		}
	})
	if len(unknown) > 0 {
		slices.Sort(unknown)
		if near := script.Suggest(unknown[0], names); near != "" {
			return fmt.Errorf("there is no field %s; did you mean %s?", unknown[0], near)
		}
		return fmt.Errorf("there is no field %s; there are %s", unknown[0], strings.Join(names, ", "))
	}
	for _, f := range all {
		v := t.RawGetString(f.name)
		if v == lua.LNil {
			continue
		}
		if err := f.read(v); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// shown is a value in an error.
func shown(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return fmt.Sprintf("%.80q", string(v))
	case lua.LNumber, lua.LBool:
		return v.String()
	default:
		return "a " + v.Type().String()
	}
}

func text(to *string) func(lua.LValue) error {
	return func(v lua.LValue) error {
		s, ok := v.(lua.LString)
		if !ok {
			return fmt.Errorf("%s is no text", shown(v))
		}
		*to = string(s)
		return nil
	}
}

// texts reads one text, or a list of them.
func texts(to *[]string) func(lua.LValue) error {
	return func(v lua.LValue) error {
		t, ok := v.(*lua.LTable)
		if !ok {
			var one string
			if text(&one)(v) != nil {
				return fmt.Errorf("%s is no text and no list of texts", shown(v))
			}
			*to = []string{one}
			return nil
		}
		var all []string
		t = sandbox.Whole(t)
		for i := 1; i <= t.Len(); i++ {
			var one string
			if err := text(&one)(t.RawGetInt(i)); err != nil {
				return fmt.Errorf("number %d: %w", i, err)
			}
			all = append(all, one)
		}
		if len(all) == 0 {
			return errors.New("an empty list")
		}
		*to = all
		return nil
	}
}

func truth(to *bool) func(lua.LValue) error {
	return func(v lua.LValue) error {
		b, ok := v.(lua.LBool)
		if !ok {
			return fmt.Errorf("%s is none of true and false", shown(v))
		}
		*to = bool(b)
		return nil
	}
}

// seconds reads a time above 0.
func seconds(to *time.Duration) func(lua.LValue) error {
	return func(v lua.LValue) error {
		n, ok := v.(lua.LNumber)
		if !ok || !(n > 0) {
			return fmt.Errorf("%s is no number of seconds above 0", shown(v))
		}
		*to = max(time.Nanosecond, time.Duration(min(float64(n), 1e9)*float64(time.Second)))
		return nil
	}
}

// count reads a whole number above 0.
func count(to *int64) func(lua.LValue) error {
	return func(v lua.LValue) error {
		n, ok := v.(lua.LNumber)
		if !ok || !(n >= 1) {
			return fmt.Errorf("%s is no number from 1 on", shown(v))
		}
		*to = int64(min(float64(n), 1<<53))
		return nil
	}
}

// retries reads how many other upstreams are tried; 0 is none.
func retries(to *int) func(lua.LValue) error {
	return func(v lua.LValue) error {
		n, ok := v.(lua.LNumber)
		if !ok || !(n >= 0 && n <= 63) {
			return fmt.Errorf("%s is no number from 0 to 63", shown(v))
		}
		if *to = int(n); *to == 0 {
			*to = -1
		}
		return nil
	}
}

// oneOf reads the name of one of several values.
func oneOf[T fmt.Stringer](to *T, all ...T) func(lua.LValue) error {
	return func(v lua.LValue) error {
		var names []string
		for _, one := range all {
			if v == lua.LString(one.String()) {
				*to = one
				return nil
			}
			names = append(names, one.String())
		}
		return fmt.Errorf("%s is none of %s", shown(v), strings.Join(names, ", "))
	}
}

// version reads a version of TLS.
func version(to *uint16) func(lua.LValue) error {
	return func(v lua.LValue) error {
		switch v {
		case lua.LString("1.2"):
			*to = tls.VersionTLS12
		case lua.LString("1.3"):
			*to = tls.VersionTLS13
		default:
			return fmt.Errorf(`%s is none of "1.2" and "1.3"`, shown(v))
		}
		return nil
	}
}

// proxyMode reads a version of the PROXY protocol; true is any, where that may be.
func proxyMode(to *front.ProxyMode, anyVersion bool) func(lua.LValue) error {
	return func(v lua.LValue) error {
		switch {
		case v == lua.LFalse:
			*to = front.ProxyOff
		case v == lua.LString("v1") || v == lua.LNumber(1):
			*to = front.ProxyV1
		case v == lua.LString("v2") || v == lua.LNumber(2):
			*to = front.ProxyV2
		case v == lua.LTrue && anyVersion:
			*to = front.ProxyAny
		case anyVersion:
			return fmt.Errorf(`%s is none of "v1", "v2" and true`, shown(v))
		default:
			return fmt.Errorf(`%s is none of "v1" and "v2"`, shown(v))
		}
		return nil
	}
}

// networksOf reads networks.
func networksOf(to *[]netip.Prefix) func(lua.LValue) error {
	return func(v lua.LValue) error {
		var all []string
		if err := texts(&all)(v); err != nil {
			return err
		}
		for _, one := range all {
			network, err := session.ParseNetwork(one)
			if err != nil {
				return err
			}
			*to = append(*to, network)
		}
		return nil
	}
}

// pairs reads more certificates: a list of { certificate =, key = }.
func pairs(to *[]front.Pair, first func() *front.Pair) func(lua.LValue) error {
	return func(v lua.LValue) error {
		t, ok := v.(*lua.LTable)
		if !ok {
			return fmt.Errorf("%s is no list of tables with certificate and key", shown(v))
		}
		first()
		t = sandbox.Whole(t)
		for i := 1; i <= t.Len(); i++ {
			var p front.Pair
			if err := inner(func() []field { return []field{{"certificate", text(&p.Certificate)}, {"key", text(&p.Key)}} })(t.RawGetInt(i)); err != nil {
				return fmt.Errorf("number %d: %w", i, err)
			}
			*to = append(*to, p)
		}
		return nil
	}
}

// inner reads a table of fields.
func inner(all func() []field) func(lua.LValue) error {
	return func(v lua.LValue) error {
		t, ok := v.(*lua.LTable)
		if !ok {
			return fmt.Errorf("%s is no table", shown(v))
		}
		return readFields(t, all())
	}
}

// orTrue reads a table of fields, or true for one with the defaults.
func orTrue(all func() []field) func(lua.LValue) error {
	return func(v lua.LValue) error {
		switch v {
		case lua.LTrue:
			all()
			return nil
		case lua.LFalse:
			return nil
		}
		return inner(all)(v)
	}
}
