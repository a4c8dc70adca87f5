package lane

// Ready reports whether a call at the door would have its turn at once. It may be called from any goroutine; by the time of
// the call it may be otherwise.
func (p *Program) Ready() bool {
	b := &p.lane.baton
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.held || b.reserved
}

// CloseWaits reports whether Close may wait: for the baton, or for what commands let go of. Only who has given the baton away
// before, or has coroutines, has such things.
func (p *Program) CloseWaits() bool { return p.waited || !p.state.Idle() }
