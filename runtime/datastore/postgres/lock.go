package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"moongate/runtime/datastore/failure"
)

// locks are the record locks of this host: advisory locks of one session, which the server frees when that ends. When
// the connection goes away, they are taken again with the next one, as far as nobody was quicker.
//
// Who has one is in the table moongate_locks, for errors that say so; it may name some who are gone, and counts only
// with the advisory lock.
type locks struct {
	e    *Engine
	turn chan struct{} // holds one while nobody uses what follows
	conn *pgx.Conn
	held map[int64]bool
	once sync.Once
}

func (l *locks) init(e *Engine) {
	l.e, l.turn, l.held = e, make(chan struct{}, 1), map[int64]bool{}
	l.turn <- struct{}{}
}

// use runs f on the connection, which it opens if need be.
func (l *locks) use(ctx context.Context, f func(c *pgx.Conn) error) error {
	select {
	case <-l.turn:
	case <-ctx.Done():
		return endedError(ctx)
	}
	defer func() { l.turn <- struct{}{} }()
	return l.e.again(ctx, func() error {
		if l.conn == nil || l.conn.IsClosed() {
			if err := l.connect(ctx); err != nil {
				return err
			}
		}
		return l.e.explain(ctx, f(l.conn), true)
	}, func(*failure.Error) bool { return true })
}

// connect opens the connection, and takes the locks again.
func (l *locks) connect(ctx context.Context) error {
	if l.conn != nil {
		closeNow(l.conn)
	}
	c, err := pgx.ConnectConfig(ctx, l.e.config.Copy())
	if err != nil {
		return l.e.explain(ctx, err, true)
	}
	l.conn = c
	for number := range l.held {
		var got bool
		if err := c.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", number).Scan(&got); err != nil {
			return l.e.explain(ctx, err, true)
		}
		if !got {
			l.e.options.Log.Warn("record lock lost while the database was away")
			delete(l.held, number)
		}
	}
	return nil
}

// lockTries is how often a lock is tried that a save may have for a moment.
const lockTries = 3

// Lock takes a record lock for a process of this host, unless another host has it: then it gives false. It waits for
// nobody's lock.
func (e *Engine) Lock(ctx context.Context, number, process int64, name, user string) (got bool, err error) {
	for try := 1; try <= lockTries && !got && err == nil; try++ {
		if try > 1 {
			timer := time.NewTimer(5 * time.Millisecond)
			<-timer.C
		}
		err = e.locks.use(ctx, func(c *pgx.Conn) error {
			if e.locks.held[number] { // of an answer that was lost
				got = true
			} else if err := c.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", number).Scan(&got); err != nil || !got {
				return err
			}
			e.locks.held[number] = true
			_, err := c.Exec(ctx, `INSERT INTO moongate_locks (number, host, process, name, user_name) VALUES ($1, pg_backend_pid(), $2, $3, $4)
				ON CONFLICT (number) DO UPDATE SET host = pg_backend_pid(), process = $2, name = $3, user_name = $4`, number, process, name, user)
			return err
		})
	}
	return got, err
}

// Unlock frees a record lock of this host. That of another stays.
func (e *Engine) Unlock(ctx context.Context, number int64) error {
	return e.locks.use(ctx, func(c *pgx.Conn) error {
		if !e.locks.held[number] {
			return nil
		}
		if _, err := c.Exec(ctx, "DELETE FROM moongate_locks WHERE number = $1 AND host = pg_backend_pid()", number); err != nil {
			return err
		}
		if _, err := c.Exec(ctx, "SELECT pg_advisory_unlock($1)", number); err != nil {
			return err
		}
		delete(e.locks.held, number)
		return nil
	})
}

// LockedBy is who has a record lock, on whichever host.
func (e *Engine) LockedBy(ctx context.Context, number int64) (process int64, name, user string, locked bool, err error) {
	err = e.Read(ctx, `SELECT l.process, l.name, l.user_name FROM moongate_locks AS l WHERE l.number = $1 AND EXISTS (SELECT 1 FROM pg_locks AS p
		WHERE p.locktype = 'advisory' AND p.objsubid = 1 AND p.mode = 'ExclusiveLock' AND p.granted AND p.pid = l.host
		AND ((p.classid::bigint << 32) | p.objid::bigint) = $1)`, []any{number}, func(row []any) error {
		process, _ = row[0].(int64)
		name, _ = row[1].(string)
		user, _ = row[2].(string)
		locked = true
		return nil
	})
	return process, name, user, locked, err
}

// close ends the session, and with it the locks.
func (l *locks) close() {
	l.once.Do(func() {
		<-l.turn
		if l.conn != nil {
			closeNow(l.conn)
			l.conn = nil
		}
		l.turn <- struct{}{}
	})
}
