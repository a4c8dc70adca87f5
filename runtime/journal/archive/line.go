package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"moongate/runtime/journal"
	"moongate/runtime/recording"
)

// Version is that of the form. A reader takes no other.
const Version = 1

// kind is what the first line says that the file is.
const kind = "recordings"

// Header is the first line.
type Header struct {
	Moongate  string    `json:"moongate"`
	Version   int       `json:"version"`
	Program   string    `json:"program"` // the version of the program that wrote it
	Written   time.Time `json:"written"`
	Anonymous bool      `json:"anonymous"`
}

// line is any line but the first.
type line struct {
	Session    text            `json:"session,omitempty"`
	Connection int64           `json:"connection,omitempty"`
	User       int64           `json:"user,omitempty"`
	UserName   text            `json:"user_name,omitempty"`
	Address    string          `json:"address,omitempty"`
	Local      string          `json:"local,omitempty"`
	Listener   text            `json:"listener,omitempty"`
	Gate       text            `json:"gate,omitempty"`
	Upstream   text            `json:"upstream,omitempty"`
	Facts      json.RawMessage `json:"facts,omitempty"`
	Version    text            `json:"version,omitempty"`
	Verdict    string          `json:"verdict,omitempty"`
	Code       int64           `json:"code,omitempty"`
	Reason     text            `json:"reason,omitempty"`
	By         text            `json:"by,omitempty"`
	Shadow     text            `json:"shadow,omitempty"`
	Opened     time.Time       `json:"opened,omitzero"`
	Decided    time.Time       `json:"decided,omitzero"`
	Closed     time.Time       `json:"closed,omitzero"`
	Cause      text            `json:"cause,omitempty"`
	BytesIn    int64           `json:"bytes_in,omitempty"`
	BytesOut   int64           `json:"bytes_out,omitempty"`
	Recorded   *recorded       `json:"recorded,omitempty"`

	End *int64 `json:"end,omitempty"` // of the last line, which has nothing else
}

// recorded is journal.Recorded.
type recorded struct {
	Began time.Time `json:"began"`
	Took  float64   `json:"took,omitempty"` // seconds
	Steps int64     `json:"steps,omitempty"`
	Line  text      `json:"line,omitempty"`
	Fault text      `json:"fault,omitempty"`
	Cut   bool      `json:"cut,omitempty"`
	Reads []read    `json:"reads,omitempty"`
}

// read is recording.Read.
type read struct {
	What  text  `json:"what"`
	Key   text  `json:"key,omitempty"`
	Value *text `json:"value,omitempty"` // nil: it is of a kind that cannot be kept
	Line  text  `json:"line,omitempty"`
}

// newLine is a row as a line. An error is about the row's reads; the line is complete but for them, and has nothing
// recorded.
func newLine(r *journal.Row) (line, error) {
	l := line{
		Session: text(r.Session), Connection: r.Connection, User: r.User, UserName: text(r.UserName), Address: written(r.Address),
		Listener: text(r.Listener), Gate: text(r.Gate), Upstream: text(r.Upstream), Version: text(r.Version), Verdict: r.Verdict.String(),
		Code: r.Code, Reason: text(r.Reason), By: text(r.By), Shadow: text(r.Shadow), Opened: r.Opened, Decided: r.Decided, Closed: r.Closed,
		Cause: text(r.Cause), BytesIn: r.BytesIn, BytesOut: r.BytesOut,
	}
	if json.Valid([]byte(r.Facts)) {
		l.Facts = json.RawMessage(r.Facts)
	}
	if r.Began.IsZero() {
		return l, nil
	}
	reads, cut, err := recording.ParseReads([]byte(r.Reads))
	if err != nil {
		return l, err
	}
	l.Local = written(r.Local)
	l.Recorded = &recorded{Began: r.Began, Took: r.Took.Seconds(), Steps: r.Steps, Line: text(r.Line), Fault: text(r.Fault), Cut: cut}
	for _, one := range reads {
		to := read{What: text(one.What), Key: text(one.Key), Line: text(one.Line)}
		if one.Value != nil {
			value := text(one.Value)
			to.Value = &value
		}
		l.Recorded.Reads = append(l.Recorded.Reads, to)
	}
	return l, nil
}

// written is an address, "" for none.
func written(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// row is the line as a row. The error says what it lacks, or what of it is nonsense.
func (l *line) row() (*journal.Row, error) {
	r := &journal.Row{
		Session: string(l.Session), Connection: l.Connection, User: l.User, UserName: string(l.UserName), Listener: string(l.Listener),
		Gate: string(l.Gate), Upstream: string(l.Upstream), Version: string(l.Version), Code: l.Code, Reason: string(l.Reason), By: string(l.By),
		Shadow: string(l.Shadow), Opened: l.Opened, Decided: l.Decided, Closed: l.Closed, Cause: string(l.Cause), BytesIn: l.BytesIn, BytesOut: l.BytesOut,
	}
	if len(l.Facts) > 0 && string(l.Facts) != "null" {
		r.Facts = string(l.Facts)
	}
	switch {
	case l.Session == "":
		return nil, errors.New("it has no session")
	case l.Opened.IsZero() || l.Decided.IsZero():
		return nil, errors.New("it has no times: opened and decided")
	case l.Verdict == "":
		return nil, errors.New("it has no verdict")
	}
	var errs [4]error
	errs[0] = r.Verdict.UnmarshalText([]byte(l.Verdict))
	r.Address, errs[1] = address("address", l.Address)
	r.Local, errs[2] = address("local", l.Local)
	errs[3] = l.record(r)
	return r, errors.Join(errs[:]...)
}

func address(field, s string) (netip.AddrPort, error) {
	if s == "" {
		return netip.AddrPort{}, nil
	}
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		return a, fmt.Errorf("%s: %q is no address with a port", field, s)
	}
	return a, nil
}

// record puts what was recorded into the row.
func (l *line) record(r *journal.Row) error {
	from := l.Recorded
	if from == nil {
		r.Local = netip.AddrPort{}
		return nil
	}
	if from.Began.IsZero() {
		return errors.New("recorded: it does not say when the method began")
	}
	if from.Took < 0 || from.Took > 1e9 {
		return fmt.Errorf("recorded: took is %v seconds", from.Took)
	}
	form := recording.Recording{Cut: from.Cut}
	for _, one := range from.Reads {
		to := recording.Read{What: string(one.What), Key: string(one.Key), Line: string(one.Line)}
		if one.Value != nil {
			to.Value = []byte(*one.Value)
		}
		form.Reads = append(form.Reads, to)
	}
	r.Began, r.Steps, r.Line, r.Fault = from.Began, from.Steps, string(from.Line), string(from.Fault)
	r.Took = time.Duration(from.Took * float64(time.Second)).Round(time.Microsecond)
	r.Reads = string(form.AppendReads(nil))
	return nil
}
