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
	uses  map[string][]time.Time
	total int       // uses in all
	swept time.Time // when keys without uses that count were last dropped
}

const (
	maxUses    = 1_000_000 // remembered at once, of all keys
	maxUsesKey = 10_000    // remembered for one key: the largest n
	sweepEvery = time.Second
)

func newLimiter() *limiter { return &limiter{uses: map[string][]time.Time{}} }

// allow reports whether the key has been used less than n times in the interval before now, and counts the use if so.
func (l *limiter) allow(key string, n int, interval time.Duration) bool {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total >= maxUses && !l.makeRoomLocked(now, interval) {
		return false
	}
	uses := l.uses[key]
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
		delete(l.uses, key)
	} else {
		l.uses[key] = uses
	}
	return allowed
}

// makeRoomLocked drops the keys that were last used before the interval, looking at them all once a second at the
// most. It knows only the interval of the key that needs room; a key with a longer one loses its memory early when
// the table is full.
func (l *limiter) makeRoomLocked(now time.Time, interval time.Duration) bool {
	if now.Sub(l.swept) < sweepEvery {
		return false
	}
	l.swept = now
	for key, uses := range l.uses {
		if now.Sub(uses[len(uses)-1]) >= interval {
			l.total -= len(uses)
			delete(l.uses, key)
		}
	}
	return l.total < maxUses
}
