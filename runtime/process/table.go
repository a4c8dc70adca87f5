package process

import (
	"math/bits"
	"strings"
	"sync"
	"time"
)

// Spec is what a new process is started with.
type Spec struct {
	Name       string // "" is a process without a name
	Type       Type
	Method     string // the method it begins with, for reports; "" for internal processes
	Session    string // the session that it belongs to, "" when none
	Preemptive bool
	Started    time.Time // zero is now
}

// Table has the processes of one machine. The zero Table is empty and ready for use; all methods may be called
// from any goroutine and none of them blocks.
type Table struct {
	mu      sync.Mutex
	slots   []slot   // slots[i] belongs to number i+1
	used    []uint64 // a bit for each slot that is in use, so that the lowest free one is found quickly
	hint    int      // no word of used below this one has a free bit
	live    int
	lastID  ID
	after   Number        // the numbers begin after this one
	changed chan struct{} // closed and forgotten when a process ends; nil while nobody waits for that
}

type slot struct {
	process *Process
	name    string // what the last process here was called
}

// NewTable makes a table whose numbers begin after that one: where the numbers of two tables are used, none is in both.
func NewTable(after Number) *Table { return &Table{after: after} }

// Start puts a new process into the lowest free slot. Its state is Executing.
func (t *Table) Start(spec Spec) *Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.startLocked(spec)
}

// StartUnique is Start unless a process of that name is alive already (4D's `*`), the twins of clients aside, which clients name: that one is returned then,
// and the second result is false.
func (t *Table) StartUnique(spec Spec) (*Process, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.namedLocked(spec.Name, func(p *Process) bool { return p.spec.Type != InternalServer }); p != nil {
		return p, false
	}
	return t.startLocked(spec), true
}

func (t *Table) startLocked(spec Spec) *Process {
	i := t.freeSlotLocked()
	t.lastID++
	t.live++
	if spec.Started.IsZero() {
		spec.Started = time.Now()
	}
	p := &Process{table: t, spec: spec, number: t.after + Number(i+1), id: t.lastID, visible: true}
	t.slots[i] = slot{process: p, name: spec.Name}
	return p
}

// freeSlotLocked finds the lowest free slot and marks it as used.
func (t *Table) freeSlotLocked() int {
	for w := t.hint; w < len(t.used); w++ {
		if t.used[w] != ^uint64(0) {
			b := bits.TrailingZeros64(^t.used[w])
			t.hint = w
			t.used[w] |= 1 << b
			i := w*64 + b
			if i == len(t.slots) {
				t.slots = append(t.slots, slot{})
			}
			return i
		}
	}
	t.hint = len(t.used)
	t.used = append(t.used, 1)
	t.slots = append(t.slots, slot{})
	return len(t.slots) - 1
}

// end frees the slot of p.
func (t *Table) end(p *Process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := int(p.number-t.after) - 1
	t.slots[i].process = nil
	t.used[i/64] &^= 1 << (i % 64)
	t.hint = min(t.hint, i/64)
	t.live--
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}

// Changed is closed when the next process ends. Ask for it before looking at the table, so that no end is missed.
func (t *Table) Changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	return t.changed
}

// Get is the living process with that number, nil when there is none.
func (t *Table) Get(n Number) *Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.getLocked(n)
}

func (t *Table) getLocked(n Number) *Process {
	i := int(n-t.after) - 1
	if n <= t.after || i >= len(t.slots) {
		return nil
	}
	return t.slots[i].process
}

// ByID is the living process with that unique number, nil when there is none.
func (t *Table) ByID(id ID) *Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.slots {
		if s.process != nil && s.process.id == id {
			return s.process
		}
	}
	return nil
}

// Named is the living process with that name and the lowest number, nil when there is none. Case does not
// count, as in 4D's comparisons of text; a process without a name is never found.
func (t *Table) Named(name string) *Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.namedLocked(name, func(*Process) bool { return true })
}

func (t *Table) namedLocked(name string, condition func(*Process) bool) *Process {
	if name == "" {
		return nil
	}
	for _, s := range t.slots {
		if s.process != nil && strings.EqualFold(s.name, name) && condition(s.process) {
			return s.process
		}
	}
	return nil
}

// State is the state of the process with that number: Aborted for a slot whose process has ended, DoesNotExist
// for a number beyond the slots in use ("Process state": -100 when not in 1..Count tasks).
func (t *Table) State(n Number) State {
	t.mu.Lock()
	p := t.getLocked(n)
	highest := t.highestLocked()
	t.mu.Unlock()
	switch {
	case p != nil:
		return p.State()
	case n > t.after && n <= highest:
		return Aborted
	default:
		return DoesNotExist
	}
}

// Highest is the highest number of a living process, 0 without any ("Count tasks").
func (t *Table) Highest() Number {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.highestLocked()
}

func (t *Table) highestLocked() Number {
	for w := len(t.used) - 1; w >= 0; w-- {
		if t.used[w] != 0 {
			return t.after + Number(w*64+64-bits.LeadingZeros64(t.used[w]))
		}
	}
	return 0
}

// Count is the number of living processes for which the condition holds; nil counts all.
func (t *Table) Count(condition func(*Process) bool) int {
	if condition == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.live
	}
	n := 0
	for _, p := range t.All() {
		if condition(p) {
			n++
		}
	}
	return n
}

// All are the living processes, by number.
func (t *Table) All() []*Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*Process, 0, t.live)
	for _, s := range t.slots {
		if s.process != nil {
			all = append(all, s.process)
		}
	}
	return all
}

// Info describes the process with that number, or the one that last had it (state Aborted, its name kept until
// the slot is used again). The second result is false when the number is wrong.
func (t *Table) Info(n Number) (Info, bool) {
	t.mu.Lock()
	p := t.getLocked(n)
	highest := t.highestLocked()
	name := ""
	if i := int(n-t.after) - 1; n > t.after && i < len(t.slots) {
		name = t.slots[i].name
	}
	t.mu.Unlock()
	switch {
	case p != nil:
		return p.Info(), true
	case n > t.after && n <= highest:
		return Info{Number: n, Name: name, State: Aborted}, true
	default:
		return Info{}, false
	}
}

func (t *Table) rename(p *Process, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.spec.Name = name
	if i := int(p.number-t.after) - 1; t.slots[i].process == p {
		t.slots[i].name = name
	}
}

func (t *Table) nameOf(p *Process) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return p.spec.Name
}
