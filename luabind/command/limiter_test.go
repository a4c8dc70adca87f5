package command

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestLimiter(t *testing.T) {
	type use struct {
		at       time.Duration
		key      string
		n        int
		interval time.Duration
		want     bool
	}
	const second = time.Second
	for _, c := range []struct {
		name string
		uses []use
	}{
		{"the first n", []use{{0, "a", 2, second, true}, {0, "a", 2, second, true}, {0, "a", 2, second, false}}},
		{"keys of their own", []use{{0, "a", 1, second, true}, {0, "b", 1, second, true}, {0, "a", 1, second, false}, {0, "", 1, second, true}}},
		{"again after the interval", []use{{0, "a", 1, second, true}, {second - 1, "a", 1, second, false}, {second, "a", 1, second, true}}},
		{"a refused use is none", []use{{0, "a", 1, second, true}, {second / 2, "a", 1, second, false}, {second, "a", 1, second, true}, {second * 3 / 2, "a", 1, second, false}}},
		{"the span slides", []use{{0, "a", 2, second, true}, {second * 9 / 10, "a", 2, second, true}, {second, "a", 2, second, true},
			{second * 11 / 10, "a", 2, second, false}, {second * 19 / 10, "a", 2, second, true}}},
		{"a larger n later", []use{{0, "a", 1, second, true}, {0, "a", 1, second, false}, {0, "a", 2, second, true}}},
		{"a smaller n later", []use{{0, "a", 3, second, true}, {0, "a", 3, second, true}, {0, "a", 1, second, false}}},
		{"an hour later", []use{{0, "a", 1, second, true}, {time.Hour, "a", 1, second, true}}},
		{"another span is another limit", []use{{0, "a", 3, 60 * second, true}, {2 * second, "a", 3, second, true},
			{4 * second, "a", 3, second, true}, {6 * second, "a", 3, 60 * second, true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, start := newLimiter(), time.Now()
				for i, u := range c.uses {
					time.Sleep(u.at - time.Since(start))
					if got := l.allow(u.key, u.n, u.interval); got != u.want {
						t.Errorf("use %d, of %q after %v: got %v, want %v", i+1, u.key, u.at, got, u.want)
					}
				}
			})
		})
	}
}

// In no span of the interval's length are there more than n uses, and none is refused that would fit.
func TestLimiterAgainstAModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		l := newLimiter()
		allowed := map[string][]time.Time{}
		for range 3000 {
			time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond)
			key := string(rune('a' + r.IntN(4)))
			n, interval := 1+int(key[0]-'a'), 2*time.Second
			recent := 0
			for _, at := range allowed[key] {
				if time.Since(at) < interval {
					recent++
				}
			}
			got := l.allow(key, n, interval)
			if want := recent < n; got != want {
				t.Fatalf("%q: got %v with %d of %d uses in the interval", key, got, recent, n)
			}
			if got {
				allowed[key] = append(allowed[key], time.Now())
			}
			total := 0
			for _, uses := range l.uses {
				total += len(uses)
			}
			if l.total != total {
				t.Fatalf("counted %d uses, want %d", l.total, total)
			}
		}
	})
}

// A flood of keys is limited itself: when the memory is full nobody new is let through until there is room.
func TestLimiterIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter()
		for i := range 10 {
			l.allow(fmt.Sprint("early ", i), 1, time.Minute)
		}
		time.Sleep(30 * time.Second)
		late := make([]time.Time, maxUses-10)
		for i := range late {
			late[i] = time.Now()
		}
		l.uses[limit{"late", time.Minute}] = late
		l.total = maxUses
		if l.allow("new", 1, time.Minute) {
			t.Error("a new key in a full table: got true, want false")
		}
		if l.swept != time.Now() {
			t.Error("a full table was not swept")
		}
		time.Sleep(30 * time.Second)
		if !l.allow("new", 1, time.Minute) {
			t.Error("a new key when others are over: got false, want true")
		}
		if got, want := l.total, maxUses-10+1; got != want {
			t.Errorf("uses: got %d, want %d", got, want)
		}
		for i := range 9 {
			l.allow(fmt.Sprint("more ", i), 1, time.Minute)
		}
		if l.allow("one more", 1, time.Minute) {
			t.Error("a new key in a table that is full again: got true, want false")
		}
		time.Sleep(time.Hour)
		if !l.allow("at last", 1, time.Minute) || l.total != 1 {
			t.Errorf("after an hour: got %d uses, want 1", l.total)
		}
	})
}

func TestLimiterForgetsKeysWithoutUses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter()
		for range 100 {
			l.allow("a", 5, time.Second)
			time.Sleep(time.Second)
		}
		if len(l.uses) != 1 || l.total != 1 {
			t.Errorf("got %d keys and %d uses, want 1 and 1", len(l.uses), l.total)
		}
	})
}

func TestLimiterFromManyGoroutines(t *testing.T) {
	l := newLimiter()
	var group sync.WaitGroup
	var mu sync.Mutex
	allowed := 0
	for range 20 {
		group.Go(func() {
			for range 100 {
				if l.allow(strings.Repeat("k", 3), 500, time.Hour) {
					mu.Lock()
					allowed++
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	if allowed != 500 {
		t.Errorf("allowed %d, want 500", allowed)
	}
}
