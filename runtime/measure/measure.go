// Package measure counts how long things take, for reports and metrics, cheaply enough for the accept path. It is pure
// counting: who publishes the numbers reads them from here.
package measure

import (
	"sync/atomic"
	"time"
)

// Bounds are the upper bounds of the buckets of every Histogram, in rising order; what is longer than the last is in a
// bucket of its own. They are spaced for work that takes from ten microseconds to ten seconds.
var Bounds = [...]time.Duration{
	10 * time.Microsecond, 30 * time.Microsecond, 100 * time.Microsecond, 300 * time.Microsecond, time.Millisecond,
	3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond,
	time.Second, 3 * time.Second, 10 * time.Second,
}

// Histogram counts durations by size. The zero Histogram is empty and ready for use. All methods may be called from
// any goroutine; none of them blocks or allocates.
type Histogram struct {
	buckets [len(Bounds) + 1]atomic.Int64
	sum     atomic.Int64 // nanoseconds
}

// Observe counts one duration; less than 0, which a clock that was set back can give, counts as 0.
func (h *Histogram) Observe(d time.Duration) {
	d = max(d, 0)
	i := 0
	for i < len(Bounds) && d > Bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(d))
}

// Snapshot is what a Histogram has counted.
type Snapshot struct {
	Count   int64
	Sum     time.Duration
	Buckets [len(Bounds)]int64 // Buckets[i] is how many were no longer than Bounds[i]: cumulative, as Prometheus has it
}

// Snapshot reads the counts. While others observe, the sum may be ahead of the count by what they just add.
func (h *Histogram) Snapshot() Snapshot {
	s := Snapshot{Sum: time.Duration(h.sum.Load())}
	for i := range h.buckets {
		s.Count += h.buckets[i].Load()
		if i < len(Bounds) {
			s.Buckets[i] = s.Count
		}
	}
	return s
}

// Mean is the mean duration, 0 when nothing was counted.
func (s Snapshot) Mean() time.Duration {
	if s.Count == 0 {
		return 0
	}
	return s.Sum / time.Duration(s.Count)
}
