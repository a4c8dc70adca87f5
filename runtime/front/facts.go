package front

import (
	"net/netip"
	"slices"

	"moongate/runtime/front/proxy"
)

// Peer is the two ends of a transport.
type Peer struct {
	Address netip.AddrPort // the client's, or the proxy's
	Local   netip.AddrPort // ours
}

// Facts are what is known of a client before the policy is asked. They do not change once Greet has returned.
//
// Their texts are the client's own words as far as no authority stands for them: they may hold any bytes.
type Facts struct {
	// Address and Local are the two ends of the client's transport. After a PROXY header they are those that the proxy
	// gives, unless it speaks for itself.
	Address, Local netip.AddrPort
	// User is the name for the policy: that of the client's certificate, otherwise the login's, otherwise the one that a
	// proxy has verified, otherwise "". It has at most 255 bytes.
	User  string
	TLS   *TLSFacts   // nil: the client has begun no TLS
	Proxy *ProxyFacts // nil: no PROXY header
	Login *LoginFacts // nil: the gate reads no login
}

// TLSFacts are what is known of a client's TLS.
type TLSFacts struct {
	Version    string // as "TLS 1.3"
	Cipher     string // as "TLS_AES_128_GCM_SHA256"
	ServerName string // that the client asked for, "" for none
	ALPN       string // the application protocol that was agreed on, "" for none
	JA4        string // the fingerprint of the client's program
	Resumed    bool   // an earlier session goes on

	Certificate *CertificateFacts // nil: the client has shown none
}

// CertificateFacts are those of a client's certificate, which an authority of the gate's has signed.
type CertificateFacts struct {
	Name        string   // the subject's common name, otherwise the first of Names, otherwise the Subject
	Subject     string   // the whole subject, as CN=alice,O=Example
	Names       []string // the alternative names: domains, addresses for mail, IP addresses, URIs
	Issuer      string   // who has signed it, as Subject
	Serial      string   // in hexadecimal
	Fingerprint string   // SHA-256 of the certificate, in hexadecimal
}

// ProxyFacts are what a PROXY header says.
type ProxyFacts struct {
	Address   netip.AddrPort // the proxy's own
	Version   int            // of the header: 1 or 2
	Local     bool           // the proxy speaks for itself, or does not say for whom
	Authority string         // the server name that the client asked the proxy for, "" for none
	ALPN      string         // the application protocol between them, "" for none
	UniqueID  string         // of the connection at the proxy, any bytes, "" for none
	TLS       *proxy.TLS     // the TLS between them; nil: none that is known
	Fields    []proxy.Field  // all that the header has
}

// LoginFacts are what a client's login says. Nobody has seen a password yet.
type LoginFacts struct {
	User, Database string
	Application    string // the client's program, as it calls itself
	Plugin         string // with MySQL, by which the client proves who it is
	// Parameters are the parameters of PostgreSQL's login, or MySQL's connection attributes.
	Parameters map[string]string
	// Cancel means that the client, with PostgreSQL, only asks that another connection's query be cancelled. It has no user.
	Cancel bool
}

// maxUser is the longest user name in bytes.
const maxUser = 255

// name gives the facts their user.
func (f *Facts) name() {
	switch {
	case f.TLS != nil && f.TLS.Certificate != nil:
		f.User = f.TLS.Certificate.Name
	case f.Login != nil:
		f.User = f.Login.User
	case f.Proxy != nil && f.Proxy.TLS != nil && f.Proxy.TLS.Verified:
		f.User = f.Proxy.TLS.CommonName
	}
	f.User = f.User[:min(len(f.User), maxUser)]
}

// proxied takes over what a PROXY header says.
func (f *Facts) proxied(h proxy.Header) {
	p := &ProxyFacts{
		Address: f.Address, Version: h.Version, Local: h.Local,
		Authority: string(h.Field(proxy.TypeAuthority)), ALPN: string(h.Field(proxy.TypeALPN)),
		UniqueID: string(h.Field(proxy.TypeUniqueID)), Fields: h.Fields,
	}
	if t, ok := h.TLS(); ok {
		p.TLS = &t
	}
	if h.Source.IsValid() {
		f.Address = h.Source
	}
	if h.Destination.IsValid() {
		f.Local = h.Destination
	}
	f.Proxy = p
}

// header is what the upstream is told of the client.
func (f *Facts) header(version int) proxy.Header {
	h := proxy.Header{Version: version, Source: f.Address, Destination: f.Local}
	if f.Proxy != nil {
		h.Local = f.Proxy.Local
		h.Fields = slices.Clone(f.Proxy.Fields)
	}
	if f.TLS == nil {
		return h
	}
	// Of the client's TLS the gate knows more than a proxy before it.
	h.Fields = slices.DeleteFunc(h.Fields, func(field proxy.Field) bool {
		return field.Type == proxy.TypeTLS || field.Type == proxy.TypeAuthority || field.Type == proxy.TypeALPN
	})
	if f.TLS.ServerName != "" {
		h.Fields = append(h.Fields, proxy.Field{Type: proxy.TypeAuthority, Value: []byte(f.TLS.ServerName)})
	}
	if f.TLS.ALPN != "" {
		h.Fields = append(h.Fields, proxy.Field{Type: proxy.TypeALPN, Value: []byte(f.TLS.ALPN)})
	}
	t := proxy.TLS{Version: wireVersion(f.TLS.Version), Cipher: f.TLS.Cipher}
	if c := f.TLS.Certificate; c != nil {
		t.CommonName, t.Verified = c.Name, true
	}
	h.SetTLS(t) // which fails for texts of 64 KiB only
	return h
}
