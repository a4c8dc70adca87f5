package postgres

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"moongate/runtime/datastore/failure"
	"moongate/runtime/datastore/statement"
)

// Options are how to use a server. The zero value of each is its default.
type Options struct {
	Normal      bool          // commits do not wait for the server's disk
	TurnWait    time.Duration // how long a statement waits for a row that somebody else's transaction has changed; 0 is 10 s
	RetryFor    time.Duration // how long a server that went away is tried again; 0 is 5 s
	Connections int           // at the same time, the one for record locks left out; 0 is 16
	Log         *slog.Logger  // is told when the server goes away and is back; nil: nobody is
}

// Engine is an open database. Its methods may be called from any goroutine.
type Engine struct {
	config  *pgx.ConnConfig
	options Options
	unicode string
	schema  string
	idle    chan pooled
	locks   locks

	mu     sync.Mutex
	closed bool
	away   time.Time // since when the server is; zero: it is there
}

// pooled is a connection that nobody uses.
type pooled struct {
	conn *pgx.Conn // nil: it may be opened
	used time.Time // last
}

// trusted is how long a connection that nobody uses is taken to be there without a look.
const trusted = time.Second

// alive finds out within half a minute that a server is gone which did not say so, while its answer is waited for.
var alive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// Open connects to the server that the URL names, and looks whether its database can be used. What fails is a
// *failure.Error that says what to do; the password is in none.
func Open(ctx context.Context, url string, o Options) (*Engine, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, &failure.Error{Kind: failure.Value, Message: "the database's URL: " + err.Error() + "; write it as postgres://user:password@host/database", Cause: err}
	}
	o.defaults()
	config.RuntimeParams["lock_timeout"] = strconv.FormatInt(o.TurnWait.Milliseconds(), 10)
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "moongate"
	}
	if o.Normal {
		config.RuntimeParams["synchronous_commit"] = "off"
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = o.RetryFor
	}
	config.DialFunc = (&net.Dialer{KeepAliveConfig: alive}).DialContext
	config.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: 2 * time.Second}
	}
	e := &Engine{config: config, options: o, idle: make(chan pooled, o.Connections)}
	for range o.Connections {
		e.idle <- pooled{}
	}
	e.locks.init(e)
	if err := e.look(ctx); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

func (o *Options) defaults() {
	if o.TurnWait == 0 {
		o.TurnWait = 10 * time.Second
	}
	if o.RetryFor == 0 {
		o.RetryFor = 5 * time.Second
	}
	if o.Connections == 0 {
		o.Connections = 16
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// look finds out what the database can do.
func (e *Engine) look(ctx context.Context) error {
	var encoding string
	err := e.Read(ctx, `SELECT current_setting('server_encoding'), coalesce(current_schema()::text, ''),
		coalesce((SELECT '"und-x-icu"' FROM pg_collation WHERE collname = 'und-x-icu' LIMIT 1), '')`, nil, func(row []any) error {
		encoding, e.schema, e.unicode = row[0].(string), row[1].(string), row[2].(string)
		return nil
	})
	switch {
	case err != nil:
		return err
	case encoding != "UTF8":
		return failure.New(failure.Conflict, "", "the database's encoding is %s; make one with ENCODING 'UTF8'", encoding)
	case e.schema == "":
		return failure.New(failure.Conflict, "", "the database has no schema of its search_path; make it, or name another in the URL (?search_path=...)")
	}
	return nil
}

// Dialect is PostgreSQL.
func (e *Engine) Dialect() statement.Dialect { return statement.PostgreSQL }

// Unicode is the collation that makes small letters of all of Unicode's, quoted; empty when the server has none.
func (e *Engine) Unicode() string { return e.unicode }

// Schema is where the tables are: the first of the search_path.
func (e *Engine) Schema() string { return e.schema }

// errClosed is what everybody gets after Close.
var errClosed = failure.New(failure.State, "", "the data store is closed")

// take waits for a connection, and opens it if need be.
func (e *Engine) take(ctx context.Context) (*pgx.Conn, error) {
	timer := time.NewTimer(e.options.TurnWait)
	defer timer.Stop()
	var p pooled
	select {
	case p = <-e.idle:
	case <-ctx.Done():
		return nil, endedError(ctx)
	case <-timer.C:
		return nil, failure.New(failure.Locked, "", "all %d connections to the database were in use for more than %v; end transactions that are open",
			cap(e.idle), e.options.TurnWait)
	}
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	if closed {
		e.idle <- p
		return nil, errClosed
	}
	if p.conn != nil && (time.Since(p.used) < trusted || p.conn.Ping(ctx) == nil) {
		return p.conn, nil
	}
	if p.conn != nil {
		closeNow(p.conn)
	}
	c, err := pgx.ConnectConfig(ctx, e.config.Copy())
	if err != nil {
		e.idle <- pooled{}
		return nil, e.explain(ctx, err, true)
	}
	return c, nil
}

// give puts a connection back.
func (e *Engine) give(c *pgx.Conn) {
	if c.IsClosed() || c.PgConn().TxStatus() != 'I' {
		closeNow(c)
		c = nil
	}
	e.idle <- pooled{c, time.Now()}
}

// closeNow closes a connection whose state nobody knows, and does not wait for the server.
func closeNow(c *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c.Close(ctx)
}

// retryPause is before another try; it doubles up to retryMost.
const (
	retryPause = 20 * time.Millisecond
	retryMost  = time.Second
)

// again runs try until it works, fails for another reason than that the server is away, or RetryFor is over since the server
// went away: who comes later in an outage tries once. May says whether it may be tried again after that error.
func (e *Engine) again(ctx context.Context, try func() error, may func(*failure.Error) bool) error {
	deadline := time.Now().Add(e.options.RetryFor) // for this one alone, when it is there for others
	for pause := retryPause; ; pause = min(2*pause, retryMost) {
		err := try()
		var f *failure.Error
		if !errors.As(err, &f) || f.Kind != failure.Unavailable {
			e.there()
			return err
		}
		away := e.gone(err)
		if !may(f) || away+pause > e.options.RetryFor || time.Now().Add(pause).After(deadline) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return endedError(ctx)
		}
	}
}

// gone and there tell the log, once for each time. Gone gives for how long the server has been away.
func (e *Engine) gone(err error) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.away.IsZero() {
		e.away = time.Now()
		e.options.Log.Warn("database away; trying again", "error", err)
	}
	return time.Since(e.away)
}

