package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"

	"moongate/runtime/journal"
	"moongate/runtime/journal/archive"
	"moongate/runtime/session"
)

var journalManual = manual{
	name: "journal", arguments: "export, or import FILE", meaning: "move what the journal has recorded: write it as JSON lines, or take it in",
	examples: []string{"journal export --since 24h > day.jsonl", "journal export --anonymize --keep-network 203.0.113.0/24 > day.jsonl", "journal import day.jsonl --data elsewhere"},
	more: "An export has a line of JSON for each connection, one before them that says what the file is, and one behind them\n" +
		"with their number: moongate replay FILE takes it as it is. A line has session, connection, user, user_name, address,\n" +
		"local, listener, gate, upstream, facts, version, verdict, code, reason, by, shadow, opened, decided, closed, cause,\n" +
		"bytes_in, bytes_out, and recorded, an object with began, took, steps, line, fault, cut and reads: what, key, value and\n" +
		"line of each (a value is a list in the form of RESP3).\n\n" +
		"--anonymize gives users pseudonyms, and addresses other ones, wherever they stand, in reasons, facts and reads too.\n" +
		"Two addresses have as many leading bits in common as before, and private networks and those of --keep-network stay\n" +
		"what they are, so that rules about networks mean the same: name the networks of the rules. Lost are other networks,\n" +
		"and rules about names. Not hidden is anything else: what the scripts' own tables and shared values say, ports, times,\n" +
		"numbers of accounts. Read the file before you give it away.\n\n" +
		"import adds what the journal in --data does not have yet, beside a server that runs with it or not; FILE may be -, the\n" +
		"standard input. A connection that was open in the export has ended then (lost). Rows that are older than the server's\n" +
		"--journal-keep are deleted by it as its own are. Exit codes: 0 done, 1 not done or not all of it, 2 wrong usage.",
}

// exporting is one run of moongate journal export.
type exporting struct {
	*operation
	query     journal.Query
	anonymize bool
	keep      []string
	keyFile   string
}

// journalActs is moongate journal.
func journalActs(m *invocation, args []string) int {
	e := &exporting{operation: newRecordings(m, journalManual)}
	e.period(&e.query)
	e.set.BoolVar(&e.anonymize, "anonymize", false, "let export write pseudonyms in place of users and addresses")
	e.set.StringArrayVar(&e.keep, "keep-network", nil, "with --anonymize: this `network` stays what it is, but for the addresses in it (repeatable)")
	e.set.StringVar(&e.keyFile, "key-file", "", "with --anonymize: a secret `file`; the same one gives the same pseudonyms again (default: new ones each time)")
	e.dataFolder()
	if ok, code := e.parse(args, 1, 2); !ok {
		return code
	}
	kept, err := e.sensible()
	if err != nil {
		return e.misused(err)
	}
	ctx, stop := e.interruptibleBut(e.set.Arg(1))
	defer stop()
	if e.set.Arg(0) == "import" {
		return e.takeIn(ctx, e.set.Arg(1))
	}
	return e.export(ctx, kept)
}

// sensible looks at the command line, and reads the networks that are kept.
func (e *exporting) sensible() (kept []netip.Prefix, err error) {
	for _, text := range e.keep {
		network, err := session.ParseNetwork(text)
		if err != nil {
			return nil, fmt.Errorf("--keep-network: %w", err)
		}
		kept = append(kept, network)
	}
	act, n := e.set.Arg(0), e.set.NArg()
	switch {
	case act != "export" && act != "import":
		return nil, fmt.Errorf("%q is not what it can do; that is export, or import FILE", act)
	case act == "import" && n < 2:
		return nil, errors.New("import what? Name the file that moongate journal export has written, or - for the standard input")
	case act == "export" && n > 1:
		return nil, fmt.Errorf("unexpected argument %q: export writes to the standard output", e.set.Arg(1))
	case act == "import" && (e.anonymize || !e.query.Since.IsZero() || !e.query.Until.IsZero() || e.query.User != ""):
		return nil, errors.New("--since, --until, --user and --anonymize are for export")
	case !e.anonymize && (len(kept) > 0 || e.keyFile != ""):
		return nil, errors.New("--keep-network and --key-file are for --anonymize")
	case e.json:
		return nil, errors.New("export is JSON lines anyway; leave --json out")
	}
	return kept, nil
}

// export writes the journal's rows.
func (e *exporting) export(ctx context.Context, kept []netip.Prefix) int {
	veil, err := e.veil(ctx, kept)
	if err != nil {
		return e.failed(err)
	}
	out := bufio.NewWriterSize(e.out, 1<<16)
	rows, err := e.writeRows(ctx, out, veil)
	if err == nil || rows > 0 { // else there is no journal, and nothing to say of it but that
		if flushed := out.Flush(); err == nil && flushed != nil {
			err = writeError{flushed}
		}
	}
	var unwritten writeError
	switch {
	case errors.As(err, &unwritten):
		return e.written(unwritten.error)
	case err != nil:
		return e.failed(err)
	}
	return ExitClean
}

// veil makes the export anonymous, if that was asked for; else it is nil. It knows all users of the journal
// beforehand: a row may name those of others.
func (e *exporting) veil(ctx context.Context, kept []netip.Prefix) (*archive.Veil, error) {
	if !e.anonymize {
		return nil, nil
	}
	key, err := e.key()
	if err != nil {
		return nil, err
	}
	veil := archive.NewVeil(key, kept)
	for row, err := range journal.Read(ctx, e.data, journal.Query{}) {
		if err != nil {
			return nil, err
		}
		veil.Know(row.UserName)
	}
	return veil, nil
}

// key is what the pseudonyms are made with: that of --key-file, or one that nobody will know.
func (e *exporting) key() ([]byte, error) {
	if e.keyFile == "" {
		key := make([]byte, 32)
		rand.Read(key) // it never fails
		return key, nil
	}
	key, err := os.ReadFile(e.keyFile)
	if err == nil && len(bytes.TrimSpace(key)) < shortestKey {
		err = fmt.Errorf("--key-file %s has less than %d bytes, which anybody could try out; make it with: head -c 32 /dev/urandom | base64", e.keyFile, shortestKey)
	}
	return key, err
}

// shortestKey is how many bytes a key must have.
const shortestKey = 16

// writeRows writes the rows and gives their number. The error is the journal's, or a writeError. What was written before an error of the
// journal has no last line, so that nobody takes it for all.
func (e *exporting) writeRows(ctx context.Context, out io.Writer, veil *archive.Veil) (rows int64, err error) {
	to, err := archive.NewWriter(out, release, veil != nil)
	if err != nil {
		return 0, writeError{err}
	}
	e.query.WithReads = true
	damaged := 0
	for row, err := range journal.Read(ctx, e.data, e.query) {
		if err != nil {
			return rows, err
		}
		if veil != nil && veil.Row(&row) != nil {
			damaged++
		}
		if err := to.Write(&row); err != nil {
			return rows, writeError{err}
		}
		rows++
	}
	if err := to.End(); err != nil {
		return rows, writeError{err}
	}
	_, bare := to.Count()
	fmt.Fprintf(e.stderr, "%s exported\n", counted(int(rows), "connection", "connections"))
	if bare += int64(damaged); bare > 0 {
		fmt.Fprintf(e.stderr, "%s without what it read, because that is damaged\n", counted(int(bare), "of them", "of them"))
	}
	return rows, nil
}
