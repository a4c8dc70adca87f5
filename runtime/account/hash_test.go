package account

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestHashMatchesItsPasswordOnly(t *testing.T) {
	h := newHash([]byte("moon"), cheap)
	again, err := parseHash(h.String())
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "the password", again.matches([]byte("moon")), true)
	expect(t, "another", again.matches([]byte("Moon")), false)
	expect(t, "none", again.matches(nil), false)
	expect(t, "two salts are the same", newHash([]byte("moon"), cheap).String() == h.String(), false)
}

func TestNewHashesCostWhatOWASPAsksFor(t *testing.T) {
	expect(t, "costs", usual.String(), "m=19456,t=2,p=1")
	expect(t, "form", strings.HasPrefix(newHash([]byte("moon"), usual).String(), "$argon2id$v=19$m=19456,t=2,p=1$"), true)
}

// bytes64 is so many bytes in base64.
func bytes64(n int) string { return base64.RawStdEncoding.EncodeToString(make([]byte, n)) }

var (
	salt16, digest32 = bytes64(16), bytes64(32)
	goodHash         = "$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$" + digest32
)

func TestHashesThatAreRefused(t *testing.T) {
	with := func(costs string) string { return "$argon2id$v=19$" + costs + "$" + salt16 + "$" + digest32 }
	parts := func(salt, digest string) string { return "$argon2id$v=19$m=8,t=1,p=1$" + salt + "$" + digest }
	for _, c := range []struct{ text, problem string }{
		{"", "not of the kind"},
		{"secret", "not of the kind"},
		{"$2y$10$abcdefghijklmnopqrstuv", "not of the kind"},
		{"$argon2i$v=19$m=8,t=1,p=1$" + salt16 + "$" + digest32, "not of the kind"},
		{"$argon2id$v=16$m=8,t=1,p=1$" + salt16 + "$" + digest32, "not of the kind"},
		{"$argon2id$m=8,t=1,p=1$" + salt16 + "$" + digest32, "not of the kind"},
		{with("m=1048577,t=1,p=1"), "m=1048577"},
		{with("m=4294967295,t=1,p=1"), "m=4294967295"},
		{with("m=4294967296,t=1,p=1"), "no number"},
		{with("m=7,t=1,p=1"), "m=7"},
		{with("m=31,t=1,p=4"), "m=31; 32 to"},
		{with("m=8,t=0,p=1"), "t=0"},
		{with("m=8,t=65,p=1"), "t=65"},
		{with("m=8,t=1,p=0"), "p=0"},
		{with("m=1048576,t=1,p=17"), "p=17"},
		{with("m=1048576,t=2,p=1"), "their product"},
		{with("m=1048576,t=1,p=4294967295"), "p=4294967295"},
		{with("m=08,t=1,p=1"), "no number"},
		{with("m=+8,t=1,p=1"), "no number"},
		{with("m=-8,t=1,p=1"), "no number"},
		{with("m=,t=1,p=1"), "no number"},
		{with("t=1,m=8,p=1"), "in the form"},
		{with("m=8,t=1"), "in the form"},
		{with("m=8,t=1,p=1,data=AAAA"), "in the form"},
		{parts(bytes64(7), digest32), "salt has 7 bytes"},
		{parts(bytes64(65), digest32), "salt has more than 64"},
		{parts(salt16, bytes64(15)), "hash has 15 bytes"},
		{parts(salt16, bytes64(65)), "hash has more than 64"},
		{parts(salt16, digest32+"="), "base64"},
		{parts(salt16[:10]+"\r"+salt16[10:], digest32), "base64"},
		{parts(salt16[:21]+"B", digest32), "base64"}, // bits that no byte has
		{parts(salt16, "*"+digest32[1:]), "base64"},
		{parts(salt16, digest32) + "$", "parts"},
		{"$argon2id$v=19$m=8,t=1,p=1$" + salt16, "parts"},
	} {
		_, err := parseHash(c.text)
		expectError(t, c.text, err, c.problem)
		if err != nil && len(c.text) > 40 && strings.Contains(err.Error(), digest32) {
			t.Errorf("the error shows the hash: %v", err)
		}
	}
	for _, text := range []string{goodHash, with("m=1048576,t=1,p=16"), with("m=16384,t=64,p=1"), with("m=128,t=1,p=16"), parts(bytes64(8), bytes64(16)), parts(bytes64(64), bytes64(64))} {
		if _, err := parseHash(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzHash(f *testing.F) {
	f.Add(goodHash)
	f.Add("$argon2id$v=19$m=8,t=1,p=1$$")
	f.Add("$2y$10$abcdefghijklmnopqrstuv")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHash(text)
		if err != nil {
			return
		}
		if got := h.String(); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
		if err := h.costs.check(); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if len(h.salt) < minSalt || len(h.salt) > maxSalt || len(h.digest) < minDigest || len(h.digest) > maxDigest {
			t.Errorf("%q: got a salt of %d bytes and a hash of %d", text, len(h.salt), len(h.digest))
		}
	})
}

// TestHashOfTheReferenceImplementation reads a hash from the tests of the reference implementation of Argon2.
func TestHashOfTheReferenceImplementation(t *testing.T) {
	h, err := parseHash("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "it matches", h.matches([]byte("password")), true)
}
