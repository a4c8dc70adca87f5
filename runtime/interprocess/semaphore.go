package interprocess

import (
	"strings"
	"unicode/utf8"
)

// LongestName is the length of a semaphore's name in characters; what is beyond does not count, as in 4D.
const LongestName = 255

func semaphoreName(s string) string {
	if len(s) <= LongestName || utf8.RuneCountInString(s) <= LongestName {
		return s
	}
	n := 0
	for i := range s {
		if n == LongestName {
			return s[:i]
		}
		n++
	}
	return s
}

// TakeSemaphore makes a semaphore that belongs to the owner, and reports whether it does: not when another process has
// one of that name. Case counts; names that begin with $ are no others here. A semaphore that the owner has already
// stays as it is: one ClearSemaphore ends it however often it was taken.
func (c *Commons) TakeSemaphore(by Owner, name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.takeLocked(by, semaphoreName(name)) == nil
}

// takeLocked returns nil, or the lock that another process holds.
func (c *Commons) takeLocked(by Owner, name string) *lock {
	if l := c.semaphores[name]; l != nil {
		if l.holder.owner == by {
			return nil
		}
		return l
	}
	var l *lock
	if n := len(c.spare); n > 0 {
		l, c.spare = c.spare[n-1], c.spare[:n-1]
	} else {
		l = &lock{}
	}
	l.semaphore = strings.Clone(name) // it may be a part of a long text
	c.semaphores[l.semaphore] = l
	l.count = 1
	l.holdLocked(c.holderLocked(by))
	return nil
}

// AwaitSemaphore is TakeSemaphore for an owner who waits if another process has the semaphore: taken is false then, and
// the Wait is for when it is the owner's. endless says that the owner sets itself no limit; then the error is a
// *DeadlockError if the wait would never end, and there is no Wait.
func (c *Commons) AwaitSemaphore(by Owner, name string, endless bool) (w *Wait, taken bool, err error) {
	c.mu.Lock()
	l := c.takeLocked(by, semaphoreName(name))
	if l == nil {
		c.mu.Unlock()
		return nil, true, nil
	}
	w, deadlock := c.awaitLocked(c.holderLocked(by), l, endless)
	c.mu.Unlock()
	if deadlock != nil {
		return nil, false, c.described(deadlock)
	}
	return w, false, nil
}

// HasSemaphore reports whether any process has a semaphore of that name.
func (c *Commons) HasSemaphore(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.semaphores[semaphoreName(name)] != nil
}

// ClearSemaphore ends a semaphore of the owner, or hands it to the first who waits. What belongs to another process, or
// to nobody, stays as it is.
func (c *Commons) ClearSemaphore(by Owner, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.semaphores[semaphoreName(name)]; l != nil && l.holder.owner == by {
		c.releaseLocked(l)
	}
}
