package journal

import (
	"context"
	"sync/atomic"
	"time"
)

// keepStep is how many rows are looked at in one transaction: a millisecond or two.
const keepStep = 1000

// futureSlack is how far ahead of the clock a row may be dated and still be believed.
const futureSlack = 24 * time.Hour

// keeper deletes the rows of connections that ended longer ago than keep, in small steps between batches. The pages
// become free for new rows; the file does not shrink.
//
// Clocks are set, and a journal that was kept for a month must not vanish because a clock was wrong for a minute. So
// nothing is deleted for pace.trust after the clock has jumped (it and the monotonic clock disagree by minutes between
// two looks), nor after a start that seems to be before, or more than a day after, the last sign of life in the file. Rows
// dated in the future are deleted when rows behind them are old. A look ends at the first step that has young rows and no
// old ones, so its work is in proportion to what it deletes. Looks follow batches: an idle server deletes nothing.
type keeper struct {
	keep time.Duration // 0: for ever

	running bool
	after   int64 // the look goes on behind this row
	passed  int64 // the highest row that was seen to be old

	next    time.Duration // of the uptime: the next look
	held    time.Duration // of the uptime: no look before
	clock   time.Time     // when it was compared last
	counted time.Duration // the uptime then

	looked atomic.Int64 // counted, at the last step that left nothing to do
}

// maxJump is by how much the clock and the monotonic clock may disagree between two looks.
const maxJump = 5 * time.Minute

// busy reports whether a look is under way.
func (k *keeper) busy() bool { return k.running }

// opened prepares for a file.
func (k *keeper) opened(ctx context.Context, s *store, p pace) error {
	k.running, k.after, k.passed, k.next = false, 0, 0, 0
	var alive int64
	if err := s.conn.QueryRowContext(ctx, "SELECT coalesce(max(alive), 0) FROM part").Scan(&alive); err != nil {
		return err
	}
	if away := p.now().Sub(micro(alive)); alive != 0 && (away < 0 || away > 24*time.Hour) {
		k.held = p.uptime() + p.trust
	}
	return nil
}

// due begins a look when it is time for one, and reports whether one is under way.
func (k *keeper) due(p pace) bool {
	if k.keep <= 0 {
		return false
	}
	clock, uptime := p.now().Round(0), p.uptime()
	if !k.clock.IsZero() && (clock.Sub(k.clock)-(uptime-k.counted)).Abs() > maxJump {
		k.held, k.running = uptime+p.trust, false
	}
	k.clock, k.counted = clock, uptime
	if uptime < k.held {
		return false
	}
	if !k.running && uptime >= k.next {
		k.running, k.after, k.next = true, 0, uptime+p.sweepEvery
	}
	return k.running
}

// step looks at the next rows, if a look is due, and deletes those that are old.
func (k *keeper) step(ctx context.Context, s *store, p pace) error {
	if !k.due(p) {
		k.looked.Store(int64(k.counted))
		return nil
	}
	now := p.now()
	old, future := now.Add(-k.keep).UnixMicro(), now.Add(futureSlack).UnixMicro()
	var n, last, aged, young int64
	err := s.conn.QueryRowContext(ctx, `SELECT count(*), coalesce(max(id), 0), coalesce(max(iif(at < ?, id, 0)), 0),
		coalesce(sum(at BETWEEN ? AND ?), 0) FROM (SELECT id, opened + decided AS at FROM record WHERE id > ? ORDER BY id LIMIT ?)`,
		old, old, future, k.after, keepStep).Scan(&n, &last, &aged, &young)
	if err != nil {
		return err
	}
	k.passed = max(k.passed, aged)
	if n > 0 {
		if err := s.deleteOld(ctx, k.after, last, old, future, k.passed); err != nil {
			return err
		}
	}
	k.after = last
	if n < keepStep || aged == 0 && young > 0 {
		k.running = false
		k.looked.Store(int64(k.counted))
	}
	return nil
}

// deleteOld deletes the old rows of the span, and what only they needed.
func (s *store) deleteOld(ctx context.Context, after, last, old, future, passed int64) error {
	return s.transact(ctx, func() error {
		result, err := s.conn.ExecContext(ctx, `DELETE FROM record WHERE id > ? AND id <= ? AND closed IS NOT NULL
			AND (opened + closed < ? OR opened > ? AND id < ?)`, after, last, old, future, passed)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM mark WHERE last < (SELECT min(id) FROM record)`,
			`DELETE FROM part WHERE EXISTS (SELECT 1 FROM part AS next WHERE next.id > part.id
				AND next.first <= (SELECT coalesce(min(id), 0) FROM record))`,
			`DELETE FROM text WHERE id < (SELECT min(texts) FROM part)`,
		} {
			if _, err := s.conn.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}
