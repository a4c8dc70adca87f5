package interprocess

import (
	"fmt"
	"slices"
	"strings"
)

// DeadlockError is the error of a wait that would never end: who holds what is waited for waits itself, in the end for
// the caller. The wait has not begun.
type DeadlockError struct {
	What  string // what the caller would wait for
	Links []Link // who holds that, and then who holds what the one before waits for; the last one is the caller
	text  string
}

// Link is one process of a circle.
type Link struct {
	Owner Owner
	Waits string // what it waits for; "" for the caller
}

// Error names all processes of the circle and what they hold.
func (d *DeadlockError) Error() string { return d.text }

// circleLocked is the circle that h would close by waiting for l, nil when there is none. Every other wait in it is
// endless too: one that ends by itself lets the others go on in the end.
func (c *Commons) circleLocked(h *holder, l *lock) *DeadlockError {
	c.search++
	waits, found := c.pathLocked(l, h)
	if !found {
		return nil
	}
	d := &DeadlockError{What: l.what()}
	for _, w := range slices.Backward(waits) {
		d.Links = append(d.Links, Link{w.holder.owner, w.lock.what()})
	}
	d.Links = append(d.Links, Link{Owner: h.owner})
	return d
}

// pathLocked finds how whoever holds l waits for h: the waits on the way, the last one first.
func (c *Commons) pathLocked(l *lock, h *holder) (waits []*Wait, found bool) {
	holder := l.holder
	if holder == h {
		return nil, true
	}
	if holder.search == c.search {
		return nil, false
	}
	holder.search = c.search
	for w := holder.wait; w != nil; w = w.outer {
		if w.lock == nil || !w.endless {
			continue
		}
		if waits, found := c.pathLocked(w.lock, h); found {
			return append(waits, w), true
		}
	}
	return nil, false
}

// closesLocked reports whether a circle would be closed by giving a lock that nobody holds to h, who waits for it:
// what else h waits for, without an end and around this wait or inside it, is held up by somebody who waits for l.
func (c *Commons) closesLocked(l *lock, h *holder) bool {
	if h.wait.outer == nil {
		return false // it waits for nothing else
	}
	l.holder = h
	defer func() { l.holder = nil }()
	c.search++
	for w := h.wait; w != nil; w = w.outer {
		if w.lock == nil || w.lock == l || !w.endless {
			continue
		}
		if _, found := c.pathLocked(w.lock, h); found {
			return true
		}
	}
	return false
}

// described gives a DeadlockError its text. It asks for names, so the Commons must not be locked.
func (c *Commons) described(d *DeadlockError) error {
	var b strings.Builder
	fmt.Fprintf(&b, "waiting for %s would never end: ", d.What)
	for i, link := range d.Links {
		b.WriteString(c.name(link.Owner))
		b.WriteString(" holds")
		if i == 0 {
			b.WriteString(" it")
		}
		if link.Waits != "" {
			fmt.Fprintf(&b, " while it waits for %s, which ", link.Waits)
		}
	}
	d.text = b.String()
	return d
}

func (c *Commons) name(o Owner) string {
	if c.config.Name == nil {
		return fmt.Sprintf("process %d", o)
	}
	return c.config.Name(o)
}
