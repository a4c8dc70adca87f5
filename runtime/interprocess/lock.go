package interprocess

import "fmt"

// lock is what one process holds at a time: a semaphore, or a group of shared objects. Commons.mu guards it.
type lock struct {
	semaphore string  // its name
	shared    *Shared // of the group, the one that it is called after; nil: it is a semaphore

	holder *holder // nil: nobody, and nobody waits
	count  int     // of uses inside each other
	next   *lock   // held by the same holder
	prev   *lock

	first *Wait // who waits
	last  *Wait
}

// what names the lock in messages.
func (l *lock) what() string {
	if l.shared != nil {
		return l.shared.String()
	}
	return fmt.Sprintf("semaphore %q", l.semaphore)
}

// holdLocked makes h the holder of a lock that nobody holds.
func (l *lock) holdLocked(h *holder) {
	l.holder = h
	l.prev, l.next = nil, h.held
	if h.held != nil {
		h.held.prev = l
	}
	h.held = l
}

// dropLocked makes the holder hold the lock no longer.
func (l *lock) dropLocked() {
	if l.prev != nil {
		l.prev.next = l.next
	} else {
		l.holder.held = l.next
	}
	if l.next != nil {
		l.next.prev = l.prev
	}
	l.holder, l.count, l.next, l.prev = nil, 0, nil, nil
}

// queueLocked puts w at the end of those who wait.
func (l *lock) queueLocked(w *Wait) {
	w.lock, w.ahead, w.behind = l, l.last, nil
	if l.last != nil {
		l.last.behind = w
	} else {
		l.first = w
	}
	l.last = w
}

// removeLocked takes w out of those who wait.
func (l *lock) removeLocked(w *Wait) {
	if w.ahead != nil {
		w.ahead.behind = w.behind
	} else {
		l.first = w.behind
	}
	if w.behind != nil {
		w.behind.ahead = w.ahead
	} else {
		l.last = w.ahead
	}
	w.lock, w.ahead, w.behind = nil, nil, nil
}

// keptLocks is how many locks of semaphores are kept for the next ones.
const keptLocks = 64

// releaseLocked takes a lock from its holder, however often it uses it, and hands it to the next who waits. A
// semaphore for which nobody waits is gone.
func (c *Commons) releaseLocked(l *lock) {
	l.dropLocked()
	if next := c.nextLocked(l); next != nil {
		l.giveLocked(next)
		return
	}
	if l.shared == nil {
		delete(c.semaphores, l.semaphore)
		if l.semaphore = ""; len(c.spare) < keptLocks {
			c.spare = append(c.spare, l)
		}
	}
}

// nextLocked is whose turn it is, nil when nobody waits: the first one, unless that process now waits for something
// else, in the middle of this wait. It could hold up all the others, and even what it waits for itself. Nobody gets a
// lock by whom it would never come back: whose other waits lead to one who waits here as well. (There is always one by
// whom it does, because no circle was there before: of those who wait here, one who waits for none of the others.)
func (c *Commons) nextLocked(l *lock) *Wait {
	var next *Wait // of those in the middle of something else
	for w := l.first; w != nil; w = w.behind {
		innermost := w.holder.wait == w
		if !innermost && next != nil || c.closesLocked(l, w.holder) {
			continue
		}
		if innermost {
			return w
		}
		next = w
	}
	if next == nil {
		return l.first
	}
	return next
}

// giveLocked ends a wait by making its owner the holder, and every other wait of the owner for the same.
func (l *lock) giveLocked(w *Wait) {
	l.holdLocked(w.holder)
	for w := w.holder.wait; w != nil; w = w.outer {
		if w.lock == l {
			l.removeLocked(w)
			l.count++
			w.given = l
			w.turn <- struct{}{}
		}
	}
}

// absorbLocked moves what there is of another lock to l: its holder's uses, and who waits for it. Both must have the
// same holder, or one of them none.
func (l *lock) absorbLocked(other *lock) {
	if h := other.holder; h != nil {
		count := other.count
		other.dropLocked()
		if l.holder == nil {
			l.holdLocked(h)
		}
		l.count += count
	}
	for w := other.first; w != nil; w = other.first {
		other.removeLocked(w)
		l.queueLocked(w)
	}
}
