package datastore

import (
	"context"
	"strings"
	"testing"
	"time"
)

// TestTransactions nests transactions, keeps and undoes what is in them.
func TestTransactions(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx, c, other := t.Context(), contextOf(t, s, 1), contextOf(t, s, 2)
		wantKind(t, c.ValidateTransaction(ctx), State)
		wantKind(t, c.CancelTransaction(ctx), State)
		first := saved(t, c, "words", map[string]any{"word": "first", "n": 1})
		ok(t, c.StartTransaction(ctx))
		saved(t, c, "words", map[string]any{"word": "outer"})
		set(t, first, map[string]any{"n": 2})
		ok(t, c.Save(ctx, first))
		ok(t, c.StartTransaction(ctx))
		inner := saved(t, c, "words", map[string]any{"word": "inner"})
		wantKind(t, c.Save(ctx, record(t, c, "words", map[string]any{"word": "OUTER"})), DuplicateKey)
		if n := find(t, c, "words", "").Len(); n != 3 || c.Level() != 2 {
			t.Errorf("%d rows at level %d; want 3 at 2", n, c.Level())
		}
		if n := find(t, other, "words", "").Len(); n != 1 {
			t.Errorf("others see %d rows; want 1", n)
		}
		ok(t, c.CancelTransaction(ctx))
		if n := find(t, c, "words", "").Len(); n != 2 || !inner.IsNew() {
			t.Errorf("%d rows after the inner one was cancelled, its row new: %v; want 2, true", n, inner.IsNew())
		}
		ok(t, c.StartTransaction(ctx))
		ok(t, c.Save(ctx, inner))
		ok(t, c.ValidateTransaction(ctx))
		ok(t, c.ValidateTransaction(ctx))
		if n := find(t, other, "words", "").Len(); n != 3 || c.Level() != 0 {
			t.Errorf("others see %d rows, level %d; want 3, 0", n, c.Level())
		}
		ok(t, c.StartTransaction(ctx))
		ok(t, c.StartTransaction(ctx))
		ok(t, c.Drop(ctx, inner))
		set(t, first, map[string]any{"n": 3})
		ok(t, c.Save(ctx, first))
		ok(t, c.ValidateTransaction(ctx))
		ok(t, c.CancelTransaction(ctx))
		if n := find(t, c, "words", "n = 2 or word = 'inner'").Len(); n != 2 || inner.Dropped() || !first.Touched() {
			t.Errorf("%d rows, dropped %v, touched %v after all was cancelled; want 2, false, true", n, inner.Dropped(), first.Touched())
		}
		ok(t, c.Save(ctx, first))
		if n := find(t, c, "words", "n = 3").Len(); n != 1 {
			t.Errorf("the row saved again after the cancelling is there %d times; want 1", n)
		}
		ok(t, c.StartTransaction(ctx))
		saved(t, c, "words", map[string]any{"word": "lost"})
		ok(t, c.Close(ctx))
		if n := find(t, other, "words", "word = 'lost'").Len(); n != 0 {
			t.Errorf("a transaction whose process ended is there")
		}
		_, err := c.New("words")
		wantKind(t, err, State)
		saved(t, other, "words", map[string]any{"word": "after"})
	})
}

