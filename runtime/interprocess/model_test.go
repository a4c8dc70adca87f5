package interprocess_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"moongate/runtime/interprocess"
)

// model is semaphores and groups as they are described, without any thought of speed.
type model struct {
	locks  []*modelLock
	places map[owner][]*modelPlace // the innermost last
}

type modelLock struct {
	name  string
	by    owner
	count int
	queue []*modelPlace
}

type modelPlace struct {
	by      owner
	lock    *modelLock // nil: given
	given   *modelLock
	endless bool
	wait    *interprocess.Wait
}

func (m *model) semaphore(name string) *modelLock {
	i := slices.IndexFunc(m.locks, func(l *modelLock) bool { return l.name == name })
	if i < 0 {
		i = len(m.locks)
		m.locks = append(m.locks, &modelLock{name: name})
	}
	return m.locks[i]
}

// reaches reports whether whoever has the lock waits for an owner, in the end.
func (m *model) reaches(l *modelLock, by owner, seen map[owner]bool) bool {
	if l.by == by {
		return true
	}
	if seen[l.by] {
		return false
	}
	seen[l.by] = true
	for _, p := range m.places[l.by] {
		if p.lock != nil && p.endless && m.reaches(p.lock, by, seen) {
			return true
		}
	}
	return false
}

func (m *model) release(l *modelLock) {
	l.by, l.count = 0, 0
	if len(l.queue) == 0 {
		return
	}
	next := m.next(l)
	l.by = next.by
	for _, p := range slices.Clone(l.queue) {
		if p.by == next.by {
			m.unqueue(p)
			p.given = l
			l.count++
		}
	}
}

// next is who gets a lock: the first one who waits for nothing else in the middle of this wait, or if there is none
// the first one; but nobody by whom those who wait for it would wait for themselves.
func (m *model) next(l *modelLock) *modelPlace {
	var may []*modelPlace
	for _, p := range l.queue {
		l.by = p.by
		if !slices.ContainsFunc(m.places[p.by], func(q *modelPlace) bool {
			return q.lock != nil && q.lock != l && q.endless && m.reaches(q.lock, p.by, map[owner]bool{})
		}) {
			may = append(may, p)
		}
		l.by = 0
	}
	for _, p := range may {
		if own := m.places[p.by]; own[len(own)-1] == p {
			return p
		}
	}
	return may[0]
}

// circle reports whether somebody waits without an end for what comes only after that wait.
func (m *model) circle() bool {
	for by, places := range m.places {
		for _, p := range places {
			if p.lock != nil && p.endless && m.reaches(p.lock, by, map[owner]bool{}) {
				return true
			}
		}
	}
	return false
}

func (m *model) unqueue(p *modelPlace) {
	p.lock.queue = slices.DeleteFunc(p.lock.queue, func(q *modelPlace) bool { return q == p })
	p.lock = nil
}

// pop ends the innermost wait of an owner.
func (m *model) pop(by owner) *modelPlace {
	own := m.places[by]
	p := own[len(own)-1]
	m.places[by] = own[:len(own)-1]
	return p
}

func (m *model) free(by owner) {
	for _, p := range m.places[by] {
		if p.lock != nil {
			m.unqueue(p)
		}
	}
	delete(m.places, by)
	for _, l := range m.locks {
		if l.by == by {
			m.release(l)
		}
	}
}

// held is what Commons.Held has to say.
func (m *model) held() string {
	var all []interprocess.Holding
	for _, l := range m.locks {
		if l.by == 0 {
			continue
		}
		h := interprocess.Holding{Owner: l.by, What: l.name}
		for _, p := range l.queue {
			h.Waiting = append(h.Waiting, p.by)
		}
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b interprocess.Holding) int {
		if a.Owner != b.Owner {
			return int(a.Owner) - int(b.Owner)
		}
		return strings.Compare(a.What, b.What)
	})
	return fmt.Sprint(all)
}

// bench is both side by side.
type bench struct {
	*testing.T
	*rand.Rand
	c       *interprocess.Commons
	m       model
	objects []*shared
	groups  []*modelLock // of the objects
	grouped []bool
}

