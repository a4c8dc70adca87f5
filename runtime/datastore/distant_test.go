package datastore

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"

	"moongate/runtime/datastore/query"
	"moongate/runtime/structure"
	"moongate/runtime/wire"
)

// farTest opens a store in a file, and a process's data on it from a client.
func farTest(t testing.TB) (*Store, *Distant, *loop) {
	s := openTest(t, Config{Path: t.TempDir() + "/data.sqlite", Structure: serverLog(), Durability: Normal})
	d, l := far(t, s, 5)
	return s, d, l
}

// wantActs looks which acts have gone to the server since it was last asked.
func wantActs(t *testing.T, l *loop, want ...string) {
	t.Helper()
	if !slices.Equal(l.acts, want) {
		t.Errorf("got the acts %v, want %v", l.acts, want)
	}
	l.acts = nil
}

// TestRoundTrips counts what goes to the server.
func TestRoundTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where no time passes, and what came with a query stays fresh
		_, d, l := farTest(t)
		ctx := t.Context()
		r := record(t, d, "server_log", map[string]any{"user_id": 7})
		wantActs(t, l)
		ok(t, d.Save(ctx, r))
		if r.Key() != int64(1) || value(r, "process_id") != int64(0) {
			t.Errorf("got the key %v and the default %v, want 1 and 0", r.Key(), value(r, "process_id"))
		}
		wantActs(t, l, "save")
		saved(t, d, "server_log", map[string]any{"user_id": 7})
		l.acts = nil
		found := find(t, d, "server_log", "user_id = :1", 7)
		if r := must(found.Record(ctx, 0)); r.Key() != int64(1) {
			t.Errorf("got %v first, want 1", r.Key())
		}
		wantActs(t, l, "query")
		all, err := find(t, d, "server_log", "user_id = 7").Records(ctx, 0, 100)
		if ok(t, err); len(all) != 2 {
			t.Errorf("got %d rows, want 2", len(all))
		}
		wantActs(t, l, "query")
		ok(t, d.Save(ctx, r)) // nothing was set
		wantActs(t, l)
		must(found.Record(ctx, 0)) // it was given already
		wantActs(t, l, "get")
		set(t, r, map[string]any{"user_id": 8})
		ok(t, d.Save(ctx, r))
		must(found.Record(ctx, 1)) // the process has written since
		wantActs(t, l, "save", "get")
	})
}

// TestUnlockFromAfar lets go of a lock that there is, and of one that there is not.
func TestUnlockFromAfar(t *testing.T) {
	s, d, _ := farTest(t)
	ctx := t.Context()
	r := saved(t, d, "server_log", map[string]any{"user_id": 7})
	ok(t, d.Unlock(ctx, r))
	ok(t, d.Lock(ctx, r))
	ok(t, d.Lock(ctx, r))
	ok(t, d.Unlock(ctx, r))
	other, _ := far(t, s, 6)
	theirs := must(other.Get(ctx, "server_log", r.Key()))
	wantKind(t, other.Lock(ctx, theirs), Locked)
	ok(t, d.Unlock(ctx, r))
	if d.Holds() {
		t.Error("it holds a lock")
	}
	ok(t, other.Lock(ctx, theirs))
}

// TestValuesFromAfar are the very same Go values as those that the server reads.
func TestValuesFromAfar(t *testing.T) {
	s, d, _ := farTest(t)
	ctx := t.Context()
	r := saved(t, d, "things", map[string]any{"name": "a\r\nä", "n": int64(1)<<62 + 1, "x": 3.0, "yes": false, "day": "2026-03-01", "time": "25:00:01",
		"info": map[string]any{"l": []any{1.0, nil, map[string]any{}}, "b": true, "s": ""}, "bytes": []byte{0, 13, 10, 255}})
	near := must(contextOf(t, s, 6).Get(ctx, "things", r.Key()))
	got := must(d.Get(ctx, "things", r.Key()))
	for i := range near.values {
		if !reflect.DeepEqual(got.values[i], near.values[i]) {
			t.Errorf("%s: got %#v, want %#v", near.table.Columns[i].Name, got.values[i], near.values[i])
		}
	}
	if got.stamp != near.stamp || r.stamp != near.stamp || got.key != near.key {
		t.Errorf("got the stamp %d and the key %v, want %d and %v", got.stamp, got.key, near.stamp, near.key)
	}
	set(t, got, map[string]any{"info": nil, "must": "other"})
	ok(t, d.Save(ctx, got))
	ok(t, d.Reload(ctx, r))
	if value(r, "info") != nil || value(r, "must") != "other" || value(r, "x") != 3.0 {
		t.Errorf("got %v after the reload", r.values)
	}
}

