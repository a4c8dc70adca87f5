package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"moongate/runtime/current"
)

// Protocol is what the clients of a gate speak, as far as the gate must know it.
type Protocol uint8

// The protocols.
const (
	Raw      Protocol = iota // any: nothing of it is read
	Postgres                 // PostgreSQL: the first packet names the user
	MySQL                    // MySQL and MariaDB: the upstream is dialled before the policy is asked, because it speaks first
)

var protocolNames = [...]string{Raw: "raw", Postgres: "postgres", MySQL: "mysql"}

// String is the protocol's name in scripts.
func (p Protocol) String() string { return protocolNames[p] }

// ProxyMode is a version of the PROXY protocol.
type ProxyMode uint8

// The versions.
const (
	ProxyOff ProxyMode = iota // no header
	ProxyV1
	ProxyV2
	ProxyAny // from clients only: the client chooses
)

// ClientCertificate says whether clients must show who they are.
type ClientCertificate uint8

// What is asked of clients.
const (
	NoCertificate       ClientCertificate = iota
	OptionalCertificate                   // a client may show one, which must be right then
	RequiredCertificate
)

// Pair is a certificate and its key, two files in PEM. The certificate's file has the whole chain.
type Pair struct{ Certificate, Key string }

// TLSOptions are the TLS that a gate ends. The files are looked at while clients come, and read again when they change.
type TLSOptions struct {
	// Pairs are the gate's certificates, at least one. A client gets the first that is right for the name that it asks
	// for and for what it can do, otherwise the first.
	Pairs []Pair
	// ClientCA is a file in PEM with those who may sign clients' certificates. ClientCertificate says whether a client
	// must have one.
	ClientCA          string
	ClientCertificate ClientCertificate
	// ServerNames are the names that a client may ask for: a.example.com, or *.example.com for one more label. "" lets
	// those in who ask for none. Without names everybody may come in.
	ServerNames []string
	// MinVersion is the lowest version of TLS, such as tls.VersionTLS13; 0 is TLS 1.2.
	MinVersion uint16
	// ALPN are the application protocols that a client may choose from, the preferred one first. With PostgreSQL, none
	// is "postgresql".
	ALPN []string
	// Optional lets clients in that do not begin TLS. It is for the protocols in which the client asks for TLS:
	// PostgreSQL and MySQL.
	Optional bool
}

// UpstreamTLS is the TLS towards an upstream. The files are read again when they change.
type UpstreamTLS struct {
	CA         string // a file in PEM with those who may sign the upstream's certificate; "" is the system's
	ServerName string // the name in the upstream's certificate; "" is the name that Join is given
	Pair       *Pair  // the gate's own certificate; nil is none
	MinVersion uint16 // 0 is TLS 1.2
	ALPN       []string
	Unverified bool // the upstream's certificate is not looked at: whoever is in between can read everything
}

// Options are those of a gate's front. The zero value lets every client through to the policy, with no facts but its
// addresses.
type Options struct {
	Gate     string // the gate's name, for the log; "" is the application listener
	Protocol Protocol
	TLS      *TLSOptions // nil: the gate ends no TLS
	// Proxy says that clients are proxies, which send a PROXY header first; nobody else is let in. Trusted are the networks
	// that they come from, at least one then.
	Proxy   ProxyMode
	Trusted []netip.Prefix
	// Timeout is for all that Greet does, and for Join; 0 is DefaultTimeout.
	Timeout time.Duration
	// RefusalMessage is what a refused client of a Raw gate gets, "" for nothing.
	RefusalMessage string

	UpstreamTLS   *UpstreamTLS // nil: the upstream gets clear text
	UpstreamProxy ProxyMode    // the header for the upstream, not ProxyAny
	// Dial connects to the upstream, with MySQL only, and must be there then. It is called with what is known of the client,
	// which is no user yet. It blocks until the upstream takes the connection or ctx ends. The name that it gives is
	// the upstream's, for UpstreamTLS.
	Dial func(ctx context.Context, f Facts) (conn net.Conn, name string, err error)

	// Log is told of certificates that were read again; nil tells nobody.
	Log *slog.Logger
}

// DefaultTimeout is how long a client may take until it is asked about.
const DefaultTimeout = 10 * time.Second

// Front is what happens on a gate's connections before the policy is asked. Make one with New; its methods may be called from
// many goroutines at once.
type Front struct {
	options Options
	server  *current.Value[*tls.Config] // nil: no TLS
	client  *current.Value[*tls.Config] // for the upstream; nil: no TLS
}

// New reads the files that the options name. The error is one line: which option, what is wrong, what to do.
func New(o Options) (*Front, error) {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	f := &Front{options: o}
	if o.TLS != nil {
		tls := *o.TLS
		if tls.ALPN == nil && o.Protocol == Postgres {
			tls.ALPN = []string{postgresALPN}
		}
		server, err := current.Open("certificates of "+o.owner(), o.Log, tls.files(), nil, tls.config)
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		f.server = server
	}
	if o.UpstreamTLS != nil {
		tls := *o.UpstreamTLS
		if tls.ALPN == nil && o.Protocol == Postgres {
			tls.ALPN = []string{postgresALPN}
		}
		client, err := current.Open("upstream certificates of "+o.owner(), o.Log, tls.files(), nil, tls.config)
		if err != nil {
			return nil, fmt.Errorf("upstream tls: %w", err)
		}
		f.client = client
	}
	return f, nil
}

// owner is whose certificates they are, for the log.
func (o *Options) owner() string {
	if o.Gate == "" {
		return "the application listener"
	}
	return "gate " + o.Gate
}

// check finds options that contradict one another.
func (o *Options) check() error {
	switch {
	case o.Timeout < 0:
		return fmt.Errorf("timeout: %s; give a time above 0", o.Timeout)
	case o.Proxy != ProxyOff && len(o.Trusted) == 0:
		return errors.New("proxy_protocol: nobody may send a PROXY header; name the proxies' networks in trusted")
	case o.Proxy == ProxyOff && len(o.Trusted) > 0:
		return errors.New("trusted: it is for proxies; set proxy_protocol as well")
	case o.UpstreamProxy == ProxyAny:
		return errors.New("upstream proxy_protocol: choose version 1 or 2")
	case o.Protocol == MySQL && o.Dial == nil:
		return errors.New("protocol mysql: it needs Dial, because the upstream speaks first")
	case o.Protocol != Raw && o.RefusalMessage != "":
		return fmt.Errorf("refusal_message: with protocol %s the client gets the reason in a packet; leave it away", o.Protocol)
	}
	if o.TLS != nil {
		return o.TLS.check(o.Protocol)
	}
	return nil
}

func (t *TLSOptions) check(p Protocol) error {
	switch {
	case len(t.Pairs) == 0:
		return errors.New("tls: no certificate; name the files of one and its key")
	case t.ClientCertificate != NoCertificate && t.ClientCA == "":
		return errors.New("tls: no client_ca; name the file of those who may sign clients' certificates")
	case t.ClientCertificate == NoCertificate && t.ClientCA != "":
		return errors.New("tls: client_ca without a word whether clients need a certificate; say required or optional")
	case t.Optional && p == Raw:
		return errors.New("tls: it can be optional with protocol postgres or mysql only; open two gates instead")
	case t.Optional && t.ClientCertificate == RequiredCertificate:
		return errors.New("tls: a required client certificate needs required TLS; take optional away from one")
	}
	return nil
}
