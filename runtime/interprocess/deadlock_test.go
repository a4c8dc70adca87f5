package interprocess_test

import (
	"errors"
	"fmt"
	"testing"

	"moongate/runtime/interprocess"
)

func named(o owner) string { return fmt.Sprintf("process %d (P%d)", o, o) }

// expectDeadlock checks that a wait is refused.
func expectDeadlock(t *testing.T, w *interprocess.Wait, taken bool, err error, want string) {
	t.Helper()
	var deadlock *interprocess.DeadlockError
	if w != nil || taken || !errors.As(err, &deadlock) || err.Error() != want {
		t.Errorf("got %v, %v, %v, want the error %s", w, taken, err, want)
	}
}

func TestDeadlock(t *testing.T) {
	c := interprocess.New(interprocess.Config{Name: named})
	a, b := object(t, c, nil), object(t, c, nil)
	mustUse(t, 1, a)
	mustUse(t, 2, b)
	w := mustWait(t, 1, b)
	second, taken, err := a.Use(2)
	expectDeadlock(t, second, taken, err, "waiting for shared object 2 would never end: process 1 (P1) holds it while it waits for shared object 3, which process 2 (P2) holds")
	w.Leave()
	w = mustWait(t, 2, a)
	endUse(1, a)
	expect(t, "turn", isTurn(w), true)
	w.Take()
	endUse(2, a, b)
	expectNothingHeld(t, c)
}

// A circle of three, of semaphores and objects. A process that queues up behind others waits for the one that holds.
func TestDeadlockOfThree(t *testing.T) {
	c := interprocess.New(interprocess.Config{Name: named})
	s := object(t, c, nil)
	c.TakeSemaphore(1, "one")
	c.TakeSemaphore(2, "two")
	mustUse(t, 3, s)
	bystander := await(t, c, 4, "two", true)
	first := await(t, c, 1, "two", true)
	third := await(t, c, 3, "one", true)
	w, taken, err := s.Use(2)
	expectDeadlock(t, w, taken, err, `waiting for shared object 2 would never end: process 3 (P3) holds it while it waits for semaphore "one", which process 1 (P1) holds while it waits for semaphore "two", which process 2 (P2) holds`)
	c.Free(2)
	expect(t, "turn of the bystander", isTurn(bystander), true)
	bystander.Take()
	c.ClearSemaphore(4, "two")
	expect(t, "turn of the first", isTurn(first), true)
	first.Take()
	c.Free(1)
	expect(t, "turn of the third", isTurn(third), true)
	third.Take()
	c.Free(3)
	expectNothingHeld(t, c)
}

// A wait with a limit is no part of a circle: it ends, and what comes after it is looked at then.
func TestNoDeadlockWithALimit(t *testing.T) {
	c := interprocess.New(interprocess.Config{Name: named})
	c.TakeSemaphore(1, "a")
	c.TakeSemaphore(2, "b")
	limited := await(t, c, 1, "b", false)
	endless := await(t, c, 2, "a", true)
	limited.Leave()
	limited = await(t, c, 1, "b", false)
	limited.Leave()
	w, taken, err := c.AwaitSemaphore(1, "b", true)
	expectDeadlock(t, w, taken, err, `waiting for semaphore "b" would never end: process 2 (P2) holds it while it waits for semaphore "a", which process 1 (P1) holds`)
	c.Free(1)
	expect(t, "turn", isTurn(endless), true)
	endless.Take()
	c.Free(2)
	expectNothingHeld(t, c)
}

// What a process waits for around an inner wait counts as well.
func TestDeadlockThroughAnOuterWait(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	for i, name := range []string{"a", "b", "c"} {
		c.TakeSemaphore(owner(i+1), name)
	}
	await(t, c, 1, "b", true)
	await(t, c, 1, "c", false)
	w, taken, err := c.AwaitSemaphore(2, "a", true)
	expectDeadlock(t, w, taken, err, `waiting for semaphore "a" would never end: process 1 holds it while it waits for semaphore "b", which process 2 holds`)
	for by := range owner(3) {
		c.Free(by + 1)
	}
	expectNothingHeld(t, c)
}

// What is given away while two owners are in the middle of two waits each must not close the circle that neither of
// them closed by beginning to wait: who gets it is who comes back from it without the other.
func TestAHandoverClosesNoCircle(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	for i, name := range []string{"a", "b", "c", "d"} {
		c.TakeSemaphore(owner(i+1), name) // 1 has a, 2 has b, 3 has c, 4 has d
	}
	outerOfThree := await(t, c, 3, "a", true)
	outerOfTwo := await(t, c, 2, "a", true)
	innerOfThree := await(t, c, 3, "b", true) // 2 waits for a, which 1 has: no circle
	innerOfTwo := await(t, c, 2, "d", true)
	c.ClearSemaphore(1, "a") // if 3 had it, who came first, 2 would wait for 3 and 3 for b, which 2 has
	expect(t, "turn of the first, who waits for what the second has", isTurn(outerOfThree), false)
	expect(t, "turn of the second", isTurn(outerOfTwo), true)
	c.ClearSemaphore(4, "d")
	expect(t, "turn inside of it", isTurn(innerOfTwo), true)
	innerOfTwo.Take()
	outerOfTwo.Take()
	c.Free(2)
	expect(t, "turn of the first, inside", isTurn(innerOfThree), true)
	expect(t, "and outside", isTurn(outerOfThree), true)
	innerOfThree.Take()
	expect(t, "taken", outerOfThree.Take(), true)
	for by := range owner(4) {
		c.Free(by + 1)
	}
	expectNothingHeld(t, c)
}

// The same with one wait in the middle of another: who would get it first comes back to a wait that the second holds
// up.
func TestAHandoverClosesNoCircleThroughAnOuterWait(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	c.TakeSemaphore(1, "a")
	c.TakeSemaphore(2, "b")
	outer := await(t, c, 3, "b", true)
	inner := await(t, c, 3, "a", true)
	second := await(t, c, 2, "a", true) // 1 has it and waits for nothing
	c.ClearSemaphore(1, "a")
	expect(t, "turn of the first", isTurn(inner), false)
	expect(t, "turn of the second", isTurn(second), true)
	second.Take()
	c.Free(2)
	expect(t, "turn of the first", isTurn(inner), true)
	inner.Take()
	expect(t, "turn outside", isTurn(outer), true)
	outer.Take()
	c.Free(3)
	c.Free(1)
	expectNothingHeld(t, c)
}

// A long chain without a circle is none, and is found to be one when its end is joined to its beginning.
func TestDeadlockOfMany(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	const many = 20_000
	for i := range owner(many) {
		c.TakeSemaphore(i+1, fmt.Sprint(i+1))
	}
	for i := range owner(many - 1) {
		await(t, c, i+1, fmt.Sprint(i+2), true)
	}
	_, _, err := c.AwaitSemaphore(many, "1", true)
	var deadlock *interprocess.DeadlockError
	if !errors.As(err, &deadlock) || len(deadlock.Links) != many {
		t.Errorf("got %v, want a circle of %d", err, many)
	}
	for i := range owner(many) {
		c.Free(i + 1)
	}
	expectNothingHeld(t, c)
}