// TestPages has more keys than go into one message, both ways.
func TestPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where no time passes, and what came with a query stays fresh
		s, d, l := farTest(t)
		ctx, near := t.Context(), contextOf(t, s, 6)
		const n = 2*pageKeys + 500
		ok(t, near.StartTransaction(ctx))
		for i := range n {
			saved(t, near, "words", map[string]any{"word": fmt.Sprintf("w%05d", i), "n": i % 10})
		}
		ok(t, near.ValidateTransaction(ctx))
		all := find(t, d, "words", "order by n, word")
		wantActs(t, l, "query", "keys", "keys")
		if all.Len() != n || all.Key(n-1) != "w20499" {
			t.Errorf("got %d keys, the last %v; want %d and w20499", all.Len(), all.Key(all.Len()-1), n)
		}
		must(all.Record(ctx, 0))
		wantActs(t, l)
		order, err := query.ParseOrder("word desc")
		ok(t, err)
		sorted, err := all.OrderBy(ctx, order)
		if ok(t, err); sorted.Len() != n || sorted.Key(0) != "w20499" {
			t.Errorf("got %d sorted keys from %v", sorted.Len(), sorted.Key(0))
		}
		wantActs(t, l, "put", "put", "order_by", "keys", "keys")
		if sum, err := all.Aggregate(ctx, Sum, query.Path{Column: "n"}); sum != int64(n/10*45) || err != nil {
			t.Errorf("got the sum %v, %v; want %d", sum, err, n/10*45)
		}
		part := sorted.Slice(100, 500)
		records, err := part.Records(ctx, 0, 400)
		if ok(t, err); len(records) != 400 || records[0].Key() != "w20399" {
			t.Errorf("got %d records from %v", len(records), records[0].Key())
		}
		l.acts = nil
		if dropped, err := sorted.Slice(0, 2500).Drop(ctx); dropped != 2500 || err != nil {
			t.Errorf("got %d dropped, %v", dropped, err)
		}
		wantActs(t, l, "drop_rows", "drop_rows", "drop_rows")
		if c := behind(d); c.desk.rest != nil {
			t.Error("the server keeps a list that was fetched")
		}
	})
}

// TestLargeRows are cut into messages, and one that is too large for any is an error.
func TestLargeRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where no time passes, and what came with a query stays fresh
		s, d, l := farTest(t)
		ctx := t.Context()
		blob := make([]byte, pageBytes/3)
		for i := range 8 {
			saved(t, d, "things", map[string]any{"n": i, "bytes": blob})
		}
		l.acts = nil
		records, err := find(t, d, "things", "order by n").Records(ctx, 0, 8)
		if ok(t, err); len(records) != 8 || len(value(records[7], "bytes").([]byte)) != len(blob) {
			t.Errorf("got %d rows", len(records))
		}
		wantActs(t, l, "query", "rows", "rows", "rows")
		large := record(t, d, "things", map[string]any{"bytes": make([]byte, MaxAct)})
		wantKind(t, d.Save(ctx, large), Value)
		near := saved(t, contextOf(t, s, 6), "things", map[string]any{"n": 99, "bytes": make([]byte, MaxAct)})
		_, err = d.Get(ctx, "things", near.Key())
		wantKind(t, err, Value)
		_, err = find(t, d, "things", "n = 99").Record(ctx, 0)
		wantKind(t, err, Value)
		if d.unsure != nil {
			t.Error("the process does not know what the server has")
		}
	})
}

