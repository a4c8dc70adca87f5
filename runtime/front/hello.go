package front

import (
	"crypto/tls"
	"slices"
	"strings"

	"moongate/runtime/front/ja4"
)

// hello is what a client has said at the beginning of TLS.
type hello struct {
	serverName string
	ja4        string
	wrongName  bool // it asks for a name that is not served
	tooOld     bool // it has no version that is allowed
}

func newHello(h *tls.ClientHelloInfo, minVersion uint16, names names) *hello {
	signatures := make([]uint16, len(h.SignatureSchemes))
	for i, s := range h.SignatureSchemes {
		signatures[i] = uint16(s)
	}
	return &hello{
		serverName: h.ServerName,
		ja4: ja4.Fingerprint(ja4.Hello{
			Versions: h.SupportedVersions, CipherSuites: h.CipherSuites, Extensions: h.Extensions, Signatures: signatures,
			Protocols: h.SupportedProtos,
		}),
		wrongName: !names.have(h.ServerName),
		tooOld:    !slices.ContainsFunc(h.SupportedVersions, func(v uint16) bool { return v >= minVersion && v <= tls.VersionTLS13 }),
	}
}

// names are those that a gate serves; an empty set is all.
type names map[string]bool

func nameSet(list []string) names {
	set := names{}
	for _, name := range list {
		set[normal(name)] = true
	}
	return set
}

func normal(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// have reports whether a name is served: itself, or by a name whose first label is *.
func (n names) have(name string) bool {
	if name = normal(name); len(n) == 0 || n[name] {
		return true
	}
	_, parent, found := strings.Cut(name, ".")
	return found && n["*."+parent]
}
