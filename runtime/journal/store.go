package journal

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// store is the file, open for writing. It belongs to the writer's goroutine.
type store struct {
	path string
	db   *sql.DB
	conn *sql.Conn // the only one: prepared statements and the batch live in it
	file os.FileInfo
	wal  os.FileInfo // nil where the file system cannot have one

	rows, bare, text, part, mark, debt *sql.Stmt
}

// connector opens connections of a driver of our own, so that the source is known to them and to nobody else's.
type connector struct {
	driver *sqlite.Driver
	name   string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.name) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// dataSource is the file's address for SQLite; parameters are written as in a query string.
func dataSource(path, parameters string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") { // a drive letter
		slashed = "/" + slashed
	}
	return "file://" + (&url.URL{Path: slashed}).EscapedPath() + "?_error_rc=1&" + parameters, nil
}

// openStore opens the journal in the folder for writing, and makes it when there is none or an empty one. It never
// touches the file of a newer Moongate. What it finds instead of a journal is an error for which broken is true.
func openStore(ctx context.Context, folder string, d *sqlite.Driver, cachePages int) (*store, error) {
	s := &store{path: filepath.Join(folder, FileName)}
	if err := checkHeader(s.path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite would make it readable by everybody
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	name, err := dataSource(s.path, fmt.Sprintf("mode=rw&_pragma=busy_timeout(%d)&_pragma=synchronous(FULL)&_pragma=temp_store(MEMORY)"+
		"&_pragma=wal_autocheckpoint(%d)&_pragma=journal_size_limit(%d)", lockWait.Milliseconds(), cachePages, 4096*2*cachePages))
	if err != nil {
		return nil, err
	}
	s.db = sql.OpenDB(connector{d, name})
	s.db.SetMaxOpenConns(1)
	if err := s.prepare(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// lockWait is how long a statement waits for a lock that another program holds; then it counts as failed.
const lockWait = 500 * time.Millisecond

// prepare makes the layout where it is missing, and what the connection needs.
func (s *store) prepare(ctx context.Context) (err error) {
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return err
	}
	if err := s.layOut(ctx); err != nil {
		return err
	}
	if _, err := s.conn.ExecContext(ctx, "CREATE VIRTUAL TABLE temp.batch USING batch"); err != nil {
		return err
	}
	for _, p := range []struct {
		statement **sql.Stmt
		text      string
	}{{&s.rows, writeRows(columns)}, {&s.bare, writeRows(bareColumns)}, {&s.text, writeText}, {&s.part, writePart}, {&s.mark, writeMark}, {&s.debt, settleDebt}} {
		if *p.statement, err = s.conn.PrepareContext(ctx, p.text); code(err) == lib.SQLITE_ERROR {
			return fmt.Errorf("%w: %w", errForeign, err) // a table is missing: somebody has been at it
		} else if err != nil {
			return err
		}
	}
	s.file, err = os.Stat(s.path)
	return err
}

// layOut looks at what the file is, and makes a journal of an empty one.
func (s *store) layOut(ctx context.Context) error {
	var application, version, objects int64
	err := s.conn.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&application, &version, &objects)
	if err != nil {
		return err
	}
	if version > layoutVersion {
		return newerError(version)
	}
	if application != applicationID && (application != 0 || version != 0 || objects != 0) {
		return errForeign
	}
	var missing []string
	switch {
	case application == 0:
		missing = []string{tables}
	case version < 1:
		return errForeign
	case version < layoutVersion:
		missing = append(slices.Clone(steps[version-1:]), fmt.Sprintf("PRAGMA user_version = %d", layoutVersion))
	}
	if len(missing) > 0 {
		if err := s.transact(ctx, func() error {
			_, err := s.conn.ExecContext(ctx, strings.Join(missing, ";\n"))
			return err
		}); err != nil {
			return err
		}
	}
	var mode string // not wal where the file system cannot do it: slower, but it works
	return s.conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
}

// checkHeader looks at the file without SQLite, so that the journal of a newer Moongate is not even opened.
func checkHeader(path string) error {
	version, err := headerVersion(path)
	if err != nil {
		return err
	}
	if version > layoutVersion {
		return newerError(version)
	}
	return nil
}

// transact runs the statements of f in one transaction. After an error nothing of them is in the file.
func (s *store) transact(ctx context.Context, f func() error) error {
	if _, err := s.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		_, err = s.conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		s.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // an error here says that SQLite has done it already
	}
	return err
}

