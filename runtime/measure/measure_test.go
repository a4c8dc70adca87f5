package measure_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"moongate/runtime/measure"
)

func TestHistogram(t *testing.T) {
	var h measure.Histogram
	if got := h.Snapshot(); got != (measure.Snapshot{}) || got.Mean() != 0 {
		t.Errorf("an empty histogram: got %+v", got)
	}
	for _, d := range []time.Duration{-time.Hour, 10 * time.Microsecond, 11 * time.Microsecond, time.Minute} {
		h.Observe(d)
	}
	got := h.Snapshot()
	if want := time.Minute + 21*time.Microsecond; got.Count != 4 || got.Sum != want || got.Mean() != want/4 {
		t.Errorf("count, sum and mean: got %d, %v, %v", got.Count, got.Sum, got.Mean())
	}
	if got.Buckets[0] != 2 || got.Buckets[1] != 3 || got.Buckets[len(got.Buckets)-1] != 3 {
		t.Errorf("cumulative buckets: got %v", got.Buckets)
	}
	if !slices.IsSorted(measure.Bounds[:]) {
		t.Errorf("the bounds do not rise: %v", measure.Bounds)
	}
}

func TestHistogramFromManyGoroutines(t *testing.T) {
	var h measure.Histogram
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				h.Observe(time.Millisecond)
			}
		})
	}
	all.Wait()
	if got := h.Snapshot(); got.Count != 8000 || got.Mean() != time.Millisecond {
		t.Errorf("got %d observations with a mean of %v, want 8000 and 1ms", got.Count, got.Mean())
	}
}

func BenchmarkObserve(b *testing.B) {
	var h measure.Histogram
	for b.Loop() {
		h.Observe(200 * time.Microsecond)
	}
}
