package interprocess_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"moongate/runtime/interprocess"
)

type (
	fields = map[string]any
	list   = []any
	shared = interprocess.Shared
)

func object(t testing.TB, c *interprocess.Commons, f fields) *shared {
	t.Helper()
	s, err := c.NewObject(1, f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// mustUse uses what nobody else does.
func mustUse(t testing.TB, by owner, all ...*shared) {
	t.Helper()
	for _, s := range all {
		if _, taken, err := s.Use(by); !taken || err != nil {
			t.Fatalf("%s used by %d: got %v, %v", s, by, taken, err)
		}
	}
}

func endUse(by owner, all ...*shared) {
	for _, s := range all {
		s.EndUse(by)
	}
}

// mustWait begins a use of what another uses.
func mustWait(t testing.TB, by owner, s *shared) *interprocess.Wait {
	t.Helper()
	w, taken, err := s.Use(by)
	if taken || err != nil {
		t.Fatalf("%s used by %d: got %v, %v, want a wait", s, by, taken, err)
	}
	return w
}

func expectError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got the error %v, want %v", what, err, want)
	}
}

func expectBusy(t testing.TB, what string, err error, want *shared) {
	t.Helper()
	var busy *interprocess.BusyError
	if !errors.As(err, &busy) || busy.Value != want {
		t.Errorf("%s: got the error %v, want that %s is used", what, err, want)
	}
}

func TestSharedValues(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	s := object(t, c, fields{"n": 1.5, "nothing": nil, "list": list{"a", nil, true, nil}, "empty": fields{}})
	names, values := s.Snapshot()
	expect(t, "names", names, []string{"empty", "list", "n"})
	expect(t, "values", len(values), 3)
	inner := s.Field("list").(*shared)
	expect(t, "elements", inner.Len(), 3)
	expect(t, "an element", inner.Element(2), any(true))
	expect(t, "elements that are not there", []any{inner.Element(-1), inner.Element(3), inner.Field("n"), s.Element(0)}, []any{nil, nil, nil, nil})
	names, values = inner.Snapshot()
	expect(t, "names of a collection", names, []string(nil))
	expect(t, "values of a collection", values, list{"a", nil, true})
	names, _ = s.Field("empty").(*shared).Snapshot()
	expect(t, "no names, but those of an object", names != nil, true)

	expectError(t, "out of use", s.SetField(1, "n", 2.0), interprocess.ErrNotInUse)
	mustUse(t, 1, s)
	expectError(t, "used by another", s.SetField(2, "n", 2.0), interprocess.ErrNotInUse)
	expectError(t, "in use", s.SetField(1, "n", 2.0), nil)
	expect(t, "changed", s.Field("n"), any(2.0))
	expectError(t, "taken away", s.SetField(1, "n", nil), nil)
	expect(t, "names", s.Len(), 2)
	for _, i := range []int{-1, interprocess.MaxElements} {
		expectError(t, fmt.Sprint("element ", i), inner.SetElement(1, i, true), interprocess.ErrIndex)
	}
	s.EndUse(2)
	expect(t, "used", s.UsedBy(1), true)
	s.EndUse(1)
	s.EndUse(1)
	expect(t, "used after the end", s.UsedBy(1), false)
	expectNothingHeld(t, c)
}

