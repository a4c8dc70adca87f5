package simulate

import (
	"math"
	"math/bits"
	"time"
)

// precision is how many bits of a duration a Histogram keeps: buckets are at most 1/64 wide, so what it says is at
// most 1.6 % too much. (runtime/measure's buckets are for a server that must not spend anything; their percentiles
// would be guesses.)
const precision = 6

// longest is as long as a Histogram tells durations apart: a quarter of an hour and a little.
const longest = 1<<40 - 1 // nanoseconds

// buckets is the bucket of longest, and one.
const buckets = (40-precision)<<precision + 1<<precision

// Histogram counts durations. The zero Histogram is empty and ready for use. It is for one goroutine at a time.
type Histogram struct {
	counts   [buckets]int64
	count    int64
	sum      float64 // seconds
	least    time.Duration
	greatest time.Duration
}

// Observe counts one duration; one below 0 counts as 0.
func (h *Histogram) Observe(d time.Duration) {
	d = max(d, 0)
	h.counts[bucketOf(d)]++
	if h.count == 0 || d < h.least {
		h.least = d
	}
	h.greatest = max(h.greatest, d)
	h.count++
	h.sum += d.Seconds()
}

// bucketOf is the bucket of a duration: exact below 128 ns, then 64 for each power of two.
func bucketOf(d time.Duration) int {
	v := uint64(min(d, longest))
	shift := max(0, bits.Len64(v)-precision-1)
	return shift<<precision + int(v>>shift)
}

// upper is the longest duration of a bucket.
func upper(bucket int) time.Duration {
	shift := max(0, bucket>>precision-1)
	return time.Duration((bucket-shift<<precision+1)<<shift - 1)
}

// Count is how many durations were counted.
func (h *Histogram) Count() int64 { return h.count }

// Percentile is the duration that a share of them, 0 to 1, did not exceed; 0 when nothing was counted.
func (h *Histogram) Percentile(share float64) time.Duration {
	rank := max(1, int64(math.Ceil(share*float64(h.count)-1e-9)))
	seen := int64(0)
	for i, n := range h.counts {
		if seen += n; seen >= rank {
			return max(h.least, min(upper(i), h.greatest))
		}
	}
	return h.greatest
}

// Between is how many durations are longer than one and no longer than another, to the precision of the Histogram.
func (h *Histogram) Between(above, upTo time.Duration) int64 {
	first := 0
	if above > 0 {
		first = bucketOf(above) + 1
	}
	n := int64(0)
	for i := first; i <= bucketOf(upTo); i++ {
		n += h.counts[i]
	}
	return n
}

// Latency is what a report says of durations, in seconds.
type Latency struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean"`
	Min   float64 `json:"min"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p99_9"`
	Max   float64 `json:"max"`
}

// Latency sums the Histogram up.
func (h *Histogram) Latency() Latency {
	if h.count == 0 {
		return Latency{}
	}
	at := func(share float64) float64 { return h.Percentile(share).Seconds() }
	return Latency{Count: h.count, Mean: h.sum / float64(h.count), Min: h.least.Seconds(), P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999), Max: h.greatest.Seconds()}
}
