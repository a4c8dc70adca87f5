package interprocess

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Kind is what a Shared is.
type Kind uint8

const (
	Object         Kind = iota // values by name
	Collection                 // values by number
	Signal                     // an object that processes wait for
	Storage                    // the object that is there from the beginning
	SessionStorage             // an object like that, of one session
)

var kindNames = [...]string{
	Object: "shared object", Collection: "shared collection", Signal: "signal", Storage: "storage", SessionStorage: "session storage",
}

// catalogue reports whether it has shared values only, and is no member of their groups: its use is for its own names.
func (k Kind) catalogue() bool { return k == Storage || k == SessionStorage }

// String is 4D's word for the kind, in lower case.
func (k Kind) String() string { return kindNames[k] }

// Shared is an object, a collection or a signal that all processes see. Its values are nil, bool, float64, string and
// *Shared. Everybody may read at any time; only a process that uses it may change it. Two are the same if they are the
// same pointer.
type Shared struct {
	commons *Commons
	kind    Kind
	number  uint64
	face    any
	signal  *signal // of a Signal

	// guarded by commons.mu
	lock    *lock // of its group, or its own; nil: it was never used
	grouped bool  // it belongs to a group, and will for ever

	mu       sync.RWMutex   // guards what follows
	fields   map[string]any // of all but a Collection; no value is nil
	elements []any          // of a Collection; the last one is not nil
}

// Errors of those who change what is shared. They come wrapped, with the name of what they are about.
var (
	// ErrNotInUse is returned when the caller does not use what it wants to change.
	ErrNotInUse = errors.New("it can be changed only while it is used")
	// ErrGroup is returned for a value that belongs to another group already.
	ErrGroup = errors.New("it belongs to another group of shared objects, for ever")
	// ErrStorage is returned for a value of a storage that is not shared itself, or is a storage.
	ErrStorage = errors.New("storage has shared objects and shared collections only")
	// ErrReadOnly is returned for what nobody can change: whether a signal was triggered.
	ErrReadOnly = errors.New("signaled is read-only: trigger makes it true")
	// ErrIndex is returned for an element beyond MaxElements.
	ErrIndex = errors.New("a shared collection has no element of that number")
)

// MaxElements is how many elements a collection has at the most.
const MaxElements = 1_000_000

// BusyError is the error for a value that another process uses, so that it cannot join a group now. Once the caller
// uses the value it can.
type BusyError struct{ Value *Shared }

// Error says what is used.
func (e *BusyError) Error() string {
	return fmt.Sprintf("%s is used by another process: it cannot join a group now", e.Value)
}

func (c *Commons) newShared(kind Kind) *Shared {
	s := &Shared{commons: c, kind: kind, number: c.serial.Add(1)}
	if kind != Collection {
		s.fields = map[string]any{}
	}
	if c.config.Face != nil {
		s.face = c.config.Face(s)
	}
	return s
}

// Kind is what it is.
func (s *Shared) Kind() Kind { return s.kind }

// Face is what Config.Face made of it.
func (s *Shared) Face() any { return s.face }

// String is the kind with a number that nothing else shared has, as in messages: shared object 7.
func (s *Shared) String() string {
	if s.kind == Storage {
		return s.kind.String()
	}
	return fmt.Sprintf("%s %d", s.kind, s.number)
}

// Field is the value of a name, nil when there is none.
func (s *Shared) Field(name string) any {
	if s.signal != nil && name == signaledField {
		return s.Signaled()
	}
	s.mu.RLock()
	v := s.fields[name]
	s.mu.RUnlock()
	return v
}

// Element is the element of a number, from 0 on; nil when there is none.
func (s *Shared) Element(i int) any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if i < 0 || i >= len(s.elements) {
		return nil
	}
	return s.elements[i]
}

// Len is how many elements there are, or values by name.
func (s *Shared) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return max(len(s.elements), len(s.fields))
}

// Snapshot is what is in it at this moment: the names in their order, and their values; or the elements, with nil names
// also when there are none.
func (s *Shared) Snapshot() (names []string, values []any) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.kind == Collection {
		return nil, slices.Clone(s.elements)
	}
	names = make([]string, 0, len(s.fields)+1)
	for name := range s.fields {
		names = append(names, name)
	}
	if s.signal != nil {
		names = append(names, signaledField)
	}
	slices.Sort(names)
	for _, name := range names {
		if v, ok := s.fields[name]; ok {
			values = append(values, v)
		} else {
			values = append(values, s.Signaled())
		}
	}
	return names, values
}

// SetField changes the value of a name for its user; nil takes the name away. The error wraps ErrNotInUse, ErrGroup,
// ErrStorage or ErrReadOnly, or is a *BusyError; then nothing is changed.
func (s *Shared) SetField(by Owner, name string, value any) error {
	if s.signal != nil && name == signaledField {
		return ErrReadOnly
	}
	if err := s.admit(by, value); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if value == nil {
		delete(s.fields, name)
	} else {
		s.fields[name] = value
	}
	return nil
}

// SetElement changes the element of a number, from 0 on, for its user. The elements before it that were not there are
// nil; nil for the last one shortens the collection. The errors are those of SetField, and ErrIndex.
func (s *Shared) SetElement(by Owner, i int, value any) error {
	if i < 0 || i >= MaxElements {
		return fmt.Errorf("%s: %w", s, ErrIndex)
	}
	if err := s.admit(by, value); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case i < len(s.elements):
		s.elements[i] = value
	case value != nil:
		n := len(s.elements)
		s.elements = slices.Grow(s.elements, i+1-n)[:i+1]
		clear(s.elements[n:i])
		s.elements[i] = value
	}
	s.trimLocked()
	return nil
}

// Splice takes n elements from number i on out of a collection and puts others there, for its user, and returns those
// that were taken out. i beyond the end is the end; what is not there is not taken out. The errors are those of
// SetElement.
func (s *Shared) Splice(by Owner, i, n int, values ...any) ([]any, error) {
	if err := s.admit(by, values...); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i = min(max(i, 0), len(s.elements))
	n = min(max(n, 0), len(s.elements)-i)
	if len(s.elements)-n+len(values) > MaxElements {
		return nil, fmt.Errorf("%s: %w", s, ErrIndex)
	}
	out := slices.Clone(s.elements[i : i+n])
	s.elements = slices.Replace(s.elements, i, i+n, values...)
	s.trimLocked()
	return out, nil
}

// trimLocked drops nils at the end, and room that is much too large.
func (s *Shared) trimLocked() {
	n := len(s.elements)
	for n > 0 && s.elements[n-1] == nil {
		n--
	}
	s.elements = s.elements[:n]
	if cap(s.elements) > 64 && n < cap(s.elements)/4 {
		s.elements = slices.Clone(s.elements)
	}
}
