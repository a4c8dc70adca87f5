package command

import (
	"sync"
	"time"
)

// limiter is the memory of rate_limit: for each key the times of its uses that still count, oldest first. All lanes
// share one. Its size is bounded: when it is full, a key that is not in it is not let through, so that whoever floods
// it with keys is limited too.
type limiter struct {
	mu    sync.Mutex
	uses  map[limit][]time.Time
	total int       // uses in all
	swept time.Time // when keys without uses that count were last dropped
}

// limit is what uses are counted for: the same key with another span is another limit, so that 5 in a second and 100 in
// a minute can be asked for together.
type limit struct {
	key      string
	interval time.Duration
}

const (
	maxUses    = 1_000_000 // remembered at once, of all keys
	maxUsesKey = 10_000    // remembered for one key: the largest n
	longestKey = 255       // bytes
	sweepEvery = time.Second
)

func newLimiter() *limiter { return &limiter{uses: map[limit][]time.Time{}} }

// allow reports whether the key has been used less than n times in the interval before now, and counts the use if so.
func (l *limiter) allow(key string, n int, interval time.Duration) bool {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total >= maxUses && !l.makeRoomLocked(now) {
		return false
	}
	limit := limit{key, interval}
	uses := l.uses[limit]
	expired := 0
	for expired < len(uses) && now.Sub(uses[expired]) >= interval {
		expired++
	}
	l.total -= expired
	uses = uses[expired:]
	allowed := len(uses) < n
	if allowed {
		uses = append(uses, now)
		l.total++
	}
	if len(uses) == 0 {
		delete(l.uses, limit)
	} else {
		l.uses[limit] = uses
	}
	return allowed
}

// makeRoomLocked drops what does not count any more, looking at everything once a second at the most.
func (l *limiter) makeRoomLocked(now time.Time) bool {
	if now.Sub(l.swept) < sweepEvery {
		return false
	}
	l.swept = now
	for limit, uses := range l.uses {
		if now.Sub(uses[len(uses)-1]) >= limit.interval {
			l.total -= len(uses)
			delete(l.uses, limit)
		}
	}
	return l.total < maxUses
}
