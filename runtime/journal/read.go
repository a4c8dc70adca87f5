package journal

import (
	"context"
	"errors"
	"iter"
	"os"
	"slices"
	"time"
)

// Query says which rows. The zero Query is all of them.
type Query struct {
	Since      time.Time // decided then or later; zero: from the beginning
	Until      time.Time // decided before; zero: to the end
	Refused    bool      // Refused, Accepted and Open: rows of any kind that is set; none set: of all
	Accepted   bool
	Open       bool   // accepted ones that have not ended
	User       string // the user's name, ASCII letters of either case; "": anybody
	Connection int64  // 0: any
	Session    string // the server session, or how it begins, letters of either case; "": any
	Last       int    // only so many rows, the last ones; 0: all

	WithReads bool // give Recorded.Reads too, which may be large; without it they are ""
}

// condition is the query as SQL, apart from the rows' numbers.
func (q *Query) condition() (where string, arguments []any) {
	add := func(sql string, values ...any) {
		where += " AND " + sql
		arguments = append(arguments, values...)
	}
	if !q.Since.IsZero() {
		add("opened + decided >= ?", q.Since.UnixMicro())
	}
	if !q.Until.IsZero() {
		add("opened + decided < ?", q.Until.UnixMicro())
	}
	if kinds := q.kinds(); kinds != "" {
		add(kinds)
	}
	if q.User != "" {
		add("(name IN (SELECT id FROM text WHERE text = ? COLLATE NOCASE) OR name = ? COLLATE NOCASE)", q.User, q.User)
	}
	if q.Connection != 0 {
		add("connection = ?", q.Connection)
	}
	if q.Session != "" {
		add("part IN (SELECT id FROM part WHERE substr(session, 1, ?) = ? COLLATE NOCASE)", len(q.Session), q.Session)
	}
	return where, arguments
}

// kinds is the part of the condition about verdicts.
func (q *Query) kinds() string {
	switch {
	case q.Refused && q.Accepted:
		return ""
	case q.Refused && q.Open:
		return "(verdict = 1 OR closed IS NULL)"
	case q.Refused:
		return "verdict = 1"
	case q.Accepted:
		return "verdict = 0"
	case q.Open:
		return "closed IS NULL"
	}
	return ""
}

// Read gives the rows in the order in which they were decided, up to those that are there when it begins, also while a
// server writes. It holds nothing that the writer waits for, however slowly the rows are taken; rows that are deleted
// meanwhile, because they are old, are left out. It works on a copy of the folder, also on a read-only one.
//
// An error is the last that is given, with the zero Row: [ErrNone] without a journal, [ErrNewer] for one that this
// version cannot read, ctx's when it ends. A folder in which a server has not recorded anything yet has no rows.
func Read(ctx context.Context, folder string, q Query) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		r, err := openReader(ctx, folder)
		if err != nil {
			yield(Row{}, err)
			return
		}
		defer r.close()
		r.reads = q.WithReads
		_, err = r.history(ctx, &q, func(h *hit) bool { return yield(h.row, nil) })
		if err != nil && !errors.Is(err, errEnough) {
			yield(Row{}, readError(r.path, err))
		}
	}
}

// errEnough ends a reading whose reader wants no more.
var errEnough = errors.New("the reader wants no more")

// history gives the query's rows that are there now, and the number of the last row that it has looked at.
func (r *reader) history(ctx context.Context, q *Query, yield func(*hit) bool) (last int64, err error) {
	after, last, err := r.span(ctx, q)
	if err != nil {
		return 0, err
	}
	if q.Last > 0 {
		return last, r.tail(ctx, q, after, last, yield)
	}
	return last, r.between(ctx, q, after, last, yield)
}

// between gives the query's rows with after < id <= last.
func (r *reader) between(ctx context.Context, q *Query, after, last int64, yield func(*hit) bool) error {
	for after < last {
		rows, more, err := r.page(ctx, q, after, last, q.pageRows(), false)
		if err != nil {
			return err
		}
		for i := range rows {
			if !yield(&rows[i]) {
				return errEnough
			}
		}
		after = more
	}
	return nil
}

// tail gives the last of the query's rows.
func (r *reader) tail(ctx context.Context, q *Query, after, last int64, yield func(*hit) bool) error {
	var all []hit
	for after < last && len(all) < q.Last {
		rows, more, err := r.page(ctx, q, after, last, min(q.pageRows(), q.Last-len(all)), true)
		if err != nil {
			return err
		}
		all, last = append(all, rows...), more
	}
	for _, h := range slices.Backward(all) {
		if !yield(&h) {
			return errEnough
		}
	}
	return nil
}

