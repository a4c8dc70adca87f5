package cli

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"moongate/runtime/journal"
)

// tableRows writes rows of the journal for people.
type tableRows struct {
	table *table
	now   func() time.Time
}

func newTableRows(to *screen, gather int) *tableRows {
	return &tableRows{&table{screen: to, headings: logHeadings, gather: gather}, time.Now}
}

// The widths are for --follow, which cannot know what is to come.
var logHeadings = []heading{
	{title: "TIME", least: 19, whole: true}, {title: "CONNECTION", right: true, least: 10, drop: 2}, {title: "USER", least: 12},
	{title: "ADDRESS", least: 21, whole: true}, {title: "VERDICT", least: 8, whole: true}, {title: "CODE", right: true, least: 6, drop: 1},
	{title: "REASON/CAUSE", least: 24}, {title: "BY", least: 20, drop: 3}, {title: "DURATION", right: true, least: 8, drop: 4},
	{title: "BYTES", right: true, least: 13, drop: 5}, {title: "VERSION", least: 12, drop: 6},
}

func (t *tableRows) row(r *journal.Row) error {
	verdict := r.Verdict.String()
	code := ""
	if r.Verdict == journal.Refused {
		code = strconv.FormatInt(r.Code, 10)
	}
	return t.table.add([]cell{
		{text: clock(r.Decided)}, {text: number(r.Connection)}, {text: r.UserName}, {text: addressOf(r)},
		{verdict, stateStyles[verdict]}, {text: code}, why(r), {text: r.By}, {text: lasted(duration(r, t.now()).Seconds())},
		{text: amount(r.BytesIn) + "/" + amount(r.BytesOut)}, {text: r.Version},
	})
}

func (t *tableRows) end() error {
	if len(t.table.rows) == 0 { // there is nothing to have a head over
		return nil
	}
	return t.table.settle()
}

// why is the reason of a refusal, or what ended an accepted connection.
func why(r *journal.Row) cell {
	switch {
	case r.Verdict == journal.Refused:
		return cell{text: r.Reason}
	case r.Closed.IsZero():
		return cell{"open", green}
	case r.Cause == journal.Lost:
		return cell{r.Cause, yellow}
	}
	return cell{text: r.Cause}
}

// duration is how long a connection has lasted, from its coming in to its end, or until now.
func duration(r *journal.Row, now time.Time) time.Duration {
	end := r.Closed
	if end.IsZero() {
		end = now
	}
	return max(0, end.Sub(r.Opened))
}

// addressOf is the peer's address, "" when it is not known.
func addressOf(r *journal.Row) string {
	if !r.Address.IsValid() {
		return ""
	}
	return r.Address.String()
}

// logRecord is a row of the journal for programs: the fields of --json, and in their order the columns of --csv. Times
// are RFC 3339; closed is null, or empty, while the connection is open, and duration, in seconds, is then that until
// now.
type logRecord struct {
	Session    string          `json:"session"`
	Connection int64           `json:"connection"` // 0: refused before it had a number
	User       int64           `json:"user"`
	UserName   string          `json:"user_name"`
	Address    string          `json:"address"`
	Listener   string          `json:"listener"`
	Version    string          `json:"version"`
	Verdict    journal.Verdict `json:"verdict"`
	Code       int64           `json:"code"`
	Reason     string          `json:"reason"`
	By         string          `json:"by"`
	Opened     time.Time       `json:"opened"`
	Decided    time.Time       `json:"decided"`
	Closed     *time.Time      `json:"closed"`
	Duration   float64         `json:"duration"`
	BytesIn    int64           `json:"bytes_in"`
	BytesOut   int64           `json:"bytes_out"`
	Cause      string          `json:"cause"`
	Gate       string          `json:"gate"`
	Upstream   string          `json:"upstream"`
	Facts      json.RawMessage `json:"facts"`  // an object: what a gate has found out; null: nothing
	Shadow     string          `json:"shadow"` // what the shadow would have said instead; "" when that is the same
}

func newLogRecord(r *journal.Row, now time.Time) logRecord {
	record := logRecord{
		Session: r.Session, Connection: r.Connection, User: r.User, UserName: r.UserName, Address: addressOf(r), Listener: r.Listener,
		Version: r.Version, Verdict: r.Verdict, Code: r.Code, Reason: r.Reason, By: r.By, Opened: r.Opened, Decided: r.Decided,
		Duration: duration(r, now).Seconds(), BytesIn: r.BytesIn, BytesOut: r.BytesOut, Cause: r.Cause,
	}
	if !r.Closed.IsZero() {
		record.Closed = &r.Closed
	}
	record.Gate, record.Upstream, record.Shadow = r.Gate, r.Upstream, r.Shadow
	if json.Valid([]byte(r.Facts)) {
		record.Facts = json.RawMessage(r.Facts)
	}
	return record
}

// jsonRows writes one JSON object a line.
type jsonRows struct {
	out io.Writer
	now func() time.Time
}

func newJSONRows(out io.Writer) *jsonRows { return &jsonRows{out, time.Now} }

func (j *jsonRows) row(r *journal.Row) error {
	line, err := json.Marshal(newLogRecord(r, j.now()))
	if err != nil {
		return err
	}
	_, err = io.WriteString(j.out, inert(line)+"\n")
	return err
}

func (j *jsonRows) end() error { return nil }

// csvRows writes CSV as of RFC 4180, with a head.
type csvRows struct {
	out    *csv.Writer
	headed bool
	now    func() time.Time
}

func newCSVRows(out io.Writer) *csvRows {
	w := csv.NewWriter(out)
	w.UseCRLF = true
	return &csvRows{out: w, now: time.Now}
}

var csvHead = []string{
	"session", "connection", "user", "user_name", "address", "listener", "version", "verdict", "code", "reason", "by", "opened", "decided",
	"closed", "duration", "bytes_in", "bytes_out", "cause", "gate", "upstream", "facts", "shadow",
}

func (c *csvRows) row(r *journal.Row) error {
	c.head()
	record := newLogRecord(r, c.now())
	closed := ""
	if record.Closed != nil {
		closed = stamp(*record.Closed)
	}
	c.out.Write([]string{
		harmless(record.Session), strconv.FormatInt(record.Connection, 10), strconv.FormatInt(record.User, 10), harmless(record.UserName),
		record.Address, harmless(record.Listener), harmless(record.Version), record.Verdict.String(), strconv.FormatInt(record.Code, 10),
		harmless(record.Reason), harmless(record.By), stamp(record.Opened), stamp(record.Decided), closed,
		strconv.FormatFloat(record.Duration, 'f', 6, 64), strconv.FormatInt(record.BytesIn, 10), strconv.FormatInt(record.BytesOut, 10),
		harmless(record.Cause), harmless(record.Gate), harmless(record.Upstream), harmless(string(record.Facts)), harmless(record.Shadow),
	})
	c.out.Flush()
	return c.out.Error()
}

func (c *csvRows) head() {
	if !c.headed {
		c.headed = true
		c.out.Write(csvHead)
	}
}

func (c *csvRows) end() error {
	c.head()
	c.out.Flush()
	return c.out.Error()
}

// stamp is a time for programs.
func stamp(t time.Time) string { return t.Format(time.RFC3339Nano) }

// harmless is a text of a stranger as a cell of CSV: no spreadsheet takes it for a formula, and it can do nothing to a
// terminal. A ' is put before what begins with = + - @ or ' itself.
func harmless(text string) string {
	text = printable(text)
	if text != "" && strings.Contains("=+-@'", text[:1]) {
		return "'" + text
	}
	return text
}
