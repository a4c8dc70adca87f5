package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"moongate/runtime/datastore/failure"
	"moongate/runtime/datastore/statement"
)

// Options are how to open a file. The zero value of each is its default.
type Options struct {
	Normal   bool          // a power cut may cost the last saves, but nothing else; false: it costs none
	TurnWait time.Duration // how long a save waits for others' transactions; 0 is 10 s
	Readers  int           // connections that read at the same time; 0 is 4
	ReadOnly bool          // nothing is written, and a missing file is not made
}

// Engine is an open file. Its methods may be called from any goroutine.
type Engine struct {
	path   string
	writer *conn // used by who has the turn
	turn   turn
	idle   chan *conn // readers; nil is one that may be opened
	once   sync.Once
	file   os.FileInfo // that was opened
}

// lockWait is how long a statement waits for another program's lock on the file, in milliseconds.
const lockWait = 1000

// Open opens the file, and makes it if it is missing, for its owner only. What fails is a *failure.Error that names
// the file and says what to do. It blocks while the file is read.
func Open(ctx context.Context, path string, o Options) (*Engine, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, explain(path, err)
	}
	if o.TurnWait == 0 {
		o.TurnWait = 10 * time.Second
	}
	if o.Readers == 0 {
		o.Readers = 4
	}
	if err := make600(path, o.ReadOnly); err != nil {
		return nil, explain(path, err)
	}
	e := &Engine{path: path, turn: turn{wait: o.TurnWait}, idle: make(chan *conn, o.Readers)}
	for range o.Readers {
		e.idle <- nil
	}
	if e.writer, err = connect(path, o.ReadOnly); err != nil {
		return nil, err
	}
	if err := e.prepare(ctx, o); err != nil {
		e.writer.close()
		return nil, err
	}
	return e, nil
}

// make600 makes an empty file: SQLite would make it readable by everybody.
func make600(path string, readOnly bool) error {
	if readOnly {
		_, err := os.Stat(path)
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// prepare says how the writing connection writes.
func (e *Engine) prepare(ctx context.Context, o Options) error {
	synchronous := "FULL"
	if o.Normal {
		synchronous = "NORMAL"
	}
	pragmas := []string{"busy_timeout = " + strconv.Itoa(lockWait), "synchronous = " + synchronous, "temp_store = MEMORY", "journal_size_limit = 67108864", "cell_size_check = ON"}
	if !o.ReadOnly {
		pragmas = append(pragmas, "journal_mode = WAL")
	}
	for _, p := range pragmas {
		if _, err := e.writer.run(ctx, "PRAGMA "+p, nil, nil); err != nil {
			return err
		}
	}
	if _, err := e.writer.run(ctx, "SELECT count(*) FROM sqlite_schema", nil, nil); err != nil { // is it a database?
		return err
	}
	var err error
	e.file, err = os.Stat(e.path)
	return explain(e.path, err)
}

// gone is an error when the file was deleted or replaced: what is written to it then is in no file that anybody
// finds.
func (e *Engine) gone() error {
	info, err := os.Stat(e.path)
	if err != nil || !os.SameFile(info, e.file) {
		return failure.New(failure.Unavailable, "", "%s: was deleted or replaced while it was open; put it back, and start the server again", e.path)
	}
	return nil
}

// Dialect is SQLite.
func (e *Engine) Dialect() statement.Dialect { return statement.SQLite }

// Unicode is the collation for small letters: SQLite's is a function.
func (e *Engine) Unicode() string { return "" }

// Read runs a statement that reads, on a connection of its own, and blocks until it is done; each gets its rows, in a
// slice that is valid during the call, and may end it with io.EOF.
func (e *Engine) Read(ctx context.Context, text string, args []any, each func(row []any) error) error {
	c, err := e.reader(ctx)
	if err != nil {
		return err
	}
	_, err = c.run(ctx, text, args, each)
	e.idle <- c
	return err
}

// reader waits for a connection that reads.
func (e *Engine) reader(ctx context.Context) (*conn, error) {
	var c *conn
	select {
	case c = <-e.idle:
	default:
		select {
		case c = <-e.idle:
		case <-ctx.Done():
			return nil, endedError(ctx)
		}
	}
	if c != nil {
		return c, nil
	}
	c, err := connect(e.path, true)
	if err == nil {
		if _, err = c.run(ctx, "PRAGMA busy_timeout = "+strconv.Itoa(lockWait), nil, nil); err != nil {
			c.close()
		}
	}
	if err != nil {
		e.idle <- nil
		return nil, err
	}
	return c, nil
}

// Write runs one statement that writes, together with others', and blocks until it is on the disk. It gives how many
// rows it changed; returned, which may be nil, gets the first row of a RETURNING. Owner says who writes, for errors
// that others get.
func (e *Engine) Write(ctx context.Context, owner, text string, args []any, returned *[]any) (int64, error) {
	w := e.turn.waiter()
	w.owner, w.text, w.args, w.returned = owner, text, args, returned
	now, err := e.turn.enter(w)
	if err != nil {
		return 0, err
	}
	if !now {
		if err := e.turn.await(ctx, w); err != nil {
			e.turn.release(w)
			return 0, err
		}
	}
	if w.leads {
		e.lead(w)
	}
	affected, err := w.affected, w.err
	e.turn.release(w)
	return affected, err
}

// lead writes the batch of who has the turn, tells the others, and passes the turn.
func (e *Engine) lead(leader *waiter) {
	batch := e.turn.collect(leader)
	e.writeBatch(batch)
	for _, w := range batch[1:] {
		w.ready <- struct{}{}
	}
	e.turn.pass()
}

// writeBatch writes the saves in one transaction. One that fails by itself does not undo the others.
func (e *Engine) writeBatch(batch []*waiter) {
	c, err := e.writer, e.gone()
	if err == nil && len(batch) == 1 {
		batch[0].write(c)
		return
	}
	if err == nil {
		_, err = c.run(context.Background(), "BEGIN IMMEDIATE", nil, nil)
	}
	for _, w := range batch {
		if err != nil {
			break
		}
		if w.write(c); w.err != nil && (!c.inTransaction() || !own(w.err)) {
			err = w.err
		}
	}
	if err == nil {
		_, err = c.run(context.Background(), "COMMIT", nil, nil)
	}
	if err == nil {
		return
	}
	if c.inTransaction() {
		c.run(context.Background(), "ROLLBACK", nil, nil)
	}
	for _, w := range batch {
		w.err = err
	}
}

// own reports whether an error is about the statement, so that others can go on.
func own(err error) bool {
	k := failure.Of(err)
	return k == failure.DuplicateKey || k == failure.Value || k == failure.Internal
}

// write runs the save's statement.
func (w *waiter) write(c *conn) {
	w.affected, w.err = c.run(context.Background(), w.text, w.args, keep(w.returned))
}

// keep keeps the first row.
func keep(returned *[]any) func([]any) error {
	if returned == nil {
		return nil
	}
	*returned = nil
	return func(row []any) error {
		if *returned == nil {
			*returned = append([]any{}, row...)
		}
		return nil
	}
}

// Close waits for who writes, and closes the file. Reading must be over.
func (e *Engine) Close() error {
	e.once.Do(func() {
		e.turn.close()
		for range cap(e.idle) {
			if c := <-e.idle; c != nil {
				c.close()
			}
		}
		e.writer.close()
	})
	return nil
}