// followEvery is how often Follow looks whether something was written.
const followEvery = 200 * time.Millisecond

// Follow gives what Read gives, and goes on with rows as they are written, until ctx ends; that is no error. A row that
// it gave while it was open comes again, complete, when it has ended. When the journal is put aside or deleted while it
// follows, it goes on with the new one from its beginning.
//
// It looks five times a second, at a counter in memory that the file's readers and writer share.
func Follow(ctx context.Context, folder string, q Query) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		r, err := openReader(ctx, folder)
		if err != nil {
			yield(Row{}, err)
			return
		}
		r.reads = q.WithReads
		f := &follower{reader: r, folder: folder, query: q, open: map[int64]bool{}, yield: yield}
		defer func() { f.reader.close() }()
		path := r.path
		if err := f.run(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, errEnough) {
			yield(Row{}, readError(path, err))
		}
	}
}

// follower is a Follow that runs.
type follower struct {
	*reader
	folder  string
	query   Query
	yield   func(Row, error) bool
	after   int64          // the last row that was looked at
	open    map[int64]bool // rows that were given while open
	version int64          // of the data, as SQLite counts
}

// run gives rows until ctx ends or the yield function has enough.
func (f *follower) run(ctx context.Context) (err error) {
	if _, err := f.changed(ctx); err != nil {
		return err
	}
	if f.after, err = f.newest(ctx); err != nil {
		return err
	}
	if _, err = f.history(ctx, &f.query, f.give); err != nil {
		return err
	}
	f.query.Last = 0
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		if err := f.next(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// newest is the number of the last row. History reads up to it, or a little further, when rows are written in between;
// give leaves out what comes twice.
func (f *follower) newest(ctx context.Context) (last int64, err error) {
	_, last, err = f.span(ctx, &Query{})
	return last, err
}

// give hands a row on.
func (f *follower) give(h *hit) bool {
	f.after = max(f.after, h.id)
	if h.row.Closed.IsZero() {
		f.open[h.id] = true
	} else {
		delete(f.open, h.id)
	}
	return f.yield(h.row, nil)
}

// next gives what was written since the last time.
func (f *follower) next(ctx context.Context) error {
	if err := f.reopen(ctx); err != nil {
		return err
	}
	changed, err := f.changed(ctx)
	if err != nil || !changed {
		return err
	}
	last, err := f.newest(ctx)
	if err != nil {
		return err
	}
	if err := f.completed(ctx); err != nil {
		return err
	}
	err = f.between(ctx, &f.query, f.after, last, f.give)
	f.after = max(f.after, last)
	return err
}

// changed reports whether anything was written since the last call.
func (f *follower) changed(ctx context.Context) (bool, error) {
	before := f.version
	err := f.conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&f.version)
	return f.version != before, err
}

// completed gives the rows again that were open and have ended.
func (f *follower) completed(ctx context.Context) error {
	if len(f.open) == 0 {
		return nil
	}
	rows, err := f.conn.QueryContext(ctx, "SELECT id FROM record WHERE closed IS NULL")
	if err != nil {
		return err
	}
	still := make(map[int64]bool, len(f.open))
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			rows.Close()
			return err
		}
		still[id] = true
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	var ended []int64
	for id := range f.open {
		if !still[id] {
			ended = append(ended, id)
		}
	}
	slices.Sort(ended)
	for _, id := range ended {
		hits, err := f.rows(ctx, "id = ?", id)
		if err != nil {
			return err
		}
		delete(f.open, id) // also when it was deleted in between
		for i := range hits {
			if !f.give(&hits[i]) {
				return errEnough
			}
		}
	}
	return nil
}

// reopen turns to the new file when there is one. While there is none it stays with the old one.
func (f *follower) reopen(ctx context.Context) error {
	now, err := os.Stat(f.path)
	if err != nil || os.SameFile(now, f.file) && !f.empty {
		return nil
	}
	r, err := openReader(ctx, f.folder)
	if err != nil {
		if ctx.Err() != nil || errors.Is(err, ErrNewer) {
			return err
		}
		return nil // it is being made
	}
	r.reads = f.query.WithReads
	replaced := !os.SameFile(now, f.file)
	f.reader.close()
	f.reader = r
	f.version = 0
	if replaced {
		f.after = 0
		clear(f.open)
	}
	return nil
}