// TestErrorsFromAfar are those that the server's own processes have.
func TestErrorsFromAfar(t *testing.T) {
	s, d, _ := farTest(t)
	ctx, other := t.Context(), contextOf(t, s, 9)
	saved(t, other, "words", map[string]any{"word": "old"})
	for name, act := range map[string]func(c Data) error{
		"duplicate": func(c Data) error { return c.Save(ctx, record(t, c, "words", map[string]any{"word": "old"})) },
		"no key":    func(c Data) error { return c.Save(ctx, record(t, c, "words", nil)) },
		"no table":  func(c Data) error { _, err := c.New("wrods"); return err },
		"column": func(c Data) error {
			_, err := c.Select(ctx, "words", parse(t, "m = 1"), nil)
			return err
		},
		"value": func(c Data) error {
			_, err := c.Count(ctx, "words", parse(t, "n = :1"), []any{"x"})
			return err
		},
		"key":            func(c Data) error { _, err := c.Get(ctx, "things", "x"); return err },
		"no transaction": func(c Data) error { return c.ValidateTransaction(ctx) },
		"new":            func(c Data) error { return c.Drop(ctx, record(t, c, "words", nil)) },
		"lock":           func(c Data) error { return c.Lock(ctx, record(t, c, "words", nil)) },
		"stamp": func(c Data) error {
			mine, theirs := must(c.Get(ctx, "words", "old")), must(other.Get(ctx, "words", "old"))
			set(t, theirs, map[string]any{"n": theirs.stamp})
			set(t, mine, map[string]any{"n": 2})
			return errors.Join(other.Save(ctx, theirs), c.Save(ctx, mine))
		},
		"locked": func(c Data) error {
			mine, theirs := must(c.Get(ctx, "words", "old")), must(other.Get(ctx, "words", "old"))
			ok(t, other.Lock(ctx, theirs))
			defer other.Unlock(ctx, theirs)
			return c.Lock(ctx, mine)
		},
		"missing": func(c Data) error {
			theirs := saved(t, other, "words", map[string]any{"word": "gone"})
			mine := must(c.Get(ctx, "words", "gone"))
			return errors.Join(other.Drop(ctx, theirs), c.Reload(ctx, mine))
		},
		"dropped": func(c Data) error {
			r := saved(t, c, "words", map[string]any{"word": "x"})
			return errors.Join(c.Drop(ctx, r), c.Save(ctx, r))
		},
	} {
		got, want := act(d), act(contextOf(t, s, 5))
		if got == nil || want == nil || got.Error() != want.Error() || KindOf(got) != KindOf(want) {
			t.Errorf("%s: got %v (%s), want %v (%s)", name, got, KindOf(got), want, KindOf(want))
		}
	}
}

var errCut = errors.New("cut")

// TestAnswerLostInTransaction cancels it: what was saved is again as it was, and nothing is done outside of it by mistake.
func TestAnswerLostInTransaction(t *testing.T) {
	s, d, l := farTest(t)
	ctx := t.Context()
	kept := saved(t, d, "words", map[string]any{"word": "kept", "n": 1})
	ok(t, d.StartTransaction(ctx))
	set(t, kept, map[string]any{"n": 2})
	ok(t, d.Save(ctx, kept))
	fresh := saved(t, d, "words", map[string]any{"word": "fresh"})
	l.fail = errCut
	if err := d.Save(ctx, record(t, d, "words", map[string]any{"word": "third"})); !errors.Is(err, errCut) || KindOf(err) != Unavailable {
		t.Errorf("got %v, want the error of the transport", err)
	}
	wantKind(t, d.Save(ctx, record(t, d, "words", map[string]any{"word": "outside"})), State)
	if d.Level() != 1 || !d.Holds() {
		t.Errorf("got the level %d, want 1 until it is cancelled", d.Level())
	}
	ok(t, d.CancelTransaction(ctx))
	if d.Level() != 0 || !fresh.IsNew() || !kept.Touched() {
		t.Errorf("got the level %d, new %v, touched %v; want 0, true, true", d.Level(), fresh.IsNew(), kept.Touched())
	}
	if n, err := contextOf(t, s, 9).Count(ctx, "words", nil, nil); n != 1 || err != nil {
		t.Errorf("got %d rows, %v; want 1", n, err)
	}
	ok(t, d.Save(ctx, fresh))
	ok(t, d.Save(ctx, kept))
}