// moved reports whether the file at the path is no longer the one that is written to.
func (s *store) moved() bool {
	now, err := os.Stat(s.path)
	if err != nil || !os.SameFile(now, s.file) {
		return !errors.Is(err, fs.ErrPermission)
	}
	if s.wal == nil {
		return false
	}
	wal, err := os.Stat(s.path + "-wal")
	return errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(wal, s.wal)
}

// close closes the file. SQLite copies the -wal file into it and removes it, when nobody else reads. A statement that is
// left would keep the file open.
func (s *store) close() error {
	var err error
	for _, statement := range []*sql.Stmt{s.rows, s.bare, s.text, s.part, s.mark, s.debt} {
		if statement != nil {
			err = errors.Join(err, statement.Close())
		}
	}
	if s.conn != nil {
		err = errors.Join(err, s.conn.Close())
	}
	return errors.Join(err, s.db.Close())
}

// version is a number that changes whenever another connection has written to the file. In a transaction it stays as it is.
func (s *store) version(ctx context.Context) (n int64, err error) {
	err = s.conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&n)
	return n, err
}

// state is what the file knows that a batch must know.
type state struct {
	part     part // the session's last; id 0: it has none
	lastPart int64
	nextID   int64
	nextText int64
	open     map[int64]int64 // of this session
	span     mark
	spans    int
}

// read reads the state for the session.
func (s *store) read(ctx context.Context, session string) (*state, error) {
	st := &state{open: make(map[int64]int64)}
	err := s.conn.QueryRowContext(ctx, `SELECT
		(SELECT coalesce(max(id), 0) FROM part),
		max((SELECT coalesce(max(id), 0) FROM record), (SELECT coalesce(max(first), 1) - 1 FROM part)) + 1,
		max((SELECT coalesce(max(id), 0) FROM text), (SELECT coalesce(max(texts), 1) - 1 FROM part)) + 1`).
		Scan(&st.lastPart, &st.nextID, &st.nextText)
	if err != nil {
		return nil, err
	}
	err = s.conn.QueryRowContext(ctx, `SELECT id, first, texts FROM part WHERE session = ? ORDER BY id DESC LIMIT 1`, session).
		Scan(&st.part.id, &st.part.first, &st.part.texts)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	err = s.conn.QueryRowContext(ctx, `SELECT count(*), coalesce(max(id), 0), coalesce(min(opened + decided), 0),
		coalesce(max(opened + decided), 0) FROM record WHERE id > (SELECT coalesce(max(last), 0) FROM mark)`).
		Scan(&st.spans, &st.span.last, &st.span.low, &st.span.high)
	if err != nil {
		return nil, err
	}
	rows, err := s.conn.QueryContext(ctx, `SELECT connection, id FROM record WHERE closed IS NULL
		AND part IN (SELECT id FROM part WHERE session = ?)`, session)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var connection, id int64
		if err := rows.Scan(&connection, &id); err != nil {
			return nil, err
		}
		st.open[connection] = id
	}
	return st, rows.Err()
}

// lostStep is how many rows are closed as lost in one transaction.
const lostStep = 2000

// closeLost closes what these sessions left open, or all but these, at the last moment that the journal knows them to have
// lived.
func (s *store) closeLost(ctx context.Context, sessions []string, these bool) (lost int64, err error) {
	list, err := json.Marshal(sessions)
	if err != nil {
		return 0, err
	}
	for {
		var n int64
		err := s.transact(ctx, func() error {
			result, err := s.conn.ExecContext(ctx, closeLost, string(list), these, lostStep)
			if err == nil {
				n, err = result.RowsAffected()
			}
			return err
		})
		lost += n
		if err != nil || n < lostStep {
			return lost, err
		}
	}
}
