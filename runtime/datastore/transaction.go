package datastore

import (
	"context"
	"fmt"

	"moongate/runtime/datastore/statement"
)

// maxLevel is how deep transactions may be nested. 4D has no limit; a loop that only starts them has one here.
const maxLevel = 1000

// Level is how many transactions are open inside each other; 0 is none.
func (c *Context) Level() int { return c.level }

// StartTransaction begins a transaction, inside the one that is open if there is one. It waits for nothing: the
// database knows of it at its first write, and that may wait for others' transactions.
func (c *Context) StartTransaction(context.Context) error {
	if err := c.open(); err != nil {
		return err
	}
	if c.level >= maxLevel {
		return errTooDeep(c.level)
	}
	c.level++
	c.undo = append(c.undo, nil)
	return nil
}

// ValidateTransaction ends the innermost transaction, and keeps what was saved in it: for good if it is the
// outermost, or as part of the one around it. Without a transaction it is an error of kind State. After another error
// the transaction was cancelled, with those around it.
func (c *Context) ValidateTransaction(ctx context.Context) error {
	if err := c.inside(); err != nil {
		return err
	}
	inner := c.level
	if inner > 1 {
		if c.saved == inner {
			if err := c.tx.Control(ctx, "RELEASE SAVEPOINT "+savepoint(inner)); err != nil {
				return firstError(err, c.cancelAll())
			}
			c.saved--
		}
		c.level--
		c.undo[inner-2] = append(c.undo[inner-2], c.undo[inner-1]...)
		c.undo = c.undo[:inner-1]
		return nil
	}
	if c.tx == nil {
		c.over()
		return nil
	}
	if err := c.tx.Commit(ctx); err != nil {
		c.tx = nil
		return firstError(err, c.cancelAll())
	}
	c.over()
	return nil
}

// CancelTransaction ends the innermost transaction, and undoes what was saved and dropped in it. Records keep their
// values, and are again as new or as changed as they were. Sequence numbers are not given back.
func (c *Context) CancelTransaction(ctx context.Context) error {
	if err := c.inside(); err != nil {
		return err
	}
	inner := c.level
	if inner == 1 || c.tx != nil && c.tx.Lost() {
		return c.cancelAll()
	}
	if c.saved == inner {
		for _, text := range []string{"ROLLBACK TO SAVEPOINT ", "RELEASE SAVEPOINT "} {
			if err := c.tx.Control(ctx, text+savepoint(inner)); err != nil {
				return firstError(err, c.cancelAll())
			}
		}
		c.saved--
		for _, s := range c.reserved() {
			if _, err := c.tx.Write(ctx, s.Text, s.Args, nil); err != nil {
				return firstError(err, c.cancelAll())
			}
		}
	}
	c.restore(inner)
	c.level--
	c.undo = c.undo[:inner-1]
	return nil
}

func (c *Context) inside() error {
	if err := c.open(); err != nil {
		return err
	}
	if c.level == 0 {
		return errNoTransaction()
	}
	return nil
}

func errTooDeep(level int) error {
	return &Error{Kind: State, Message: fmt.Sprintf("%d transactions are open inside each other; end one first", level)}
}

func errNoTransaction() error {
	return &Error{Kind: State, Message: "there is no transaction; start one first"}
}

// enter has the database know of all levels of the transaction.
func (c *Context) enter(ctx context.Context) error {
	if c.tx != nil && c.tx.Lost() {
		return &Error{Kind: State, Message: "the database has cancelled the transaction after an error; cancel it and start again"}
	}
	if c.tx == nil {
		tx, err := c.store.engine.begin(ctx, c.name)
		if err != nil {
			return err
		}
		c.tx, c.saved = tx, 1
	}
	for c.saved < c.level {
		if err := c.tx.Control(ctx, "SAVEPOINT "+savepoint(c.saved+1)); err != nil {
			return err
		}
		c.saved++
	}
	return nil
}

func savepoint(level int) string { return fmt.Sprintf("moongate_%d", level) }

// cancelAll ends all transactions.
func (c *Context) cancelAll() (err error) {
	if c.tx != nil {
		err = c.tx.Cancel(c.reserved()...)
	}
	for c.level > 0 {
		c.restore(c.level)
		c.level--
	}
	c.over()
	return err
}

// restore gives the records of a level back what they were, the last change first.
func (c *Context) restore(level int) {
	states := c.undo[level-1]
	for i := len(states) - 1; i >= 0; i-- {
		states[i].restore()
	}
	c.writes++
}

// over forgets the transactions.
func (c *Context) over() {
	c.level, c.tx, c.saved, c.undo, c.blocks = 0, nil, 0, nil, nil
}

// reserved are the statements that reserve sequence numbers again which were reserved in what is undone.
func (c *Context) reserved() []statement.Statement {
	var all []statement.Statement
	for _, name := range c.blocks {
		all = append(all, c.store.numbers.of(name).hold())
	}
	return all
}