func newBench(t *testing.T, seed uint64) *bench {
	b := &bench{T: t, Rand: rand.New(rand.NewPCG(seed, 1)), c: interprocess.New(interprocess.Config{})}
	b.m.places = map[owner][]*modelPlace{}
	for range 5 {
		s, err := b.c.NewObject(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		b.objects = append(b.objects, s)
		b.groups = append(b.groups, b.m.semaphore(s.String()))
	}
	b.grouped = make([]bool, len(b.objects))
	return b
}

// await does a wait in both. begin is the wait for l, which another owner has.
func (b *bench) await(by owner, l *modelLock, endless bool, begin func() (*interprocess.Wait, bool, error)) {
	closes := endless && b.m.reaches(l, by, map[owner]bool{})
	w, taken, err := begin()
	var deadlock *interprocess.DeadlockError
	expect(b, "taken", taken, false)
	expect(b, "is a deadlock", errors.As(err, &deadlock), closes)
	expect(b, "waits", w != nil, !closes)
	if w != nil {
		p := &modelPlace{by: by, lock: l, endless: endless, wait: w}
		l.queue = append(l.queue, p)
		b.m.places[by] = append(b.m.places[by], p)
	}
}

func (b *bench) takeSemaphore(by owner) string {
	name := string(rune('a' + b.IntN(4)))
	l := b.m.semaphore(fmt.Sprintf("semaphore %q", name))
	free := l.by == 0 || l.by == by
	if l.by == 0 {
		l.by, l.count = by, 1
	}
	if free || b.IntN(3) == 0 {
		expect(b, "taken", b.c.TakeSemaphore(by, name), free)
		return "take " + name
	}
	endless := b.IntN(3) > 0
	b.await(by, l, endless, func() (*interprocess.Wait, bool, error) { return b.c.AwaitSemaphore(by, name, endless) })
	return "await " + name
}

func (b *bench) clearSemaphore(by owner) string {
	name := string(rune('a' + b.IntN(4)))
	if l := b.m.semaphore(fmt.Sprintf("semaphore %q", name)); l.by == by {
		b.m.release(l)
	}
	b.c.ClearSemaphore(by, name)
	return "clear " + name
}

func (b *bench) use(by owner) string {
	i := b.IntN(len(b.objects))
	s, l := b.objects[i], b.groups[i]
	if l.by == 0 || l.by == by {
		l.by = by
		l.count++
		_, taken, err := s.Use(by)
		expect(b, "used", taken && err == nil, true)
		return fmt.Sprint("use ", i)
	}
	b.await(by, l, true, func() (*interprocess.Wait, bool, error) { return s.Use(by) })
	return fmt.Sprint("await ", i)
}

func (b *bench) endUse(by owner) string {
	i := b.IntN(len(b.objects))
	if l := b.groups[i]; l.by == by {
		if l.count--; l.count == 0 {
			b.m.release(l)
		}
	}
	b.objects[i].EndUse(by)
	return fmt.Sprint("end use ", i)
}

// put puts one object into another.
func (b *bench) put(by owner) string {
	i, j := b.IntN(len(b.objects)), b.IntN(len(b.objects))
	err := b.objects[i].SetField(by, "x", b.objects[j])
	var busy *interprocess.BusyError
	container, value := b.groups[i], b.groups[j]
	switch {
	case container.by != by:
		expectError(b, "not in use", err, interprocess.ErrNotInUse)
	case container != value && b.grouped[i] && b.grouped[j]:
		expectError(b, "two groups", err, interprocess.ErrGroup)
	case container != value && value.by != 0 && value.by != by:
		expect(b, "is used", errors.As(err, &busy), true)
	default:
		expectError(b, "put", err, nil)
		if container != value {
			b.join(i, j)
		}
		b.grouped[i], b.grouped[j] = true, true
	}
	return fmt.Sprint("put ", j, " into ", i)
}

// join moves what there is of the lock of one that has no group yet to that of the other.
func (b *bench) join(i, j int) {
	if b.grouped[j] {
		i, j = j, i
	}
	to, from := b.groups[i], b.groups[j]
	to.by = max(to.by, from.by)
	to.count += from.count
	for _, p := range from.queue {
		p.lock = to
	}
	to.queue = append(to.queue, from.queue...)
	*from = modelLock{name: from.name}
	b.groups[j] = to
}

// endWait ends the innermost wait of an owner, if its turn has come, or if it gives up.
func (b *bench) endWait(by owner) string {
	own := b.m.places[by]
	p := own[len(own)-1]
	came := len(p.wait.Turn()) == 1
	expect(b, "turn has come", came, p.given != nil)
	switch {
	case came && b.IntN(4) > 0:
		<-p.wait.Turn()
		expect(b, "taken", p.wait.Take(), p.given.by == by)
		b.m.pop(by)
		return "take turn"
	case came || b.IntN(3) == 0:
		p.wait.Leave()
		b.m.pop(by)
		if p.lock != nil {
			b.m.unqueue(p)
		} else if p.given.by == by {
			if p.given.count--; p.given.count == 0 {
				b.m.release(p.given)
			}
		}
		return "leave"
	}
	return "wait on"
}

// step does one thing to both and says what it was.
func (b *bench) step() string {
	by := owner(1 + b.IntN(6))
	does := fmt.Sprint("owner ", by, ": ")
	if n := len(b.m.places[by]); n > 0 && (n == 2 || b.IntN(4) > 0) { // in the middle of a wait there may be one more
		return does + b.endWait(by)
	}
	switch n := b.IntN(40); {
	case n < 12:
		return does + b.takeSemaphore(by)
	case n < 18:
		return does + b.clearSemaphore(by)
	case n < 28:
		return does + b.use(by)
	case n < 36:
		return does + b.endUse(by)
	case n < 38:
		return does + b.put(by)
	case len(b.m.places[by]) == 0:
		b.m.free(by)
		b.c.Free(by)
		return does + "free"
	}
	return does + "nothing"
}

func TestAgreesWithAModel(t *testing.T) {
	for seed := range uint64(120) {
		b := newBench(t, seed)
		var steps []string
		for len(steps) < 300 && !t.Failed() {
			steps = append(steps, b.step())
			if len(steps)%5 == 0 && b.m.circle() { // it would stay
				t.Error("there is a circle of waits")
			}
			if got, want := fmt.Sprint(b.c.Held()), b.m.held(); got != want {
				t.Errorf("held: got  %s\nwant %s", got, want)
			}
		}
		for by := range owner(6) {
			b.c.Free(by + 1)
		}
		expectNothingHeld(t, b.c)
		if t.Failed() {
			t.Fatalf("seed %d, after:\n%s", seed, strings.Join(steps, "\n"))
		}
	}
}
