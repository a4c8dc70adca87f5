package sandbox

import (
	lua "github.com/yuin/gopher-lua"
)

// MaxString is the longest string, in bytes, that a library function makes, whatever the meter would allow.
const MaxString = 16 << 20

const (
	// bytesPerStep is how many bytes copied or compared in one sweep cost as much as one elementary step.
	bytesPerStep = 16
	// batch is how many steps a loop gathers before it charges them: few enough that a deadline is met within
	// microseconds, enough that the charge costs nothing beside the work.
	batch = 256
	// sweep is how many bytes a function goes through between two charges.
	sweep = 64 << 10
	// smallResult is the length up to which a string is built on the stack of its maker, and not announced.
	smallResult = 256
	// numberSize is the length of the longest number as text, such as -2.2250738585072014e-308.
	numberSize = 24
)

// Meter is what a library function charges its work to; the context of a running process implements it. The VM looks
// at its context only between instructions, and one library call is one instruction: without a meter
// string.find(("a"):rep(30000), ("a*"):rep(6).."b") runs past every deadline.
//
// The context of a coroutine's thread must be a Meter as well: a context derived from one is not.
type Meter interface {
	// Step charges n elementary steps (a character compared, an element moved). It raises a Lua error, or panics as
	// the VM's own abort does, when the process must stop; it may also hand the lane over in between, so nothing that
	// belongs to the VM's stack may be held half-changed around it.
	Step(L *lua.LState, n int)
	// Grow announces that the caller is about to allocate n bytes in one piece. It raises a Lua error when that is
	// too much. Pieces of a few hundred bytes are not announced.
	Grow(L *lua.LState, n int)
}

// meterOf returns the meter of the running process, or nil when its context is none.
func meterOf(L *lua.LState) Meter {
	meter, _ := L.Context().(Meter)
	return meter
}

// step charges n steps to the running process. A loop uses a tally instead.
func step(L *lua.LState, n int) {
	if n > 0 {
		if meter := meterOf(L); meter != nil {
			meter.Step(L, n)
		}
	}
}

// grow announces a string of n bytes, and raises a Lua error at the caller's line when it is longer than MaxString.
func grow(L *lua.LState, n int) {
	if n > MaxString {
		L.RaiseError("string of %d bytes is too long (the limit is %d)", n, MaxString)
	}
	if meter := meterOf(L); meter != nil {
		meter.Grow(L, n)
	}
}

// tally gathers the steps of a loop and charges them in batches. What is left when the loop ends is not charged: the
// instruction that made the call pays for it.
type tally struct {
	L     *lua.LState
	meter Meter
	steps int
}

func newTally(L *lua.LState) tally { return tally{L: L, meter: meterOf(L)} }

func (t *tally) spend(n int) {
	t.steps += n
	if t.steps >= batch {
		t.settle()
	}
}

func (t *tally) settle() {
	steps := t.steps
	t.steps = 0
	if t.meter != nil {
		t.meter.Step(t.L, steps)
	}
}

// buffer is a string under construction, used as append is used. It announces every piece of memory before it allocates
// it, and charges what it copies. It begins in a few bytes of its user's stack, so that a short result costs no
// allocation but its own; that is why its methods return it and none changes it by a pointer.
type buffer []byte

func (b buffer) add(L *lua.LState, s string) buffer {
	if len(s) > cap(b)-len(b) {
		b = b.reserve(L, len(s))
	}
	return append(b, s...)
}

// fill adds n times c.
func (b buffer) fill(L *lua.LState, c byte, n int) buffer {
	for range n {
		b = append(b.reserve(L, 1), c)
	}
	return b
}

// reserve makes room for n more bytes, doubling what there is.
func (b buffer) reserve(L *lua.LState, n int) buffer {
	if n <= cap(b)-len(b) {
		return b
	}
	need := len(b) + n
	size := max(need, min(2*cap(b), MaxString))
	grow(L, size)
	step(L, size/bytesPerStep)
	larger := make(buffer, len(b), size)
	copy(larger, b)
	return larger
}

// value returns what was built, in a piece of exactly its length.
func (b buffer) value(L *lua.LState) lua.LString {
	if len(b) > smallResult {
		grow(L, len(b))
	}
	return lua.LString(b)
}
