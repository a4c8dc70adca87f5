package sqlite

import (
	"context"

	"moongate/runtime/datastore/failure"
	"moongate/runtime/datastore/statement"
)

// Transaction is a transaction that writes: it has the turn until it ends, and must end, by Commit or Cancel. It is
// not for concurrent use.
type Transaction struct {
	e     *Engine
	ended bool
}

// Begin waits for the turn and begins a transaction. Owner says whose it is, for others whose wait becomes too long.
func (e *Engine) Begin(ctx context.Context, owner string) (*Transaction, error) {
	w := e.turn.waiter()
	w.owner = owner
	now, err := e.turn.enter(w)
	if err == nil && !now {
		err = e.turn.await(ctx, w)
	}
	if err == nil {
		err = w.err
	}
	e.turn.release(w)
	if err != nil {
		return nil, err
	}
	t := &Transaction{e: e}
	if err = e.gone(); err == nil {
		_, err = e.writer.run(ctx, "BEGIN IMMEDIATE", nil, nil)
	}
	if err != nil {
		t.end()
		return nil, err
	}
	return t, nil
}

func (t *Transaction) end() {
	t.ended = true
	t.e.turn.pass()
}

// Read is as the Engine's, and sees what the transaction has written.
func (t *Transaction) Read(ctx context.Context, text string, args []any, each func(row []any) error) error {
	if t.ended {
		return failure.New(failure.State, "", "the transaction is over")
	}
	_, err := t.e.writer.run(ctx, text, args, each)
	return err
}

// Write is as the Engine's, but nothing is certain before Commit. A statement that fails undoes nothing else, unless
// the database undid the whole transaction: then Lost reports true.
func (t *Transaction) Write(_ context.Context, text string, args []any, returned *[]any) (int64, error) {
	if t.ended {
		return 0, failure.New(failure.State, "", "the transaction is over")
	}
	return t.e.writer.run(context.Background(), text, args, keep(returned)) // stopped halfway, it would undo the whole transaction
}

// Control runs a statement about savepoints.
func (t *Transaction) Control(ctx context.Context, text string) error {
	_, err := t.Write(ctx, text, nil, nil)
	return err
}

// Lost reports whether the database has cancelled the transaction by itself, as on a full disk.
func (t *Transaction) Lost() bool { return !t.ended && !t.e.writer.inTransaction() }

// Commit makes certain what was written, and ends the transaction. After an error nothing of it was written.
func (t *Transaction) Commit(context.Context) error {
	if t.ended {
		return failure.New(failure.State, "", "the transaction is over")
	}
	defer t.end()
	if t.Lost() {
		return failure.New(failure.State, "", "the database has cancelled the transaction after an error")
	}
	_, err := t.e.writer.run(context.Background(), "COMMIT", nil, nil)
	if t.e.writer.inTransaction() {
		t.e.writer.run(context.Background(), "ROLLBACK", nil, nil)
	}
	return err
}

// Cancel undoes what was written, runs the statements, which are not undone, before anybody else writes, and ends the
// transaction. The error is the statements'.
func (t *Transaction) Cancel(statements ...statement.Statement) error {
	if t.ended {
		return nil
	}
	defer t.end()
	if t.e.writer.inTransaction() {
		t.e.writer.run(context.Background(), "ROLLBACK", nil, nil)
	}
	for _, s := range statements {
		if _, err := t.e.writer.run(context.Background(), s.Text, s.Args, nil); err != nil {
			return err
		}
	}
	return nil
}
