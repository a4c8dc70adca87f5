package session_test

import (
	"net/netip"
	"strings"
	"testing"

	"moongate/runtime/session"
)

func expect[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// parseRules reads rules as the flags give them: +network allows, -network denies.
func parseRules(t testing.TB, texts ...string) session.Rules {
	t.Helper()
	var rules session.Rules
	for _, text := range texts {
		r, err := session.ParseRule(text[0] == '+', text[1:])
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	return rules
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		rules   string
		allowed string
		refused string
	}{
		{"", "127.0.0.1 ::1 10.0.0.1 203.0.113.9", ""},
		{"+all", "127.0.0.1 ::1 10.0.0.1", ""},
		{"+*", "127.0.0.1 ::1 10.0.0.1", ""},
		{"-all", "", "127.0.0.1 ::1 10.0.0.1"},
		{"+10.0.0.0/8", "10.0.0.0 10.255.255.255 ::ffff:10.1.2.3", "9.255.255.255 11.0.0.0 ::1"},                                    // no match is refused
		{"-10.0.0.0/8", "", "10.0.0.1 192.168.1.1"},                                                                                 // so is what only a deny rule does not match
		{"-10.1.0.0/16 +10.0.0.0/8", "10.2.0.1 10.0.0.1", "10.1.0.1 10.1.255.255 192.168.1.1"},                                      // the first match decides
		{"+10.0.0.0/8 -10.1.0.0/16 +all", "10.1.0.1 192.168.1.1", ""},                                                               // and not the narrowest
		{"-10.1.2.3 +all", "10.1.2.4 ::1", "10.1.2.3 ::ffff:10.1.2.3"},                                                              // one address
		{"+192.168.*", "192.168.0.0 192.168.255.255 ::ffff:192.168.1.1", "192.167.1.1 192.169.0.0 ::1"},                             // 4D's star
		{"+10.*", "10.0.0.0 10.255.1.2", "11.0.0.0 1.0.0.0"},                                                                        //
		{"+192.168.1.*", "192.168.1.0 192.168.1.255", "192.168.2.0 192.168.0.255"},                                                  //
		{"+::1", "::1", "127.0.0.1 ::2"},                                                                                            //
		{"+fd00::/8", "fd00::1 fdff::1", "fe00::1 10.0.0.1"},                                                                        //
		{"+::ffff:10.0.0.0/104", "10.1.2.3 ::ffff:10.1.2.3", "11.0.0.1 ::1"},                                                        // a mapped network is the IPv4 one
		{"+::ffff:10.1.2.3", "10.1.2.3 ::ffff:10.1.2.3", "10.1.2.4"},                                                                //
		{"+0.0.0.0/0", "10.1.2.3 ::ffff:10.1.2.3", "::1"},                                                                           // all of IPv4 is not all
		{"+::/0", "::1 fd00::1", "10.1.2.3 ::ffff:10.1.2.3"},                                                                        // nor is all of IPv6
		{"-0.0.0.0/0 +all", "::1", "10.1.2.3 ::ffff:10.1.2.3"},                                                                      //
		{"+10.1.2.3/8", "10.200.0.1", "11.0.0.1"},                                                                                   // bits beyond the mask do not matter
		{"+10.0.0.0/32 +10.0.0.2/31 -all", "10.0.0.0 10.0.0.2 10.0.0.3", "10.0.0.1 10.0.0.4"},                                       //
		{"-10.* -192.168.* -172.16.0.0/12 +all", "8.8.8.8 172.32.0.1 172.15.255.255", "10.0.0.1 192.168.3.4 172.16.0.1 172.31.0.1"}, //
	} {
		rules := parseRules(t, strings.Fields(c.rules)...)
		for want, addresses := range map[bool]string{true: c.allowed, false: c.refused} {
			for _, address := range strings.Fields(addresses) {
				if got := rules.Allow(netip.MustParseAddr(address)); got != want {
					t.Errorf("%q: Allow(%s): got %v, want %v", c.rules, address, got, want)
				}
			}
		}
	}
}

// A link-local address comes with the name of the interface. It is the same address to a rule.
func TestRulesDoNotLookAtZones(t *testing.T) {
	for _, c := range []struct {
		rules string
		want  bool
	}{
		{"-fe80::/10 +all", false},
		{"+fe80::/10", true},
		{"-fe80::1 +all", false},
	} {
		rules := parseRules(t, strings.Fields(c.rules)...)
		expect(t, c.rules+" and fe80::1%eth0", rules.Allow(netip.MustParseAddr("fe80::1%eth0")), c.want)
	}
}

func TestHopeless(t *testing.T) {
	for rules, want := range map[string]bool{
		"": false, "+all": false, "-all": true, "-10.*": true, "-10.* +all": false, "-all +all": false, "-10.* -all": true,
	} {
		expect(t, rules, parseRules(t, strings.Fields(rules)...).Hopeless(), want)
	}
}

func TestParseNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8": "10.0.0.0/8", "10.1.2.3/8": "10.0.0.0/8", "10.1.2.3": "10.1.2.3/32", "10.1.2.3/32": "10.1.2.3/32",
		"0.0.0.0/0": "0.0.0.0/0", "10.*": "10.0.0.0/8", "192.168.*": "192.168.0.0/16", "192.168.1.*": "192.168.1.0/24", "255.*": "255.0.0.0/8",
		"::1": "::1/128", "fd00::/8": "fd00::/8", "fdab::1/8": "fd00::/8", "::/0": "::/0", "fe80::1%eth0": "fe80::1/128",
		"::ffff:10.1.2.3": "10.1.2.3/32", "::ffff:10.0.0.0/104": "10.0.0.0/8", "::ffff:0.0.0.0/96": "0.0.0.0/0",
	} {
		got, err := session.ParseNetwork(text)
		if err != nil || got.String() != want {
			t.Errorf("ParseNetwork(%q): got %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                "is no address or network",
		"all":             "is no address or network",
		"10":              "is no address or network",
		"10.0.0":          "is no address or network",
		"localhost":       "is no address or network",
		"10.0.0.256":      "is no address or network",
		"10.0.0.1:80":     "is no address or network",
		"10.0.0.0/":       "is no network",
		"10.0.0.0/33":     "is no network",
		"10.0.0.0/-1":     "is no network",
		"::/129":          "is no network",
		"10.0.0.0/8/8":    "is no network",
		"fe80::1%eth0/64": "is no network",
		".*":              `"" is no number from 0 to 255`,
		"*.*":             `"*" is no number from 0 to 255`,
		"10.*.*":          `"*" is no number from 0 to 255`,
		"256.*":           `"256" is no number from 0 to 255`,
		"-1.*":            `"-1" is no number from 0 to 255`,
		"10..*":           `"" is no number from 0 to 255`,
		"10.1.2.3.*":      "a star stands for the last parts of four",
		"fd00::.*":        "is no number from 0 to 255",
		"1*":              "is no address or network",
	} {
		got, err := session.ParseNetwork(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseNetwork(%q): got %v, %v, want an error with %q", text, got, err, want)
		}
		if rule, err := session.ParseRule(true, text); err == nil && text != "all" {
			t.Errorf("ParseRule(%q): got %v, want an error", text, rule)
		}
	}
}

func FuzzParseNetwork(f *testing.F) {
	for _, text := range []string{"10.0.0.0/8", "10.*", "192.168.1.*", "::1", "::ffff:10.0.0.0/104", "fe80::1%eth0", "all", "", ".*", "1.2.3.4.*", "::/0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		network, err := session.ParseNetwork(text)
		if err != nil {
			if network.IsValid() || !strings.Contains(err.Error(), "is no ") {
				t.Fatalf("ParseNetwork(%q): got %v with the error %v", text, network, err)
			}
			return
		}
		if !network.IsValid() || network != network.Masked() || network.Addr().Is4In6() && network.Bits() >= 96 || network.Addr().Zone() != "" {
			t.Fatalf("ParseNetwork(%q): got %v, want a plain, masked network", text, network)
		}
		if again, err := session.ParseNetwork(network.String()); err != nil || again != network {
			t.Fatalf("ParseNetwork(%q): got %v, %v, want %v as from %q", network, again, err, network, text)
		}
		rules := session.Rules{{Allow: true, Network: network}}
		if first := network.Addr(); !rules.Allow(first) || first.Is4() && !rules.Allow(netip.AddrFrom16(first.As16())) {
			t.Fatalf("the rule %q does not match its own first address %v", text, first)
		}
	})
}
