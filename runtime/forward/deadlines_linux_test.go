package forward

import (
	"math/rand/v2"
	"testing"
)

// TestDeadlines compares the heap with looking at everything.
func TestDeadlines(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var d deadlines
	flows, want := make([]flow, 50), map[*flow]int64{}
	for range 20000 {
		f := &flows[random.IntN(len(flows))]
		switch random.IntN(3) {
		case 0:
			d.remove(f)
			delete(want, f)
		default:
			at := 1 + random.Int64N(1000)
			d.add(f, at)
			if before, in := want[f]; !in || at < before {
				want[f] = at
			}
		}
		first := int64(0)
		for _, at := range want {
			if first == 0 || at < first {
				first = at
			}
		}
		if got := d.first(); got != first {
			t.Fatalf("first: got %d, want %d", got, first)
		}
		if len(want) > 40 {
			f := d.pop(first)
			if f == nil || want[f] != first {
				t.Fatalf("pop(%d): got %v with %d", first, f, want[f])
			}
			delete(want, f)
		}
		if f := d.pop(first - 1); f != nil && first > 0 && want[f] == first {
			t.Fatalf("pop gave a flow before its time")
		}
	}
}
