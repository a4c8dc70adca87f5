package host

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"moongate/runtime/gate"
	"moongate/runtime/method"
	"moongate/runtime/session"
)

// refusedByFault is what a client is told when the policy failed. The reason stays in the log: it is for the policy's
// owner.
var refusedByFault = session.Refusal{Code: -10515, Reason: "the policy failed", By: "a fault of " + method.OnServerOpenConnection}

// ruling is what the open method has decided.
type ruling struct {
	session.Refusal
	gate.Terms // that it wants for a connection that it accepts
}

// verdict asks the open method about a connection. A code of 0 accepts. The second result is the fault of the script,
// if there was one; the refusal is then as --on-error says. handover is nil when nobody waits behind this connection.
func (h *Host) verdict(c *session.Connection, program Program, handover func()) (ruling, error) {
	if !program.Has(method.OnServerOpenConnection) {
		return ruling{}, nil
	}
	results, err := h.call(program, CallOptions{Door: true, More: handover != nil, Limit: h.config.MethodTimeout, Handover: handover, Record: h.records()},
		method.OnServerOpenConnection, int64(c.User), int64(c.ID), int64(0))
	if err == nil {
		var r ruling
		if r.Refusal, err = readVerdict(results); err == nil && r.Code == 0 && len(results) > 2 {
			r.Terms, err = readTerms(results[2])
		}
		if err == nil {
			return r, nil
		}
		err = fmt.Errorf("%s: %w", program.Returned(), err)
	}
	if cause := c.Process.Killed(); cause != nil && errors.Is(err, cause) {
		return ruling{Refusal: stoppedRefusal}, err // not the policy's fault: --on-error has no say
	}
	if h.config.AcceptOnError {
		return ruling{}, err
	}
	return ruling{Refusal: refusedByFault}, err
}

// records reports whether what an open method reads is noted: there must be a journal that keeps it.
func (h *Host) records() bool { return h.config.Record && h.journal != nil }

// stoppedRefusal is what a client is told whose twin was aborted while the open method ran.
var stoppedRefusal = session.Refusal{Code: -10515, Reason: "the process was aborted", By: "an abort during " + method.OnServerOpenConnection}

// ReadVerdict reads the results of an open method, as the host does: the error says what is wrong with them. Code 0 accepts.
func ReadVerdict(results []any) (session.Refusal, error) {
	r, err := readVerdict(results)
	if err == nil && r.Code == 0 && len(results) > 2 {
		_, err = readTerms(results[2])
	}
	return r, err
}

// readVerdict reads the results of the open method ("On Server Open Connection": 0, unset or undefined accepts, any
// other integer refuses). A second result is the reason. Everything that is no 4D integer is a fault: nobody gets in,
// or is kept out, by a slip.
func readVerdict(results []any) (session.Refusal, error) {
	if len(results) == 0 || results[0] == nil {
		return session.Refusal{}, nil
	}
	code, ok := results[0].(int64)
	if !ok || code < math.MinInt32 || code > math.MaxInt32 {
		return session.Refusal{}, fmt.Errorf("returned %s; return 0 or nothing to accept, another integer (32 bits) to refuse", describe(results[0]))
	}
	refusal := session.Refusal{Code: code}
	if code == 0 || len(results) < 2 || results[1] == nil {
		return refusal, nil
	}
	reason, ok := results[1].(string)
	if !ok {
		return session.Refusal{}, fmt.Errorf("returned %d and %s; the second result is the reason, a text", code, describe(results[1]))
	}
	refusal.Reason = reason
	if len(reason) > longestReason {
		refusal.Reason = strings.ToValidUTF8(reason[:longestReason], "")
	}
	return refusal, nil
}

// describe names a value as its script's author would.
func describe(v any) string {
	switch v := v.(type) {
	case bool, int64, float64:
		return fmt.Sprint(v)
	case string:
		if len(v) > 40 {
			v = v[:40] + "..."
		}
		return fmt.Sprintf("the text %q", v)
	default:
		return "a table"
	}
}

// longestReason is how much of a reason clients and the log get, in bytes.
const longestReason = 512

// answer is the line that a refused client is sent.
func answer(r session.Refusal) []byte {
	reason := r.Reason
	line := make([]byte, 0, len("-REFUSED -2147483648 \r\n")+len(reason))
	line = append(line, "-REFUSED "...)
	line = strconv.AppendInt(line, r.Code, 10)
	if reason != "" {
		line = append(line, ' ')
		for i := range len(reason) {
			if c := reason[i]; c == '\r' || c == '\n' {
				line = append(line, ' ')
			} else {
				line = append(line, c)
			}
		}
	}
	return append(line, '\r', '\n')
}

// linesPerSecond is how many lines of each kind about connections and failures are written each second.
const linesPerSecond = 200

// mayLog keeps a flood of connections from becoming a flood of lines: what is left out is counted and said.
func (h *Host) mayLog(lines *lineBudget, now time.Time) bool {
	if second := now.Unix(); lines.second.Swap(second) != second {
		lines.written.Store(0)
		if n := lines.dropped.Swap(0); n > 0 {
			h.log.Warn("lines were left out: too many in one second", "about", lines.about, "lines", n)
		}
	}
	if lines.written.Add(1) > linesPerSecond {
		lines.dropped.Add(1)
		return false
	}
	return true
}

// lineBudget counts the lines of one kind, second by second, so that none of the kinds pushes another out of the log.
type lineBudget struct {
	about                    string
	second, written, dropped atomic.Int64
}
