package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"moongate/runtime/journal"
	"moongate/runtime/journal/archive"
	"moongate/runtime/journal/replay"
	"moongate/runtime/recording"
)

// recordingCommands are the commands about what verdicts depended on, as rows of the table of commands. None of them
// asks a server.
var recordingCommands = []command{
	{"ask", askManual.meaning, askScripts},
	{"why", whyManual.meaning, whyVerdict},
	{"replay", replayManual.meaning, replayRecordings},
	{"journal", journalManual.meaning, journalActs},
}

var replayManual = manual{
	name: "replay", arguments: "[FILE]", meaning: "decide about recorded connections again, with other scripts",
	examples: []string{"replay --scripts new", "replay --since 24h --scripts new --fail-on changed,error,cannot-say", "replay shop.jsonl --scripts new --json"},
	more: "The connections are those of the journal, or of FILE, which moongate journal export has written (- is the standard\n" +
		"input). The open method runs for each, in their order, with the clock of its own and with what was read then: counters,\n" +
		"shared values, rows, random numbers. Nothing is written. When the scripts ask for something that was not read then,\n" +
		"nobody can say, and that is counted; it is never guessed. Slower is a verdict that takes more than twice the\n" +
		"instructions, and 1,000 more. --fail-on has any of\n" + strings.Join(failures(), ", ") + ";\n" +
		"changed is another verdict, code or reason, an error and one that is mended. Exit codes: 0 done, 1 there was some of\n" +
		"--fail-on, or it could not be done, 2 wrong usage.",
}

// failOn are the conditions of --fail-on, in the order in which they are named.
var failOn = []struct {
	name string
	of   func(r *replay.Report) int64
}{
	{"changed", (*replay.Report).Changed},
	{"accept-to-refuse", counts(replay.Refuses)},
	{"refuse-to-accept", counts(replay.Accepts)},
	{"other", counts(replay.Other)},
	{"error", counts(replay.Error)},
	{"mended", counts(replay.Mended)},
	{"cannot-say", counts(replay.CannotSay)},
	{"slower", counts(replay.Slower)},
	{"not-recorded", func(r *replay.Report) int64 { return r.NotRecorded + r.Damaged }},
}

func counts(c replay.Change) func(*replay.Report) int64 {
	return func(r *replay.Report) int64 { return r.Counts[c] }
}

// failures are their names.
func failures() (names []string) {
	for _, f := range failOn {
		names = append(names, f.name)
	}
	return names
}

// replaying is one run of moongate replay.
type replaying struct {
	*operation
	query   journal.Query
	scripts string
	most    int // rows of one sort
	failOn  []string
}

// replayRecordings is moongate replay.
func replayRecordings(m *invocation, args []string) int {
	r := &replaying{operation: newRecordings(m, replayManual)}
	r.period(&r.query)
	r.set.StringVar(&r.scripts, "scripts", "", "the `folder` of the scripts that are to decide")
	r.set.IntVar(&r.most, "top", mostRows, "show so many groups, and users (a `number`); 0: all. --json has all")
	r.set.StringSliceVar(&r.failOn, "fail-on", nil, "exit with 1 if there were any of these: `changed,error,...` (see below)")
	r.dataFolder()
	if ok, code := r.parse(args, 0, 1); !ok {
		return code
	}
	if r.scripts == "" {
		r.scripts = os.Getenv(variable("scripts"))
	}
	if err := r.sensible(); err != nil {
		return r.misused(err)
	}
	ctx, stop := r.interruptibleBut(r.set.Arg(0))
	defer stop()
	return r.run(ctx)
}

// interruptibleBut is interruptible, unless the archive is the standard input: nothing ends a reading of a terminal or a pipe
// but the end of the program, which an OS signal is then.
func (o *operation) interruptibleBut(archive string) (context.Context, context.CancelFunc) {
	if archive == "-" {
		return context.WithCancel(context.Background())
	}
	return interruptible()
}

// newRecordings makes an operation that reads the journal.
func newRecordings(m *invocation, manual manual) *operation {
	o := newReading(m, manual.name)
	o.manual = manual
	return o
}

// period adds the flags that say which connections of a journal.
func (o *operation) period(q *journal.Query) {
	now := time.Now()
	o.set.Var(&moment{&q.Since, now, ""}, "since", "only verdicts from this `time` on, as of moongate log")
	o.set.Var(&moment{&q.Until, now, ""}, "until", "only verdicts before this `time`")
	o.set.StringVar(&q.User, "user", "", "only the user with this `name`")
}

// dataFolder adds --data.
func (o *operation) dataFolder() {
	o.set.StringVar(&o.data, "data", defaultData(), "the `folder` where the server keeps its data")
	o.set.Lookup("data").DefValue = "moongate in $XDG_STATE_HOME or ~/.local/state" // as serve says it
}

// sensible looks at the command line.
func (r *replaying) sensible() error {
	if r.scripts == "" {
		return errors.New("which scripts are to decide? --scripts names their folder")
	}
	for _, name := range r.failOn {
		if !slices.Contains(failures(), name) {
			return fmt.Errorf("--fail-on is %q; it must be any of %s", name, strings.Join(failures(), ", "))
		}
	}
	switch q := &r.query; {
	case r.most < 0:
		return fmt.Errorf("--top is %d; it must be 0 or more", r.most)
	case !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until):
		return errors.New("--since is not before --until, so that there would be nothing to replay")
	}
	return nil
}

