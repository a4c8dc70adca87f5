package recording

import (
	"net/netip"
	"strings"
	"time"
)

// Recording is one connection and what was decided about it. The zero value is a connection of nobody from nowhere.
type Recording struct {
	Server  string // the id of the server's session
	Version string // of the scripts that decided
	// Connection and User are the open method's parameters; UserName is the user's account.
	Connection, User int64
	UserName         string
	Address          netip.AddrPort // of the peer
	Local            netip.AddrPort // the server's end; not valid: it is not known
	Listener         string
	Gate             string // "" for the application listener
	Facts            string // what else is known of the peer, as the journal has it: a JSON object, "" for nothing
	Opened           time.Time
	Began            time.Time // the open method's clock when it began; zero: Opened
	Reads            []Read    // in their order
	Cut              bool      // there were more reads than are kept: MaxReads, MaxBytes
	Outcome          Outcome
}

// Clock is the time at which the open method began.
func (r *Recording) Clock() time.Time {
	if r.Began.IsZero() {
		return r.Opened
	}
	return r.Began
}

// Read is what the open method has read of the outside once.
type Read struct {
	What  string // the command, or what else was read: clock, random, storage, interprocess, data
	Key   string // what exactly, in a form of the reader's own: the arguments
	Value []byte // the answer, packed: a list, as wire.Pack makes it; nil: it is of a kind that cannot be kept
	Line  string // the line that read, as file:line; "" when that is not known
}

// Bounds of the reads of one recording.
const (
	MaxReads = 1000
	MaxBytes = 64 << 10 // of their compact form
)

// Outcome is what came of a call of the open method.
type Outcome struct {
	Verdict string // Accepted, Refused, Failed or CannotSay
	Code    int64  // of a refusal
	Reason  string // of a refusal, "" for none
	Line    string // the line that returned or failed, as file:line; "" when it is not known
	Fault   string // why it failed, as the log has it; "" otherwise
	Lacks   string // what the recording lacks, in words, when nobody can say; "" otherwise
	Took    time.Duration
	Steps   int64 // instructions, about
}

// PlaceOf is the file:line with which a fault begins, "" when it does not.
func PlaceOf(fault string) string {
	file, rest, _ := strings.Cut(fault, ":")
	line, _, _ := strings.Cut(rest, ":")
	if line == "" || strings.Trim(line, "0123456789") != "" || strings.ContainsAny(file, " \n") {
		return ""
	}
	return file + ":" + line
}

// The verdicts.
const (
	Accepted  = "accepted"
	Refused   = "refused"
	Failed    = "failed"     // the method failed, whatever --on-error makes of that
	CannotSay = "cannot say" // the recording lacks something
)

// Same reports whether two outcomes are the same to who is outside: the verdict and, of a refusal, code and reason.
func (o Outcome) Same(other Outcome) bool {
	if o.Verdict != other.Verdict {
		return false
	}
	return o.Verdict != Refused || o.Code == other.Code && o.Reason == other.Reason
}
