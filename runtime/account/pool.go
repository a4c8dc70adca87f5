package account

import (
	"context"
	"sync/atomic"
)

// waitersPerPlace is how many logins may wait for each place of the pool. With the usual costs the last of them has its
// turn after some ten seconds.
const waitersPerPlace = 256

// pool bounds how many threads hash at a time, and so how much memory they have: its size times the most that one hash
// asks for. Its places are given in the order in which they were asked for.
//
// A hash that works with several threads takes as many places, or all there are when it has more threads than that: then
// the users file, and not the pool, says how many threads there are.
type pool struct {
	places  chan struct{} // has an element for each place that is taken
	turn    chan struct{} // has an element while somebody takes places: two who have half of them each would wait for ever
	waiting *atomic.Int64
}

func newPool(size int) pool {
	return pool{places: make(chan struct{}, size), turn: make(chan struct{}, 1), waiting: &atomic.Int64{}}
}

// take takes the places of so many threads. It blocks until they are free, or ctx ends, whose cause it returns then. When
// too many wait already it returns ErrBusy at once.
func (p pool) take(ctx context.Context, threads uint32) error {
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > int64(cap(p.places)*waitersPerPlace) {
		return ErrBusy
	}
	if ctx.Err() != nil { // a select might not look
		return context.Cause(ctx)
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for taken := range p.share(threads) {
		select {
		case p.places <- struct{}{}:
		case <-ctx.Done():
			p.free(taken)
			return context.Cause(ctx)
		}
	}
	return nil
}

// give gives back what take took for as many threads.
func (p pool) give(threads uint32) { p.free(p.share(threads)) }

// share is how many places so many threads take.
func (p pool) share(threads uint32) int { return min(int(threads), cap(p.places)) }

func (p pool) free(places int) {
	for range places {
		<-p.places
	}
}
