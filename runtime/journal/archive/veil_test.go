package archive

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"moongate/runtime/journal"
	"moongate/runtime/recording"
	"moongate/runtime/wire"
)

// common is how many leading bits two addresses have in common.
func common(a, b netip.Addr) int {
	x, y := a.AsSlice(), b.AsSlice()
	for bit := range len(x) * 8 {
		if (x[bit/8]^y[bit/8])&(0x80>>(bit%8)) != 0 {
			return bit
		}
	}
	return len(x) * 8
}

func random4(r *rand.Rand) netip.Addr {
	n := r.Uint32()
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// TestAddressesKeepTheirRelation holds that prefixes are kept, that no two addresses become one, and that networks
// which are kept have the same addresses in them.
func TestAddressesKeepTheirRelation(t *testing.T) {
	mine := netip.MustParsePrefix("203.0.113.64/26")
	v := NewVeil([]byte("secret"), []netip.Prefix{mine})
	r := rand.New(rand.NewPCG(1, 2))
	var all []netip.Addr
	for range 2000 {
		a := random4(r)
		all = append(all, a)
		if near, err := a.Prefix(r.IntN(33)); err == nil {
			all = append(all, near.Addr())
		}
	}
	for _, s := range strings.Fields("203.0.113.64 203.0.113.127 203.0.113.1 10.0.0.1 10.255.255.255 172.16.3.4 172.32.0.1 192.168.1.1 8.8.8.8") {
		all = append(all, netip.MustParseAddr(s))
	}
	for range 500 {
		var b [16]byte
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		b[0], b[1] = 0x20, 0x01
		all = append(all, netip.AddrFrom16(b))
	}
	changed := 0
	for i, a := range all {
		other := v.address(a)
		if other != a {
			changed++
		}
		for _, network := range append(special, mine) {
			if network.Contains(a) != network.Contains(other) {
				t.Fatalf("%v became %v: one of them is in %v", a, other, network)
			}
		}
		b := all[r.IntN(len(all))]
		if i > 0 && a.BitLen() == all[i-1].BitLen() {
			b = all[i-1]
		}
		if a.BitLen() == b.BitLen() && common(a, b) != common(other, v.address(b)) {
			t.Fatalf("%v and %v became %v and %v", a, b, other, v.address(b))
		}
	}
	if changed < len(all)*9/10 {
		t.Errorf("only %d of %d addresses changed", changed, len(all))
	}
	for _, s := range strings.Fields("127.0.0.1 ::1 0.0.0.0 ::") {
		if a := netip.MustParseAddr(s); v.address(a) != a {
			t.Errorf("%v became %v", a, v.address(a))
		}
	}
	if again := NewVeil([]byte("secret"), []netip.Prefix{mine}); again.address(all[0]) != v.address(all[0]) || again.name("ann") != v.name("ann") {
		t.Error("the same key gave another pseudonym")
	}
	if other := NewVeil([]byte("other"), nil); other.name("ann") == v.name("ann") {
		t.Error("another key gave the same pseudonym")
	}
}

// TestProse holds what is replaced in texts.
func TestProse(t *testing.T) {
	v := NewVeil([]byte("secret"), nil)
	for _, name := range []string{"ann", "ann lee", "CN=bob,O=shop", "Designer"} {
		v.Know(name)
	}
	address := func(s string) string { return v.address(netip.MustParseAddr(s)).String() }
	network, _ := v.address(netip.MustParseAddr("203.0.113.0")).Prefix(24)
	for text, want := range map[string]string{
		"":                               "",
		"ann":                            v.name("ann"),
		"want anna, ann.":                "want anna, " + v.name("ann") + ".",
		"ann lee and ann":                v.name("ann lee") + " and " + v.name("ann"),
		"by CN=bob,O=shop!":              "by " + v.name("CN=bob,O=shop") + "!",
		"Designer":                       "Designer",
		"too many from 203.0.113.7":      "too many from " + address("203.0.113.7"),
		"203.0.113.7:443, [2001:db8::1]": address("203.0.113.7") + ":443, [" + address("2001:db8::1") + "]",
		"from 203.0.113.7.":              "from " + address("203.0.113.7") + ".",
		"2001:db8::7: no":                address("2001:db8::7") + ": no",
		`{network = "203.0.113.0/24"}`:   `{network = "` + network.String() + `"}`,
		"seen_ann, ANN:lee":              "seen_" + v.name("ann") + ", " + v.name("ann") + ":lee",
		"login_203.0.113.7":              "login_" + address("203.0.113.7"),
		"ip203.0.113.7and":               "ip" + address("203.0.113.7") + "and",
		"203.0.113.7.dyn.isp.net":        address("203.0.113.7") + ".dyn.isp.net",
		"x_2001:db8::7.dyn":              "x_" + address("2001:db8::7") + ".dyn",
		"from 1.2.3.4.5 on":              "from 1.2.3.4.5 on",
		"12:30, dead beef, 1.2.3, v1.2":  "12:30, dead beef, 1.2.3, v1.2",
		"-10515 and -4294967295":         "-10515 and -4294967295",
	} {
		if got := v.prose(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := v.prose("{user = -7700901127}"); strings.Contains(got, "7700901127") || !strings.HasPrefix(got, "{user = -") {
		t.Errorf("a number made from an address: got %q", got)
	}
}

// TestVeiledRow holds that nothing of a person is left in a row, and that its parts still fit together.
func TestVeiledRow(t *testing.T) {
	row := full(t)
	row.UserName, row.Facts = "ann", `{"login":"ann","subject":"CN=ann,O=shop","serial":"0A1B","database":"shop","proxy":{"address":"203.0.113.7"}}`
	form := recording.Recording{Reads: []recording.Read{
		{What: "user_name", Key: "12", Value: packed(t, "ann")},
		{What: "data", Key: `query "ann" "203.0.113.7"`, Value: packed(t, []any{wire.Map{{Key: "login", Value: "bob"}, {Key: "from", Value: "203.0.113.9"}, {Key: "n", Value: int64(-7700901127)}}})},
		{What: "random", Value: packed(t, int64(-1)<<60)},
	}}
	row.Reads = string(form.AppendReads(nil))
	row.Fault = "no ann from 203.0.113.7"
	v := NewVeil([]byte("secret"), nil)
	v.Know("ann")
	if err := v.Row(row); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"ann", "bob", "203.0.113", "0A1B", "7700901127"} {
		if strings.Contains(string(b), secret) {
			t.Errorf("%s is left in %s", secret, b)
		}
	}
	if !strings.Contains(row.Reason, row.Address.Addr().String()) || !strings.Contains(row.Facts, `"login":"`+row.UserName+`"`) || !strings.Contains(row.Facts, `"database":"shop"`) {
		t.Errorf("its parts do not fit together: %s", b)
	}
	r, _, err := Recording(row)
	if err != nil || len(r.Reads) != 3 || r.Reads[1].Unpacked() == nil || r.Reads[2].Unpacked()[0] != int64(-1)<<60 {
		t.Errorf("reads: %+v, %v", r, err)
	}
	row = &journal.Row{Recorded: journal.Recorded{Began: opened, Reads: "\x09"}}
	if err := v.Row(row); err == nil || !row.Began.IsZero() {
		t.Errorf("nonsense: got %v, %+v", err, row.Recorded)
	}
}

// FuzzProse holds that no text makes a veil panic, and that the same text becomes the same.
func FuzzProse(f *testing.F) {
	for _, s := range []string{"ann from 203.0.113.7:443", "[2001:db8::1]/64", "-7700901127", "1.2.3.4/", "::", "\xff"} {
		f.Add(s)
	}
	v := NewVeil([]byte("secret"), nil)
	v.Know("ann")
	f.Fuzz(func(t *testing.T, s string) {
		if one, two := v.prose(s), v.prose(s); one != two {
			t.Errorf("%q: got %q, and then %q", s, one, two)
		}
	})
}
