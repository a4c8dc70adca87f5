package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"
	"time"

	"moongate/runtime/journal"
)

// reading is one run of moongate log.
type reading struct {
	*operation
	query  journal.Query
	follow bool
	csv    bool
}

// journalLog is moongate log.
func journalLog(m *invocation, args []string) int {
	r := &reading{operation: newReading(m, "log")}
	now := time.Now()
	r.set.Var(&moment{&r.query.Since, now, ""}, "since", "only verdicts from this `time` on")
	r.set.Var(&moment{&r.query.Until, now, ""}, "until", "only verdicts before this `time`")
	r.set.BoolVar(&r.query.Refused, "refused", false, "refused connections")
	r.set.BoolVar(&r.query.Accepted, "accepted", false, "accepted connections")
	r.set.BoolVar(&r.query.Open, "open", false, "connections that have not ended")
	r.set.StringVar(&r.query.User, "user", "", "only the user with this `name`")
	r.set.Int64Var(&r.query.Connection, "connection", 0, "only the connection with this `number`")
	r.set.IntVar(&r.query.Last, "last", 0, "only so many, the last ones (a `number`)")
	r.set.BoolVar(&r.follow, "follow", false, "go on with what comes, until Ctrl-C")
	r.set.BoolVar(&r.csv, "csv", false, "write CSV (RFC 4180) with all columns")
	r.set.StringVar(&r.data, "data", defaultData(), "the `folder` where the server keeps its data")
	r.set.Lookup("data").DefValue = "moongate in $XDG_STATE_HOME or ~/.local/state" // as serve says it
	if ok, code := r.parse(args, 0, 0); !ok {
		return code
	}
	if err := r.sensible(); err != nil {
		return r.misused(err)
	}
	ctx, stop := interruptible()
	defer stop()
	return r.run(ctx)
}

// sensible looks at flags that do not go together.
func (r *reading) sensible() error {
	switch q := &r.query; {
	case r.json && r.csv:
		return errors.New("--json and --csv are two ways to write the same; choose one")
	case q.Last < 0:
		return fmt.Errorf("--last is %d; it must be 0 or more", q.Last)
	case q.Connection < 0:
		return fmt.Errorf("--connection is %d; it must be the number of a connection", q.Connection)
	case r.follow && !q.Until.IsZero():
		return errors.New("--follow has no end, but --until has one; choose one")
	case !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until):
		return errors.New("--since is not before --until, so that nothing could be shown")
	}
	return nil
}

// run writes what the journal has. Ctrl-C is the end of --follow, and no failure.
func (r *reading) run(ctx context.Context) int {
	out := bufio.NewWriterSize(r.out, 1<<16)
	read, flush := journal.Read, func() error { return nil }
	if r.follow {
		read, flush = journal.Follow, out.Flush
		var reader sync.WaitGroup
		defer reader.Wait()
		var leave context.CancelFunc
		ctx, leave = context.WithCancel(ctx)
		defer leave()
		reader.Go(func() { r.leaveWithReader(ctx, leave) }) // ends with ctx
	}
	count, err := r.write(read(ctx, r.data, r.query), r.format(out), flush)
	if flushed := out.Flush(); err == nil && flushed != nil {
		err = writeError{flushed}
	}
	var unwritten writeError
	switch {
	case errors.As(err, &unwritten):
		return r.written(unwritten.error)
	case err != nil && ctx.Err() == nil:
		return r.failed(err)
	case err != nil && !r.follow: // interrupted, and not complete
		return ExitFailed
	case count == 0 && !r.follow && !r.json && !r.csv:
		fmt.Fprintln(r.stderr, "no connections")
	}
	return ExitClean
}

// leaveWithReader ends the following when whoever reads the output has gone: the next row, at which that would be noticed
// too, may be hours away.
func (r *reading) leaveWithReader(ctx context.Context, leave func()) {
	if file, ok := r.stdout.(*os.File); ok && awaitReaderGone(ctx, file) {
		leave()
	}
}

// writeError is an error of the writer, in contrast to the journal's.
type writeError struct{ error }

// rowWriter writes rows of the journal in one of the formats.
type rowWriter interface {
	row(*journal.Row) error
	end() error // after the last row
}

// write writes rows until there are no more, and says how many. The error is the journal's, or a writeError.
func (r *reading) write(rows iter.Seq2[journal.Row, error], to rowWriter, flush func() error) (count int, err error) {
	for row, err := range rows {
		if err != nil {
			return count, errors.Join(err, to.end())
		}
		count++
		if err := errors.Join(to.row(&row), flush()); err != nil {
			return count, writeError{err}
		}
	}
	if err := to.end(); err != nil {
		return count, writeError{err}
	}
	return count, nil
}

// format is the format that was asked for.
func (r *reading) format(out io.Writer) rowWriter {
	switch {
	case r.json:
		return newJSONRows(out)
	case r.csv:
		return newCSVRows(out)
	}
	to := *r.out // a terminal's width and colours, but the buffer's writing
	to.Writer = out
	gather := 500 // rows that say how wide the columns are
	if r.follow {
		gather = 0
	}
	return newTableRows(&to, gather)
}

// moment is a flag for a time: so long ago, or a moment of this machine's clock.
type moment struct {
	to   *time.Time
	now  time.Time
	text string
}

// String is the flag's value, as it was given.
func (m *moment) String() string { return m.text }

// Type is the flag's kind, for --help.
func (m *moment) Type() string { return "time" }

// Set reads the flag.
func (m *moment) Set(text string) error {
	t, err := momentOf(text, m.now)
	if err != nil {
		return err
	}
	*m.to, m.text = t, text
	return nil
}

// layouts are the forms of a moment, in local time but for the last.
var layouts = []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339}

// momentOf reads a moment: 1h, 30d, 2026-11-21, "2026-11-21 10:00", 10:00 (today) or RFC 3339.
func momentOf(text string, now time.Time) (time.Time, error) {
	var ago span
	if ago.Set(text) == nil {
		return now.Add(-time.Duration(ago)), nil
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			year, month, day := now.Date()
			return time.Date(year, month, day, t.Hour(), t.Minute(), t.Second(), 0, now.Location()), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: write it as 1h, 30d, 2026-11-21, \"2026-11-21 10:00\" or 10:00", text)
}