// TestAnswerLostAtTheEnd is a transaction of which nobody knows whether it was kept: it is over all the same.
func TestAnswerLostAtTheEnd(t *testing.T) {
	_, d, l := farTest(t)
	ctx := t.Context()
	ok(t, d.StartTransaction(ctx))
	ok(t, d.StartTransaction(ctx))
	r := saved(t, d, "words", map[string]any{"word": "a"})
	l.fail = errCut
	if err := d.ValidateTransaction(ctx); !errors.Is(err, errCut) {
		t.Errorf("got %v, want the error of the transport", err)
	}
	if d.Level() != 0 || !r.IsNew() {
		t.Errorf("got the level %d, new %v; want 0, true", d.Level(), r.IsNew())
	}
	ok(t, d.Save(ctx, r))
}

// patient is an Asker whose link outlives an act that is given up, as that of the Application process.
type patient struct {
	*loop
	cancel context.CancelFunc // nil: nothing is given up
}

func (p *patient) Data(ctx context.Context, op string, args []any) (any, error) {
	answer, err := p.loop.Data(context.WithoutCancel(ctx), op, args)
	if cancel := p.cancel; cancel != nil {
		p.cancel = nil
		cancel()
		return nil, ctx.Err()
	}
	return answer, err
}

// TestGivenUpStart does not leave the process in a transaction of which it does not know.
func TestGivenUpStart(t *testing.T) {
	_, d, l := farTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	d.asker = &patient{l, cancel}
	wantKind(t, d.StartTransaction(ctx), Ended)
	if d.Level() != 0 || l.context.Level() != 1 {
		t.Errorf("got the levels %d and %d, want 0 and 1", d.Level(), l.context.Level())
	}
	saved(t, d, "words", map[string]any{"word": "a"})
	if d.Level() != 0 || l.context.Level() != 0 {
		t.Errorf("got the levels %d and %d, want 0 and 0", d.Level(), l.context.Level())
	}
	d.asker = l
}

// TestTransactionsOfTheLanguageTwin are the process's own: what code on the server has started, the client can end.
func TestTransactionsOfTheLanguageTwin(t *testing.T) {
	s, d, l := farTest(t)
	ctx := t.Context()
	ok(t, l.context.StartTransaction(ctx))
	r := saved(t, d, "words", map[string]any{"word": "a"})
	if d.Level() != 1 {
		t.Errorf("got the level %d, want 1", d.Level())
	}
	ok(t, d.CancelTransaction(ctx))
	if n, err := contextOf(t, s, 9).Count(ctx, "words", nil, nil); n != 0 || err != nil || !r.IsNew() {
		t.Errorf("got %d rows, %v, new %v; want none", n, err, r.IsNew())
	}
	ok(t, d.StartTransaction(ctx))
	ok(t, d.Save(ctx, r))
	ok(t, l.context.ValidateTransaction(ctx)) // code on the server ends it
	_, err := d.Get(ctx, "words", "a")
	wantKind(t, err, State)
	ok(t, d.CancelTransaction(ctx))
	if r := must(d.Get(ctx, "words", "a")); r == nil {
		t.Error("what the server has kept is gone")
	}
}

