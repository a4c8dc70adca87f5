package journal

import (
	"fmt"
	"net/netip"
	"time"
	"unicode/utf8"
)

// Row is one connection. Closed is zero for a connection that is still open; for a refused one it is Decided when
// whoever recorded it said nothing else.
//
// Times are kept to the microsecond. Decided and Closed are kept as durations since Opened, measured by the monotonic
// clock where the values have one: they are never negative, and right even when the machine's clock was set
// meanwhile. Texts are cut to [TextLimit], all but Reads.
type Row struct {
	Session    string // the server session: a UUID for one run of the server; rows that are written get Options.Session
	Connection int64  // the connection's number in that session; 0: refused before it had one
	User       int64  // 0: nobody was known yet
	UserName   string
	Address    netip.AddrPort // the peer's; IPv4 in IPv6 becomes IPv4
	Listener   string
	Version    string // of the scripts that decided; "" when no method ran
	Verdict    Verdict
	Code       int64 // of a refusal
	Reason     string
	By         string    // what refused: file:line of the method, or the name of the check
	Opened     time.Time // the transport came in
	Decided    time.Time
	Closed     time.Time
	BytesIn    int64
	BytesOut   int64
	Cause      string // why it ended: "client left", "idle", ..., [Lost]; "" while open
	Gate       string // the gate's name, "" for the application listener
	Upstream   string // where a gate has led the client to, or tried to last; "" for nowhere
	Facts      string // what a gate has found out about the client, as a JSON object; "" for nothing
	Shadow     string // what the shadow's scripts would have said instead, when that differs; "" when it does not, or there are none

	Recorded // of the open method's call
}

// Recorded is what the verdict of an open method depended on, for who decides again. It is zero in the row of a
// connection about which no open method was asked, or nothing was recorded. Accepted and Refused bring it; the row of
// Closed may have it zero: what was written before stays then.
type Recorded struct {
	Local netip.AddrPort // where the client came in; IPv4 in IPv6 becomes IPv4
	Began time.Time      // when the open method began, to the microsecond; zero: nothing was recorded
	Took  time.Duration  // that it took, waits included, to the microsecond; at most what int64 holds of them
	Steps int64          // instructions that it took
	Line  string         // file:line that returned, also of who was accepted; "" when it returned nothing
	Fault string         // why it failed, as the log has it; "" when it did not
	Reads string         // what it read, as package recording packs it: bytes, at most [ReadsLimit]; "": nothing
}

// ReadsLimit is how many bytes of Reads are kept. More are not cut, because a part of them could not be read: the row
// has nothing recorded then.
const ReadsLimit = 128 << 10

// Lost is the cause of connections whose end was never recorded: the server was killed, or the row of the end was
// dropped.
const Lost = "lost"

// TextLimit is how many bytes of a text are kept; the rest becomes an ellipsis.
const TextLimit = 1024

// Verdict says whether a connection was let in.
type Verdict uint8

const (
	Accepted Verdict = iota
	Refused
)

// String is the verdict in lower case.
func (v Verdict) String() string {
	switch v {
	case Accepted:
		return "accepted"
	case Refused:
		return "refused"
	}
	return fmt.Sprintf("verdict %d", uint8(v))
}

// MarshalText is String, for JSON and its like. It never fails.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (v *Verdict) UnmarshalText(text []byte) error {
	for _, known := range []Verdict{Accepted, Refused} {
		if known.String() == string(text) {
			*v = known
			return nil
		}
	}
	return fmt.Errorf("journal: %q is no verdict: want accepted or refused", text)
}

// clip is s, or its beginning when it is longer than TextLimit: whoever queues rows must not be able to queue
// megabytes.
func clip(s string) string {
	if len(s) <= TextLimit {
		return s
	}
	const ellipsis = "…"
	n := TextLimit - len(ellipsis)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + ellipsis
}
