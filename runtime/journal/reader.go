package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// ErrNone is wrapped by the error of Read and Follow when the folder has no journal.
var ErrNone = errors.New("no journal")

// Pages of the reader. Each is one short look at the file: a reader that waits for its terminal holds nothing that the
// writer needs.
const (
	pageRows = 1000 // rows in memory at once
	readRows = 200  // the same when they bring what they read
	pageSpan = 8192 // rows that are looked at for them
)

// readerWait is how long a statement of a reader waits for a lock; the writer's are held for milliseconds.
const readerWait = 2 * time.Second

// reader is the file, open for reading. One goroutine uses it.
type reader struct {
	db       *sql.DB
	conn     *sql.Conn
	file     os.FileInfo
	path     string
	empty    bool   // a file in which nothing has been laid out yet
	columns  string // as a query asks this file for them
	bare     string // the same without the reads
	reads    bool   // they are wanted
	texts    map[int64]string
	sessions map[int64]string // by part
}

// openReader opens the folder's journal.
func openReader(ctx context.Context, folder string) (*reader, error) {
	path := filepath.Join(folder, FileName)
	file, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w in %s: has a server run with --data %s?", ErrNone, folder, folder)
	}
	if err != nil {
		return nil, err
	}
	if err := checkHeader(path); err != nil {
		return nil, readError(path, err)
	}
	r, err := tryReader(ctx, path, "mode=ro")
	if c := code(err); c == lib.SQLITE_CANTOPEN || c == lib.SQLITE_READONLY {
		if wal, e := os.Stat(path + "-wal"); errors.Is(e, fs.ErrNotExist) || e == nil && wal.Size() == 0 {
			r, err = tryReader(ctx, path, "mode=ro&immutable=1") // a copy where SQLite cannot put its -shm file
		} else {
			err = fmt.Errorf("%w: its last rows are in %s-wal, which cannot be read in a folder that is read-only: copy both", err, FileName)
		}
	}
	if err != nil {
		return nil, readError(path, err)
	}
	r.file = file
	return r, nil
}

// tryReader opens the file in one way.
func tryReader(ctx context.Context, path, parameters string) (*reader, error) {
	name, err := dataSource(path, fmt.Sprintf("%s&_pragma=busy_timeout(%d)", parameters, readerWait.Milliseconds()))
	if err != nil {
		return nil, err
	}
	r := &reader{path: path, texts: map[int64]string{}, sessions: map[int64]string{}}
	r.db = sql.OpenDB(connector{new(sqlite.Driver), name})
	r.db.SetMaxOpenConns(1)
	if err := r.look(ctx); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// look reads what the file is.
func (r *reader) look(ctx context.Context) (err error) {
	if r.conn, err = r.db.Conn(ctx); err != nil {
		return err
	}
	var application, version, objects int64
	err = r.conn.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&application, &version, &objects)
	switch {
	case err != nil:
		return err
	case version > layoutVersion:
		return newerError(version)
	case application == 0 && objects == 0:
		r.empty = true
	case application != applicationID:
		return errForeign
	}
	r.columns = columnsOf(version)
	r.bare = strings.Replace(r.columns, ", reads", ", NULL", 1)
	return nil
}

