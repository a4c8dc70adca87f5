package datastore

import (
	"context"
	"fmt"
	"testing"

	"moongate/runtime/datastore/query"
)

// TestSelections walks, sorts, slices, sums and drops what a query found.
func TestSelections(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx, c := t.Context(), contextOf(t, s, 1)
		ok(t, c.StartTransaction(ctx))
		for i := range 250 {
			saved(t, c, "server_log", map[string]any{"user_id": i % 7, "log_time": i, "process_name": fmt.Sprint("p", i)})
		}
		ok(t, c.ValidateTransaction(ctx))
		all := find(t, c, "server_log", "order by user_id desc, log_id")
		if all.Len() != 250 || all.Key(0) != int64(7) || all.Key(249) != int64(246) {
			t.Errorf("%d rows from %v to %v; want 250 from 7 to 246", all.Len(), all.Key(0), all.Key(249))
		}
		ok(t, c.Drop(ctx, must(all.Record(ctx, 1))))
		if r, err := all.Record(ctx, 1); r != nil || err != nil {
			t.Errorf("a dropped row is %v, %v; want nil", r, err)
		}
		records, err := all.Records(ctx, 0, 100)
		if ok(t, err); len(records) != 99 || records[0].Key() != int64(7) || records[1].Key() != int64(21) {
			t.Errorf("%d records, %v and %v the first; want 99, 7 and 21", len(records), records[0].Key(), records[1].Key())
		}
		order, err := query.ParseOrder("log_id desc")
		ok(t, err)
		sorted, err := all.OrderBy(ctx, order)
		if ok(t, err); sorted.Len() != 249 || sorted.Key(0) != int64(250) {
			t.Errorf("%d sorted rows from %v; want 249 from 250", sorted.Len(), sorted.Key(0))
		}
		if part := sorted.Slice(10, 12); part.Len() != 2 || part.Key(0) != int64(240) || sorted.Slice(300, 5).Len() != 0 {
			t.Errorf("a slice has %d rows from %v; want 2 from 240", part.Len(), part.Key(0))
		}
		few := find(t, c, "server_log", "user_id = 3")
		for _, test := range []struct {
			a      Aggregate
			column string
			want   any
		}{{Sum, "log_id", int64(4554)}, {Average, "log_id", 126.5}, {Min, "log_time", int64(3)}, {Max, "process_name", "p94"},
			{Counted, "user_id", int64(36)}, {Counted, "exit_date", int64(0)}, {Max, "exit_date", nil}, {Sum, "exit_time", int64(0)}, {Sum, "log_time", int64(4518)}} {
			if got, err := few.Aggregate(ctx, test.a, query.Path{Column: test.column}); got != test.want || err != nil {
				t.Errorf("%s of %s is %v, a %T, %v; want %v", test.a, test.column, got, got, err, test.want)
			}
		}
		_, err = few.Aggregate(ctx, Sum, query.Path{Column: "process_name"})
		wantKind(t, err, Value)
		if n, err := few.Drop(ctx); n != 36 || err != nil {
			t.Errorf("%d dropped, %v; want 36", n, err)
		}
		if n, err := c.Count(ctx, "server_log", nil, nil); n != 213 || err != nil {
			t.Errorf("%d rows are left, %v; want 213", n, err)
		}
		canceled, cancel := context.WithCancel(ctx)
		cancel()
		_, err = c.Select(canceled, "server_log", nil, nil)
		wantKind(t, err, Ended)
	})
}

func must(r *Record, err error) *Record {
	if err != nil {
		panic(err)
	}
	return r
}

// TestUsers have one number each, the same on every host.
func TestUsers(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		other := openTest(t, s.config)
		number := func(s *Store, name string, want int64) {
			t.Helper()
			if n, err := s.UserNumber(ctx, name); n != want || err != nil {
				t.Errorf("%s has %d, %v; want %d", name, n, err, want)
			}
		}
		number(s, "designer", 1)
		number(s, "Administrator", 2)
		number(s, "Zoë", 3)
		number(other, "zoË", 3)
		number(other, "Max", 4)
		number(s, "max", 4)
		ok(t, s.ImportUsers(ctx, map[int64]string{3: "zoë", 10: "Ann", 1: "Designer"}))
		number(other, "ANN", 10)
		number(other, "Next", 11)
		wantKind(t, s.ImportUsers(ctx, map[int64]string{12: "Max"}), Conflict)
		wantKind(t, s.ImportUsers(ctx, map[int64]string{10: "Bob"}), Conflict)
		if name, err := s.UserName(ctx, 11); name != "Next" || err != nil {
			t.Errorf("11 is %q, %v; want Next", name, err)
		}
		_, err := s.UserNumber(ctx, "a\nb")
		wantKind(t, err, Value)
		numbers := make(chan int64)
		for i := range 20 {
			go func() { // until its number is taken
				n, err := []*Store{s, other}[i%2].UserNumber(ctx, fmt.Sprint("user", i))
				if err != nil {
					t.Error(err)
				}
				numbers <- n
			}()
		}
		seen := map[int64]bool{}
		for range 20 {
			n := <-numbers
			if seen[n] {
				t.Errorf("%d was given twice", n)
			}
			seen[n] = true
		}
	})
}
