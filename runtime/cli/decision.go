package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"moongate/runtime/recording"
	"moongate/runtime/wire"
)

// decision is a verdict and what it depended on, as moongate ask and why show it. Its fields are those of --json.
type decision struct {
	Verdict string     `json:"verdict"`
	Code    int64      `json:"code"`
	Reason  string     `json:"reason"`
	By      string     `json:"by"`    // the line that returned or failed, or the check that refused
	Check   bool       `json:"check"` // a check before the open method has refused, which was not asked
	Fault   string     `json:"fault,omitempty"`
	Lacks   string     `json:"lacks,omitempty"`
	Version string     `json:"version"`
	Took    float64    `json:"took"` // seconds
	Steps   int64      `json:"steps"`
	Reads   []readSeen `json:"reads"` // null: nobody knows
	Cut     bool       `json:"cut,omitempty"`
	Shadow  string     `json:"shadow,omitempty"`

	Session    string     `json:"session,omitempty"`
	Connection int64      `json:"connection"`
	User       int64      `json:"user"`
	UserName   string     `json:"user_name"`
	Address    string     `json:"address"`
	Listener   string     `json:"listener,omitempty"`
	Gate       string     `json:"gate,omitempty"`
	Facts      jsonObject `json:"facts,omitempty"`
	At         time.Time  `json:"at"` // when the connection came in
	Closed     *time.Time `json:"closed,omitempty"`
	Cause      string     `json:"cause,omitempty"`
	Printed    []string   `json:"printed,omitempty"` // what the scripts have printed
}

// jsonObject is JSON as it is; what is none is left out.
type jsonObject string

// MarshalJSON never fails.
func (j jsonObject) MarshalJSON() ([]byte, error) {
	if !json.Valid([]byte(j)) {
		return []byte("null"), nil
	}
	return []byte(j), nil
}

// readSeen is one read.
type readSeen struct {
	What   string `json:"what"`
	Key    string `json:"key"`
	Values []any  `json:"values"` // null: of a kind that cannot be kept
	Line   string `json:"line,omitempty"`

	text string // the values for people
}

// seen are reads as they are shown.
func seen(reads []recording.Read) []readSeen {
	all := make([]readSeen, 0, len(reads))
	for _, r := range reads {
		values := withoutMark(r)
		one := readSeen{What: r.What, Key: r.Key, Line: r.Line, text: valuesText(r.What, values)}
		for _, v := range values {
			one.Values = append(one.Values, jsonValue(v))
		}
		if r.Value == nil {
			one.text = "(not kept)"
		}
		all = append(all, one)
	}
	return all
}

// withoutMark are the values of a read. The facts of a connection have a mark at gates, under a name that scripts never see.
func withoutMark(r recording.Read) []any {
	values := r.Unpacked()
	if r.What != "connection_info" || len(values) == 0 {
		return values
	}
	if facts, ok := values[0].(wire.Map); ok {
		values[0] = wire.Map(slices.DeleteFunc(facts, func(p wire.Pair) bool { return p.Key == any("*") }))
	}
	return values
}

// jsonValue is a value as JSON can have it: no keys but texts, and no numbers that are none.
func jsonValue(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = jsonValue(v[i])
		}
		return list
	case wire.Map:
		object := make(map[string]any, len(v))
		for _, pair := range v {
			object[keyText(pair.Key)] = jsonValue(pair.Value)
		}
		return object
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
	}
	return v
}

func keyText(key any) string {
	if text, ok := key.(string); ok {
		return text
	}
	return fmt.Sprint(key)
}

// valuesText is what was read, as Lua would write it; of the clock it is the time.
func valuesText(what string, values []any) string {
	if what == "clock" && len(values) > 0 {
		if nanoseconds, ok := values[0].(int64); ok {
			return time.Unix(0, nanoseconds).Local().Format("2006-01-02 15:04:05.000000")
		}
	}
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = luaText(v)
	}
	return strings.Join(words, ", ")
}