// run replays, and says what came of it.
func (r *replaying) run(ctx context.Context) int {
	rehearsals, err := r.rehearsals()
	if err != nil {
		return r.failed(err)
	}
	defer func() {
		for _, one := range rehearsals {
			one.Close()
		}
	}()
	rows, done, err := r.source(ctx)
	if err != nil {
		return r.failed(err)
	}
	defer done()
	var progress replay.Progress
	shown := r.show(&progress)
	report, err := replay.Run(ctx, rows, rehearsals, &progress)
	shown()
	if err != nil && report.Connections == 0 {
		return r.failed(err)
	}
	if err == nil && !r.json && report.Connections+report.NotRecorded+report.NotAsked+report.Damaged == 0 {
		return r.conclude(report, nil) // a table of nothing would say less
	}
	if code := r.written(r.write(report)); code != ExitClean {
		return code
	}
	return r.conclude(report, err)
}

// rehearsals loads the scripts, once for each processor.
func (r *replaying) rehearsals() (all []recording.Rehearsal, err error) {
	for range runtime.GOMAXPROCS(0) {
		one, err := r.operation.scripts.Rehearse(recording.RehearsalConfig{Folder: r.scripts})
		if err != nil {
			for _, other := range all {
				other.Close()
			}
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// source is where the rows come from; done must be called.
func (r *replaying) source(ctx context.Context) (rows iter.Seq2[journal.Row, error], done func(), err error) {
	if r.set.NArg() == 0 {
		r.query.WithReads = true
		return journal.Read(ctx, r.data, r.query), func() {}, nil
	}
	in, done, err := r.openArchive(r.set.Arg(0))
	if err != nil {
		return nil, nil, err
	}
	return wanted(archived(in, r.set.Arg(0)), r.query), done, nil
}

// openArchive opens an export; - is the standard input. done must be called.
func (o *operation) openArchive(name string) (in *archive.Reader, done func(), err error) {
	var from io.Reader = o.stdin
	done = func() {}
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, nil, err
		}
		from, done = file, func() { file.Close() }
	}
	if in, err = archive.NewReader(from); err != nil {
		done()
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return in, done, nil
}

// archived are the rows of an export. Lines that are nonsense come as errors that end nothing.
func archived(in *archive.Reader, name string) iter.Seq2[journal.Row, error] {
	return func(yield func(journal.Row, error) bool) {
		for row, err := range in.Rows() {
			var line *archive.LineError
			if err != nil && !errors.As(err, &line) {
				err = fmt.Errorf("%s: %w", name, err)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// wanted are the rows that a query is about, of those that were not read by it.
func wanted(rows iter.Seq2[journal.Row, error], q journal.Query) iter.Seq2[journal.Row, error] {
	return func(yield func(journal.Row, error) bool) {
		for row, err := range rows {
			other := !q.Since.IsZero() && row.Decided.Before(q.Since) || !q.Until.IsZero() && !row.Decided.Before(q.Until) ||
				q.User != "" && !strings.EqualFold(row.UserName, q.User)
			if (err != nil || !other) && !yield(row, err) {
				return
			}
		}
	}
}

// show shows how far a replay is, on a terminal, until the function it gives is called, which waits for that.
func (r *replaying) show(p *replay.Progress) (end func()) {
	n := newNotes(newScreen(r.stderr))
	if !n.screen.terminal || r.json {
		return func() {}
	}
	over := make(chan struct{})
	var drawing sync.WaitGroup
	drawing.Go(func() { // ends when end is called
		ticker := time.NewTicker(redrawEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				n.draw(cutTo(fmt.Sprintf("%d connections, %d changed", p.Rows(), p.Changed()), max(1, n.screen.columns()-1)))
			case <-over:
				n.draw("")
				return
			}
		}
	})
	return func() {
		close(over)
		drawing.Wait()
	}
}

// write writes the report.
func (r *replaying) write(report *replay.Report) error {
	if !r.json {
		return writeReplay(r.out, report, r.scripts, r.most)
	}
	document, err := json.Marshal(report)
	if err == nil {
		_, err = fmt.Fprintln(r.out, inert(document))
	}
	return err
}

// conclude says whether all went well. failed is why not all connections were replayed.
func (r *replaying) conclude(report *replay.Report, failed error) int {
	switch {
	case failed != nil:
		return r.failed(fmt.Errorf("this is not all: %w", failed))
	case report.Connections == 0:
		return r.failed(fmt.Errorf("there is nothing to replay: %s", r.nothingToReplay(report)))
	}
	for _, f := range failOn {
		if n := f.of(report); n > 0 && slices.Contains(r.failOn, f.name) {
			return r.failed(fmt.Errorf("there were some of --fail-on %s: %d", f.name, n))
		}
	}
	return ExitClean
}

// nothingToReplay says why there is no connection about which could be decided again.
func (r *replaying) nothingToReplay(report *replay.Report) string {
	switch {
	case report.NotRecorded > 0:
		return fmt.Sprintf("%s, but what it read is recorded of none; has the server run with --record off, or is its journal older?",
			counted(int(report.NotRecorded), "connection was decided by an open method", "connections were decided by open methods"))
	case report.NotAsked > 0:
		return "no open method was asked about any of the connections"
	case report.Damaged > 0:
		return "every recording is damaged"
	}
	if q := &r.query; !q.Since.IsZero() || !q.Until.IsZero() || q.User != "" {
		return "no connections of this --since, --until and --user"
	}
	return "no connections"
}