// TestOldStructure is a client that has not heard yet of new columns, in another order.
func TestOldStructure(t *testing.T) {
	s, d, _ := farTest(t)
	ctx := t.Context()
	r := saved(t, d, "words", map[string]any{"word": "a", "n": 1})
	next := serverLog()
	next.Tables[2].Columns = []structure.Column{{Name: "m", Type: structure.Integer, Default: int64(5)}, {Name: "n", Type: structure.Integer}, next.Tables[2].Columns[0]}
	ok(t, s.Upgrade(ctx, next))
	set(t, r, map[string]any{"n": 2})
	ok(t, d.Save(ctx, r))
	fresh := saved(t, d, "words", map[string]any{"word": "b"})
	if got := must(find(t, d, "words", "word = 'a'").Record(ctx, 0)); value(got, "n") != int64(2) || len(got.values) != 2 {
		t.Errorf("got %v, want a and 2", got.values)
	}
	d.Renew(s.Structure())
	if got := must(d.Get(ctx, "words", "b")); value(got, "m") != int64(5) || got.Key() != "b" {
		t.Errorf("got %v, want the default of the new column", got.values)
	}
	set(t, fresh, map[string]any{"n": 3}) // of the old table
	ok(t, d.Save(ctx, fresh))
}

// TestWords are one for each kind, and lead back to it.
func TestWords(t *testing.T) {
	for k := Internal; k <= Level; k++ {
		if got := KindOf(ErrorOf(k.Word(), "words: text")); got != k {
			t.Errorf("%s: got %s", k, got)
		}
	}
	if err := ErrorOf("odd", "words: text"); KindOf(err) != Internal || err.Error() != "words: text" {
		t.Errorf("got %v, %s", err, KindOf(err))
	}
}

// answers is a server that answers whatever it is told to.
type answers struct{ list []any }

func (a *answers) Data(context.Context, string, []any) (any, error) {
	if len(a.list) == 0 {
		return nil, wire.Error{Code: wireCode, Message: "level"}
	}
	answer := a.list[0]
	a.list = a.list[1:]
	return answer, nil
}

// FuzzAnswers holds that no answer of a server makes a client panic or hang.
func FuzzAnswers(f *testing.F) {
	row := []any{int64(1), "a", int64(2)}
	for _, list := range [][]any{
		{[]any{nil, row}}, {[]any{int64(1), nil, nil, []any{nil, row}}, []any{int64(1), []any{nil, row}}},
		{[]any{int64(3), int64(1), []any{"a"}, []any{[]any{"n", "x", "word"}}}, []any{"b", "c"}, int64(-1), []any{int64(2), nil, []any{"a"}}},
		{[]any{int64(7)}, []any{int64(7), "n", int64(1)}, int64(1), nil}, {[]any{int64(1), "stamp", "x", nil}},
	} {
		packed, err := wire.Pack(list)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	tables := serverLog()
	f.Fuzz(func(t *testing.T, packed []byte) {
		list, err := wire.Unpack(packed)
		if err != nil {
			return
		}
		ctx, d := context.Background(), NewDistant(&tables, &answers{list})
		r := record(t, d, "words", map[string]any{"word": "a"})
		d.StartTransaction(ctx)
		d.Save(ctx, r)
		d.Get(ctx, "words", "a")
		if found, err := d.Select(ctx, "words", nil, nil); err == nil {
			found.Record(ctx, 0)
			found.Records(ctx, 0, 10)
			found.Aggregate(ctx, Sum, query.Path{Column: "n"})
			found.Drop(ctx)
			found.OrderBy(ctx, nil)
		}
		d.Sequence(ctx, "server_log")
		d.Reload(ctx, r)
		d.Lock(ctx, r)
		d.CancelTransaction(ctx)
		d.Close(ctx)
	})
}

// BenchmarkSaveFromAfar is one new row, over bytes but no network.
func BenchmarkSaveFromAfar(b *testing.B) {
	_, d, _ := farTest(b)
	b.ReportAllocs()
	for n := int64(1); b.Loop(); n++ {
		openEntry(b, d, n)
	}
}

// BenchmarkFirstFromAfar finds one row by its key.
func BenchmarkFirstFromAfar(b *testing.B) {
	_, d, _ := farTest(b)
	openEntry(b, d, 1)
	q := parse(b, "log_id = :1")
	b.ReportAllocs()
	for b.Loop() {
		found, err := d.Select(b.Context(), "server_log", q, []any{1})
		if err != nil || found.Len() != 1 {
			b.Fatal(err, found)
		}
		must(found.Record(b.Context(), 0))
	}
}