// readError is explain for those who only read.
func readError(path string, err error) error {
	if broken(err) {
		return fmt.Errorf("%s: %w: it is no journal; a server that runs with this folder puts it aside", path, err)
	}
	if code(err) == lib.SQLITE_CANTOPEN || errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s: %w: read it as the server's user", path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// close closes the file.
func (r *reader) close() {
	if r.conn != nil {
		r.conn.Close() // nothing was written: there is nothing to lose
	}
	r.db.Close()
}

// span is the numbers between which the query's rows are, the first one excluded.
func (r *reader) span(ctx context.Context, q *Query) (after, last int64, err error) {
	if r.empty {
		return 0, 0, nil
	}
	since, until := int64(-1<<63), int64(1<<63-1)
	if !q.Since.IsZero() {
		since = q.Since.UnixMicro()
	}
	if !q.Until.IsZero() {
		until = q.Until.UnixMicro()
	}
	err = r.conn.QueryRowContext(ctx, `SELECT max(
			(SELECT coalesce(min(id), 1) - 1 FROM record),
			coalesce((SELECT max(last) FROM mark WHERE last < (SELECT min(last) FROM mark WHERE high >= ?1)),
				(SELECT max(last) FROM mark WHERE NOT EXISTS (SELECT 1 FROM mark WHERE high >= ?1)), 0)),
		iif(EXISTS (SELECT 1 FROM record WHERE id > (SELECT coalesce(max(last), 0) FROM mark) AND opened + decided < ?2),
			(SELECT coalesce(max(id), 0) FROM record), (SELECT coalesce(max(last), 0) FROM mark WHERE low < ?2))`,
		since, until).Scan(&after, &last)
	return after, last, err
}

// page reads the query's rows with after < id <= last, at most limit, from the end when backward is set. more is where
// the next page begins; it has reached the other end when there is none.
func (r *reader) page(ctx context.Context, q *Query, after, last int64, limit int, backward bool) (hits []hit, more int64, err error) {
	order := ""
	if backward {
		after, order = max(after, last-pageSpan), " DESC"
	} else {
		last = min(last, after+pageSpan)
	}
	where, arguments := q.condition()
	arguments = append([]any{after, last}, append(arguments, limit)...)
	hits, err = r.rows(ctx, `id > ? AND id <= ?`+where+` ORDER BY id`+order+` LIMIT ?`, arguments...)
	switch n := len(hits); {
	case err != nil:
		return nil, 0, err
	case n == limit && backward:
		more = hits[n-1].id - 1
	case n == limit:
		more = hits[n-1].id
	case backward:
		more = after
	default:
		more = last
	}
	return hits, more, nil
}

// pageRows is how many rows are in memory at once.
func (q *Query) pageRows() int {
	if q.WithReads {
		return readRows
	}
	return pageRows
}

// hit is a row and its number.
type hit struct {
	id  int64
	row Row
}

// rows reads the rows for which the condition is true.
func (r *reader) rows(ctx context.Context, where string, arguments ...any) (_ []hit, err error) {
	if r.empty {
		return nil, nil
	}
	tx, err := r.conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // rows and their texts are of one moment
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // it only read
	columns := r.bare
	if r.reads {
		columns = r.columns
	}
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM record WHERE `+where, arguments...)
	if err != nil {
		return nil, err
	}
	var raws []raw
	for rows.Next() {
		var w raw
		if err := w.scan(rows); err != nil {
			rows.Close()
			return nil, err
		}
		raws = append(raws, w)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	all := make([]hit, len(raws))
	for i := range raws {
		if all[i], err = r.row(ctx, tx, &raws[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// raw is a row as the table has it.
type raw struct {
	id, part, connection, user, verdict, code, opened, decided, in, out int64
	name, address, listener, version, reason, decider, cause            any
	gate, upstream, facts, shadow, local, line, fault                   any
	began, took, steps                                                  sql.NullInt64
	reads                                                               []byte
	closed                                                              sql.NullInt64
}

func (w *raw) scan(rows *sql.Rows) error {
	return rows.Scan(&w.id, &w.part, &w.connection, &w.user, &w.name, &w.address, &w.listener, &w.version, &w.verdict, &w.code,
		&w.reason, &w.decider, &w.opened, &w.decided, &w.closed, &w.in, &w.out, &w.cause, &w.gate, &w.upstream, &w.facts, &w.shadow,
		&w.local, &w.began, &w.took, &w.steps, &w.line, &w.fault, &w.reads)
}

// row is the row that the table's stands for.
func (r *reader) row(ctx context.Context, tx *sql.Tx, w *raw) (hit, error) {
	f := hit{id: w.id, row: Row{
		Connection: w.connection, User: w.user, Address: unpackAddress(w.address), Verdict: Verdict(w.verdict), Code: w.code,
		Opened: micro(w.opened), Decided: micro(w.opened + w.decided), BytesIn: w.in, BytesOut: w.out,
	}}
	if w.closed.Valid {
		f.row.Closed = micro(w.opened + w.closed.Int64)
	}
	if w.began.Valid {
		f.row.Recorded = Recorded{Local: unpackAddress(w.local), Began: micro(w.opened + w.began.Int64), Steps: w.steps.Int64,
			Took: time.Duration(w.took.Int64) * time.Microsecond, Reads: string(w.reads)}
	}
	var errs [13]error
	f.row.Session, errs[0] = spell(ctx, tx, r.sessions, `SELECT session FROM part WHERE id = ?`, w.part)
	for i, t := range []struct {
		text  *string
		value any
	}{{&f.row.UserName, w.name}, {&f.row.Listener, w.listener}, {&f.row.Version, w.version}, {&f.row.Reason, w.reason},
		{&f.row.By, w.decider}, {&f.row.Cause, w.cause}, {&f.row.Gate, w.gate}, {&f.row.Upstream, w.upstream}, {&f.row.Facts, w.facts},
		{&f.row.Shadow, w.shadow}, {&f.row.Line, w.line}, {&f.row.Fault, w.fault}} {
		*t.text, errs[i+1] = spell(ctx, tx, r.texts, `SELECT text FROM text WHERE id = ?`, t.value)
	}
	return f, errors.Join(errs[:]...)
}

// spell is the text that a column's value stands for; words has those that were asked for before. A number without a
// text is shown as the empty one: a journal that somebody wrote into is still read.
func spell(ctx context.Context, tx *sql.Tx, words map[int64]string, query string, value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case int64:
		if s, ok := words[v]; ok {
			return s, nil
		}
		var s string
		if err := tx.QueryRowContext(ctx, query, v).Scan(&s); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return "", err
		}
		words[v] = s
		return s, nil
	}
	return "", nil
}
