package interprocess

// Wait is a process's place in a queue. It belongs to the goroutine of its owner. An owner that does something else in
// the middle of a wait may wait there again, and ends the inner wait first.
type Wait struct {
	commons *Commons
	holder  *holder
	turn    chan struct{} // of capacity 1

	// guarded by Commons.mu
	lock    *lock // that it waits for; nil: it has been given what it waited for
	given   *lock
	endless bool  // nothing but its turn ends the wait by itself
	outer   *Wait // of the same owner
	ahead   *Wait // in the queue
	behind  *Wait
}

// Turn can be received from once, when what was waited for belongs to the owner; then Take or Leave ends the wait.
func (w *Wait) Turn() <-chan struct{} { return w.turn }

// Take ends a wait whose turn has come. It reports whether the owner still has what it was given, which it may have
// given away in the middle of the wait.
func (w *Wait) Take() bool {
	w.commons.mu.Lock()
	defer w.commons.mu.Unlock()
	taken := w.given != nil && w.given.holder == w.holder
	w.endLocked()
	return taken
}

// Leave ends a wait by giving the place up. What has been handed over meanwhile, whether Turn was received from or not,
// is handed on to the next.
func (w *Wait) Leave() {
	w.commons.mu.Lock()
	defer w.commons.mu.Unlock()
	if w.lock != nil {
		w.lock.removeLocked(w)
	} else if l := w.given; l != nil && l.holder == w.holder {
		if l.count--; l.count <= 0 {
			w.commons.releaseLocked(l)
		}
	}
	w.endLocked()
}

// endLocked makes the wait, which is its owner's innermost, ready for the next one.
func (w *Wait) endLocked() {
	select {
	case <-w.turn:
	default:
	}
	h := w.holder
	h.wait, h.spare = w.outer, w
	w.given, w.outer = nil, nil
}

// awaitLocked makes h wait for a lock that another holds. An endless wait must not close a circle: then h does not
// wait, and the circle is returned.
func (c *Commons) awaitLocked(h *holder, l *lock, endless bool) (*Wait, *DeadlockError) {
	if endless {
		if d := c.circleLocked(h, l); d != nil {
			return nil, d
		}
	}
	w := h.spare
	if h.spare = nil; w == nil {
		w = &Wait{commons: c, holder: h, turn: make(chan struct{}, 1)}
	}
	w.endless, w.outer = endless, h.wait
	h.wait = w
	l.queueLocked(w)
	return w, nil
}
