package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"moongate/runtime/journal"
	"moongate/runtime/journal/archive"
	"moongate/runtime/recording"
)

var whyManual = manual{
	name: "why", arguments: "[SESSION:]CONNECTION", meaning: "say why a connection was accepted or refused, from the journal",
	examples: []string{"why 17", "why 0197A5C2:17", "why 17 --json"},
	more: "SESSION is the id of the server's run, as moongate log --json has it, or how it begins; without it the connection is\n" +
		"the last one of that number. What the open method read is there if the server ran with --record on, which it does by\n" +
		"default.",
}

// whyVerdict is moongate why.
func whyVerdict(m *invocation, args []string) int {
	o := newRecordings(m, whyManual)
	o.dataFolder()
	if ok, code := o.parse(args, 1, 1); !ok {
		return code
	}
	query, err := connectionNamed(o.set.Arg(0))
	if err != nil {
		return o.misused(err)
	}
	ctx, stop := interruptible()
	defer stop()
	row, err := o.find(ctx, query)
	if err != nil {
		return o.failed(err)
	}
	d := decisionOfRow(row)
	return o.showDecision(&d)
}

// connectionNamed reads [SESSION:]CONNECTION.
func connectionNamed(text string) (journal.Query, error) {
	q := journal.Query{Last: 1, WithReads: true}
	number := text
	if at := strings.LastIndexByte(text, ':'); at >= 0 {
		q.Session, number = text[:at], text[at+1:]
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 {
		return q, fmt.Errorf("%q is no connection: write it as 17, or 0197A5C2:17 with the session before it", text)
	}
	q.Connection = n
	return q, nil
}

// find is the last connection that a query finds.
func (o *operation) find(ctx context.Context, q journal.Query) (*journal.Row, error) {
	for row, err := range journal.Read(ctx, o.data, q) {
		if err != nil {
			return nil, err
		}
		return &row, nil
	}
	where := ""
	if q.Session != "" {
		where = " of a session that begins with " + q.Session
	}
	return nil, fmt.Errorf("the journal in %s has no connection %d%s: moongate log shows what it has", o.data, q.Connection, where)
}

// decisionOfRow is what the journal says of a verdict.
func decisionOfRow(row *journal.Row) decision {
	r, recorded, err := archive.Recording(row)
	var reads []readSeen
	if recorded && err == nil {
		reads = seen(r.Reads)
	}
	d := decisionOf(archive.Outcome(row), reads)
	d.Cut = recorded && r.Cut
	if d.Verdict == recording.Failed && row.Verdict == journal.Refused {
		d.Code, d.Reason = row.Code, row.Reason
	}
	if d.By == "" {
		d.By = row.By
	}
	d.Check = row.Version == "" && row.Verdict == journal.Refused
	d.Version, d.Shadow = row.Version, row.Shadow
	d.Session, d.Connection, d.User, d.UserName, d.Address = row.Session, row.Connection, row.User, row.UserName, addressOf(row)
	d.Listener, d.Gate, d.Facts, d.At, d.Cause = row.Listener, row.Gate, jsonObject(row.Facts), row.Opened, row.Cause
	if row.Verdict == journal.Accepted && !row.Closed.IsZero() {
		d.Closed = &row.Closed
	}
	return d
}
