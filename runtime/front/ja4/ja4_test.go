package ja4

import (
	"strings"
	"testing"
)

// chrome is the example of FoxIO's description of the algorithm, with GREASE as browsers send it.
var chrome = Hello{
	Versions: []uint16{0x8a8a, 0x0304, 0x0303},
	CipherSuites: []uint16{0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d,
		0x002f, 0x0035},
	Extensions: []uint16{0xdada, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01,
		0x000b, 0x000a, 0x0015, 0xfafa},
	Signatures: []uint16{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601},
	Protocols:  []string{"h2", "http/1.1"},
}

func TestPublishedExample(t *testing.T) {
	if got, want := Fingerprint(chrome), "t13d1516h2_8daaf6152771_e5627efa2ab1"; got != want {
		t.Errorf("fingerprint %s, want %s", got, want)
	}
}

func TestPublishedExampleWithoutSignatures(t *testing.T) {
	h := chrome
	h.Signatures = nil
	if got, want := Fingerprint(h), "t13d1516h2_8daaf6152771_6d807ffa2a79"; got != want {
		t.Errorf("fingerprint %s, want %s", got, want)
	}
}

// TestOrderOfExtensions holds that a client that shuffles its extensions keeps its fingerprint, and one that shuffles its
// signature algorithms does not.
func TestOrderOfExtensions(t *testing.T) {
	h := chrome
	h.Extensions = append([]uint16{0x0015}, h.Extensions...)
	h.Extensions = append(h.Extensions[:17], h.Extensions[18:]...)
	if got, want := Fingerprint(h), Fingerprint(chrome); got != want {
		t.Errorf("extensions in another order: fingerprint %s, want %s", got, want)
	}
	h = chrome
	h.Signatures = append([]uint16{0x0601}, h.Signatures[:7]...)
	if got, other := Fingerprint(h), Fingerprint(chrome); got == other {
		t.Errorf("signature algorithms in another order: fingerprint %s as before", got)
	}
}

func TestHelloThatSaysNothing(t *testing.T) {
	if got, want := Fingerprint(Hello{}), "t00i000000_000000000000_000000000000"; got != want {
		t.Errorf("fingerprint %s, want %s", got, want)
	}
}

func TestManyCipherSuites(t *testing.T) {
	h := Hello{Versions: []uint16{0x0303}}
	for n := range uint16(150) {
		h.CipherSuites = append(h.CipherSuites, 0xc000+n)
	}
	if got, want := Fingerprint(h), "t12i990000_"; !strings.HasPrefix(got, want) {
		t.Errorf("fingerprint %s, want %s...", got, want)
	}
}

// TestApplicationProtocol has the published examples.
func TestApplicationProtocol(t *testing.T) {
	for protocols, want := range map[string]string{
		"": "00", "h2": "h2", "http/1.1": "h1", "x": "xx",
		"\xab": "ab", " ": "20", "\xab\xcd": "ad", " a": "21", "0\xab": "3b", "a ": "60", "01\xab\xcd": "3d", "0\xab\xcd1": "01",
	} {
		if got := protocol([]string{protocols}); got != want {
			t.Errorf("protocol %q: %s, want %s", protocols, got, want)
		}
	}
}
