package datastore

import (
	"context"
	"fmt"
)

// Save writes the row, as Context.Save does, in one round trip.
func (d *Distant) Save(ctx context.Context, r *Record) error {
	if err := d.usable(r); err != nil {
		return err
	}
	if !r.fresh && !r.Touched() {
		return nil
	}
	names, values := r.changes()
	var key any
	if !r.fresh {
		key = toWire(r.key)
	}
	answer, err := d.ask(ctx, "save", r.table.Name, key, r.stamp, names, values)
	if err != nil {
		return err
	}
	d.remember(r)
	return r.took(answer)
}

// changes are the columns to be saved, and their values: those that were set. Of a new row it is also those that have
// a default, which may have another one on the server, or have been taken out.
func (r *Record) changes() (names, values []any) {
	for i := range r.table.Columns {
		c := &r.table.Columns[i]
		if r.touched[i] && !(r.fresh && r.values[i] == nil && c.Default == nil) || r.fresh && (r.values[i] != nil || c.Default != nil) {
			names, values = append(names, c.Name), append(values, toWire(r.values[i]))
		}
	}
	if names == nil {
		return []any{}, []any{}
	}
	return names, values
}

// took takes note of what the server answers to a save: the stamp, and names and values that it made.
func (r *Record) took(answer any) error {
	list, _ := answer.([]any)
	if len(list)%2 != 1 {
		return nonsense("a stamp was expected, and what was made")
	}
	stamp, ok := list[0].(int64)
	if !ok {
		return nonsense("a stamp was expected")
	}
	for i := 1; i < len(list); i += 2 {
		name, _ := list[i].(string)
		column := r.table.ColumnIndex(name)
		if column < 0 {
			continue // the server has a newer structure
		}
		v, err := columnFromWire(r.table.Columns[column].Type, list[i+1])
		if err != nil {
			return nonsense("%s.%s: %v", r.table.Name, name, err)
		}
		r.values[column] = v
	}
	if r.Key() == nil {
		return nonsense("the row that was saved has no key")
	}
	r.written(stamp, false)
	return nil
}

// remember takes note of a change that the server has made.
func (d *Distant) remember(r *Record) {
	if d.level > 0 {
		d.undo[d.level-1] = append(d.undo[d.level-1], r.state())
	}
	d.writes++
}

// Drop takes the row out of the database, as Context.Drop does.
func (d *Distant) Drop(ctx context.Context, r *Record) error {
	if err := d.usable(r); err != nil {
		return err
	}
	if err := r.saved("drop"); err != nil {
		return err
	}
	if _, err := d.ask(ctx, "drop", r.table.Name, toWire(r.key), r.stamp); err != nil {
		return err
	}
	d.remember(r)
	r.written(0, true)
	return nil
}

// Lock takes the row's lock, as Context.Lock does.
func (d *Distant) Lock(ctx context.Context, r *Record) error {
	if err := d.usable(r); err != nil {
		return err
	}
	if r.fresh {
		return lockedNew(r)
	}
	if _, err := d.ask(ctx, "lock", r.table.Name, toWire(r.key)); err != nil {
		return err
	}
	if d.locks == nil {
		d.locks = map[lockKey]int{}
	}
	d.locks[keyOf(r)]++
	return nil
}

// Unlock lets go of the row's lock, as Context.Unlock does.
func (d *Distant) Unlock(ctx context.Context, r *Record) error {
	if d.closed {
		return errClosed()
	}
	if r.fresh {
		return nil
	}
	if _, err := d.ask(ctx, "unlock", r.table.Name, toWire(r.key)); err != nil {
		return err
	}
	if key := keyOf(r); d.locks[key] > 1 {
		d.locks[key]--
	} else {
		delete(d.locks, key)
	}
	return nil
}

// tooLarge is the error for an act that does not go over the wire.
func tooLarge(args []any, size int) error {
	e := &Error{Kind: Value, Message: fmt.Sprintf("the values have %d bytes; over the wire they can have %d at once", size, MaxAct)}
	if len(args) > 0 {
		e.Table, _ = args[0].(string)
	}
	return e
}