// A collection agrees with a slice whose nils at the end are cut off.
func TestCollection(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	s, err := c.NewCollection(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	mustUse(t, 1, s)
	for i, step := range []struct {
		do   func() ([]any, error)
		out  list
		want list
	}{
		{func() ([]any, error) { return s.Splice(1, 9, 9, "a", "b", nil, "c") }, list{}, list{"a", "b", nil, "c"}},
		{func() ([]any, error) { return s.Splice(1, 1, 2, 1.0) }, list{"b", nil}, list{"a", 1.0, "c"}},
		{func() ([]any, error) { return s.Splice(1, -1, -1, "first") }, list{}, list{"first", "a", 1.0, "c"}},
		{func() ([]any, error) { return nil, s.SetElement(1, 3, nil) }, nil, list{"first", "a", 1.0}},
		{func() ([]any, error) { return nil, s.SetElement(1, 1, nil) }, nil, list{"first", nil, 1.0}},
		{func() ([]any, error) { return nil, s.SetElement(1, 2, nil) }, nil, list{"first"}},
		{func() ([]any, error) { return nil, s.SetElement(1, 7, nil) }, nil, list{"first"}},
		{func() ([]any, error) { return nil, s.SetElement(1, 3, "last") }, nil, list{"first", nil, nil, "last"}},
		{func() ([]any, error) { return s.Splice(1, 0, 9) }, list{"first", nil, nil, "last"}, nil},
	} {
		out, err := step.do()
		if err != nil {
			t.Fatal(err)
		}
		_, got := s.Snapshot()
		expect(t, fmt.Sprint("out at step ", i), fmt.Sprint(out), fmt.Sprint(step.out))
		expect(t, fmt.Sprint("elements after step ", i), fmt.Sprint(got), fmt.Sprint(step.want))
	}
	expectError(t, "the last possible", s.SetElement(1, interprocess.MaxElements-1, true), nil)
	_, err = s.Splice(1, 0, 0, true)
	expectError(t, "one more", err, interprocess.ErrIndex)
	_, err = s.Splice(1, 0, 1, true)
	expectError(t, "another in its place", err, nil)
	s.EndUse(1)
	expectNothingHeld(t, c)
}

func TestUse(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	s := object(t, c, nil)
	mustUse(t, 1, s, s)
	second, third := mustWait(t, 2, s), mustWait(t, 3, s)
	s.EndUse(1)
	expect(t, "turn before the last end", isTurn(second), false)
	s.EndUse(1)
	expect(t, "turn of the second", isTurn(second), true)
	expect(t, "taken by the second", second.Take(), true)
	expect(t, "used by the first", s.UsedBy(1), false)
	s.EndUse(2)
	third.Leave()
	expect(t, "used by who has left", s.UsedBy(3), false)
	expectNothingHeld(t, c)

	mustUse(t, 1, s, s, s)
	w := mustWait(t, 2, s)
	c.Free(1)
	expect(t, "turn after the end of the process", isTurn(w), true)
	w.Leave()
	expectNothingHeld(t, c)
}

func TestGroups(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	a, b, free := object(t, c, fields{"inner": fields{}}), object(t, c, fields{"inner": list{}}), object(t, c, nil)
	mustUse(t, 1, a)
	expectError(t, "a member of another group", a.SetField(1, "b", b), interprocess.ErrGroup)
	expectError(t, "a member of another group's inner", a.SetField(1, "b", b.Field("inner")), interprocess.ErrGroup)
	expectError(t, "the storage", a.SetField(1, "s", c.Storage()), interprocess.ErrGroup)
	expectError(t, "itself", a.SetField(1, "a", a), nil)
	expectError(t, "one of no group", a.SetField(1, "free", free), nil)
	expect(t, "used with the group", []bool{a.Field("inner").(*shared).UsedBy(1), free.UsedBy(1), b.UsedBy(1)}, []bool{true, true, false})
	expectError(t, "taken out", a.SetField(1, "free", nil), nil)
	a.EndUse(1)
	mustUse(t, 1, b)
	expectError(t, "put into another group", b.SetField(1, "free", free), interprocess.ErrGroup)
	b.EndUse(1)
	for _, tree := range []fields{{"a": a, "b": b}, {"s": c.Storage()}, {"x": fields{"a": a}, "y": list{b}}} {
		_, err := c.NewObject(1, tree)
		expectError(t, "made of two groups", err, interprocess.ErrGroup)
	}
	top := object(t, c, fields{"x": list{a, a, free}})
	mustUse(t, 2, top)
	expect(t, "used with what is new", a.UsedBy(2), true)
	top.EndUse(2)
	expectNothingHeld(t, c)
}

// Two objects that one process uses become one group that it uses as often as both together; what others wait for in
// either is one queue then.
func TestGroupOfWhatIsUsed(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	for _, setUp := range []struct {
		name string
		a, b fields
	}{{"of no group", nil, nil}, {"the container is of a group", fields{"x": fields{}}, nil}, {"the value is of a group", nil, fields{"x": fields{}}}} {
		a, b := object(t, c, setUp.a), object(t, c, setUp.b)
		mustUse(t, 1, a, b, b)
		ofA, ofB := mustWait(t, 2, a), mustWait(t, 3, b)
		expectError(t, setUp.name, a.SetField(1, "b", b), nil)
		endUse(1, a, b)
		expect(t, "turns before the last end", []bool{isTurn(ofA), isTurn(ofB)}, []bool{false, false})
		endUse(1, b)
		first, second := ofA, ofB
		if !isTurn(first) {
			first, second = ofB, ofA
			expect(t, "turn of one", isTurn(first), true)
		}
		expect(t, "taken", first.Take(), true)
		expect(t, "turn of the other", isTurn(second), false)
		for by := range owner(3) {
			a.EndUse(by + 1)
		}
		expect(t, "turn of the other", isTurn(second), true)
		second.Leave()
		expectNothingHeld(t, c)
	}
}

// What another process uses cannot join, and nothing changes; what is new may join what another uses.
func TestGroupOfWhatOthersUse(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	a, b, group, free := object(t, c, nil), object(t, c, nil), object(t, c, fields{"x": fields{}}), object(t, c, nil)
	mustUse(t, 1, a)
	mustUse(t, 2, b, group)
	expectBusy(t, "an object", a.SetField(1, "b", b), b)
	expectBusy(t, "a group", a.SetField(1, "g", group), group)
	s, err := c.NewCollection(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	mustUse(t, 1, s)
	_, err = s.Splice(1, 0, 0, free, b)
	expectBusy(t, "one of two", err, b)
	expect(t, "elements after it", s.Len(), 0)
	_, err = c.NewCollection(1, list{free, b, group})
	expectBusy(t, "two that are used", err, b)
	mustUse(t, 3, free)
	expect(t, "the first joined nothing", s.UsedBy(3), false)
	made, err := c.NewObject(1, fields{"g": group})
	expectError(t, "something new", err, nil)
	expect(t, "used by who uses the group", made.UsedBy(2), true)
	endUse(1, a, s)
	endUse(2, b, group)
	endUse(3, free)
	expectNothingHeld(t, c)
}

func TestStorage(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	s, a, b := c.Storage(), object(t, c, fields{"x": fields{}}), object(t, c, fields{"x": fields{}})
	expectError(t, "out of use", s.SetField(1, "a", a), interprocess.ErrNotInUse)
	mustUse(t, 1, s)
	for _, v := range []any{1.0, "text", false, s} {
		expectError(t, fmt.Sprint(v), s.SetField(1, "v", v), interprocess.ErrStorage)
	}
	mustUse(t, 2, a)
	for name, v := range (fields{"a": a, "b": b, "again": a, "signal": c.NewSignal("")}) {
		expectError(t, name, s.SetField(1, name, v), nil)
	}
	expectError(t, "taken out", s.SetField(1, "again", nil), nil)
	expect(t, "names", s.Len(), 3)
	expect(t, "used", []bool{a.UsedBy(1), b.UsedBy(1), a.UsedBy(2), b.UsedBy(2)}, []bool{false, false, true, false})
	c.Free(1)
	c.Free(2)
	expectNothingHeld(t, c)
}

// A session's storage is like the storage of all, and another one.
func TestStorageOfASession(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	s, a := c.NewStorage(), object(t, c, nil)
	expect(t, "name", s.String(), "session storage 2")
	expectError(t, "out of use", s.SetField(1, "a", a), interprocess.ErrNotInUse)
	mustUse(t, 1, s)
	mustUse(t, 2, a, c.Storage())
	for _, v := range []any{1.0, s, c.Storage(), c.NewStorage()} {
		expectError(t, fmt.Sprint(v), s.SetField(1, "v", v), interprocess.ErrStorage)
	}
	expectError(t, "an object that another uses", s.SetField(1, "a", a), nil)
	expectError(t, "in the storage too", c.Storage().SetField(2, "a", a), nil)
	expectError(t, "a session's storage there", c.Storage().SetField(2, "s", s), interprocess.ErrStorage)
	expectError(t, "a session's storage in an object", a.SetField(2, "s", s), interprocess.ErrGroup)
	expect(t, "used", []bool{a.UsedBy(1), s.UsedBy(2)}, []bool{false, false})
	c.Free(1)
	c.Free(2)
	expectNothingHeld(t, c)
}

func TestSignal(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	s := c.NewSignal("text")
	expect(t, "at first", s.Signaled(), false)
	s.Trigger()
	s.Trigger()
	<-s.Triggered()
	expect(t, "triggered", s.Field("signaled"), any(true))
	mustUse(t, 1, s)
	expectError(t, "signaled", s.SetField(1, "signaled", false), interprocess.ErrReadOnly)
	expectError(t, "a result", s.SetField(1, "sum", 3.0), nil)
	s.EndUse(1)
	names, values := s.Snapshot()
	expect(t, "names", names, []string{"description", "signaled", "sum"})
	expect(t, "values", values, list{"text", true, 3.0})
	expectNothingHeld(t, c)
}

func TestFacesAndNames(t *testing.T) {
	c := interprocess.New(interprocess.Config{Face: func(s *shared) any { return "face of " + s.String() }})
	s := object(t, c, fields{"list": list{}})
	expect(t, "an object", s.Face(), any("face of shared object 2"))
	expect(t, "its list", s.Field("list").(*shared).Face(), any("face of shared collection 3"))
	expect(t, "a signal", c.NewSignal("").Face(), any("face of signal 4"))
	expect(t, "the storage", c.Storage().Face(), any("face of storage"))
}

// Many processes change and read one object at the same time.
func TestUseAtTheSameTime(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	s := object(t, c, fields{"n": 0.0, "list": list{}})
	elements := s.Field("list").(*shared)
	var processes sync.WaitGroup
	const changes = 200
	for by := range owner(8) {
		processes.Go(func() { // ends after its changes
			for range changes {
				w, taken, err := s.Use(by + 1)
				if err != nil {
					t.Error(err)
				}
				if !taken {
					<-w.Turn()
					w.Take()
				}
				n := s.Field("n").(float64)
				expectError(t, "n", s.SetField(by+1, "n", n+1), nil)
				_, err = elements.Splice(by+1, int(n), 0, n)
				expectError(t, "list", err, nil)
				s.EndUse(by + 1)
			}
		})
		processes.Go(func() { // as well
			for range changes {
				s.Snapshot()
				elements.Element(elements.Len() - 1)
			}
		})
	}
	processes.Wait()
	expect(t, "changes", s.Field("n"), any(8.0*changes))
	expect(t, "elements", elements.Len(), 8*changes)
	expectNothingHeld(t, c)
}

func BenchmarkShared(b *testing.B) {
	c := interprocess.New(interprocess.Config{})
	s := object(b, c, fields{"n": 1.0})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Field("n")
		}
	})
	b.Run("use and write", func(b *testing.B) {
		b.ReportAllocs()
		var value any = 2.0
		for b.Loop() {
			s.Use(1)
			s.SetField(1, "n", value)
			s.EndUse(1)
		}
	})
}
