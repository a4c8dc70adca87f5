package datastore

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"moongate/runtime/datastore/query"
)

// benchmarkStore opens a store that loses nothing but by power cuts.
func benchmarkStore(b *testing.B, engine int) *Store {
	c := databases[engine].config(b)
	c.Structure, c.Durability = serverLog(), Normal
	return openTest(b, c)
}

// crowd runs a function b.N times in so many goroutines, each with a context.
func crowd(b *testing.B, s *Store, goroutines int, f func(c Data, n int64)) {
	b.ReportAllocs()
	b.ResetTimer()
	began := cpu(b)
	var n atomic.Int64
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() { // until the number is reached
			c := s.NewContext(Owner{Process: int64(g)})
			defer c.Close(context.Background())
			for {
				i := n.Add(1)
				if i > int64(b.N) {
					return
				}
				f(c, i)
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64((cpu(b)-began).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// openEntry makes the row of the server log's open method.
func openEntry(b *testing.B, c Data, n int64) {
	r, err := c.New("server_log")
	if err != nil {
		b.Error(err)
		return
	}
	r.Set(1, "2026-03-01")
	r.Set(2, int64(40000))
	r.Set(3, 1+n%2)
	r.Set(4, n)
	r.Set(7, int64(0))
	if err := c.Save(context.Background(), r); err != nil {
		b.Error(err)
	}
}

// closeEntry finds it again and completes it, as the close method does.
func closeEntry(b *testing.B, c Data, q *query.Query, n int64) {
	found, err := c.Select(context.Background(), "server_log", q, []any{1 + n%2, n})
	if err != nil || found.Len() != 1 {
		b.Error(err, found)
		return
	}
	r, err := found.Record(context.Background(), 0)
	if err != nil {
		b.Error(err)
		return
	}
	r.Set(5, "2026-03-01")
	r.Set(6, int64(40010))
	r.Set(7, int64(9))
	r.Set(8, "connection 9")
	if err := c.Save(context.Background(), r); err != nil {
		b.Error(err)
	}
}

var closing = "user_id = :1 and connection_id = :2 and process_id = 0"

func benchmark(b *testing.B, f func(b *testing.B, s *Store, goroutines int)) {
	for i, d := range databases {
		for _, g := range []int{1, 64} {
			b.Run(d.name+map[int]string{1: "/alone", 64: "/64"}[g], func(b *testing.B) { f(b, benchmarkStore(b, i), g) })
		}
	}
}

// BenchmarkSave is one new row.
func BenchmarkSave(b *testing.B) {
	benchmark(b, func(b *testing.B, s *Store, goroutines int) {
		crowd(b, s, goroutines, func(c Data, n int64) { openEntry(b, c, n) })
	})
}

// BenchmarkQuery finds one row of 10,000 by an index, and reads it.
func BenchmarkQuery(b *testing.B) {
	q := parse(b, closing)
	benchmark(b, func(b *testing.B, s *Store, goroutines int) {
		c := contextOf(b, s, 1)
		ok(b, c.StartTransaction(b.Context()))
		for n := range int64(10000) {
			openEntry(b, c, n)
		}
		ok(b, c.ValidateTransaction(b.Context()))
		crowd(b, s, goroutines, func(c Data, n int64) {
			n %= 10000
			found, err := c.Select(context.Background(), "server_log", q, []any{1 + n%2, n})
			if err != nil || found.Len() != 1 {
				b.Error(err, found)
				return
			}
			if _, err := found.Record(context.Background(), 0); err != nil {
				b.Error(err)
			}
		})
	})
}

// BenchmarkPair is a connection of the server log: a new row, and it found and changed.
func BenchmarkPair(b *testing.B) {
	q := parse(b, closing)
	benchmark(b, func(b *testing.B, s *Store, goroutines int) {
		crowd(b, s, goroutines, func(c Data, n int64) {
			openEntry(b, c, n)
			runtime.Gosched()
			closeEntry(b, c, q, n)
		})
	})
}
