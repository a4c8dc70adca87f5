package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"moongate/runtime/datastore/failure"
	"moongate/runtime/datastore/statement"
)

// Transaction is a transaction that writes. It must end, by Commit or Cancel. It is not for concurrent use.
type Transaction struct {
	e    *Engine
	conn *pgx.Conn // nil: it is over
	id   string    // by which the server knows how it ended
}

// Begin begins a transaction on a connection of its own. A server that is away is tried again.
func (e *Engine) Begin(ctx context.Context, _ string) (*Transaction, error) {
	t := &Transaction{e: e}
	err := e.again(ctx, func() error {
		c, err := e.take(ctx)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		batch.Queue("BEGIN")
		batch.Queue("SELECT pg_current_xact_id()::text").QueryRow(func(row pgx.Row) error { return row.Scan(&t.id) })
		if err := c.SendBatch(ctx, batch).Close(); err != nil {
			closeNow(c)
			e.give(c)
			return e.explain(ctx, err, true)
		}
		t.conn = c
		return nil
	}, func(*failure.Error) bool { return true })
	if err != nil {
		return nil, err
	}
	return t, nil
}

// errOver is what a transaction says after its end.
var errOver = failure.New(failure.State, "", "the transaction is over")

// Read is as the Engine's, and sees what the transaction has written. It is not tried again.
func (t *Transaction) Read(ctx context.Context, text string, args []any, each func(row []any) error) error {
	if t.conn == nil {
		return errOver
	}
	if err := t.plain(ctx, "SAVEPOINT moongate_read"); err != nil {
		return t.e.explain(ctx, err, true)
	}
	err := query(ctx, t.conn, text, args, each)
	t.unwind(err, "moongate_read")
	return t.e.explain(ctx, err, true)
}

// Write is as the Engine's, but nothing is certain before Commit. A statement that fails undoes nothing else, unless
// the connection is gone, and with it the transaction: then Lost reports true.
func (t *Transaction) Write(ctx context.Context, text string, args []any, returned *[]any) (affected int64, err error) {
	if t.conn == nil {
		return 0, errOver
	}
	batch := &pgx.Batch{}
	batch.Queue("SAVEPOINT moongate_write")
	queued := batch.Queue(text, args...)
	queued.Query(func(rows pgx.Rows) error {
		each := func([]any) error { return nil }
		if returned != nil {
			each = keep(returned)
		}
		err := scan(rows, each)
		affected = rows.CommandTag().RowsAffected()
		return err
	})
	batch.Queue("RELEASE SAVEPOINT moongate_write")
	if err = t.conn.SendBatch(ctx, batch).Close(); err != nil {
		t.unwind(err, "moongate_write")
	}
	return affected, t.e.explain(ctx, err, true)
}

// unwind goes back to before a statement that failed, or forgets where that was.
func (t *Transaction) unwind(err error, savepoint string) {
	if t.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.e.options.RetryFor)
	defer cancel()
	if err != nil && t.conn.PgConn().TxStatus() == 'E' {
		if err := t.plain(ctx, "ROLLBACK TO SAVEPOINT "+savepoint); err != nil {
			closeNow(t.conn)
			return
		}
	}
	if err := t.plain(ctx, "RELEASE SAVEPOINT "+savepoint); err != nil && t.conn.PgConn().TxStatus() != 'T' {
		closeNow(t.conn)
	}
}

// plain runs a statement without values as it is: by one message, and not prepared.
func (t *Transaction) plain(ctx context.Context, text string) error {
	_, err := t.conn.PgConn().Exec(ctx, text).ReadAll()
	return err
}

// Control runs a statement about savepoints.
func (t *Transaction) Control(ctx context.Context, text string) error {
	if t.conn == nil {
		return errOver
	}
	return t.e.explain(ctx, t.plain(ctx, text), true)
}

// Lost reports whether the transaction was cancelled because its connection is gone.
func (t *Transaction) Lost() bool { return t.conn != nil && t.conn.IsClosed() }

// commitTime is how long the answer to a commit may take. ctx does not end it: nobody would know what was written.
const commitTime = 30 * time.Second

// Commit makes certain what was written, and ends the transaction. When the answer is lost, the server is asked for
// it again. After an error that is not Uncertain nothing was written.
func (t *Transaction) Commit(ctx context.Context) error {
	if t.conn == nil {
		return errOver
	}
	defer t.end()
	if t.Lost() {
		return failure.New(failure.Unavailable, "", "the connection to the database went away, and the transaction with it")
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	defer cancel()
	err := t.e.explain(context.WithoutCancel(ctx), t.plain(limited, "COMMIT"), false)
	if f, ok := err.(*failure.Error); ok && f.Uncertain {
		return t.settle(context.WithoutCancel(ctx), f)
	}
	return err
}

// settle asks how the transaction ended.
func (t *Transaction) settle(ctx context.Context, lost *failure.Error) error {
	deadline := time.Now().Add(t.e.options.RetryFor)
	for time.Now().Before(deadline) {
		status := ""
		err := t.e.Read(ctx, "SELECT coalesce(pg_xact_status($1::text::xid8), '')", []any{t.id}, func(row []any) error {
			status, _ = row[0].(string)
			return nil
		})
		switch {
		case err != nil:
			return lost
		case status == "committed":
			return nil
		case status == "aborted":
			lost.Uncertain = false
			return lost
		}
		timer := time.NewTimer(retryPause) // it is still ending
		<-timer.C
	}
	return lost
}

// Cancel undoes what was written, and ends the transaction. The statements are SQLite's, and are not needed here.
func (t *Transaction) Cancel(...statement.Statement) error {
	if t.conn == nil {
		return nil
	}
	defer t.end()
	if t.Lost() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.e.options.RetryFor)
	defer cancel()
	if err := t.plain(ctx, "ROLLBACK"); err != nil {
		closeNow(t.conn) // which cancels it, too
	}
	return nil
}

func (t *Transaction) end() {
	t.e.give(t.conn)
	t.conn = nil
}