// luaText is a value as Lua would write it.
func luaText(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case string:
		return strconv.Quote(v)
	case []any:
		return "{" + valuesText("", v) + "}"
	case wire.Map:
		words := make([]string, len(v))
		for i, pair := range v {
			words[i] = keyText(pair.Key) + " = " + luaText(pair.Value)
		}
		return "{" + strings.Join(words, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// decisionOf is an outcome and its reads; nil reads are none that anybody knows.
func decisionOf(o recording.Outcome, reads []readSeen) decision {
	return decision{Verdict: o.Verdict, Code: o.Code, Reason: o.Reason, By: o.Line, Fault: o.Fault, Lacks: o.Lacks, Took: o.Took.Seconds(), Steps: o.Steps, Reads: reads}
}

// showDecision writes a decision.
func (o *operation) showDecision(d *decision) int {
	if !o.json {
		return o.written(writeDecision(o.out, d))
	}
	document, err := json.Marshal(d)
	if err == nil {
		_, err = fmt.Fprintln(o.out, inert(document))
	}
	return o.written(err)
}

// writeDecision writes a decision for people: the verdict, where it comes from, whose it is, and what was read.
func writeDecision(s *screen, d *decision) error {
	var b strings.Builder
	fmt.Fprintln(&b, s.styled(printable(d.headline()), verdictStyle(d.Verdict)))
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-10s  %s\n", name, printable(fmt.Sprintf(format, args...)))
	}
	switch {
	case d.Check:
		line("by", "the check: %s; no open method was asked", d.By)
	case d.By != "" || d.Version != "":
		line("by", "%s", joined(", ", d.By, prefixed("version ", d.Version)))
	}
	if d.Fault != "" {
		line("fault", "%s", d.Fault)
	}
	if d.Shadow != "" {
		line("shadow", "%s", d.Shadow)
	}
	if d.Steps > 0 {
		line("took", "%s, %d instructions", lasted(d.Took), d.Steps)
	}
	line("user", "%s (%d)", d.UserName, d.User)
	line("from", "%s", joined(" ", d.Address, prefixed("to ", d.Listener), prefixed("by gate ", d.Gate)))
	if d.Facts != "" {
		line("facts", "%s", string(d.Facts))
	}
	line("came", "%s", joined(", ", clock(d.At), d.ended()))
	if d.Session != "" {
		line("connection", "%d of session %s", d.Connection, d.Session)
	}
	for _, printed := range d.Printed {
		line("printed", "%s", printed)
	}
	out := *s
	out.Writer = &b
	if err := d.writeReads(&out); err != nil {
		return err
	}
	_, err := io.WriteString(s, b.String())
	return err
}

// headline is the verdict in one line.
func (d *decision) headline() string {
	switch d.Verdict {
	case recording.Refused:
		return joined(" ", d.Verdict, strconv.FormatInt(d.Code, 10), d.Reason)
	case recording.CannotSay:
		return "nobody can say: the method asks for " + d.Lacks
	case recording.Failed:
		switch {
		case d.Code != 0: // what --on-error made of it
			return joined(" ", recording.Refused, strconv.FormatInt(d.Code, 10), d.Reason) + ": the open method failed"
		case d.Session != "":
			return "accepted, although the open method failed"
		}
		return "the open method failed"
	}
	return d.Verdict
}

func verdictStyle(verdict string) style {
	switch verdict {
	case recording.Accepted:
		return green
	case recording.CannotSay:
		return yellow
	}
	return red
}

// ended says how the connection ended, "" when that is not to be said.
func (d *decision) ended() string {
	if d.Closed == nil {
		return ""
	}
	return joined(" ", "ended", clock(*d.Closed), prefixed("because: ", d.Cause))
}

// writeReads is the table of what was read.
func (d *decision) writeReads(s *screen) error {
	switch {
	case d.Check:
		return nil
	case d.Reads == nil:
		_, err := fmt.Fprintln(s, "\nwhat it read is not recorded")
		return err
	case len(d.Reads) == 0 && !d.Cut:
		_, err := fmt.Fprintln(s, "\nit read nothing of the outside")
		return err
	}
	fmt.Fprintln(s)
	t := &table{screen: s, gather: -1, headings: []heading{{title: "it read"}, {title: "of"}, {title: "and got"}, {title: "at", drop: 1}}}
	for _, r := range d.Reads {
		t.add([]cell{{text: r.What}, {text: r.Key}, {text: r.text}, {text: r.Line}})
	}
	if err := t.settle(); err != nil || !d.Cut {
		return err
	}
	_, err := fmt.Fprintln(s, "(and more, which is not kept)")
	return err
}

// joined are the words that are not empty.
func joined(separator string, words ...string) string {
	var all []string
	for _, w := range words {
		if w != "" {
			all = append(all, w)
		}
	}
	return strings.Join(all, separator)
}

// prefixed is a text with something before it, unless it is empty.
func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
