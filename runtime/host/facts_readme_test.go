package host

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"moongate/runtime/front"
	"moongate/runtime/front/proxy"
	"moongate/runtime/session"
)

// TestReadmeHasEveryFact holds the README's table of facts to those that a policy can be given.
func TestReadmeHasEveryFact(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| fact | |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var names []string
	for _, f := range facts(&front.Facts{
		TLS: &front.TLSFacts{Version: "v", Cipher: "c", ServerName: "s", ALPN: "a", JA4: "j", Certificate: &front.CertificateFacts{
			Subject: "s", Names: []string{"n"}, Issuer: "i", Serial: "1", Fingerprint: "f"}},
		Login: &front.LoginFacts{User: "u", Database: "d", Application: "a", Plugin: "p", Parameters: map[string]string{"p": "v"}, Cancel: true},
		Proxy: &front.ProxyFacts{Authority: "a", ALPN: "a", UniqueID: "u", TLS: &proxy.TLS{Version: "v", Cipher: "c", CommonName: "n"},
			Fields: []proxy.Field{{Type: 1, Value: []byte("v")}}},
	}) {
		names = append(names, f.Name)
		if f.Name == "proxy" {
			for _, inner := range f.Value.([]session.Fact) {
				names = append(names, inner.Name)
			}
		}
	}
	for _, name := range names {
		if !strings.Contains(table, "`"+name+"`") {
			t.Errorf("README.md has no fact `%s`", name)
		}
	}
	known := strings.Join(append(names, "gate", "upstream", "bytes_in", "bytes_out", "duration", "ended_by"), " ") + " "
	for _, name := range regexp.MustCompile("`([a-z0-9_]+)`").FindAllStringSubmatch(table, -1) {
		if !strings.Contains(known, name[1]+" ") {
			t.Errorf("README.md has a fact `%s` that there is not", name[1])
		}
	}
}
