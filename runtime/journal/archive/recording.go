package archive

import (
	"strings"

	"moongate/runtime/journal"
	"moongate/runtime/recording"
)

// byFault is how the By of a row begins whose open method failed.
const byFault = "a fault of "

// Recording is what a row has recorded, for who decides again. It reports false for a row that has nothing recorded:
// no open method was asked, or recording was off. The error is about reads that are nonsense.
func Recording(row *journal.Row) (r *recording.Recording, recorded bool, err error) {
	if row.Began.IsZero() {
		return nil, false, nil
	}
	r = &recording.Recording{
		Server: row.Session, Version: row.Version, Connection: row.Connection, User: row.User, UserName: row.UserName, Address: row.Address,
		Local: row.Local, Listener: row.Listener, Gate: row.Gate, Facts: row.Facts, Opened: row.Opened, Began: row.Began,
		Outcome: Outcome(row),
	}
	r.Reads, r.Cut, err = recording.ParseReads([]byte(row.Reads))
	return r, true, err
}

// Outcome is what a row says of the verdict.
func Outcome(row *journal.Row) recording.Outcome {
	o := recording.Outcome{Verdict: recording.Accepted, Line: row.Line, Took: row.Took, Steps: row.Steps, Fault: row.Fault}
	switch {
	case row.Fault != "" || strings.HasPrefix(row.By, byFault):
		o.Verdict, o.Line = recording.Failed, recording.PlaceOf(row.Fault)
	case row.Verdict == journal.Refused:
		o.Verdict, o.Code, o.Reason = recording.Refused, row.Code, row.Reason
		if o.Line == "" {
			o.Line = row.By
		}
	}
	return o
}
