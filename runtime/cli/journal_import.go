package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"moongate/runtime/journal"
	"moongate/runtime/journal/archive"
)

// importing is the taking in of an export.
type importing struct {
	folder   string
	journals map[string]*journal.Journal // by session
	there    map[string]*known
	waiting  int // rows and
	bytes    int // bytes of reads since everything was written last
	added    int
	before   int // that were there already
}

// known is what the journal has of a session.
type known struct {
	rows map[identity]bool
	live bool // connections are open: a server writes it
}

// identity is what no two connections of a session have in common.
type identity struct {
	connection, opened int64
	address            string
}

func identityOf(row *journal.Row) identity {
	return identity{row.Connection, row.Opened.UnixMicro(), row.Address.String()}
}

// Bounds of what waits to be written: far less than a journal lets wait.
const (
	importRows  = 4096
	importBytes = 4 << 20
)

// importTime is how long a journal that cannot be written is tried.
const importTime = 15 * time.Second

// takeIn is moongate journal import.
func (e *exporting) takeIn(ctx context.Context, name string) int {
	in, done, err := e.openArchive(name)
	if err != nil {
		return e.failed(err)
	}
	defer done()
	if err := os.MkdirAll(e.data, 0o700); err != nil {
		return e.failed(err)
	}
	i := &importing{folder: e.data, journals: map[string]*journal.Journal{}, there: map[string]*known{}}
	bad, err := i.run(ctx, in, func(line error) {
		fmt.Fprintf(e.stderr, "moongate: %s: %s\n", printable(name), printable(line.Error()))
	})
	if err == nil || i.added > 0 {
		fmt.Fprintf(e.stderr, "%s imported", counted(i.added, "connection", "connections"))
		if i.before > 0 {
			fmt.Fprintf(e.stderr, ", %d were there already", i.before)
		}
		fmt.Fprintln(e.stderr)
	}
	switch {
	case err != nil:
		return e.failed(fmt.Errorf("%s: %w", name, err))
	case bad > 0:
		return e.failed(fmt.Errorf("%s: %s left out", name, counted(bad, "line was", "lines were")))
	}
	return ExitClean
}

// mostBadLines is how many lines that are nonsense are shown.
const mostBadLines = 10

// run takes the rows in, up to the end of the archive or an error. It says how many lines are nonsense.
func (i *importing) run(ctx context.Context, in *archive.Reader, say func(line error)) (bad int, err error) {
	defer func() { err = errors.Join(err, i.close()) }()
	for row, err := range in.Rows() {
		var line *archive.LineError
		switch {
		case ctx.Err() != nil:
			return bad, ctx.Err()
		case errors.As(err, &line):
			if bad++; bad <= mostBadLines {
				say(line)
			}
		case err != nil:
			return bad, err
		default:
			if err := i.add(ctx, &row); err != nil {
				return bad, err
			}
		}
	}
	return bad, nil
}

// add takes a row in, unless it is there.
func (i *importing) add(ctx context.Context, row *journal.Row) error {
	there, err := i.known(ctx, row.Session)
	if err != nil {
		return err
	}
	id := identityOf(row)
	switch {
	case there.rows[id]:
		i.before++
		return nil
	case there.live:
		return fmt.Errorf("session %s has open connections in %s, so its server writes there: take the file in elsewhere", row.Session, i.folder)
	}
	there.rows[id] = true
	j, err := i.journal(row.Session)
	if err != nil {
		return err
	}
	i.added++
	if row.Verdict == journal.Refused {
		j.Refused(row)
	} else {
		if row.Closed.IsZero() {
			row.Closed, row.Cause = row.Decided, journal.Lost
		}
		j.Closed(row)
	}
	i.waiting++
	if i.bytes += len(row.Reads); i.waiting < importRows && i.bytes < importBytes {
		return nil
	}
	return i.settle(ctx)
}

// known looks what there is of a session.
func (i *importing) known(ctx context.Context, session string) (*known, error) {
	if k := i.there[session]; k != nil {
		return k, nil
	}
	k := &known{rows: map[identity]bool{}}
	for row, err := range journal.Read(ctx, i.folder, journal.Query{Session: session}) {
		if errors.Is(err, journal.ErrNone) {
			break
		}
		if err != nil {
			return nil, err
		}
		if row.Session == session {
			k.rows[identityOf(&row)] = true
			k.live = k.live || row.Closed.IsZero()
		}
	}
	i.there[session] = k
	return k, nil
}

// journal is the one that writes rows of a session.
func (i *importing) journal(session string) (*journal.Journal, error) {
	if j := i.journals[session]; j != nil {
		return j, nil
	}
	if len(i.journals) >= importSessions {
		if err := i.close(); err != nil {
			return nil, err
		}
	}
	j := journal.Open(journal.Options{Folder: i.folder, Session: session, Beside: true, Log: slog.New(slog.DiscardHandler)})
	i.journals[session] = j
	return j, nil
}

// importSessions is how many sessions are written at once: those of servers that followed each other overlap.
const importSessions = 8

// settle waits until all is written.
func (i *importing) settle(ctx context.Context) error {
	deadline := time.Now().Add(importTime)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for _, j := range i.journals {
		for {
			s := j.Stats()
			if s.Queued == 0 {
				break
			}
			if s.Failing != nil && time.Now().After(deadline) {
				return s.Failing
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
	}
	i.waiting, i.bytes = 0, 0
	return nil
}

// close writes what waits. Sessions that come again are opened again.
func (i *importing) close() (err error) {
	for session, j := range i.journals {
		lost := j.Close(importTime)
		err = errors.Join(err, lost)
		delete(i.journals, session)
	}
	i.waiting, i.bytes = 0, 0
	return err
}
