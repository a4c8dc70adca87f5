package interprocess_test

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/interprocess"
)

type owner = interprocess.Owner

func expect[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// expectNothingHeld is for the end of every test.
func expectNothingHeld(t testing.TB, c *interprocess.Commons) {
	t.Helper()
	for _, h := range c.Held() {
		t.Errorf("%s is left, held by %d, waited for by %d", h.What, h.Owner, h.Waiting)
	}
}

// await begins a wait for a semaphore that another owner has.
func await(t testing.TB, c *interprocess.Commons, by owner, name string, endless bool) *interprocess.Wait {
	t.Helper()
	w, taken, err := c.AwaitSemaphore(by, name, endless)
	if taken || err != nil {
		t.Fatalf("await %s by %d: got %v, %v, want a wait", name, by, taken, err)
	}
	return w
}

// isTurn reports whether a turn has come, and receives it.
func isTurn(w *interprocess.Wait) bool {
	select {
	case <-w.Turn():
		return true
	default:
		return false
	}
}

func TestSemaphore(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	expect(t, "there before", c.HasSemaphore("a"), false)
	expect(t, "taken", c.TakeSemaphore(1, "a"), true)
	expect(t, "taken again", c.TakeSemaphore(1, "a"), true)
	expect(t, "taken by another", c.TakeSemaphore(2, "a"), false)
	expect(t, "of another case", c.TakeSemaphore(2, "A"), true)
	expect(t, "there", c.HasSemaphore("a"), true)
	c.ClearSemaphore(2, "a")
	c.ClearSemaphore(2, "missing")
	expect(t, "there after a stranger's clear", c.HasSemaphore("a"), true)
	expect(t, "held", fmt.Sprint(c.Held()), `[{1 semaphore "a" []} {2 semaphore "A" []}]`)
	c.ClearSemaphore(1, "a")
	expect(t, "there after the clear", c.HasSemaphore("a"), false)
	c.Free(2)
	c.Free(2)
	c.Free(3)
	expectNothingHeld(t, c)
}

func TestLongNames(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	for _, character := range []string{"x", "é", "月", "\xff"} {
		long := strings.Repeat(character, interprocess.LongestName)
		c.TakeSemaphore(1, long+"1")
		expect(t, "the same to the limit", c.TakeSemaphore(2, long+"2"), false)
		expect(t, "the same at the limit", c.TakeSemaphore(2, long), false)
		expect(t, "shorter", c.HasSemaphore(long[len(character):]), false)
		c.ClearSemaphore(1, long+"3")
	}
	expectNothingHeld(t, c)
}

// Who waits is served in the order of coming, whoever has left the queue or ended.
func TestHandOver(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	c.TakeSemaphore(1, "a")
	var waits [6]*interprocess.Wait
	for i := range waits {
		waits[i] = await(t, c, owner(i+2), "a", i%2 == 0)
	}
	expect(t, "held", fmt.Sprint(c.Held()), `[{1 semaphore "a" [2 3 4 5 6 7]}]`)
	waits[1].Leave()
	waits[5].Leave()
	c.ClearSemaphore(1, "a")
	expect(t, "the old owner", c.TakeSemaphore(1, "a"), false)
	expect(t, "turn of the first", isTurn(waits[0]), true)
	expect(t, "taken by the first", waits[0].Take(), true)
	expect(t, "turn of the second", isTurn(waits[2]), false)
	c.Free(2)
	waits[2].Leave() // it had been given the semaphore, and did not look
	expect(t, "turn of the third", isTurn(waits[3]), true)
	waits[3].Leave() // it has looked, and does not want it
	expect(t, "turn of the fourth", isTurn(waits[4]), true)
	expect(t, "taken by the fourth", waits[4].Take(), true)
	expect(t, "held", fmt.Sprint(c.Held()), `[{6 semaphore "a" []}]`)
	c.Free(6)
	expect(t, "there at the end", c.HasSemaphore("a"), false)
	expectNothingHeld(t, c)
}

// A process that ends while it waits, or in the moment of its turn, leaves nothing behind.
func TestFreeOfWhoWaits(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	c.TakeSemaphore(1, "a")
	await(t, c, 2, "a", true)
	await(t, c, 3, "a", true)
	w := await(t, c, 4, "a", true)
	c.Free(2)
	c.ClearSemaphore(1, "a")
	c.Free(3)
	expect(t, "turn", isTurn(w), true)
	expect(t, "taken", w.Take(), true)
	c.Free(4)
	expectNothingHeld(t, c)
}

// In the middle of a wait a process may run other code, which takes, waits and clears as it likes.
func TestWaitsInsideWaits(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	c.TakeSemaphore(1, "a")
	c.TakeSemaphore(1, "b")
	outer := await(t, c, 2, "a", true)
	inner := await(t, c, 2, "b", true)
	next := await(t, c, 3, "a", true)
	c.ClearSemaphore(1, "a")
	expect(t, "turn of who waits for something else now", isTurn(outer), false)
	expect(t, "turn of the next", isTurn(next), true)
	next.Take()
	c.ClearSemaphore(1, "b")
	expect(t, "turn of the inner wait", isTurn(inner), true)
	expect(t, "taken by it", inner.Take(), true)
	c.Free(3)
	expect(t, "turn of the outer wait", isTurn(outer), true)
	expect(t, "taken by it", outer.Take(), true)
	c.Free(2)

	c.TakeSemaphore(1, "a")
	outer = await(t, c, 2, "a", false)
	inner = await(t, c, 2, "a", false)
	c.ClearSemaphore(1, "a")
	expect(t, "turns for the same", []bool{isTurn(inner), isTurn(outer)}, []bool{true, true})
	expect(t, "taken inside", inner.Take(), true)
	c.ClearSemaphore(2, "a")
	expect(t, "taken outside, when it is cleared", outer.Take(), false)
	expectNothingHeld(t, c)
}

func TestManySemaphores(t *testing.T) {
	c := interprocess.New(interprocess.Config{})
	const many = 100_000
	for i := range many {
		c.TakeSemaphore(owner(1+i%2), fmt.Sprint(i))
	}
	expect(t, "held", len(c.Held()), many)
	c.Free(1)
	expect(t, "held by the other", len(c.Held()), many/2)
	expect(t, "the other's", c.HasSemaphore("1"), true)
	expect(t, "what was freed", c.TakeSemaphore(2, "0"), true)
	c.Free(2)
	expectNothingHeld(t, c)
}

// Processes that wait with and without a limit, in the time of a bubble: the section is never entered by two.
func TestSemaphoreInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := interprocess.New(interprocess.Config{})
		var processes sync.WaitGroup
		inside, entered, late := 0, 0, 0
		var mu sync.Mutex
		for i := range 100 {
			processes.Go(func() { // ends with its visit
				by := owner(i + 1)
				w, taken, err := c.AwaitSemaphore(by, "door", false)
				if err != nil {
					t.Error(err)
				}
				if !taken {
					select {
					case <-w.Turn():
						taken = w.Take()
					case <-time.After(time.Duration(50+i) * time.Millisecond):
						w.Leave()
					}
				}
				if !taken {
					mu.Lock()
					late++
					mu.Unlock()
					return
				}
				inside++ // the race detector sees when two are here
				if inside != 1 {
					t.Errorf("%d processes inside", inside)
				}
				time.Sleep(3 * time.Millisecond)
				entered++
				inside--
				c.Free(by)
			})
		}
		processes.Wait()
		expect(t, "who came or left", entered+late, 100)
		if entered < 17 || late == 0 {
			t.Errorf("%d entered, %d were late, want some of both", entered, late)
		}
		expectNothingHeld(t, c)
	})
}

func BenchmarkSemaphore(b *testing.B) {
	b.Run("take and clear", func(b *testing.B) {
		c := interprocess.New(interprocess.Config{})
		b.ReportAllocs()
		for b.Loop() {
			c.TakeSemaphore(1, "$Journal")
			c.ClearSemaphore(1, "$Journal")
		}
	})
	b.Run("one of 100000", func(b *testing.B) {
		c := interprocess.New(interprocess.Config{})
		for i := range 100_000 {
			c.TakeSemaphore(owner(1+i%1000), fmt.Sprint(i))
		}
		b.ReportAllocs()
		for b.Loop() {
			c.TakeSemaphore(1, "$Journal")
			c.ClearSemaphore(1, "$Journal")
		}
	})
	b.Run("hand-over", func(b *testing.B) {
		c := interprocess.New(interprocess.Config{})
		c.TakeSemaphore(1, "a")
		b.ReportAllocs()
		for i := owner(1); b.Loop(); i = 3 - i {
			w, _, _ := c.AwaitSemaphore(3-i, "a", true)
			c.ClearSemaphore(i, "a")
			<-w.Turn()
			w.Take()
		}
	})
}
