package interprocess

import "fmt"

// Use makes an owner the only one who may change a shared object and all of its group: taken is true if it is now, and
// if it was already, for uses are counted. Otherwise another process uses it, and the Wait ends when it is the owner's
// turn. The error is a *DeadlockError if that would never be. Each use needs its EndUse.
//
// A storage is no member of the groups of what is in it: its use is for its own names.
func (s *Shared) Use(by Owner) (w *Wait, taken bool, err error) {
	c := s.commons
	c.mu.Lock()
	if s.lock == nil {
		s.lock = &lock{shared: s}
	}
	l, h := s.lock, c.holderLocked(by)
	switch l.holder {
	case nil:
		l.count = 1
		l.holdLocked(h)
	case h:
		l.count++
	default:
		w, deadlock := c.awaitLocked(h, l, true)
		c.mu.Unlock()
		if deadlock != nil {
			return nil, false, c.described(deadlock)
		}
		return w, false, nil
	}
	c.mu.Unlock()
	return nil, true, nil
}

// EndUse ends one use. With the last one the group is handed to the next who waits. An owner who does not use it does
// nothing by this.
func (s *Shared) EndUse(by Owner) {
	c := s.commons
	c.mu.Lock()
	defer c.mu.Unlock()
	l := s.lock
	if l == nil || l.holder == nil || l.holder.owner != by {
		return
	}
	if l.count--; l.count == 0 {
		c.releaseLocked(l)
	}
}

// UsedBy reports whether the owner uses it.
func (s *Shared) UsedBy(by Owner) bool {
	s.commons.mu.Lock()
	defer s.commons.mu.Unlock()
	return s.usedLocked(by)
}

func (s *Shared) usedLocked(by Owner) bool {
	return s.lock != nil && s.lock.holder != nil && s.lock.holder.owner == by
}

// admit checks that an owner may put values into s, and makes those that are shared members of its group.
func (s *Shared) admit(by Owner, values ...any) error {
	c := s.commons
	c.mu.Lock()
	defer c.mu.Unlock()
	if !s.usedLocked(by) {
		return fmt.Errorf("%s: %w", s, ErrNotInUse)
	}
	if s.kind.catalogue() {
		return admitted(values)
	}
	members := []*Shared{s}
	for _, v := range values {
		if value, ok := v.(*Shared); ok {
			members = append(members, value)
		}
	}
	if len(members) == 1 {
		return nil
	}
	return c.uniteLocked(by, members)
}

// admitted checks that values may be in a storage.
func admitted(values []any) error {
	for _, v := range values {
		if value, ok := v.(*Shared); v != nil && (!ok || value.kind.catalogue()) {
			return ErrStorage
		}
	}
	return nil
}

// uniteLocked makes members one group, with one lock. Of those that belong to a group already all must belong to the
// same one; the others must not be used by anybody but the owner, whose uses are added up. On an error nothing is
// changed.
func (c *Commons) uniteLocked(by Owner, members []*Shared) error {
	group, err := c.groupLocked(by, members)
	if err != nil {
		return err
	}
	if group == nil {
		group = &lock{shared: members[0]}
	}
	for _, m := range members {
		if m.lock != group && m.lock != nil {
			group.absorbLocked(m.lock)
		}
		m.lock, m.grouped = group, true
	}
	return nil
}

// groupLocked finds the lock for a group of members, nil when none of them has one.
func (c *Commons) groupLocked(by Owner, members []*Shared) (*lock, error) {
	var giver *Shared // whose lock it is: a member of a group before all others
	for _, m := range members {
		switch {
		case m.kind.catalogue():
			return nil, fmt.Errorf("%s: %w", m, ErrGroup)
		case m.grouped && giver != nil && giver.grouped:
			if m.lock != giver.lock {
				return nil, fmt.Errorf("%s: %w", m, ErrGroup)
			}
		case m.grouped, m.lock != nil && giver == nil:
			giver = m
		}
	}
	if giver == nil {
		return nil, nil
	}
	joins := false // somebody's uses would be added to the group's
	for _, m := range members {
		if l := m.lock; l != nil && l != giver.lock && l.holder != nil {
			if l.holder.owner != by {
				return nil, &BusyError{m}
			}
			joins = true
		}
	}
	if h := giver.lock.holder; joins && h != nil && h.owner != by {
		return nil, &BusyError{giver}
	}
	return giver.lock, nil
}