// TestTurnIsBounded has a save wait for a transaction, no longer than it should, and then go on.
func TestTurnIsBounded(t *testing.T) {
	config := databases[0].config(t)
	config.Structure, config.TurnWait = serverLog(), 20*time.Millisecond
	s := openTest(t, config)
	ctx, c, other := t.Context(), contextOf(t, s, 5), contextOf(t, s, 2)
	ok(t, c.StartTransaction(ctx))
	saved(t, c, "words", map[string]any{"word": "a"})
	err := other.Save(ctx, record(t, other, "words", map[string]any{"word": "b"}))
	if wantKind(t, err, Locked); !strings.Contains(err.Error(), "process 5 (P)") {
		t.Errorf("%v; want who holds it", err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	wantKind(t, other.Save(canceled, record(t, other, "words", map[string]any{"word": "b"})), Ended)
	ok(t, c.ValidateTransaction(ctx))
	saved(t, other, "words", map[string]any{"word": "b"})
}

// TestLocks has one process keep others from a row.
func TestLocks(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		again := s
		if s.config.URL != "" { // another host
			again = openTest(t, s.config)
		}
		ctx, mine, other := t.Context(), contextOf(t, s, 7), contextOf(t, again, 8)
		r := saved(t, mine, "words", map[string]any{"word": "row"})
		theirs, err := other.Get(ctx, "words", "ROW")
		ok(t, err)
		ok(t, mine.Lock(ctx, r))
		ok(t, mine.Lock(ctx, r))
		for what, err := range map[string]error{"lock": other.Lock(ctx, theirs), "drop": other.Drop(ctx, theirs)} {
			if wantKind(t, err, Locked); !strings.Contains(err.Error(), "process 7 (P)") {
				t.Errorf("%s: %v; want who has it", what, err)
			}
		}
		set(t, theirs, map[string]any{"n": 1})
		wantKind(t, other.Save(ctx, theirs), Locked)
		if o, locked, err := behind(other).LockedBy(ctx, theirs); o.Process != 7 || !locked || err != nil {
			t.Errorf("locked by %v, %v, %v; want process 7", o, locked, err)
		}
		set(t, r, map[string]any{"n": 2})
		ok(t, mine.Save(ctx, r))
		ok(t, mine.Unlock(ctx, r))
		wantKind(t, other.Lock(ctx, theirs), Locked) // it was locked twice
		ok(t, mine.Unlock(ctx, r))
		ok(t, mine.Unlock(ctx, r))
		ok(t, other.Lock(ctx, theirs))
		ok(t, other.Close(ctx))
		ok(t, mine.Lock(ctx, r))
		if _, locked, err := behind(mine).LockedBy(ctx, r); !locked || err != nil {
			t.Errorf("its own lock is not there: %v", err)
		}
	})
}

// TestSequences are never given twice, whatever happens to transactions and hosts.
func TestSequences(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx, c := t.Context(), contextOf(t, s, 1)
		next := func(c Data, want int64) {
			t.Helper()
			if n, err := c.Sequence(ctx, "server_log"); n != want || err != nil {
				t.Errorf("the next number is %d, %v; want %d", n, err, want)
			}
		}
		next(c, 1)
		ok(t, c.StartTransaction(ctx))
		ok(t, c.StartTransaction(ctx))
		saved(t, c, "server_log", nil) // 2; the transaction writes from here
		for n := range int64(fileBlock) {
			next(c, n+3)
		}
		ok(t, c.CancelTransaction(ctx))
		next(c, fileBlock+3)
		ok(t, c.CancelTransaction(ctx))
		other := openTest(t, s.config)
		oc := contextOf(t, other, 2)
		if n, err := oc.Sequence(ctx, "server_log"); n <= fileBlock+3 || err != nil {
			t.Errorf("another host gets %d, %v, which was given", n, err)
		}
		if n, err := c.Sequence(ctx, "words"); n != 1 || err != nil {
			t.Errorf("a table without a sequence column gives %d, %v; want 1", n, err)
		}
		_, err := c.Sequence(ctx, "nothing")
		wantKind(t, err, Unknown)
	})
}

// TestSequencesGoOn after a host was closed, without a gap, and after rows that somebody else has put into the table.
func TestSequencesGoOn(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			config := d.config(t)
			config.Structure = serverLog()
			for want := range int64(3) {
				s, err := Open(t.Context(), config)
				ok(t, err)
				c := s.NewContext(Owner{})
				if r := saved(t, c, "server_log", nil); r.Key() != want+1 {
					t.Errorf("the row has %v; want %d", r.Key(), want+1)
				}
				ok(t, c.Close(t.Context()))
				ok(t, s.Close())
			}
			s := openTest(t, config)
			c := contextOf(t, s, 1)
			if r := saved(t, c, "server_log", nil); r.Key() != int64(4) {
				t.Errorf("the row has %v; want 4", r.Key())
			}
			saved(t, c, "server_log", map[string]any{"log_id": 5})
			saved(t, c, "server_log", map[string]any{"log_id": 7})
			if r := saved(t, c, "server_log", nil); r.Key() != int64(8) {
				t.Errorf("the row after somebody else's has %v; want 8", r.Key())
			}
		})
	}
}
