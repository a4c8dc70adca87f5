package replay

import (
	"strings"

	"moongate/runtime/recording"
)

// Change is how a verdict differs from the recorded one.
type Change string

// The changes, in the order in which a report has them.
const (
	Same      Change = "same"
	Refuses   Change = "accept to refuse"
	Accepts   Change = "refuse to accept"
	Other     Change = "other code or reason"
	Error     Change = "error"      // the method fails, which it did not
	Mended    Change = "mended"     // it had failed, and does not
	CannotSay Change = "cannot say" // the recording lacks something that the scripts ask for
	Slower    Change = "slower"     // beside one of the others: it takes many more instructions
)

// Changes are all of them.
var Changes = []Change{Same, Refuses, Accepts, Other, Error, Mended, CannotSay, Slower}

// ChangeOf says how the outcome of a rehearsal differs from that of the recording. It is never Slower.
func ChangeOf(was, is recording.Outcome) Change {
	switch {
	case is.Verdict == recording.CannotSay:
		return CannotSay
	case is.Verdict == recording.Failed && was.Verdict == recording.Failed:
		return Same
	case is.Verdict == recording.Failed:
		return Error
	case was.Verdict == recording.Failed:
		return Mended
	case was.Verdict == recording.Accepted && is.Verdict == recording.Refused:
		return Refuses
	case was.Verdict == recording.Refused && is.Verdict == recording.Accepted:
		return Accepts
	case !was.Same(is):
		return Other
	}
	return Same
}

// What counts as slower: more than slowerTimes as many instructions, and at least slowerSteps more. Time is no
// measure: a recorded call may have waited for the data, or for its turn, and a rehearsal waits for nothing.
const (
	slowerTimes = 2
	slowerSteps = 1000
)

// isSlower reports whether a rehearsal took many more instructions than the recorded call.
func isSlower(was, is recording.Outcome) bool {
	return is.Verdict != recording.CannotSay && was.Steps > 0 && is.Steps > slowerTimes*was.Steps && is.Steps-was.Steps >= slowerSteps
}

// why is what an outcome says of itself in words.
func why(o recording.Outcome) string {
	switch o.Verdict {
	case recording.Failed:
		return o.Fault
	case recording.CannotSay:
		return o.Lacks
	}
	return o.Reason
}

// shape is a text without what differs from connection to connection: words with digits in them, as addresses have,
// become
// #, and so does what is between quotation marks.
func shape(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		if s[0] == '"' {
			if end := strings.IndexByte(s[1:], '"'); end >= 0 {
				b.WriteByte('#')
				s = s[end+2:]
				continue
			}
		}
		n := strings.IndexFunc(s, func(r rune) bool { return strings.ContainsRune(" \t\n\"'(){}[],;=", r) })
		switch {
		case n == 0:
			n = 1
			b.WriteByte(s[0])
		default:
			if n < 0 {
				n = len(s)
			}
			if word := s[:n]; strings.ContainsAny(word, "0123456789") && !strings.Contains(word, ".lua:") {
				b.WriteByte('#')
			} else {
				b.WriteString(word)
			}
		}
		s = s[n:]
	}
	return b.String()
}
