package datastore

import "context"

// StartTransaction begins a transaction, inside the one that is open if there is one, as Context.StartTransaction does.
func (d *Distant) StartTransaction(ctx context.Context) error {
	if d.closed {
		return errClosed()
	}
	if d.level >= maxLevel {
		return errTooDeep(d.level)
	}
	if _, err := d.ask(ctx, "start"); err != nil {
		return err
	}
	d.level++
	d.undo = append(d.undo, nil)
	return nil
}

// ValidateTransaction ends the innermost transaction, and keeps what was saved in it, as Context.ValidateTransaction does.
func (d *Distant) ValidateTransaction(ctx context.Context) error {
	if err := d.inside(); err != nil {
		return err
	}
	if _, err := d.ask(ctx, "validate"); err != nil {
		if ended(ctx) == nil || d.unsure != nil {
			d.abandon(ctx)
		}
		return err
	}
	inner := d.level
	if inner > 1 {
		d.undo[inner-2] = append(d.undo[inner-2], d.undo[inner-1]...)
	}
	d.level--
	d.undo = d.undo[:inner-1]
	return nil
}

// CancelTransaction ends the innermost transaction, and undoes what was saved and dropped in it, as
// Context.CancelTransaction does. After an error all transactions are cancelled.
func (d *Distant) CancelTransaction(ctx context.Context) error {
	if err := d.inside(); err != nil {
		return err
	}
	if d.unsure != nil {
		return d.abandon(ctx)
	}
	left, err := integer(d.send(ctx, "cancel", []any{int64(d.level - 1)}))
	if err != nil {
		d.restoreTo(0)
		return err
	}
	d.restoreTo(int(max(0, min(left, int64(d.level-1)))))
	return nil
}

// abandon cancels all transactions, here and, as far as it can be reached, on the server.
func (d *Distant) abandon(ctx context.Context) error {
	d.restoreTo(0)
	d.unsure = errGone
	return d.certain(ctx)
}

func (d *Distant) inside() error {
	if d.closed {
		return errClosed()
	}
	if d.level == 0 {
		return errNoTransaction()
	}
	return nil
}

// restoreTo forgets the transactions but for a number, and gives their records back what they were, the last change first.
func (d *Distant) restoreTo(level int) {
	for ; d.level > level; d.level-- {
		states := d.undo[d.level-1]
		for i := len(states) - 1; i >= 0; i-- {
			states[i].restore()
		}
		d.undo = d.undo[:d.level-1]
		d.writes++
	}
}
