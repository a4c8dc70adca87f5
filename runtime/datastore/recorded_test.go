package datastore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"moongate/runtime/datastore/query"
	"moongate/runtime/wire"
)

// notes is a Notebook and its Answers: what was noted crosses a packed list, as in a recording.
type notes struct {
	all   []note
	next  int
	noted bool
}

type note struct {
	key   string
	value []byte // nil: it was not kept
}

var errLacks = errors.New("lacks")

func (n *notes) Noting() bool { return !n.noted }

func (n *notes) Note(act, key string, values ...any) {
	b, err := wire.Pack(values)
	if err != nil {
		panic(err)
	}
	n.all = append(n.all, note{act + " " + key, b})
}

func (n *notes) Unkept(act, key string) { n.all = append(n.all, note{act + " " + key, nil}) }

// Answer answers in the order of the notes only.
func (n *notes) Answer(act, key string, _ bool) ([]any, error) {
	if n.next == len(n.all) || n.all[n.next].key != act+" "+key || n.all[n.next].value == nil {
		return nil, fmt.Errorf("%w %s %s", errLacks, act, key)
	}
	n.next++
	return wire.Unpack(n.all[n.next-1].value)
}

// shownRecord is a record in words.
func shownRecord(r *Record) string {
	if r == nil {
		return "none"
	}
	var all []string
	for i := range r.Table().Columns {
		all = append(all, fmt.Sprintf("%#v", r.Value(i)))
	}
	return fmt.Sprintf("%s new=%v touched=%v key=%v", strings.Join(all, " "), r.IsNew(), r.Touched(), r.Key())
}

// useData does whatever can be done with data, and says what came of it.
func useData(t *testing.T, ctx context.Context, d Data) string {
	var said []string
	say := func(v any, err error) {
		if r, isRecord := v.(*Record); isRecord {
			v = shownRecord(r)
		}
		said = append(said, fmt.Sprintf("%v %v %v", v, err, KindOf(err)))
	}
	n := record(t, d, "things", map[string]any{"n": 5, "bytes": []byte{0, 255}, "info": map[string]any{"a": []any{1.5, "x", nil, true}}})
	say(n, d.Save(ctx, n))
	say(d.Get(ctx, "things", n.Key()))
	say(d.Get(ctx, "things", "00000000000000000000000000000000"))
	say(nil, d.Reload(ctx, n))
	set(t, n, map[string]any{"n": 6})
	say(n, d.Save(ctx, n))
	say(n, d.Save(ctx, n)) // which does nothing
	say(d.Count(ctx, "things", parse(t, "n > :1"), []any{int64(5)}))
	say(d.Sequence(ctx, "server_log"))
	say(d.New("nothing"))
	_, err := d.Select(ctx, "nothing", nil, nil)
	say(nil, err)
	for i := range 40 {
		saved(t, d, "things", map[string]any{"n": 10 + i})
	}
	rows, err := d.Select(ctx, "things", parse(t, "n >= 10 order by n"), nil)
	say(rows.Len(), err)
	say(rows.Record(ctx, 3))
	say(rows.Record(ctx, 99))
	records, err := rows.Records(ctx, 30, 200)
	say(len(records), err)
	say(records[9], nil)
	sorted, err := rows.OrderBy(ctx, []query.Order{{Path: query.Path{Column: "n"}, Descending: true}})
	say(sorted.Len(), err)
	say(sorted.Slice(1, 3).Record(ctx, 0))
	sum, err := sorted.Slice(0, 2).Aggregate(ctx, Sum, query.Path{Column: "n"})
	say(sum, err)
	say(nil, d.Lock(ctx, n))
	say(nil, d.Unlock(ctx, n))
	say(nil, d.ValidateTransaction(ctx))
	say(nil, d.StartTransaction(ctx))
	say(nil, d.StartTransaction(ctx))
	set(t, n, map[string]any{"n": 7})
	say(n, d.Save(ctx, n))
	say(d.Level(), d.ValidateTransaction(ctx))
	say(d.Level(), d.CancelTransaction(ctx))
	say(n, nil)
	dropped, err := rows.Slice(0, 5).Drop(ctx)
	say(dropped, err)
	say(nil, d.Drop(ctx, n))
	say(nil, d.Reload(ctx, n))
	say(d.Holds(), nil)
	say(nil, d.Release(ctx))
	return strings.Join(said, "\n")
}

// TestRecordedIsAsNoted answers a process from what was taken down of it.
func TestRecordedIsAsNoted(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		book := &notes{}
		want := useData(t, t.Context(), NewNoted(contextOf(t, s, 1), book))
		again := NewRecorded(s.Structure(), book)
		if got := useData(t, t.Context(), again); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if book.next != len(book.all) {
			t.Errorf("got %d of %d notes used", book.next, len(book.all))
		}
		if _, err := again.Count(t.Context(), "things", nil, nil); !errors.Is(err, errLacks) {
			t.Errorf("got %v, want that it lacks that", err)
		}
		again.Close(t.Context())
		if _, err := again.Get(t.Context(), "things", "00000000000000000000000000000000"); KindOf(err) != State {
			t.Errorf("got %v of closed data", err)
		}
	})
}

// TestNotNoted leaves a book alone that takes nothing down.
func TestNotNoted(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		book := &notes{noted: true}
		useData(t, t.Context(), NewNoted(contextOf(t, s, 1), book))
		if len(book.all) > 0 {
			t.Errorf("got %v", book.all)
		}
	})
}