func (e *Engine) there() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.away.IsZero() {
		e.options.Log.Info("database back", "duration", time.Since(e.away))
		e.away = time.Time{}
	}
}

// Read runs a statement that reads, and blocks until it is done; each gets its rows, in a slice that is valid during
// the call, and may end it with io.EOF. A server that goes away is tried again until there was a first row.
func (e *Engine) Read(ctx context.Context, text string, args []any, each func(row []any) error) error {
	rows := 0
	return e.again(ctx, func() error {
		c, err := e.take(ctx)
		if err != nil {
			return err
		}
		defer e.give(c)
		return e.explain(ctx, query(ctx, c, text, args, func(row []any) error {
			rows++
			return each(row)
		}), true)
	}, func(*failure.Error) bool { return rows == 0 })
}

// query runs a statement and gives its rows.
func query(ctx context.Context, c *pgx.Conn, text string, args []any, each func(row []any) error) error {
	rows, err := c.Query(ctx, text, args...)
	if err != nil {
		return err
	}
	return scan(rows, each)
}

// scan reads the rows to their end.
func scan(rows pgx.Rows, each func(row []any) error) error {
	defer rows.Close()
	var row []any
	for rows.Next() {
		fields := rows.FieldDescriptions()
		row = row[:0]
		for i, raw := range rows.RawValues() {
			v, err := decode(fields[i].DataTypeOID, fields[i].Format, raw)
			if err != nil {
				return err
			}
			row = append(row, v)
		}
		if err := each(row); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	rows.Close()
	return rows.Err()
}

// Write runs one statement that writes, and blocks until it is committed. It gives how many rows it changed;
// returned, which may be nil, gets the first row of a RETURNING. The owner does not matter here.
func (e *Engine) Write(ctx context.Context, _, text string, args []any, returned *[]any) (affected int64, err error) {
	err = e.again(ctx, func() error {
		c, err := e.take(ctx)
		if err != nil {
			return err
		}
		defer e.give(c)
		affected, err = write(ctx, c, text, args, returned)
		return e.explain(ctx, err, false)
	}, func(f *failure.Error) bool { return !f.Uncertain })
	return affected, err
}

func write(ctx context.Context, c *pgx.Conn, text string, args []any, returned *[]any) (int64, error) {
	if returned == nil {
		tag, err := c.Exec(ctx, text, args...)
		return tag.RowsAffected(), err
	}
	rows, err := c.Query(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	err = scan(rows, keep(returned))
	return rows.CommandTag().RowsAffected(), err
}

// keep keeps the first row.
func keep(returned *[]any) func([]any) error {
	*returned = nil
	return func(row []any) error {
		if *returned == nil {
			*returned = append([]any{}, row...)
		}
		return nil
	}
}

// Close closes the connections. Reading and writing must be over.
func (e *Engine) Close() error {
	e.mu.Lock()
	was := e.closed
	e.closed = true
	e.mu.Unlock()
	if was {
		return nil
	}
	e.locks.close()
	for range cap(e.idle) {
		if p := <-e.idle; p.conn != nil {
			closeNow(p.conn)
		}
	}
	for range cap(e.idle) {
		e.idle <- pooled{} // who comes late finds it closed
	}
	return nil
}
