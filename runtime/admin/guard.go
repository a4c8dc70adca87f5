package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strings"
)

// failure is why a request is not done: the status of HTTP, and what is wrong and what to do about it.
type failure struct {
	status int
	text   string
}

// guard decides which requests come in at all.
type guard struct {
	here  bool               // the listener is bound to a loopback address
	token *[sha256.Size]byte // the digest of the token; nil: there is none, and nobody comes in from elsewhere
}

func newGuard(bound netip.Addr, token string) guard {
	g := guard{here: bound.Unmap().IsLoopback()}
	if token != "" {
		digest := sha256.Sum256([]byte(token))
		g.token = &digest
	}
	return g
}

// check gives what is wrong with a request, nil when it may come in. The addresses are those of the connection, in their
// plainest form.
func (g guard) check(r *http.Request, peer, local netip.Addr) *failure {
	if !g.knows(r.Header) {
		if !peer.IsLoopback() || !local.IsLoopback() || forwarded(r.Header) {
			return g.missing(r.Header)
		}
		if !g.ours(r.Host) {
			return &failure{http.StatusMisdirectedRequest, "the name in Host is none of this listener's; ask for localhost or the address"}
		}
	}
	return fromPage(r)
}

// knows reports whether a request has the token. It takes the same time for every wrong one.
func (g guard) knows(header http.Header) bool {
	given := header.Values("Authorization")
	if g.token == nil || len(given) != 1 {
		return false
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	digest := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(digest[:], g.token[:]) == 1
}

// missing says that the token is missing or wrong.
func (g guard) missing(header http.Header) *failure {
	switch {
	case g.token == nil:
		return &failure{http.StatusForbidden, "this listener is for its own machine only; for others, start the server with --admin-token-file"}
	case header.Get("Authorization") == "":
		return &failure{http.StatusUnauthorized, "a token is needed: send that of the server's --admin-token-file as Authorization: Bearer TOKEN"}
	default:
		return &failure{http.StatusUnauthorized, "the token is wrong: send that of the server's --admin-token-file as Authorization: Bearer TOKEN"}
	}
}

// forwarded reports whether a proxy says that it speaks for somebody else: that one is not here, even if the proxy is.
func forwarded(header http.Header) bool {
	return header.Get("Forwarded") != "" || header.Get("X-Forwarded-For") != "" || header.Get("X-Real-Ip") != ""
}

// ours reports whether a Host is one that nobody can make a browser take us for by a DNS entry: localhost or an address;
// at a loopback listener a loopback one. None is fine: HTTP/1.0 needs none, and browsers always send one.
func (g guard) ours(host string) bool {
	name := withoutPort(host)
	if name == "" {
		return host == ""
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(name)
	if err != nil || address.Zone() != "" || address.IsUnspecified() {
		return false
	}
	return address.Unmap().IsLoopback() || !g.here
}

// withoutPort is the host of host:port, [host]:port, [host] and host; "" when it is none of these.
func withoutPort(host string) string {
	if literal, ok := strings.CutPrefix(host, "["); ok {
		name, port, closed := strings.Cut(literal, "]")
		if !closed || !strings.Contains(name, ":") || !isPort(port) {
			return ""
		}
		return name
	}
	name, _, _ := strings.Cut(host, ":")
	if !isPort(host[len(name):]) {
		return ""
	}
	return name
}

// isPort reports whether a text is nothing, or a colon and digits.
func isPort(text string) bool {
	return text == "" || text[0] == ':' && strings.Trim(text[1:], "0123456789") == ""
}

// fromPage gives what is wrong with a request of a page in a browser: only a page of this listener could make it, and
// there are none.
func fromPage(r *http.Request) *failure {
	for _, origin := range r.Header.Values("Origin") {
		if r.Host == "" || !strings.EqualFold(origin, "http://"+r.Host) {
			return &failure{http.StatusForbidden, "pages of other sites may not ask this listener (Origin)"}
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" {
			return &failure{http.StatusForbidden, "pages of other sites may not ask this listener (Sec-Fetch-Site)"}
		}
	}
	return nil
}
