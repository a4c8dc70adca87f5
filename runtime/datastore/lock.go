package datastore

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"moongate/runtime/datastore/statement"
)

// lockKey is a row that can be locked.
type lockKey struct {
	table string
	key   any
}

func keyOf(r *Record) lockKey {
	key := r.key
	if text, ok := key.(string); ok {
		key = statement.LowerASCII(text)
	}
	return lockKey{r.table.Name, key}
}

// heldLock is a record lock of a context.
type heldLock struct {
	count int // how often it was locked
}

// locks are the record locks of this host's processes.
type locks struct {
	held   atomic.Int64 // how many there are: with none, nobody asks
	mu     sync.Mutex
	owners map[lockKey]*Context
}

func (l *locks) init() { l.owners = map[lockKey]*Context{} }

// locker is an engine whose record locks other hosts see. Number is the row's; see statement.LockNumber.
type locker interface {
	Schema() string // of the tables: others have locks of their own
	Lock(ctx context.Context, number int64, process int64, name, user string) (got bool, err error)
	Unlock(ctx context.Context, number int64) error
	LockedBy(ctx context.Context, number int64) (process int64, name, user string, locked bool, err error)
}

// check is an error of kind Locked when another context of this host has the row's lock.
func (l *locks) check(c *Context, r *Record) error {
	if l.held.Load() == 0 || r.fresh {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if other := l.owners[keyOf(r)]; other != nil && other != c {
		return lockedBy(r, other.owner)
	}
	return nil
}

func lockedNew(r *Record) error {
	return &Error{Kind: State, Table: r.table.Name, Message: "the row is new; nobody else can have it before it is saved"}
}

func lockedBy(r *Record, o Owner) error {
	return &Error{Kind: Locked, Table: r.table.Name, Message: fmt.Sprintf("the row %v is locked by %s; try again later", r.key, o)}
}

// holds reports whether the context has the row's lock.
func (c *Context) holds(r *Record) bool { return len(c.locks) > 0 && c.locks[keyOf(r)] != nil }

// Lock takes the row's lock: until Unlock, or the context is closed, nobody else can save, drop or lock the row. It
// does not wait for others' locks: then it is an error of kind Locked that says who has it. Locking twice needs
// unlocking twice. What was read of the row before may be old; Reload it.
func (c *Context) Lock(ctx context.Context, r *Record) error {
	if err := c.usable(r); err != nil {
		return err
	}
	if r.fresh {
		return lockedNew(r)
	}
	key, l := keyOf(r), &c.store.locks
	if held := c.locks[key]; held != nil {
		held.count++
		return nil
	}
	l.mu.Lock()
	other := l.owners[key]
	if other == nil {
		l.owners[key] = c
		l.held.Add(1)
	}
	l.mu.Unlock()
	if other != nil {
		return lockedBy(r, other.owner)
	}
	if err := c.lockOutside(ctx, r); err != nil {
		l.free(key)
		return err
	}
	if c.locks == nil {
		c.locks = map[lockKey]*heldLock{}
	}
	c.locks[key] = &heldLock{count: 1}
	return nil
}

// free lets go of a lock.
func (l *locks) free(key lockKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.owners, key)
	l.held.Add(-1)
}

// Unlock lets go of the row's lock. A lock that the context does not have is no error.
func (c *Context) Unlock(ctx context.Context, r *Record) error {
	if err := c.open(); err != nil {
		return err
	}
	key := keyOf(r)
	held := c.locks[key]
	if held == nil {
		return nil
	}
	if held.count--; held.count > 0 {
		return nil
	}
	return c.unlock(ctx, key)
}

func (c *Context) unlock(ctx context.Context, key lockKey) (err error) {
	if outside, ok := c.store.engine.(locker); ok {
		err = outside.Unlock(ctx, c.store.lockNumber(key))
	}
	delete(c.locks, key)
	c.store.locks.free(key)
	return err
}

// unlockAll lets go of all locks, although the process's own context.Context may have ended.
func (c *Context) unlockAll(ctx context.Context) (err error) {
	if len(c.locks) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*c.store.config.RetryFor)
	defer cancel()
	for key := range c.locks {
		err = firstError(err, c.unlock(ctx, key))
	}
	return err
}

// LockedBy is who has the row's lock; false when nobody has. The context's own counts.
func (c *Context) LockedBy(ctx context.Context, r *Record) (Owner, bool, error) {
	if err := c.open(); err != nil {
		return Owner{}, false, err
	}
	key, l := keyOf(r), &c.store.locks
	l.mu.Lock()
	holder := l.owners[key]
	l.mu.Unlock()
	if holder != nil {
		return holder.owner, true, nil
	}
	outside, ok := c.store.engine.(locker)
	if !ok {
		return Owner{}, false, nil
	}
	process, name, user, locked, err := outside.LockedBy(ctx, c.store.lockNumber(key))
	return Owner{process, name, user}, locked, of(r.table.Name, err)
}

func (s *Store) lockNumber(key lockKey) int64 {
	return statement.LockNumber(s.lockSchema(), key.table, key.key)
}

// lockSchema is whose record locks they are; "" where nobody else can have any.
func (s *Store) lockSchema() string {
	if outside, ok := s.engine.(locker); ok {
		return outside.Schema()
	}
	return ""
}

// lockOutside takes the row's lock among hosts.
func (c *Context) lockOutside(ctx context.Context, r *Record) error {
	outside, ok := c.store.engine.(locker)
	if !ok {
		return nil
	}
	got, err := outside.Lock(ctx, c.store.lockNumber(keyOf(r)), c.owner.Process, c.owner.Name, c.owner.User)
	if err != nil {
		return of(r.table.Name, err)
	}
	if !got {
		return c.lockedElsewhere(ctx, r)
	}
	return nil
}

// lockedElsewhere says that another host's process has the row.
func (c *Context) lockedElsewhere(ctx context.Context, r *Record) error {
	if outside, ok := c.store.engine.(locker); ok {
		process, name, user, locked, err := outside.LockedBy(ctx, c.store.lockNumber(keyOf(r)))
		if err == nil && locked {
			return &Error{Kind: Locked, Table: r.table.Name, Message: lockedBy(r, Owner{process, name, user}).(*Error).Message}
		}
	}
	return &Error{Kind: Locked, Table: r.table.Name, Message: "the row is being saved by somebody else; try again"}
}
